"""Making and changing bookings by Rev words: rooms, prices, guests, notes and the bill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from connectors.cloudbeds.simulator import bookings, words
from connectors.cloudbeds.simulator.hotel import Hotel, View
from connectors.cloudbeds.simulator.ids import Ids
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.states import living, room_lives
from connectors.cloudbeds.simulator.stock import taken_rooms
from connectors.cloudbeds.simulator.times import today
from connectors.cloudbeds.simulator.words import WHERE
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import OrderRefused, Row

_USUAL_PRICE = Decimal(100)


class Desk:
    """Works on the bookings of one property at an instant; `edited` afterwards holds the guests that were changed."""

    def __init__(self, hotel: Hotel, home: Place, ids: Ids, now: datetime) -> None:
        """Look at the tables as they are."""
        self._hotel, self._home, self._ids, self._instant = hotel, home, ids, now
        self._now = stamp(now)
        self.edited: dict[str, Row] = {}

    def new(self, told: Row) -> Row:
        """Make a booking: one line for every stay, at least one; raises OrderRefused."""
        if not self._home.kinds:
            raise OrderRefused(f"{self._home.name} has no rooms", WHERE, "reset with rooms")
        booking = bookings.reservation(self._home, self._ids, self._now, **words.shared(told))
        main = self._guest(told.get("booker") or {"last_name": "Guest"})
        booking = {**booking, "guests": [main["guestID"]], "mainGuest": main["guestID"]}
        for one in told.get("room_stays") or [_only_stay(told)]:
            booking = self._with_line(booking, {**_only_stay(told), **one})
        return self._completed(booking, {name: value for name, value in told.items() if name != "booker"})

    def changed(self, booking: Row, told: Row) -> Row:
        """Change a booking: what is said of the whole goes to every line, `room_stays` to theirs, further ones join."""
        fresh = {**booking, **words.shared(told)}
        stays, everywhere = told.get("room_stays") or [], _only_stay(told)
        meant = [self._meant(one, place, booking["lines"]) for place, one in enumerate(stays)]
        lines = []
        for place, line in enumerate(booking["lines"]):
            own = [one for one, at in zip(stays, meant, strict=True) if at == place]
            lines.append(self._line(line, {**everywhere, **(own[0] if own else {})}))
        fresh["lines"] = lines
        for one, at in zip(stays, meant, strict=True):
            if at is None:
                fresh = self._with_line(fresh, {**_dates_of(lines[0]), **everywhere, **one})
        if fresh["lines"] != booking["lines"]:
            fresh = bookings.taxed(self._home, fresh)
        return self._completed(fresh, told)

    def rewrite(self, guest_id: str, fields: Row) -> Row:
        """Change a guest by raw fields and return it; raises OrderRefused."""
        guest = self._hotel["guests"].get(guest_id)
        if guest is None:
            raise OrderRefused(f"no guest {guest_id}", WHERE, "use a guestID")
        fresh = {**guest, **fields, "guestID": guest_id, "propertyID": guest["propertyID"]}
        if fresh == guest:
            return guest
        fresh["_modified"] = self._now
        self.edited[guest_id] = fresh
        return self._hotel["guests"].put(guest_id, fresh)

    def _completed(self, booking: Row, told: Row) -> Row:
        """Write what belongs to the booking as a whole."""
        if "booker" in told:
            self.rewrite(booking["mainGuest"], words.guest(told["booker"] or {}))
        if "guests" in told:
            booking = self._companions(booking, told["guests"] or [])
        if "notes" in told:
            texts = [bookings.note(self._ids, str(told["notes"]), self._now)] if told["notes"] else []
            booking = {**booking, "notes": texts}
        if told.get("comments"):
            self.rewrite(booking["mainGuest"], {"specialRequests": str(told["comments"])})
        if "folio_lines" in told:
            booking = self._billed(booking, told["folio_lines"] or [])
        apart = any(one.get("nights") or one.get("total") for one in told.get("room_stays") or [])
        if told.get("total") is not None and not apart:
            booking = self._totalled(booking, words.money(told["total"]))
        return self._living(booking, told)

    def _living(self, booking: Row, told: Row) -> Row:
        """Bring the booking and its rooms into the state that an order asks for."""
        if told.get("status"):
            word = words.status(told["status"])
            booking = booking if _is(booking, word) else living(booking, word, self._now)
        for place, one in enumerate(told.get("room_stays") or []):
            at = self._meant(one, place, booking["lines"])
            room = words.ROOM_STATUSES.get(str(one.get("status")))
            if room is not None and at is not None and told.get("status") in {None, "confirmed", "checked_in"}:
                booking = room_lives(booking, booking["lines"][at]["subReservationID"], room)
        return booking

    def _with_line(self, booking: Row, told: Row) -> Row:
        """Put a further line into the booking, in a free room unless the order names one."""
        arrival = words.day(told["arrival"]) if told.get("arrival") else self._today
        departure = words.day(told["departure"]) if told.get("departure") else arrival + timedelta(days=1)
        line = bookings.line(self._ids, booking, self._home.kinds[0], arrival, departure)
        line = self._line({**line, "guests": list(booking["guests"])}, told)
        if "rate_plan_ref" not in told:
            kind = self._home.kind(line["roomTypeID"])
            line = {**line, "rateID": kind.base_rate if kind else line["rateID"]}
        if "room_ref" not in told:
            line = {**line, "roomID": self._free_room(booking, line)}
        return bookings.taxed(self._home, {**booking, "lines": [*booking["lines"], line]})

    def _line(self, line: Row, told: Row) -> Row:
        """Change a line; its prices follow its nights, and a room of another type is left."""
        fields = words.stay(self._home, told)
        fresh = {**line, **fields}
        if fresh["endDate"] < fresh["startDate"]:
            span = f"from {fresh['startDate']} to {fresh['endDate']}"
            raise OrderRefused(span, WHERE, "let departure follow arrival")
        if "roomID" not in fields and fresh["roomTypeID"] != line["roomTypeID"]:
            fresh["roomID"] = None
        fresh = bookings.followed(fresh, _USUAL_PRICE.quantize(self._home.quantum))
        priced = [one for one in told.get("nights") or [] if one.get("price") is not None]
        if priced:
            said = {words.day(one["date"]).isoformat(): words.money(one["price"]) for one in priced}
            return bookings.priced(fresh, {**fresh["rates"], **said})
        if told.get("total") is not None:
            return bookings.split(fresh, words.money(told["total"]), self._home.quantum)
        return fresh

    def _totalled(self, booking: Row, total: Decimal) -> Row:
        """Let the whole booking cost a total: what items and taxes leave is spread over the rooms that live."""
        living_lines = [line for line in booking["lines"] if line["roomStatus"] != "cancelled"]
        left = total - bookings.sums(booking)["additionalItems"]
        rooms = (left / (1 + self._home.site.tax)).quantize(self._home.quantum)
        parts = iter(bookings.shares(rooms, len(living_lines), self._home.quantum) if living_lines else [])
        lines = [
            line if line["roomStatus"] == "cancelled" else bookings.split(line, next(parts), self._home.quantum)
            for line in booking["lines"]
        ]
        return {**booking, "lines": lines, "taxes": left - rooms}

    def _companions(self, booking: Row, told: Sequence[Row]) -> Row:
        """Let these people accompany the main guest, and nobody else; the main guest is never removed."""
        known = [booking["mainGuest"]]
        for one in told:
            ref = str(one.get("ref") or "")
            if ref in booking["guests"]:
                self.rewrite(ref, words.guest(one))
            known.append(ref if ref in booking["guests"] else self._guest(one)["guestID"])
        guests = sorted(dict.fromkeys(known), key=int)
        return {**booking, "guests": guests, "lines": [{**line, "guests": guests} for line in booking["lines"]]}

    def _billed(self, booking: Row, told: Sequence[Row]) -> Row:
        """Let the bill hold these lines beside the rooms; what is not named any more is gone."""
        found: dict[str, list[Row]] = {"items": [], "payments": []}
        for one in told:
            amount, kind = words.money(one.get("amount")), one.get("kind", "charge")
            if kind not in {"charge", "payment"}:
                raise OrderRefused(f"a line of kind {kind!r}", WHERE, "use charge or payment")
            name = "items" if kind == "charge" else "payments"
            make = bookings.item if kind == "charge" else bookings.payment
            fresh = make(self._ids, one.get("text"), amount, self._now)
            known = next((row for row in booking[name] if row["id"] == one.get("ref")), None)
            found[name].append(fresh if known is None else {**known, "text": fresh["text"], "amount": amount})
        return {**booking, **found}

    def _guest(self, told: Row) -> Row:
        row = bookings.guest(self._home, self._ids, self._now, **words.guest(told))
        return self._hotel["guests"].put(row["guestID"], row)

    def _free_room(self, booking: Row, line: Row) -> str | None:
        """Return the first free room of the line's type; None when it is full: the line stays unassigned."""
        kind = self._home.kind(line["roomTypeID"])
        taken = taken_rooms(View(self._hotel), self._home, line["startDate"], line["endDate"])
        taken |= {other["roomID"] for other in booking["lines"] if other["roomID"]}
        return next((room.id for room in kind.rooms if room.id not in taken), None) if kind else None

    def _meant(self, told: Row, place: int, lines: Sequence[Row]) -> int | None:
        """Return which line an order describes, by its ref or by its place; None for a further one."""
        refs = [line["subReservationID"] for line in lines]
        if told.get("ref"):
            if told["ref"] not in refs:
                raise OrderRefused(f"no stay {told['ref']} in this booking", WHERE, f"use one of {refs}")
            return refs.index(told["ref"])
        return place if place < len(lines) else None

    @property
    def _today(self) -> date:
        return today(self._instant, self._home.zone)


def _is(booking: Row, word: str) -> bool:
    """Tell whether a booking is in a state already, its rooms with it."""
    return living(booking, word, booking["_modified"]) == booking


def _only_stay(told: Row) -> Row:
    return {word: told[word] for word in words.STAY_WORDS if word in told}


def _dates_of(line: Row) -> Row:
    return {"arrival": line["startDate"], "departure": line["endDate"]}
