"""What happens in the hotels when the control plane orders it: create, modify, cancel, delete.

A change moves dateModified unless all that changed is of a kind that leaves it alone (vendors/cloudbeds.md 9 and 18).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from connectors.cloudbeds.simulator import events, ledger, words
from connectors.cloudbeds.simulator.blocking import Blocker
from connectors.cloudbeds.simulator.desk import Desk
from connectors.cloudbeds.simulator.hotel import Hotel
from connectors.cloudbeds.simulator.ids import Ids
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.states import living
from connectors.cloudbeds.simulator.truth import block_ref
from connectors.cloudbeds.simulator.verbatim import of_guests, onto_booking
from connectors.cloudbeds.simulator.words import WHERE
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import ChangeOrder, OrderRefused, Row
from connectors.kit.simulator.orders import unfold

UNTOUCHED = frozenset({"guests", "notes", "payments"})
"""Parts of a reservation whose change is not seen in dateModified; which ones truly is not known (19)."""
_PARTS = ("notes", "payments", "items", "guests")
_STAMPS = frozenset({"_modified"})


class Changer:
    """Carries out one order; `events` afterwards names what webhooks should tell."""

    block_end_inclusive = True

    def __init__(
        self, hotel: Hotel, ids: Ids, places: Sequence[Place], now: datetime, untouched: frozenset[str]
    ) -> None:
        """Prepare one change operation at an instant."""
        self._hotel, self._ids, self._places, self._instant = hotel, ids, places, now
        self._now, self._untouched = stamp(now), untouched
        self.events: list[events.Event] = []

    def carry_out(self, order: ChangeOrder) -> Row:
        """Do what is ordered and return `{"ref","version"}`; raises OrderRefused, and then nothing has changed."""
        operations: dict[str, Callable[[ChangeOrder], Row]] = {
            "create": self._create,
            "modify": self._modify,
            "cancel": self._cancel,
            "delete": self._delete,
        }
        self._hotel.begin(self._instant)
        try:
            return operations[order.op](order)
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
            self._hotel.undo()
            self.events.clear()
            if isinstance(error, OrderRefused):
                raise
            what = f"{type(error).__name__}: {error}"
            raise OrderRefused(what, WHERE, "send Rev words under `set`, raw fields under `vendor`") from error

    def _create(self, order: ChangeOrder) -> Row:
        told = words.heard(unfold(order.set))
        home = self._place(told.get("property_ref") or order.property_ref)
        if told.get("kind"):
            return self._blocker(home).create(told, order.vendor)
        booking = self._desk(home).new(told)
        booking = self._stored(onto_booking(booking, order.vendor, home.zone))
        guests = [guest for one in booking["guests"] if (guest := self._hotel["guests"].get(one)) is not None]
        self.events += events.of_new(booking, guests)
        return _told(booking)

    def _modify(self, order: ChangeOrder) -> Row:
        old = self._booking(order.ref)
        if old is None:
            return self._elsewhere(order)
        home, told = self._place(old["propertyID"]), words.heard(unfold(order.set))
        desk = self._desk(home)
        new = onto_booking(desk.changed(old, told), order.vendor, home.zone)
        for guest_id, raw in of_guests(order.vendor).items():
            desk.rewrite(guest_id, raw)
        new = self._touched(old, new, bool(desk.edited))
        self.events += events.of_change(old, self._stored(new))
        self.events += [events.of_guest(guest) for guest in desk.edited.values()]
        return _told(new)

    def _cancel(self, order: ChangeOrder) -> Row:
        old = self._booking(order.ref)
        if old is None:
            return self._delete(order)
        home = self._place(old["propertyID"])
        new = onto_booking(living(old, "canceled", self._now), order.vendor, home.zone)
        self.events += events.of_change(old, self._stored(new))
        return _told(new)

    def _delete(self, order: ChangeOrder) -> Row:
        """Delete for good; a deleted booking is shown by one list only, and only to those who ask for it."""
        old = self._booking(order.ref)
        if old is None:
            home, block = self._block(order.ref)
            return self._blocker(home).end(block)
        new = self._stored({**old, "isDeleted": True, "_modified": self._now})
        self.events.append(events.of_end(new))
        return _told(new)

    def _elsewhere(self, order: ChangeOrder) -> Row:
        """Change what is no booking: a guest, a room, or a block."""
        ref = str(order.ref)
        guest, room = self._hotel["guests"].get(ref), self._hotel["rooms"].get(ref)
        if guest is not None:
            desk = self._desk(self._place(guest["propertyID"]))
            fresh = desk.rewrite(ref, {**words.guest(words.heard(unfold(order.set))), **order.vendor})
            self.events.append(events.of_guest(fresh))
            return {"ref": ref, "version": fresh["_modified"]}
        if room is not None:
            return self._kept(room, order.vendor)
        home, block = self._block(ref)
        return self._blocker(home).modify(block, words.heard(unfold(order.set)), order.vendor)

    def _kept(self, room: Row, raw: Mapping[str, object]) -> Row:
        """Change the housekeeping state of a room."""
        known = {name: value for name, value in raw.items() if name in room and not name.startswith("_")}
        strange = {name: value for name, value in raw.items() if name not in room}
        fresh = {**room, **known, "_changed": self._now, "_raw": {**room["_raw"], **strange}}
        self._hotel["rooms"].put(room["roomID"], fresh)
        if fresh["roomCondition"] != room["roomCondition"]:
            self.events.append(events.of_condition(fresh))
        return {"ref": room["roomID"], "version": self._now}

    def _touched(self, old: Row, new: Row, guests_edited: bool) -> Row:  # noqa: FBT001 - a fact of this change
        """Move the time of change, unless the order gave one or only what leaves it alone has changed."""
        if new["_modified"] not in {old["_modified"], self._now}:
            return new
        parts = {name if name in _PARTS else "rest" for name in new if name not in _STAMPS and new[name] != old[name]}
        parts |= {"guests"} if guests_edited else set()
        moved = parts - self._untouched or not parts
        return {**new, "_modified": self._now if moved else old["_modified"]}

    def _stored(self, booking: Row) -> Row:
        home, old = self._place(booking["propertyID"]), self._hotel["reservations"].get(booking["reservationID"])
        for entry in ledger.posted(home, old, booking, self._now):
            self._hotel["transactions"].put(entry["id"], entry)
        return self._hotel["reservations"].put(booking["reservationID"], booking)

    def _booking(self, ref: object) -> Row | None:
        found = self._hotel["reservations"].get(str(ref))
        return None if found is None or found["isDeleted"] else found

    def _block(self, ref: object) -> tuple[Place, Row]:
        """Return a block by its own id, or by a name of one of its rooms' entries; raises OrderRefused."""
        for block in self._hotel["blocks"].rows():
            names = {name for one in block["rooms"] for name in (one["eventID"], block_ref(block, one))}
            if ref in {block["roomBlockID"], *names}:
                return self._place(block["propertyID"]), block
        raise OrderRefused(f"no booking {ref}", WHERE, "use the ref of a reservation, block, guest or room")

    def _place(self, ref: object) -> Place:
        if ref is None and self._places:
            return self._places[0]
        found = next((home for home in self._places if home.id == str(ref)), None)
        if found is None:
            raise OrderRefused(f"no property {ref}", WHERE, f"use one of {[home.id for home in self._places]}")
        return found

    def _desk(self, home: Place) -> Desk:
        return Desk(self._hotel, home, self._ids, self._instant)

    def _blocker(self, home: Place) -> Blocker:
        blocker = Blocker(self._hotel, home, self._ids, self._now, self.events)
        blocker.end_inclusive = self.block_end_inclusive
        return blocker


def _told(booking: Row) -> Row:
    return {"ref": booking["reservationID"], "version": booking["_modified"]}
