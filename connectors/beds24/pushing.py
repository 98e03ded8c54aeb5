"""Writing bookings and finding out what became of a lost answer (vendors/beds24.md 4.2, 7).

The verdict stands per item in the body, whatever the HTTP status says. There is no idempotency key: a create is found
again by the info items that were sent with it, a modification by what the booking shows now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from connectors.beds24 import rows, wire
from connectors.beds24.session import Query, Session
from connectors.kit import rest
from connectors.kit.paging import PageGuard
from pms_sync.domain.errors import VendorFault
from pms_sync.ports.connector import LookedUp, Receipt, Refusal, VendorRequest

_BOOKINGS = "/bookings"
_WHERE = f"POST {_BOOKINGS}"
_MOST_AT_ONCE = 100  # 4.2: one megabyte and 10,000 items; this many of the longest bookings stay below the first
_CLOCKS_APART = timedelta(hours=1)
_MOST_SHOWN = 300

_NOT_FIELDS = frozenset({"id", "actions"})
_NOTHING = (None, "", 0)  # 6.2: empty is "" where others have null; 0 stands for no unit, no master
_PERSON_AND_PLACE = ("roomId", "arrival", "departure", "firstName", "lastName")
_MARKS = "infoItems"

NO_REASON = "refused without a reason"
NO_CHANGE = "taken, but no change is reported: the value may have been ignored"
NO_NAME = "taken, but not said which booking it became"

Row = dict[str, Any]


class Desk:
    """Where bookings of one property are handed in and asked after."""

    def __init__(self, session: Session, property_ref: str) -> None:
        """Open nothing."""
        self._session = session
        self._property = property_ref

    async def push(self, requests: Sequence[VendorRequest]) -> list[Receipt]:
        """Send each item once, in as few calls as possible; the receipts are in the order of the requests."""
        receipts: list[Receipt] = []
        for call in calls(requests):
            try:
                receipts += await self._hand_in(call)
            except VendorFault as fault:
                fault.sent = fault.sent or bool(receipts)  # what an earlier call wrote must be looked up as well
                raise
        return receipts

    async def _hand_in(self, call: Sequence[VendorRequest]) -> list[Receipt]:
        body = b"[" + b",".join(one.body for one in call) + b"]"
        answer = await self._session.call("POST", _BOOKINGS, (), body)
        outcomes = rest.read(wire.OUTCOMES, answer, _WHERE)
        if len(outcomes) != len(call):
            what = f"{len(outcomes)} verdicts for {len(call)} bookings: which is whose cannot be told"
            raise rest.Refused(what, _WHERE)
        return [receipt(request, outcome) for request, outcome in zip(call, outcomes, strict=True)]

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        """Compare what was sent with what is there; raises VendorFault."""
        sent = wire.ITEM.decode(request.body)
        if request.ref is None:
            return await self._made(sent, since.astimezone(UTC))
        return await self._done(request.ref, sent, since.astimezone(UTC))

    async def _made(self, sent: Row, since: datetime) -> LookedUp:
        """Look for a create by its info items, first among recent changes, then in its room on its day (4.2).

        The second place also shows stays that are over, which a list of changes may leave out (5.1). The same booking
        without our mark makes it unsure: an item can be refused while its booking is kept (4.2, "partly applied").
        """
        reach = wire.SPEC.stream(wire.RESERVATIONS).overlap
        found = await self._rows([("modifiedFrom", rows.wall(since - reach))])
        if not any(is_marked(row, sent) for row in found):
            found += await self._rows([("roomId", str(sent["roomId"])), ("arrival", str(sent["arrival"]))])
        marked = _refs(row for row in found if is_marked(row, sent))
        if marked:
            return LookedUp(outcome="found" if len(marked) == 1 else "unsure", refs=marked)
        alike = _refs(row for row in found if is_alike(row, sent, since))
        return LookedUp(outcome="unsure" if alike else "absent", refs=alike)

    async def _done(self, ref: str, sent: Row, since: datetime) -> LookedUp:
        """Look at the booking: all as sent is found, nothing written since then is absent, the rest is unsure."""
        wanted = {name: value for name, value in sent.items() if name not in _NOT_FIELDS}
        shown = next((row for row in await self._rows([("id", ref)]) if str(row.get("id")) == ref), None)
        if shown is None or not wanted.keys() <= shown.keys():
            return LookedUp(outcome="unsure")
        if all(is_same(shown[name], value) for name, value in wanted.items()):
            return LookedUp(outcome="found", refs=(ref,))
        changed = rows.instant(str(shown.get("modifiedTime")))
        touched = changed is None or changed >= since.replace(microsecond=0)
        return LookedUp(outcome="unsure" if touched else "absent")

    async def _rows(self, query: Query) -> list[Row]:
        """Read a list to its end; a row that cannot be read fails the whole, since nothing may be missing from it."""
        found: list[Row] = []
        number: str | None = "1"
        guard = PageGuard()
        place = () if query[0][0] == "id" else (("propertyId", self._property),)
        while number is not None:
            asked = [*place, *query, *wire.STATUSES, *wire.INCLUDES, ("page", number)]
            page = await self._session.page(_BOOKINGS, asked)
            told = [bytes(row) for row in page.data]
            following = str(int(number) + 1) if page.pages.next_page_exists else None
            guard.check(_BOOKINGS, None if number == "1" else number, told, following, f"GET {_BOOKINGS}")
            found += rows.read_all(page.data, wire.ITEM, f"GET {_BOOKINGS}")
            number = following
        return found


def calls(requests: Iterable[VendorRequest]) -> Iterator[list[VendorRequest]]:
    """Cut requests into calls: each new group has its own, since one call makes one group of all it may (7)."""
    for group, run in groupby(requests, key=_group):
        members = list(run)
        size = len(members) if group else _MOST_AT_ONCE
        yield from (members[start : start + size] for start in range(0, len(members), size))


def _group(request: VendorRequest) -> str:
    """Name the group that an item asks to be put into: its members' tokens differ in their last part only."""
    actions = wire.ITEM.decode(request.body).get("actions") or {}
    return f"{request.token.rpartition('.')[0]}." if actions.get("makeGroup") else ""


