"""How rooms stand: the resources that somebody stays in, each with its state (vendors/mews.md 10.4).

The record is {"Resource": the row as it came}. Parking spaces, desks and the like are resources too, and are told from
rooms by their categories, where these may be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from connectors.mews import facts, rows, wire
from connectors.mews.places import Places
from connectors.mews.session import Session
from pms_sync.ports.connector import Missing, Record, RejectedRow

_Keyed = tuple[wire.Resource, bytes]


class Rooms:
    """Makes records of resources."""

    def __init__(self, session: Session, places: Places, property_ref: str) -> None:
        """Read nothing yet."""
        self._session, self._places, self._property = session, places, property_ref

    async def all_of_them(self) -> tuple[list[Record], list[RejectedRow]]:
        """Read every active room of the property; rows of another one mean that a filter was ignored."""
        keyed: list[_Keyed] = []
        rejected: list[RejectedRow] = []
        for body in await self._session.everything(facts.RESOURCES, {"EnterpriseIds": [self._property]}):
            try:
                keyed.append((wire.RESOURCE.decode(body), body))
            except (ValueError, RecursionError) as error:
                why, _, path = str(error).partition(" - at ")
                rejected.append(RejectedRow(body=body, path=path.strip("`") or "$", why=why.replace("`", "")))
        return [_record(*one) for one in await self._ours(keyed)], rejected

    async def named(self, refs: Sequence[str]) -> dict[str, Record | Missing]:
        """Read rooms by id; an inactive one, or one that nobody stays in, is absent."""
        bodies = await self._session.of_ids(facts.RESOURCES, "ResourceIds", refs, own=True)
        keys = wire.read_all(bodies, wire.RESOURCE, f"POST {facts.RESOURCES}")
        if any(key.id not in refs for key in keys):
            what = "a row came that was not asked for: the filter was ignored"
            raise rows.incomplete(what, facts.RESOURCES)
        elsewhere = [key for key in keys if key.enterprise_id != self._property]
        found: dict[str, Record | Missing] = {key.id: Missing("not_ours", key.enterprise_id) for key in elsewhere}
        return found | {key.id: _record(key, body) for key, body in await self._ours(zip(keys, bodies, strict=True))}

    async def _ours(self, found: Iterable[_Keyed]) -> list[_Keyed]:
        """Keep the rooms of our property that somebody stays in."""
        mine = [one for one in found if one[0].enterprise_id == self._property]
        kinds = await self._places.categories_of([key.id for key, _ in mine])
        return mine if kinds is None else [one for one in mine if one[0].id in kinds]


def _record(key: wire.Resource, body: bytes) -> Record:
    return Record(
        stream=facts.ROOM_STATUS,
        ref=key.id,
        property_ref=key.enterprise_id,
        body=msgspec.json.encode({"Resource": msgspec.Raw(body)}),
        version=rows.version(key.updated_utc),
    )
