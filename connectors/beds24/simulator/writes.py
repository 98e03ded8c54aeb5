"""POST and DELETE /bookings: one verdict per item, in order (vendors/beds24.md 4.2 and 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.beds24.simulator import consequences, stock
from connectors.beds24.simulator.auth import Access
from connectors.beds24.simulator.bookings import within_scopes
from connectors.beds24.simulator.consequences import WAKES_WEBHOOKS, WriteHabits
from connectors.beds24.simulator.fields import BOOKING, REQUIRED, understood
from connectors.beds24.simulator.hotel import Booking, Hotel, RoomType
from connectors.beds24.simulator.lines import SubItems
from connectors.beds24.simulator.rows import FINANCIAL, PERSONAL, blank, number
from connectors.beds24.simulator.seeding import Counters
from connectors.beds24.simulator.verdicts import REQUIRED as MISSING
from connectors.beds24.simulator.verdicts import Verdict
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import Row

_DATES = ("arrival", "departure")
_BY_API: Row = {"referer": "API", "refererEditable": "API", "numAdult": 0}


class Writer:
    """Carries out one request; `touched` afterwards names the bookings a webhook should tell of."""

    def __init__(self, hotel: Hotel, counters: Counters, now: datetime, access: Access, habits: WriteHabits) -> None:
        """Prepare one request at an instant; the whole of it is one change operation of the hotel."""
        self._hotel, self._counters, self._instant = hotel, counters, now
        self._now, self._access, self._habits = stamp(now), access, habits
        self._items = SubItems(counters, self._now)
        self._begun = False
        self._leader: int | None = None
        self.touched: list[int] = []

    def carry_out(self, items: Iterable[object]) -> list[Row]:
        """Create or modify one booking per item and return the verdicts in the same order."""
        return [self._item(item).wire() for item in items]

    def erase(self, booking_ids: Iterable[int]) -> list[Row]:
        """Delete bookings without a trace and return one verdict for each id (5.3)."""
        return [self._deleted(booking_id).wire() for booking_id in booking_ids]

    def _deleted(self, booking_id: int) -> Verdict:
        verdict = Verdict("delete booking")
        if booking_id not in self._hotel.bookings:
            verdict.error("id")
            return verdict
        self._begin()
        self._hotel.drop(booking_id)
        verdict.inform("deleted booking", booking_id)
        return verdict

    def _item(self, item: object) -> Verdict:
        if not isinstance(item, dict):
            verdict = Verdict("new booking")
            verdict.error("")
            return verdict
        return self._create(item) if item.get("id") is None else self._modify(item)

    def _create(self, item: Row) -> Verdict:
        verdict = Verdict("new booking")
        for name in (name for name in REQUIRED if name not in item):
            verdict.error(name, MISSING)
        told = {name: value for name, value in item.items() if name not in self._habits.create_ignores}
        fields = understood(self._open(told), BOOKING, verdict)
        kind = self._hotel.room_type(fields["roomId"]) if "roomId" in fields else None
        if kind is None and "roomId" in fields:
            verdict.error("roomId")
        if kind is None or verdict.stopped or not self._dated(fields, fields, verdict):
            return verdict
        self._join(fields, None, verdict)
        consequences.drop_impossible_unit(kind, fields, verdict)
        actions = _actions(item)
        draft = Booking({**blank(0, self._now), **_BY_API})
        draft = draft.changed(consequences.place(self._hotel, kind, draft, fields, allocate=self._allocates(actions)))
        if actions.get("checkAvailability") is True and not stock.has_room(self._hotel, kind, draft.row):
            verdict.error("roomId", "no availability")
            return verdict
        self._born(draft, kind, item, fields, verdict)
        return verdict

    def _born(self, draft: Booking, kind: RoomType, item: Row, fields: Row, verdict: Verdict) -> None:
        """Store a new booking with its price, group and sub-items."""
        actions = _actions(item)
        booking = draft.changed({"id": self._counters.next("booking")})
        if "price" not in fields and booking.row["status"] != "black":
            booking = booking.changed({"price": number(stock.usual_price(self._hotel, kind, booking.row))})
        if actions.get("makeGroup") is True and "masterId" not in fields:
            booking = booking.changed({"masterId": self._leader})
            self._leader = self._leader or booking.id
        booking = self._items.written(booking, self._open(item), verdict)
        charges = [line for line in booking.invoice_items if line["type"] == "charge"]
        if actions.get("autoInvoiceItemCharge") is True and fields.get("price") and not charges:
            booking = self._items.automatic(booking)
        self._store(booking, actions, WAKES_WEBHOOKS)
        verdict.new = self._shown(booking.row | _lists(booking))
        verdict.inform("added new booking", booking.id)

    def _modify(self, item: Row) -> Verdict:
        verdict = Verdict("modify booking")
        given = item["id"]
        before = self._hotel.bookings.get(given) if type(given) is int else None
        if before is None:
            verdict.error("id")
            return verdict
        fields = understood(self._open(item), BOOKING, verdict)
        kind = self._hotel.room_type(fields["roomId"] if "roomId" in fields else before.row["roomId"])
        if kind is None and "roomId" in fields:
            verdict.error("roomId")
        whole = {**before.row, **fields}
        if verdict.stopped or (fields.keys() & set(_DATES) and not self._dated(whole, fields, verdict)):
            return verdict
        self._join(fields, before.id, verdict)
        if kind is not None:
            consequences.drop_impossible_unit(kind, fields, verdict)
            allocate = self._habits.auto_allocate
            fields = consequences.place(self._hotel, kind, before, fields, allocate=allocate)
        if not self._settle(before, before.changed(fields), item, verdict) and not fields:
            verdict.fruitless()
        return verdict

    def _settle(self, before: Booking, after: Booking, item: Row, verdict: Verdict) -> bool:
        """Store a modified booking with all that follows from it; tell whether there was anything to store."""
        actions = _actions(item)
        after = self._items.written(after, self._open(item), verdict)
        if actions.get("deleteInvoice") is True and self._access.may("write:bookings-financial"):
            after = replace(after, invoice_items=[])
        after = consequences.saved_whole(before, after)
        if self._habits.transfer_note:
            after = consequences.transferred(self._hotel, before, after, self._instant)
        changed = consequences.difference(before, after)
        if not changed:
            return False
        moved = [name for name in WAKES_WEBHOOKS if name in changed]
        after = consequences.channel_told(before, after).changed({"modifiedTime": self._now})
        self._store(after, actions, moved)
        verdict.modified = self._shown(changed)
        return True

    def _dated(self, whole: Row, sent: Row, verdict: Verdict) -> bool:
        """Check the stay's dates; a day of departure that is not after the arrival is fatal."""
        if whole["arrival"] >= whole["departure"]:
            verdict.error("departure" if "departure" in sent else "arrival")
        horizon = self._habits.horizon_days
        if horizon is not None and whole["departure"] > (self._instant + timedelta(days=horizon)).date().isoformat():
            verdict.refuse("departure", "invalid dates")
        return not verdict.stopped

    def _join(self, fields: Row, own: int | None, verdict: Verdict) -> None:
        """Let `masterId` mean a group's master; the master itself keeps null (6.1)."""
        if fields.get("masterId") is None:
            return
        target = self._hotel.bookings.get(fields["masterId"])
        if target is None:
            verdict.warn("masterId")
            del fields["masterId"]
            return
        master = target.row["masterId"] or target.id
        fields["masterId"] = None if master == own else master

    def _allocates(self, actions: Mapping[str, object]) -> bool:
        return self._habits.auto_allocate or actions.get("assignBooking") is True

    def _open(self, item: Row) -> Row:
        """Leave out what the token may not write; it is ignored as silently as reads leave it out (2.3)."""
        hidden: set[str] = set()
        hidden |= set() if self._access.may("write:bookings-personal") else PERSONAL
        hidden |= set() if self._access.may("write:bookings-financial") else FINANCIAL
        return {name: value for name, value in item.items() if name not in hidden}

    def _shown(self, row: Row) -> Row:
        return within_scopes(row, self._access)

    def _store(self, booking: Booking, actions: Mapping[str, object], moved: Iterable[str]) -> None:
        self._begin()
        self._hotel.put(booking)
        if actions.get("allowWebhooks") is True and any(moved):
            self.touched.append(booking.id)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._hotel.begin(self._instant)


def _actions(item: Row) -> Mapping[str, object]:
    told = item.get("actions")
    return told if isinstance(told, dict) else {}


def _lists(booking: Booking) -> Row:
    lists = {"invoiceItems": booking.invoice_items, "infoItems": booking.info_items}
    return {name: rows for name, rows in lists.items() if rows}
