"""Rules of writing: what is sent is read back, each request has its own verdict, and nothing else is touched."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from connectors.kit.conformance.bench import RESERVATIONS, Bench, records
from connectors.kit.conformance.evidence import Finding, demand
from connectors.kit.conformance.looking import meaning
from connectors.kit.conformance.offering import (
    PUSH,
    differences,
    made,
    offers,
    pass_seconds,
    push,
    shown,
    with_notes,
    with_stay,
)
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Revision
from pms_sync.domain.status import Status
from pms_sync.ports.connector import Record

_MANY = 5
_NOBODY = "999999999999"


async def held_as_it_is(bench: Bench) -> str:
    """What was read from the vendor projects onto itself, once and again: its own state is never an edit of ours."""
    bench.need(PUSH)
    revisions = [one for record in await bench.everything() for one in meaning(bench, record).revisions]
    demand(revisions, "no revision was read")
    for revision in revisions:
        try:
            once = bench.mapper.project(revision, bench.context())
        except MappingRejected as rejected:
            raise Finding(f"{revision.ref} cannot be held: {rejected.path}: {rejected.why}") from rejected
        names = [name for name in revision.__struct_fields__ if getattr(once, name) != getattr(revision, name)]
        demand(not names, f"{revision.ref} is projected with another {' and '.join(names)}")
        demand(bench.mapper.project(once, bench.context()) == once, f"{revision.ref} changes when projected twice")
    return f"{len(revisions)} revisions"


async def readback_equals(bench: Bench) -> str:
    """A booking comes back as it was sent: made, changed in every atom, and in a room of our choice."""
    desk = await offers(bench)
    state = desk.held(desk.state(room_ref=desk.room_refs[0]))
    ref = await made(bench, desk.create(state, "readback"))
    _as_sent("made", state, await shown(bench, ref))
    known = await shown(bench, ref)
    stay = known.room_stays[0]
    later = stay.departure.replace(day=stay.departure.day + 1)
    total = (stay.total if isinstance(stay.total, Decimal) else Decimal(0)) + 7
    booker = Guest(first_name="Grace", last_name="Hopper", email=None, phone="+1 555", country="US", language="en")
    wanted = replace(
        with_stay(
            known, room_ref=desk.room_refs[1], room=None, departure=later, adults=1, children=0, total=total, nights=()
        ),
        booker=booker,
        notes="changed",
        comments=None,
    )
    paths = [f"stays[{stay.ref}].{kind}" for kind in ("shape", "room", "occupancy")]
    await push(bench, desk.modify(ref, known, wanted, *paths, "booker", "notes", "comments"))
    _as_sent("changed", desk.held(wanted), await shown(bench, ref))
    return f"{ref}, made and changed"


def _as_sent(what: str, wanted: Revision, now: Revision) -> None:
    found = differences(wanted, now)
    demand(not found, f"a booking that was {what}: {'; '.join(found)}")


async def only_what_was_named(bench: Bench) -> str:
    """A change of one atom leaves a colleague's change of another alone."""
    desk = await offers(bench)
    ref = await made(bench, desk.create(desk.state(), "named"))
    known = await shown(bench, ref)
    await bench.change("modify", ref=known.ref, set={"comments": "a colleague was here"})
    await push(bench, desk.modify(ref, known, replace(known, notes="ours"), "notes"))
    now = await shown(bench, ref)
    demand(now.notes == "ours", f"the notes that were sent are shown as {now.notes!r}")
    demand(now.comments == "a colleague was here", "a change of the notes wrote over a colleague's comment")
    found = differences(replace(known, notes="ours", comments=now.comments), now)
    demand(not found, f"a change of the notes changed more: {'; '.join(found)}")
    return "notes beside a colleague's comment"


