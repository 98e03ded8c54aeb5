"""What happens in the hotel when the control plane orders it: create, modify, cancel, delete, webhook target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from connectors.beds24.simulator.hotel import Booking, Hotel
from connectors.beds24.simulator.rows import Slip, blank, charge, number, payment
from connectors.beds24.simulator.seeding import Counters
from connectors.beds24.simulator.stock import free_unit
from connectors.beds24.simulator.truth import reservation_ref
from connectors.beds24.simulator.words import WHERE, shared_fields, stay_fields
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import ChangeOrder, OrderRefused, Row
from connectors.kit.simulator.orders import unfold

_STAY_WORDS = ("arrival", "departure", "adults", "children", "room_type_ref", "room_ref", "rate_plan_ref")
_LISTS = {
    "invoiceItems": "invoice_items",
    "infoItems": "info_items",
    "guests": "guests",
    "messages": "messages",
}
_REFUND = 213
_GUEST = {"first_name": "firstName", "last_name": "lastName", "email": "email", "phone": "phone", "country": "country2"}


def _verbatim(booking: Booking, raw: Row) -> Booking:
    """Write raw fields as they are; the lists beside the row are replaced as a whole.

    Raises TypeError for an id that is a list: the hotel is kept in order by them.
    """
    hash(tuple(raw.get(name) for name in ("masterId", "propertyId", "roomId")))
    lists = {_LISTS[name]: value for name, value in raw.items() if name in _LISTS}
    return replace(booking.changed({name: value for name, value in raw.items() if name not in _LISTS}), **lists)


class Changer:
    """Carries out change orders on one hotel; `touched` afterwards names the bookings a webhook should tell of."""

    def __init__(self, hotel: Hotel, counters: Counters, now: datetime) -> None:
        """Prepare one change operation at an instant."""
        self._hotel, self._counters, self._instant = hotel, counters, now
        self._now = stamp(now)
        self.touched: list[int] = []

    def carry_out(self, order: ChangeOrder) -> Row:
        """Do what is ordered and return `{"ref","version"}`; raises OrderRefused, and then nothing has changed."""
        operations: dict[str, Callable[[ChangeOrder], Row]] = {
            "create": self._create,
            "modify": self._modify,
            "cancel": self._cancel,
            "delete": self._delete,
            "webhook_target": self._target,
        }
        try:
            return operations[order.op](order)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            if isinstance(error, OrderRefused):
                raise
            what = f"{type(error).__name__}: {error}"
            raise OrderRefused(what, WHERE, "send Rev words under `set`, raw fields under `vendor`") from error

    def _create(self, order: ChangeOrder) -> Row:
        told = unfold(order.set)
        shared = shared_fields(told)
        stays = told.get("room_stays") or [{name: told[name] for name in _STAY_WORDS if name in told}]
        place = int(told.get("property_ref") or order.property_ref or next(iter(self._hotel.properties), 0))
        if place not in self._hotel.properties:
            raise OrderRefused(f"no property {place}", WHERE, f"use one of {sorted(self._hotel.properties)}")
        made: list[Booking] = []
        for stay in stays:
            master = made[0].id if made else None
            made.append(self._new(place, {**shared, "masterId": master, **stay_fields(stay)}, order.vendor, made))
        made = self._priced(made, told)
        made[0] = self._with_lists(made[0], told)
        return self._stored(made)

    def _new(self, place: int, fields: Row, raw: Row, beside: list[Booking]) -> Booking:
        kinds = self._hotel.properties[place].room_types
        room_id = int(raw.get("roomId") or fields.get("roomId") or kinds[0].id)
        today = self._instant.date()
        dates: Row = {"arrival": today.isoformat(), "departure": (today + timedelta(days=1)).isoformat()}
        given = raw.get("id")
        if given in self._hotel.bookings:
            raise OrderRefused(f"booking {given} exists", WHERE, "choose another id, or use op modify")
        row = blank(int(given or self._counters.next("booking")), self._now)
        booking = Booking(row).changed({"propertyId": place, "roomId": room_id, **dates, **fields})
        kind = self._hotel.room_type(room_id)
        if kind is not None and "propertyId" not in raw:
            booking = booking.changed({"propertyId": kind.property_id})
        if "unitId" not in fields and "unitId" not in raw and kind is not None:
            booking = booking.changed({"unitId": free_unit(self._hotel, kind, booking.row, beside)})
        return _verbatim(booking, raw)

    def _modify(self, order: ChangeOrder) -> Row:
        named, members = self._found(order.ref)
        told = unfold(order.set)
        shared, stays = shared_fields(told), told.get("room_stays") or []
        shared |= stay_fields({name: told[name] for name in _STAY_WORDS if name in told})
        if "property_ref" in told:
            shared["propertyId"] = int(told["property_ref"])
        changed = {member.id: member.changed(self._placed(shared)) for member in members}
        added: list[Booking] = []
        for index, stay in enumerate(stays):
            target = self._stay_of(stay, index, members)
            if target is None:
                added.append(self._joined(named, stay, order))
            else:
                changed[target.id] = changed[target.id].changed(self._placed(stay_fields(stay)))
        changed[named.id] = self._with_lists(_verbatim(changed[named.id], order.vendor), told)
        asked = [*self._priced(list(changed.values()), told), *added]
        return self._stored([self._stamped(booking, order.vendor) for booking in asked])

    def _joined(self, named: Booking, stay: Row, order: ChangeOrder) -> Booking:
        """Make a further room of the same reservation."""
        master = named.row["masterId"] or named.id
        kept = ("status", "firstName", "lastName", "email", "phone", "country", "country2", "lang")
        origin_ = ("channel", "apiSourceId", "apiSource", "apiReference", "referer", "refererEditable")
        fields = {name: named.row[name] for name in (*kept, *origin_, "arrival", "departure")}
        raw = {"roomId": order.vendor["roomId"]} if "roomId" in order.vendor else {}
        return self._new(named.row["propertyId"], {**fields, "masterId": master, **stay_fields(stay)}, raw, [])

    def _stay_of(self, stay: Row, index: int, members: list[Booking]) -> Booking | None:
        if stay.get("ref"):
            named = {str(member.id): member for member in members}
            return named[str(stay["ref"])]
        return members[index] if index < len(members) else None

    def _placed(self, fields: Row) -> Row:
        """Let the property follow the room type, as the vendor does on a move."""
        kind = self._hotel.room_type(fields["roomId"]) if "roomId" in fields else None
        return {**fields, "propertyId": kind.property_id} if kind is not None else fields

    def _cancel(self, order: ChangeOrder) -> Row:
        _, members = self._found(order.ref)
        gone = [self._cancelled(member, alone=len(members) == 1) for member in members]
        gone = [self._stamped(_verbatim(booking, order.vendor), order.vendor) for booking in gone]
        return self._stored(gone)

    def _cancelled(self, booking: Booking, *, alone: bool) -> Booking:
        booking = replace(booking.changed({"status": "cancelled", "cancelTime": self._now}), ota_status=None)
        if booking.row["channel"] != "booking" or not alone:
            return booking  # staff cancel member by member; prices and lines stay (vendors/beds24.md 14)
        fee = charge(self._slip(booking.id), "Cancel Fee", 0, 8)
        emptied = booking.changed({"price": 0, "commission": 0})
        return replace(emptied, invoice_items=[fee])

    def _delete(self, order: ChangeOrder) -> Row:
        named, members = self._found(order.ref)
        ref = reservation_ref(self._hotel, named)
        self._hotel.begin(self._instant)
        for member in members:
            self._hotel.drop(member.id)
        return {"ref": ref, "version": str(named.row["modifiedTime"])}

    def _target(self, order: ChangeOrder) -> Row:
        told: Row = {"property_ref": order.property_ref, "url": order.url, "headers": order.headers}
        told |= {**order.set, **order.webhook_target}
        ref = told["property_ref"] if told["property_ref"] is not None else order.ref
        ids = [int(ref)] if ref is not None else list(self._hotel.properties)
        lines = "\r\n".join(f"{name}: {value}" for name, value in (told["headers"] or {}).items())
        for place_id in ids:
            fields = {"version": "twoWithPersonalData", "url": told["url"] or "", "customHeader": lines}
            self._hotel.properties[place_id].webhooks.update(fields)
        return {"ref": str(ids[0]), "version": self._now}

    def _found(self, ref: str | int | None) -> tuple[Booking, list[Booking]]:
        """Return the booking named and all it stands for: a whole group for its master's id, else that one booking."""
        text = str(ref)
        known = self._hotel.bookings.get(int(text)) if text.isdecimal() else None
        if known is not None and known.row["masterId"] is not None:
            return known, [known]
        same = [one for one in self._hotel.bookings.values() if str(one.row["masterId"]) == text]
        members = sorted([*([known] if known else []), *same], key=lambda one: one.id)
        if not members:
            raise OrderRefused(f"no booking {text}", WHERE, "use a booking id or a reservation ref from /_sim/truth")
        return known or members[0], members

    def _priced(self, members: list[Booking], told: Row) -> list[Booking]:
        """Spread the reservation's total over its bookings, cents exact."""
        if told.get("total") is None:
            return members
        cents = int(Decimal(str(told["total"])) * 100)
        share, over = divmod(cents, len(members))
        parts = [share + (index < over) for index in range(len(members))]
        return [one.changed({"price": number(part / 100)}) for one, part in zip(members, parts, strict=True)]

    def _with_lists(self, booking: Booking, told: Row) -> Booking:
        if "folio_lines" in told:
            lines = [self._line(booking.id, line) for line in told["folio_lines"]]
            booking = replace(booking, invoice_items=lines)
        if "guests" in told:
            booking = replace(booking, guests=[self._guest(guest) for guest in told["guests"]])
        return booking

    def _line(self, booking_id: int, line: Row) -> Row:
        slip = Slip(int(line["ref"]), booking_id, self._now) if line.get("ref") else self._slip(booking_id)
        text, amount = line.get("text") or "", float(line["amount"])
        if line.get("kind", "charge") == "charge":
            return charge(slip, text, amount, 6)
        return payment(slip, text, abs(amount), _REFUND if amount < 0 else 200)

    def _slip(self, booking_id: int) -> Slip:
        return Slip(self._counters.next("line"), booking_id, self._now)

    def _guest(self, guest: Row) -> Row:
        fields = {raw: guest.get(name) or "" for name, raw in _GUEST.items()}
        return {"id": int(guest.get("ref") or self._counters.next("guest")), "title": "", **fields}

    def _stamped(self, booking: Booking, raw: Row) -> Booking:
        # Messages reach the row without moving modifiedTime (vendors/beds24.md 5.2).
        old = self._hotel.bookings.get(booking.id)
        only_messages = old is not None and old.row == booking.row and set(raw) == {"messages"}
        if "modifiedTime" in raw or only_messages:
            return booking
        return booking.changed({"modifiedTime": self._now})

    def _agreed(self, booking: Booking) -> Booking:
        """Let the OTA and the hotel hold the same status again: an order plays both sides at once."""
        old = self._hotel.bookings.get(booking.id)
        same = old is None or old.row["status"] == booking.row["status"]
        return booking if same else replace(booking, ota_status=None)

    def _stored(self, bookings: list[Booking]) -> Row:
        self._hotel.begin(self._instant)
        for booking in map(self._agreed, bookings):
            if self._hotel.bookings.get(booking.id) != booking:
                self._hotel.put(booking)
                self.touched.append(booking.id)
        ref = reservation_ref(self._hotel, bookings[0])
        return {"ref": ref, "version": max(str(booking.row["modifiedTime"]) for booking in bookings)}
