"""`explain RESERVATION`: why every field of a reservation has its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import click

from pms_sync.bootstrap import Opened
from pms_sync.bootstrap.decided import document
from pms_sync.cli import output, store
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.store import decisions, explain, find, provenance
from pms_sync.store.database import Database
from pms_sync.store.find import Match
from pms_sync.store.sealing import KeyRing

_LONGEST, _MOST = 200, 20
_LINK = ("vendor", "account_id", "level", "vendor_ref")


@click.command(name="explain")
@click.argument("reservation")
@output.json_option
def command(reservation: str, as_json: bool) -> None:  # noqa: FBT001
    """Show for every field of RESERVATION the source, the rule, the actor, and what it replaced.

    RESERVATION is its id here, its reference at a vendor, or the OTA's own number.

    Example: pms-sync explain 4711
    """

    async def work(core: Opened) -> dict[str, Any]:
        return await explained(core.database, await meant(core.database, reservation), core.keys)

    output.emit(store.with_store(work), as_json, _render)


async def explained(database: Database, reservation_id: UUID, keys: KeyRing | None = None) -> dict[str, Any]:
    """Return the document of PUBLIC_SURFACE; names and contact values are masked, without `keys` to dots alone.

    Raises ConfigurationFault when no tenant has the reservation.
    """
    async with database.connection() as connection:
        story = await explain.load(connection, reservation_id, keys)
    if story is None:
        raise _unknown(str(reservation_id))
    row = story.reservation
    decided = await _decided(database, keys, row["tenant_id"], reservation_id) if keys is not None else []
    return {
        "id": str(reservation_id),
        "property_code": row["property_code"],
        "links": [{name: provenance.plain(link[name]) for name in _LINK} for link in story.links],
        "fields": [_field(one) for one in provenance.fields(story)],
        "decisions": decided,
    }


async def _decided(database: Database, keys: KeyRing, tenant_id: UUID, reservation_id: UUID) -> list[dict[str, Any]]:
    async with database.transaction(tenant_id) as connection:
        found = await decisions.of_reservation(connection, keys, tenant_id, reservation_id)
    return [document(one) for one in found]


def _field(field: provenance.Field) -> dict[str, Any]:
    told = {name: provenance.plain(getattr(field, name)) for name in field.__struct_fields__}
    lost = [{"value": one.value, "actor": one.actor, "at": provenance.plain(one.at)} for one in field.lost]
    return {**told, "lost": lost}


async def meant(database: Database, text: str) -> UUID:
    """Return the reservation of this id or number; raises ConfigurationFault for none, and lists several."""
    if not text.isprintable() or not 0 < len(text) <= _LONGEST:
        raise _unknown(text)
    own = _as_id(text)
    async with database.connection() as connection:
        if own is not None and await explain.exists(connection, own):
            return own
        found = await find.by_number(connection, text, _MOST + 1)
    if len(found) == 1:
        return found[0].reservation_id
    raise _several(text, found) if found else _unknown(text)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _several(text: str, found: Sequence[Match]) -> ConfigurationFault:
    many = f"{len(found)} reservations have" if len(found) <= _MOST else f"more than {_MOST} reservations have"
    listed = "; ".join(map(_match, found[:_MOST]))
    return ConfigurationFault(f"{many} the number {text[:60]!r}", "RESERVATION", f"give one of the ids: {listed}")


def _match(one: Match) -> str:
    arrival = f", arrival {one.arrival.isoformat()}" if one.arrival else ""
    place = f"{one.tenant_code}/{one.property_code}"
    return f"{one.reservation_id} ({place}, {one.known_by}, {one.status}{arrival})"


def _unknown(text: str) -> ConfigurationFault:
    return ConfigurationFault(
        f"no reservation has the id or number {text[:60]!r}",
        "RESERVATION",
        "give its id as a page shows it, its reference at a vendor, or the OTA's own number",
    )


def _render(document: Mapping[str, Any]) -> None:
    """Lay the fields out for a person; what was never said and never replaced is left out."""
    rows = [
        (one["path"], _value(one["value"]), one["source"], one["vendor_ref"], one["rule"], one["at"], _lost(one))
        for one in document["fields"]
        if one["value"] is not None or one["lost"]
    ]
    output.emit_table(("field", "value", "source", "ref", "rule", "since", "before"), rows)
    if document["decisions"]:
        click.echo("Decided where both sides had changed:")
        told = [(one["id"], one["path"], one["rule"], one["verdict"], one["at"]) for one in document["decisions"]]
        output.emit_table(("decision", "field", "rule", "verdict", "at"), told)


def _value(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _lost(field: Mapping[str, Any]) -> str | None:
    return " < ".join(str(_value(one["value"])) for one in field["lost"]) or None