async def cancels(bench: Bench) -> str:
    """A cancelled booking is cancelled there, and still shown."""
    desk = await offers(bench)
    ref = await made(bench, desk.create(desk.state(), "cancel"))
    (receipt,) = await push(bench, desk.cancel(ref, await shown(bench, ref)))
    demand(receipt.accepted, f"a cancellation was refused: {receipt.refusals}")
    status = (await shown(bench, ref)).room_stays[0].status
    demand(status == Status.CANCELLED, f"a cancelled booking is shown as {status}")
    return ref


async def per_item_verdict(bench: Bench) -> str:
    """Of three requests the middle one is refused with a reason, and its neighbours are done (OUT-06, OUT-08)."""
    desk = await offers(bench)
    refs = [await made(bench, desk.create(desk.state(), f"verdict-{number}")) for number in range(2)]
    first, last = [await shown(bench, ref) for ref in refs]
    requests = [
        desk.modify(refs[0], first, replace(first, notes="first of three"), "notes"),
        desk.modify(_NOBODY, first, replace(first, notes="of nobody"), "notes"),
        desk.modify(refs[1], last, replace(last, notes="last of three"), "notes"),
    ]
    receipts = await push(bench, *requests)
    told = [receipt.accepted for receipt in receipts]
    demand(told == [True, False, True], f"a booking that does not exist between two that do: accepted were {told}")
    demand(all(one.why for one in receipts[1].refusals), "a refusal gives no reason")
    touched = [receipt.refs for receipt in receipts]
    demand(touched[0] == (refs[0],) and touched[2] == (refs[1],), f"the receipts name {touched}, sent were {refs}")
    for notes in ("first of three", "last of three"):
        demand(await with_notes(bench, notes), f"an accepted change is not there: {notes!r}")
    return receipts[1].refusals[0].why


async def in_order(bench: Bench) -> str:
    """The receipts come in the order of the requests: each names the booking that was made of its own."""
    desk = await offers(bench)
    states = [desk.state() for _ in range(_MANY)]
    receipts = await push(bench, *(desk.create(state, f"order-{number}") for number, state in enumerate(states)))
    for state, receipt in zip(states, receipts, strict=True):
        demand(receipt.accepted and receipt.refs, f"one of {_MANY} bookings was not made: {receipt.refusals}")
        now = await shown(bench, receipt.refs[0])
        demand(now.notes == state.notes, f"the receipt of {state.notes!r} names the booking of {now.notes!r}")
    return f"{_MANY} bookings in one push"


async def found_by_token(bench: Bench) -> str:
    """A booking that we made shows our token when it is read, by ref and in a list, and is found by it."""
    desk = await offers(bench)
    await pass_seconds(bench)
    since = await bench.now()
    request = desk.create(desk.state(), "token-01991234-5678-7123-8456-789012345678")
    ref = await made(bench, request)
    now = await shown(bench, ref)
    demand(now.token == request.token, f"the token {request.token!r} is read back as {now.token!r}")
    listed = [
        one.token
        for record in records(await bench.walk(await bench.recent()))
        for one in meaning(bench, record).revisions
        if record.ref == ref
    ]
    demand(listed == [request.token], f"a list shows the tokens {listed} of a booking that was made with one")
    others = [
        one.token
        for record in await bench.everything()
        if record.ref != ref
        for one in meaning(bench, record).revisions
    ]
    demand(not any(others), "bookings that are not ours show a token")
    told = await bench.connector.look_up(request, since)
    demand(told.outcome == "found" and told.refs == (ref,), f"{ref} was looked up as {told.outcome} {told.refs}")
    return f"{ref} among {len(others)} others"


async def read_lag(bench: Bench) -> str:
    """A read of a booking that a push named brings it at once, or the spec declares how long that takes."""
    desk = await offers(bench)
    ref = await made(bench, desk.create(desk.state(), "lag"))
    if bench.spec.read_lag:
        return f"declared: {bench.spec.read_lag.total_seconds():g} s"
    found = (await bench.connector.fetch(RESERVATIONS, [ref])).get(ref)
    demand(isinstance(found, Record), "a booking just made is not there, and no read lag is declared")
    return "at once"
