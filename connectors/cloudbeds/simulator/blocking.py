"""Making, changing and ending room blocks by order; the end date is the last blocked night (vendors/cloudbeds.md 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from connectors.cloudbeds.simulator import events, words
from connectors.cloudbeds.simulator.holds import block, held
from connectors.cloudbeds.simulator.hotel import Hotel
from connectors.cloudbeds.simulator.ids import Ids
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.truth import block_ref
from connectors.cloudbeds.simulator.words import BLOCK_KINDS, WHERE
from connectors.kit.simulator.contract import OrderRefused, Row


class Blocker:
    """Works on the blocks of one property; what it does is told in `events`."""

    end_inclusive = True

    def __init__(self, hotel: Hotel, home: Place, ids: Ids, now: str, told: list[events.Event]) -> None:
        """Work at an instant."""
        self._hotel, self._home, self._ids, self._now, self._events = hotel, home, ids, now, told

    def create(self, told: Row, raw: Mapping[str, object]) -> Row:
        """Make a block of the kind that an order names; raises OrderRefused."""
        kind = BLOCK_KINDS.get(str(told["kind"]))
        if kind is None:
            raise OrderRefused(f"a block of kind {told['kind']!r}", WHERE, f"use one of {sorted(BLOCK_KINDS)}")
        if not told.get("room_ref"):
            raise OrderRefused("a block of no room", WHERE, "name a room_ref")
        room = words.stay(self._home, {"room_ref": told["room_ref"]})["roomID"]
        row = block(self._home, self._ids, [room], self._now, roomBlockType=kind, roomBlockReason="By order")
        row |= self._dates(told, row)
        return self._stored({**row, "_raw": dict(raw)}, "created")

    def modify(self, row: Row, told: Row, raw: Mapping[str, object]) -> Row:
        """Change dates and room of a block; its type cannot change (10.7)."""
        fresh = {**row, **self._dates(told, row), "_raw": {**row.get("_raw", {}), **raw}}
        if told.get("room_ref"):
            room = words.stay(self._home, {"room_ref": told["room_ref"]})["roomID"]
            entry = {**held(self._home, self._ids, room), "eventID": row["rooms"][0]["eventID"]}
            fresh["rooms"] = [entry, *row["rooms"][1:]]
        return self._stored(fresh, "details_changed")

    def end(self, row: Row) -> Row:
        """Remove a block; nothing of it can be read any more."""
        self._hotel["blocks"].drop(row["roomBlockID"])
        self._events.append(events.of_block(row, "removed"))
        return {"ref": block_ref(row, row["rooms"][0]), "version": self._now}

    def _dates(self, told: Row, row: Row) -> Row:
        one = timedelta(days=1 if self.end_inclusive else 0)
        fields = {}
        if told.get("arrival"):
            fields["startDate"] = words.day(told["arrival"]).isoformat()
        if told.get("departure"):
            fields["endDate"] = (words.day(told["departure"]) - one).isoformat()
        first, last = (fields.get(name, row[name]) for name in ("startDate", "endDate"))
        if not first or not last or last < first:
            raise OrderRefused(f"a block from {first} to {last}", WHERE, "name arrival and a later departure")
        return fields

    def _stored(self, row: Row, action: str) -> Row:
        self._hotel["blocks"].put(row["roomBlockID"], row)
        self._events.append(events.of_block(row, action))
        return {"ref": block_ref(row, row["rooms"][0]), "version": self._now}