def receipt(request: VendorRequest, outcome: wire.Outcome) -> Receipt:
    """Read the verdict on one item; what was made is named also where a part of it was refused (4.2)."""
    errors, warnings = outcome.errors or [], outcome.warnings or []
    refs = _touched(request, outcome)
    if errors or not outcome.success:
        told = [_refusal(one) for one in errors or warnings] or [Refusal(path="", why=NO_REASON)]
        made = refs if request.ref is None else ()
        left = warnings if errors else []
        return Receipt(refs=made, refusals=tuple(told), warnings=tuple(_words(one) for one in left))
    said = [_words(one) for one in warnings]
    if request.ref is None and not refs:
        said.append(NO_NAME)
    if request.ref is not None and not outcome.modified:
        said.append(NO_CHANGE)
    return Receipt(refs=refs, warnings=tuple(said))


def _touched(request: VendorRequest, outcome: wire.Outcome) -> tuple[str, ...]:
    """Name the booking: the one that was changed, or the new one, by the item itself or by the news about it."""
    if request.ref is not None:
        return (request.ref,)
    named = [outcome.new, *(outcome.info or ())]
    refs = (str(one.get("id")) for one in named if isinstance(one, dict))
    return next(((ref,) for ref in refs if rows.is_ref(ref)), ())


def _refusal(one: wire.Complaint) -> Refusal:
    return Refusal(path=_short(one.field or one.action), why=_short(one.message) or NO_REASON)


def _words(one: wire.Complaint) -> str:
    return ": ".join(part for part in (_short(one.field or one.action), _short(one.message)) if part)


def _short(text: str | None) -> str:
    return " ".join((text or "").split())[:_MOST_SHOWN]


def _refs(found: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(row.get("id")) for row in found))


def _marks(row: Row) -> set[tuple[str, str]]:
    """Return the info items of a row or an item as pairs of code and text."""
    items = row.get(_MARKS) or ()
    return {(str(one.get("code")), str(one.get("text"))) for one in items if isinstance(one, dict)}


def is_marked(row: Row, sent: Row) -> bool:
    """Tell whether a row carries every info item that was sent; without one nothing can be told."""
    return bool(_marks(sent)) and _marks(sent) <= _marks(row)


def is_alike(row: Row, sent: Row, since: datetime) -> bool:
    """Tell whether a row without our mark could be the booking that was sent: same person, place, days and time."""
    marked = {code for code, _ in _marks(row)} & {code for code, _ in _marks(sent)}
    made = rows.instant(str(row.get("bookingTime")))
    recent = made is None or made >= since - _CLOCKS_APART
    return recent and not marked and all(is_same(row.get(name), sent.get(name)) for name in _PERSON_AND_PLACE)


def is_same(shown: object, sent: object) -> bool:
    """Tell whether a value came back as it was sent, however it is spelt."""
    if shown in _NOTHING and sent in _NOTHING:
        return True
    return shown == sent or _plain(shown) == _plain(sent)


def _plain(value: object) -> str:
    return str(value).replace("\r\n", "\n")
