"""What the rules of writing share: a booking to offer, the requests it becomes, and what the vendor shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import count

from msgspec import UNSET
from msgspec.structs import replace

from connectors.kit.conformance.bench import RESERVATIONS, Bench
from connectors.kit.conformance.evidence import Finding, demand
from connectors.kit.conformance.looking import meaning
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.ports.connector import Receipt, Record, VendorRequest
from pms_sync.ports.mapper import Change

PUSH = "push"
_SECONDS_APART = 5
# What a read-back must show as it was sent; what a vendor derives or decides itself is not among it.
_OF_STAY = "room_type_ref room_ref arrival departure status hold_kind adults children total".split()
_OF_RESERVATION = "notes comments".split()
_OF_BOOKER = "first_name last_name email phone country".split()
_ROOMS = 3


class Offers:
    """Makes bookings of our own for the bench's property, each in a week of its own so that none is refused as full."""

    def __init__(self, bench: Bench, room_type_ref: str, room_refs: Sequence[str]) -> None:
        """Use one room type and its rooms."""
        self._bench, self.room_type_ref, self.room_refs = bench, room_type_ref, room_refs
        self._numbers = count(1)

    def state(self, **stay: object) -> Revision:
        """Return our state of a new direct booking; `stay` overrides fields of its one stay."""
        number = next(self._numbers)
        place = self._bench.place
        month, day = divmod(number - 1, 4)
        arrival = date(2031, 1 + month % 12, 1 + 7 * day)
        fields = {
            "ref": f"ours-{number}",
            "room_type_ref": self.room_type_ref,
            "arrival": arrival,
            "departure": arrival.replace(day=arrival.day + 2),
            "status": Status.CONFIRMED,
            "adults": 2,
            "children": 1,
            "total": Decimal("210.50") if place["currency"] == "EUR" else Decimal(210),
        } | stay
        room = Stay(**fields)  # type: ignore[arg-type]
        return Revision(
            vendor=self._bench.spec.vendor,
            ref="",
            property_ref=place["ref"],
            version="",
            scope="reservation",
            status=room.status,
            channel="direct",
            currency=place["currency"],
            total=room.total,
            price_basis="gross",
            booker=Guest(
                first_name="Ada",
                last_name=f"Lovelace {number}",
                email=f"ada{number}@example.test",
                phone="+34 600 000 001",
                country="GB",
                language="en",
            ),
            room_stays=(room,),
            notes=f"note {number}",
            comments=f"comment {number}",
        )

    def held(self, state: Revision) -> Revision:
        """Project our state into what the vendor can hold."""
        try:
            return self._bench.mapper.project(state, self._bench.context())
        except MappingRejected as rejected:
            raise Finding(f"a plain booking cannot be held: {rejected.path}: {rejected.why}") from rejected

    def create(self, state: Revision, token: str) -> VendorRequest:
        """Return the one request that makes a booking."""
        return self._only(Change(kind="create", wanted=(self.held(state),), token=token))

    def modify(self, ref: str, known: Revision, wanted: Revision, *paths: str) -> VendorRequest:
        """Return the one request that changes these atoms of what is known."""
        change = Change(
            kind="modify",
            wanted=(self.held(wanted),),
            known=known,
            paths=frozenset(paths),
            refs=(ref,),
            token=f"change-{ref}",
        )
        return self._only(change)

    def cancel(self, ref: str, known: Revision) -> VendorRequest:
        """Return the one request that cancels a booking."""
        return self._only(Change(kind="cancel", wanted=(known,), known=known, refs=(ref,), token=f"cancel-{ref}"))

    def _only(self, change: Change) -> VendorRequest:
        try:
            requests = self._bench.mapper.to_requests(change, self._bench.context())
        except MappingRejected as rejected:
            raise Finding(f"a plain {change.kind} cannot be told: {rejected.path}: {rejected.why}") from rejected
        demand(len(requests) == 1, f"a {change.kind} of one stay became {len(requests)} requests")
        return requests[0]


async def offers(bench: Bench) -> Offers:
    """Prepare to write; raises NotDeclared when the plugin does not claim to."""
    bench.need(PUSH)
    told = await bench.connector.catalogue()
    room_type = next((one for one in told.room_types if len(one.rooms) >= _ROOMS), told.room_types[0])
    return Offers(bench, room_type.ref, [room.ref for room in room_type.rooms])


async def push(bench: Bench, *requests: VendorRequest) -> Sequence[Receipt]:
    """Write and demand a verdict for each; what was written may be read afterwards, also from a vendor that lags."""
    receipts = await bench.connector.push(requests)
    demand(len(receipts) == len(requests), f"{len(requests)} requests brought {len(receipts)} receipts")
    if bench.spec.read_lag:
        await bench.sim("clock", advance_s=bench.spec.read_lag.total_seconds())
    return receipts


async def made(bench: Bench, request: VendorRequest) -> str:
    """Write one booking and return its ref."""
    (receipt,) = await push(bench, request)
    demand(receipt.accepted, f"a plain booking was refused: {receipt.refusals}")
    demand(len(receipt.refs) == 1, f"the receipt of one new booking names {receipt.refs}")
    return receipt.refs[0]


async def shown(bench: Bench, ref: str) -> Revision:
    """Read one booking back."""
    found = (await bench.connector.fetch(RESERVATIONS, [ref])).get(ref)
    if not isinstance(found, Record):
        raise Finding(f"{ref} was named by a receipt, and a fetch brings {found!r}")
    revisions = [one for one in meaning(bench, found).revisions if len(one.room_stays) == 1]
    demand(revisions, f"{ref} is read back as no stay")
    return revisions[0]


async def pass_seconds(bench: Bench) -> None:
    """Let a few seconds pass at the vendor, so that what comes is later than what was, also by a clock of seconds."""
    await bench.sim("clock", advance_s=_SECONDS_APART)


async def with_notes(bench: Bench, notes: str) -> list[set[str]]:
    """Return the true reservations that carry these notes, each as the refs of itself and of its stays."""
    found = [one for one in (await bench.truth())["reservations"] if one.get("notes") == notes]
    return [{one["ref"], *(stay["ref"] for stay in one["room_stays"])} for one in found]


def differences(wanted: Revision, shown_now: Revision) -> list[str]:
    """List what a read-back shows otherwise than it was wanted; what was not said makes no difference."""
    pairs = [(name, wanted.room_stays[0], shown_now.room_stays[0]) for name in _OF_STAY]
    pairs += [(name, wanted, shown_now) for name in _OF_RESERVATION]  # type: ignore[misc]
    pairs += [(name, wanted.booker, shown_now.booker) for name in _OF_BOOKER]  # type: ignore[misc]
    told = [(name, getattr(mine, name, UNSET), getattr(theirs, name, UNSET)) for name, mine, theirs in pairs]
    # Without a room of ours the vendor may choose one.
    free = {"room_ref"} if wanted.room_stays[0].room_ref is None else set()
    return [
        f"{name} was sent as {mine!r} and is shown as {theirs!r}"
        for name, mine, theirs in told
        if name not in free and mine is not UNSET and mine != theirs
    ]


def with_stay(state: Revision, **changes: object) -> Revision:
    """Change the one stay of a state."""
    return replace(state, room_stays=(replace(state.room_stays[0], **changes),))
