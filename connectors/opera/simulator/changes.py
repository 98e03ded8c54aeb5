"""What happens in the hotel when the control plane orders it: create, modify, cancel, delete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from connectors.kit.simulator.contract import ChangeOrder, OrderRefused, Row
from connectors.kit.simulator.orders import unfold
from connectors.opera.simulator import amounts, house, rows, states, words
from connectors.opera.simulator.events import Happening, Picture, pictured
from connectors.opera.simulator.hotel import Hotel, Table
from connectors.opera.simulator.people import blank_profile
from connectors.opera.simulator.rows import Counters
from connectors.opera.simulator.site import Place
from connectors.opera.simulator.times import written
from connectors.opera.simulator.truth import block_ref, sortable
from connectors.opera.simulator.words import STAY_WORDS, WHERE

_OWN = frozenset({"id", "confirmation", "hotelId"})


class Changer:
    """Carries out change orders on one chain; `happenings` afterwards are the business events of it."""

    def __init__(self, hotel: Hotel, counters: Counters, now: datetime) -> None:
        """Prepare one change operation at an instant."""
        self._hotel, self._counters, self._instant = hotel, counters, now
        self.happenings: list[Happening] = []
        self._puts: list[tuple[Table, Row]] = []
        self._drops: list[tuple[Table, str]] = []

    def carry_out(self, order: ChangeOrder) -> Row:
        """Do what is ordered and return `{"ref","version"}`; raises OrderRefused, and then nothing has changed."""
        operations: dict[str, Callable[[ChangeOrder, Row], Row]] = {
            "create": self._create,
            "modify": self._modify,
            "cancel": self._cancel,
            "delete": self._delete,
        }
        if order.op not in operations:
            raise OrderRefused("OPERA sends no webhooks", WHERE, "poll the business-event queue")
        order = self._by_own_name(order)
        try:
            told = operations[order.op](order, words.heard(unfold(order.set)))
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
            if isinstance(error, OrderRefused):
                raise
            what = f"{type(error).__name__}: {error}"
            raise OrderRefused(what, WHERE, "send Rev words under `set`, raw fields under `vendor`") from error
        self._store()
        return told

    def _by_own_name(self, order: ChangeOrder) -> ChangeOrder:
        """Let a repair be named as the truth names it."""
        name = str(order.ref).rpartition("/")[2]
        is_repair = order.ref is not None and self._hotel.repairs.get(name) is not None
        return msgspec.structs.replace(order, ref=name) if is_repair else order

    def _store(self) -> None:
        self._hotel.begin(self._instant)
        for table, row in self._puts:
            table.put(row)
        for table, row_id in self._drops:
            table.drop(row_id)

    def _create(self, order: ChangeOrder, told: Row) -> Row:
        place = self._place(told.get("property_ref") or order.property_ref)
        if told.get("kind"):
            return self._put_repair(house.new_repair(self._counters, place, told, order.vendor), None)
        stays = told.get("room_stays") or [{name: told[name] for name in STAY_WORDS if name in told}]
        totals: list[Decimal | None] = [None] * len(stays)
        if told.get("total") is not None:
            totals = [*amounts.shares(Decimal(str(told["total"])), len(stays), place.currency)]
        made = [self._new(place, told, stay, total, order.vendor) for stay, total in zip(stays, totals, strict=True)]
        return {"ref": made[0]["id"], "version": sortable(made[0]["lastModifyDateTime"])}

    def _new(self, place: Place, told: Row, stay: Row, total: Decimal | None, raw: Row) -> Row:
        """Make one reservation; each room of an order is a reservation of its own."""
        today = place.business_date(self._instant)
        now = written(self._instant, place.zone)
        row = rows.blank(place, self._counters, now, today.isoformat())
        row["departureDate"] = (today + timedelta(days=1)).isoformat()
        row |= words.shared(place, told, row) | words.stay(place, stay)
        row |= self._consequences(place, {**row, "reservationStatus": states.RESERVED}, row)
        row["prices"] = words.prices(row, stay.get("total") if stay.get("total") is not None else total)
        row["comments"] = words.comments(told, [], self._counters, now) or []
        booker = told.get("booker") or {"last_name": f"Number {row['id']}"}
        people = [self._person(place, one, None) for one in (booker, *told.get("guests", []))]
        row["guests"] = [one["id"] for one in people]
        row = _verbatim(row, raw)
        self._puts.append((self._hotel.reservations, row))
        self._tell("NEW RESERVATION", None, row, people)
        return row

    def _modify(self, order: ChangeOrder, told: Row) -> Row:
        ref = str(order.ref)
        if ref in self._hotel.places:
            changed, found = house.at_the_desk(self._hotel, self._hotel.places[ref], order.vendor, self._instant)
            self._puts += [(self._hotel.reservations, row) for row in changed]
            self.happenings += found
            return {"ref": ref, "version": sortable(written(self._instant, self._hotel.places[ref].zone))}
        if (block := self._hotel.repairs.get(ref)) is not None:
            place = self._hotel.places[block["hotelId"]]
            return self._put_repair(house.moved(place, block, told) | order.vendor, block)
        if (profile := self._hotel.profiles.get(ref)) is not None:
            return self._edit_profile(profile, told, order.vendor)
        of_room = None if self._hotel.reservations.get(ref) else house.with_room(self._hotel, order)
        if of_room is not None:
            self.happenings.append(house.clean(self._hotel, of_room, ref, order.vendor))
            return {"ref": ref, "version": sortable(written(self._instant, of_room.zone))}
        return self._edit(self._found(ref), told, order)

    def _edit(self, named: Row, told: Row, order: ChangeOrder) -> Row:
        place = self._hotel.places[named["hotelId"]]
        if told.get("property_ref") not in {None, place.code}:
            raise OrderRefused("a reservation stays in its hotel", WHERE, "cancel it and create one in the other hotel")
        plain = {name: told[name] for name in STAY_WORDS if name in told}
        stays = told.get("room_stays") or [{}]
        answer: Row = {}
        for index, stay in enumerate(stays):
            target = self._found(str(stay["ref"])) if stay.get("ref") else named if index == 0 else None
            if target is None:
                kept = {"arrival": named["arrivalDate"], "departure": named["departureDate"]}
                self._new(place, {**told, "guests": []}, {**kept, **plain, **stay}, None, {})
                continue
            raw = order.vendor if target["id"] == named["id"] else {}
            changed = self._changed(place, target, told, {**plain, **stay}, raw)
            answer = answer or {"ref": changed["id"], "version": sortable(changed["lastModifyDateTime"])}
        return answer

    def _changed(self, place: Place, old: Row, told: Row, stay: Row, raw: Row) -> Row:
        now = written(self._instant, place.zone)
        fields = {"lastModifyDateTime": now, **words.shared(place, told, old), **words.stay(place, stay)}
        row = {**old, **fields}
        row |= self._consequences(place, old, row)
        total = stay.get("total", told.get("total"))
        if total is not None or {"arrivalDate", "departureDate"} & fields.keys():
            row["prices"] = words.prices(row, total)
        comments = words.comments(told, old["comments"], self._counters, now)
        row["comments"] = old["comments"] if comments is None else comments
        before = pictured(self._hotel, old)
        people = self._people(place, row, told)
        row = _verbatim(row, raw)
        self._puts.append((self._hotel.reservations, row))
        self._tell(states.step(old, row), before, row, people)
        return row

    def _consequences(self, place: Place, old: Row, row: Row) -> Row:
        """Return what follows from a new status: a cancellation number and its day, a closed folio."""
        today = place.business_date(self._instant).isoformat()
        was, now = old["reservationStatus"], row["reservationStatus"]
        if now == states.CANCELLED != was:
            return rows.cancelled(self._counters, today)
        if was == states.CANCELLED != now:
            return dict(rows.ALIVE)
        return {"folioClosedOn": today if now == states.CHECKED_OUT else None}

    def _people(self, place: Place, row: Row, told: Row) -> list[Row]:
        """Change the guests that an order names, and return the profiles that are new or changed."""
        people: list[Row] = []
        guests = [*row["guests"]]
        if "booker" in told and told["booker"] is None:
            guests = guests[1:]
        elif "booker" in told:
            people.append(self._person(place, told["booker"], guests[0] if guests else None))
            guests = [people[0]["id"], *guests[1:]]
        if "guests" in told:
            others = [self._person(place, one, one.get("ref")) for one in told["guests"]]
            people += others
            guests = [*guests[:1], *(one["id"] for one in others)]
        row["guests"] = guests
        return people

    def _person(self, place: Place, told: Row, ref: object) -> Row:
        now = written(self._instant, place.zone)
        old = self._hotel.profiles.get(ref)
        if ref and old is None:
            raise OrderRefused(f"no profile {ref}", WHERE, "use a guest's ref from /_sim/truth, or leave it out")
        row = old or blank_profile(self._counters.next("profile"), now)
        row = {**row, **words.guest(told), "lastModifyDateTime": now}
        self._puts.append((self._hotel.profiles, row))
        self.happenings.append(house.profile_event("UPDATE PROFILE" if old else "NEW PROFILE", place.code, old, row))
        return row

    def _edit_profile(self, old: Row, told: Row, raw: Row) -> Row:
        """Change a profile by itself, or merge it into another: the loser's id disappears."""
        hotels = [row for row in self._hotel.reservations.rows() if old["id"] in row["guests"]]
        code = hotels[0]["hotelId"] if hotels else next(iter(self._hotel.places))
        if "mergeInto" in raw:
            survivor = str(raw["mergeInto"])
            if self._hotel.profiles.get(survivor) is None:
                raise OrderRefused(f"no profile {survivor}", WHERE, "merge into one that exists")
            for row in hotels:
                guests = [survivor if key == old["id"] else key for key in row["guests"]]
                self._puts.append((self._hotel.reservations, {**row, "guests": [*dict.fromkeys(guests)]}))
            self._drops.append((self._hotel.profiles, old["id"]))
            self.happenings.append(Happening("Profile", "MERGE PROFILE", survivor, code))
            return {"ref": survivor, "version": sortable(written(self._instant, self._hotel.places[code].zone))}
        row = {**old, **words.guest(told.get("booker") or {}), "extra": {**old["extra"], **raw}}
        row["lastModifyDateTime"] = written(self._instant, self._hotel.places[code].zone)
        self._puts.append((self._hotel.profiles, row))
        self.happenings.append(house.profile_event("UPDATE PROFILE", code, old, row))
        return {"ref": row["id"], "version": sortable(row["lastModifyDateTime"])}

    def _cancel(self, order: ChangeOrder, told: Row) -> Row:
        if self._hotel.repairs.get(str(order.ref)) is not None:
            return self._delete(order, told)
        return self._edit(self._found(str(order.ref)), {**told, "status": "cancelled"}, order)

    def _delete(self, order: ChangeOrder, _told: Row) -> Row:
        ref = str(order.ref)
        block = self._hotel.repairs.get(ref)
        if block is not None:
            self._drops.append((self._hotel.repairs, ref))
            self.happenings.append(house.repair_event("DELETE", block, None))
            return {
                "ref": block_ref(block),
                "version": sortable(written(self._instant, self._hotel.places[block["hotelId"]].zone)),
            }
        row = self._found(ref)
        self._drops.append((self._hotel.reservations, ref))
        picture = pictured(self._hotel, row)
        self.happenings.append(Happening("Reservation", "DELETE RESERVATION", ref, row["hotelId"], picture, {}))
        return {"ref": ref, "version": sortable(row["lastModifyDateTime"])}

    def _put_repair(self, row: Row, old: Row | None) -> Row:
        self._puts.append((self._hotel.repairs, row))
        self.happenings.append(house.repair_event("UPDATE" if old else "NEW", old, row))
        return {
            "ref": block_ref(row),
            "version": sortable(written(self._instant, self._hotel.places[row["hotelId"]].zone)),
        }

    def _tell(self, action: str, before: Picture | None, after: Row, people: list[Row]) -> None:
        """Note the event of a reservation; its guests' names are those of this very change."""
        first = next((one for one in people if after["guests"][:1] == [one["id"]]), None)
        picture = dict(pictured(self._hotel, after))
        if first is not None:
            picture |= {"NAME": first["surname"], "FIRST NAME": first["givenName"], "GUEST NAME ID": first["id"]}
        self.happenings.append(Happening("Reservation", action, after["id"], after["hotelId"], before, picture))

    def _place(self, ref: object) -> Place:
        code = str(ref) if ref else next(iter(self._hotel.places), "")
        if code not in self._hotel.places:
            raise OrderRefused(f"no hotel {code!r}", WHERE, f"use one of {sorted(self._hotel.places)}")
        return self._hotel.places[code]

    def _found(self, ref: str) -> Row:
        row = self._hotel.reservations.get(ref)
        if row is None:
            raise OrderRefused(f"no reservation {ref}", WHERE, "use a ref from /_sim/truth")
        return row


