"""What happens in the chain when the control plane orders it: create, modify, cancel, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import ChangeOrder, OrderRefused, Row
from connectors.kit.simulator.orders import unfold
from connectors.mews.simulator import rows, words
from connectors.mews.simulator.blocking import Blocker
from connectors.mews.simulator.events import Events
from connectors.mews.simulator.hotel import ENTERPRISE, UPDATED, Hotel
from connectors.mews.simulator.ids import Ids, fixed
from connectors.mews.simulator.parts import Parts
from connectors.mews.simulator.site import Place
from connectors.mews.simulator.staying import Stays
from connectors.mews.simulator.truth import Narrator
from connectors.mews.simulator.verbatim import verbatim
from connectors.mews.simulator.words import STAY_WORDS, WHERE

_GROUP_FIELDS = frozenset({"Name", "ChannelManager", "ChannelManagerGroupNumber"})
_NOTES = {"notes": ("General",), "comments": ("ChannelManager", "SpecialRequest")}
_HANGS_ON = {
    "items": "ServiceOrderId",
    "payments": "ReservationId",
    "notes": "OrderId",
    "companionships": "ReservationId",
}


class Changer:
    """Carries out one order on the chain; `events` afterwards names what webhooks should tell."""

    def __init__(self, hotel: Hotel, ids: Ids, places: Sequence[Place], now: datetime) -> None:
        """Prepare one change operation at an instant."""
        self._hotel, self._ids, self._places, self._instant = hotel, ids, places, now
        self._now = stamp(now)
        self.events = Events()

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
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            self._hotel.undo()
            if isinstance(error, OrderRefused):
                raise
            what = f"{type(error).__name__}: {error}"
            raise OrderRefused(what, WHERE, "send Rev words under `set`, raw fields under `vendor`") from error

    def _create(self, order: ChangeOrder) -> Row:
        told = words.heard(unfold(order.set))
        home = self._place(told.get("property_ref") or order.property_ref)
        if told.get("kind"):
            return self._told(Blocker(*self._at(home)).create(told, order.vendor))
        guest = Parts(*self._at(home)).person(told.get("booker") or {})
        group = self._group(home, told, order.vendor)
        said = {**words.shared(told), "GroupId": group["Id"], "AccountId": guest["Id"]}
        stays = told.get("room_stays") or [{word: told[word] for word in STAY_WORDS if word in told}]
        desk, of_stays = Stays(*self._at(home)), _without(order.vendor, _GROUP_FIELDS)
        made = [desk.new(said, {**_status(told), **stay}, of_stays, self._today(home)) for stay in stays]
        return self._completed(home, made, {name: value for name, value in told.items() if name != "booker"})

    def _modify(self, order: ChangeOrder) -> Row:
        members = self._members(order.ref)
        if not members:
            return self._elsewhere(order)
        told = words.heard(unfold(order.set))
        home = self._place(members[0][ENTERPRISE])
        asked = {stay["Id"]: _status(told) | _only(told, STAY_WORDS) for stay in members}
        further: list[Row] = []
        for index, one in enumerate(told.get("room_stays") or []):
            target = _meant(one, index, members)
            if target is None:
                further.append(one)
            else:
                asked[target] = asked[target] | one
        desk, said = Stays(*self._at(home)), words.shared(told)
        raw = {members[0]["Id"]: _without(order.vendor, _GROUP_FIELDS)}
        changed = [desk.change(stay, said, asked[stay["Id"]], raw.get(stay["Id"], {})) for stay in members]
        changed += [desk.beside(changed[0], one, self._today(home)) for one in further]
        self._regroup(home, changed[0]["GroupId"], told, order.vendor)
        return self._completed(home, changed, told)

    def _completed(self, home: Place, stays: Sequence[Row], told: Row) -> Row:
        """Write what belongs to the booking as a whole, and tell its ref and version."""
        priced_apart = any(one.get("nights") or one.get("total") for one in told.get("room_stays") or [])
        if told.get("total") is not None and not priced_apart:
            Stays(*self._at(home)).share_total(stays, told["total"])
        parts = Parts(*self._at(home))
        if "booker" in told:
            parts.booker(told["booker"], stays[0])
        if "guests" in told:
            parts.companions(told["guests"] or [], stays[0])
        for word, kinds in _NOTES.items():
            if word in told:
                parts.note(told[word], kinds, stays)
        if "folio_lines" in told:
            parts.lines(told["folio_lines"] or [], stays)
        ref = stays[0]["GroupId"]
        return {"ref": ref, "version": Narrator(self._hotel, self._places).version(ref)}

    def _cancel(self, order: ChangeOrder) -> Row:
        members = self._members(order.ref)
        if not members:
            return self._told(self._ended(order))
        home = self._place(members[0][ENTERPRISE])
        gone = [Stays(*self._at(home)).cancel(stay, order.vendor) for stay in members]
        ref = gone[0]["GroupId"]
        return {"ref": ref, "version": Narrator(self._hotel, self._places).version(ref)}

    def _delete(self, order: ChangeOrder) -> Row:
        """Remove stays without a trace, which the vendor never does; blocks stay readable as deleted ones."""
        members = self._members(order.ref)
        if not members:
            return self._told(self._ended(order))
        ref = members[0]["GroupId"]
        version = Narrator(self._hotel, self._places).version(ref)
        for stay in members:
            for name, column in _HANGS_ON.items():
                for row in self._hotel[name].of(column, stay["Id"]):
                    self._hotel[name].drop(row["Id"])
            self._hotel["reservations"].drop(stay["Id"])
        if not self._hotel["reservations"].of("GroupId", ref):
            self._hotel["groups"].drop(ref)
        return {"ref": ref, "version": version}

    def _ended(self, order: ChangeOrder) -> Row:
        """End what is no booking: a block of a room, an allotment, or a profile."""
        name, row = self._found(order.ref)
        if name in {"resource_blocks", "availability_blocks"}:
            blocker = Blocker(*self._at(self._place(row[ENTERPRISE])))
            return blocker.end(row) if name == "resource_blocks" else blocker.end_allotment(row)
        if name == "customers":
            gone = {**row, "IsActive": False, "_deleted": self._now, "UpdatedUtc": self._now}
            self._announce(name, row, order)
            return self._hotel[name].put(verbatim(gone, order.vendor))
        raise OrderRefused(f"a row of {name} cannot be ended", WHERE, "name a booking, a block or a customer")

    def _elsewhere(self, order: ChangeOrder) -> Row:
        """Change what is no booking: Rev words for a block of a room, raw fields for any row."""
        name, row = self._found(order.ref)
        told = words.heard(unfold(order.set))
        if name == "resource_blocks":
            return self._told(Blocker(*self._at(self._place(row[ENTERPRISE]))).modify(row, told, order.vendor))
        if told:
            raise OrderRefused(f"words for a row of {name}", WHERE, "send raw fields under `vendor`")
        stamps = {column: self._now for column in ("UpdatedUtc", UPDATED) if column in row}
        self._announce(name, row, order)
        return self._told(self._hotel[name].put(verbatim({**row, **stamps}, order.vendor)))

    def _announce(self, name: str, row: Row, order: ChangeOrder) -> None:
        """Tell of a changed row as far as there is an event for its kind."""
        stays = self._hotel["reservations"].of("AccountId", row["Id"])
        home = next((one[ENTERPRISE] for one in (row, *stays) if ENTERPRISE in one), None)
        enterprise = home or self._place(order.property_ref).id
        tell: dict[str, Callable[[], None]] = {
            "customers": lambda: self.events.customer(row["Id"], enterprise, new=False),
            "payments": lambda: self.events.payment(row["Id"], enterprise),
            "resources": lambda: self.events.resource(row["Id"], enterprise),
        }
        tell.get(name, lambda: None)()

    def _group(self, home: Place, told: Row, raw: Mapping[str, object]) -> Row:
        source = words.source_of(told)
        number = self._ids.number("channel manager number", 1000)
        outside = {"ChannelManager": "SiteMinder", "ChannelManagerGroupNumber": f"SM-{number}"} if source else {}
        group = rows.group(home, self._ids, self._now, **outside)
        self._name_source(home, group["Id"], source)
        return self._hotel["groups"].put(verbatim(group, _only(raw, _GROUP_FIELDS)))

    def _regroup(self, home: Place, group_id: str, told: Row, raw: Mapping[str, object]) -> None:
        group, fields = self._hotel["groups"].get(group_id), _only(raw, _GROUP_FIELDS)
        if group is not None and fields:
            self._hotel["groups"].put(verbatim({**group, UPDATED: self._now}, fields))
        if "channel" in told or "vendor_channel" in told:
            self._name_source(home, group_id, words.source_of(told))

    def _name_source(self, home: Place, group_id: str, source: str | None) -> None:
        """Tie a group to the source that sold it, or to none."""
        row_id, ties = fixed("source assignment", group_id), self._hotel["source_assignments"]
        if source is not None:
            tie = {"ReservationGroupId": group_id, "SourceId": fixed("source", source), "IsPrimary": True}
            ties.put({ENTERPRISE: home.id, UPDATED: self._now, "Id": row_id, **tie})
        elif row_id in ties:
            ties.drop(row_id)

    def _members(self, ref: object) -> list[Row]:
        """Return the stays that a ref stands for, ordered by id: all of a group, or the one that it names."""
        alone = self._hotel["reservations"].get(ref)
        found = [alone] if alone else self._hotel["reservations"].of("GroupId", ref)
        return sorted(found, key=lambda stay: str(stay["Id"]))

    def _found(self, ref: object) -> tuple[str, Row]:
        home = self._hotel.home_of(ref)
        if home is None:
            raise OrderRefused(f"nothing has the id {ref}", WHERE, "use a ref from /_sim/truth, or any id of the API")
        return home

    def _place(self, ref: object) -> Place:
        if not self._places:
            raise OrderRefused("no property", WHERE, "reset with hotels")
        found = next((home for home in self._places if ref in {None, home.id}), None)
        if found is None:
            raise OrderRefused(f"no property {ref}", WHERE, f"use one of {[home.id for home in self._places]}")
        return found

    def _at(self, home: Place) -> tuple[Hotel, Place, Ids, str, Events]:
        return self._hotel, home, self._ids, self._now, self.events

    def _today(self, home: Place) -> date:
        return self._instant.astimezone(ZoneInfo(home.site.zone)).date()

    def _told(self, row: Row) -> Row:
        return {"ref": row["Id"], "version": str(row.get("UpdatedUtc") or self._now)}


def _status(told: Row) -> Row:
    return {word: told[word] for word in ("status", "hold_kind") if told.get("status") and word in told}


def _only(fields: Mapping[str, object], names: Sequence[str] | frozenset[str]) -> Row:
    return {name: value for name, value in fields.items() if name in names}


def _without(fields: Mapping[str, object], names: frozenset[str]) -> Row:
    return {name: value for name, value in fields.items() if name not in names}


def _meant(told: Row, index: int, members: Sequence[Row]) -> str | None:
    """Return the stay that an order describes, by its ref or by its place; None for a further one."""
    known = [stay["Id"] for stay in members]
    if told.get("ref"):
        if told["ref"] not in known:
            raise OrderRefused(f"no stay {told['ref']} in this booking", WHERE, f"use one of {known}")
        return str(told["ref"])
    return known[index] if index < len(known) else None