def _verbatim(row: Row, raw: Row) -> Row:
    """Write raw fields as they are; what is no field of the row is laid over the document of the single read."""
    own = sorted(raw.keys() & _OWN)
    if own:
        raise OrderRefused(f"{own} cannot be changed", WHERE, "create another reservation")
    known = {name: value for name, value in raw.items() if name in row and name != "extra"}
    for name, value in known.items():
        _check_shape(name, row[name], value)
    return {**row, **known, "extra": {**row["extra"], **{name: raw[name] for name in raw.keys() - known.keys()}}}


def _check_shape(name: str, old: object, new: object) -> None:
    """Refuse what would break the hotel itself: lists stay lists, their entries whole, the currency a text."""
    parts = _ENTRIES.get(name, frozenset())
    whole = isinstance(new, list) and all(isinstance(one, dict) and parts <= one.keys() for one in new)
    if (isinstance(old, list) and not isinstance(new, list)) or (parts and not whole):
        raise OrderRefused(f"{name} must be a list", WHERE, f"give entries with {sorted(parts)}")
    if name == "currencyCode" and not isinstance(new, str):
        raise OrderRefused("the currency must be a text", WHERE, "give an ISO code")


_ENTRIES = {
    "comments": frozenset({"id", "text", "type", "internal", "at"}),
    "externalReferences": frozenset({"id", "idContext"}),
}
