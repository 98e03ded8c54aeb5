"""`map VENDOR FILE`: show what a vendor's records mean, without a database."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from pms_sync import plugins
from pms_sync.cli import output
from pms_sync.domain.errors import ConfigurationFault, MappingRejected
from pms_sync.domain.money import CURRENCIES
from pms_sync.ports import public
from pms_sync.ports.connector import Door
from pms_sync.ports.mapper import Crosswalk, Mapped, Mapper, MappingContext

_STREAM = "reservations"

Document = dict[str, list[dict[str, Any]]]


class _Property(msgspec.Struct):
    """The property part of a context file."""

    code: str = ""
    timezone: str = "UTC"
    currency: str = ""


class _Tables(msgspec.Struct):
    """The crosswalk part of a context file."""

    room_type: dict[str, str] = {}
    room: dict[str, str] = {}
    rate_plan: dict[str, str] = {}


class _ContextFile(msgspec.Struct):
    """A context file; without a crosswalk codes pass through."""

    property: _Property = msgspec.field(default_factory=_Property)
    crosswalk: _Tables | None = None


@click.command(name="map")
@click.argument("vendor")
@click.argument("file")
@click.option("--context", "context_file", metavar="FILE", help="JSON with the property and its crosswalk.")
@click.option("--webhook", is_flag=True, help="FILE is a webhook body: also show the events it stands for.")
@output.json_option
def command(vendor: str, file: str, context_file: str | None, webhook: bool, as_json: bool) -> None:  # noqa: FBT001
    """Show what the records in FILE mean: one record, a list, or a page as VENDOR sends it; - reads stdin.

    Example: pms-sync map VENDOR page.json --context hotel.json --json
    """
    mapper = plugins.mapper(vendor)
    context = _read_context(context_file)
    body = _read(file)
    document = _document(mapper, _rows(mapper, body, file), context)
    if webhook:
        _add_events(document, plugins.door(vendor), body)
    output.emit(document, as_json, _render)
    if document["rejected"]:
        raise click.exceptions.Exit(output.FINDING)


def _read(file: str) -> bytes:
    """Read a file or stdin whole."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a file name"
        raise ConfigurationFault(
            f"cannot read the file: {reason}", file, "name a readable file, or - for stdin"
        ) from None


def _rows(mapper: Mapper, body: bytes, file: str) -> list[bytes]:
    """Split the file into records."""
    try:
        return mapper.rows(body)
    except MappingRejected as rejection:
        remedy = f"give one record, a list or a page as {mapper.vendor} sends it"
        raise ConfigurationFault(f"no records to map: {rejection.why}", f"{file} at {rejection.path}", remedy) from None


def _read_context(file: str | None) -> MappingContext:
    """Read the context file; without one there is no crosswalk and no currency."""
    if file is None:
        return _checked(_ContextFile(), "")
    try:
        return _checked(msgspec.json.decode(_read(file), type=_ContextFile), file)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        remedy = (
            'give {"property":{"code","timezone","currency"},"crosswalk":{"room_type":{},"room":{},"rate_plan":{}}}'
        )
        raise ConfigurationFault(f"broken context: {error}", file, remedy) from None


def _checked(given: _ContextFile, file: str) -> MappingContext:
    """Check zone and currency before they meet a record."""
    place = given.property
    try:
        ZoneInfo(place.timezone)
    except (OSError, ValueError, LookupError):
        remedy = "use an IANA name such as Europe/Madrid"
        raise ConfigurationFault(
            f"unknown time zone {place.timezone[:60]!r}", f"{file}: property.timezone", remedy
        ) from None
    if place.currency and place.currency not in CURRENCIES:
        remedy = "use an ISO 4217 code such as EUR"
        raise ConfigurationFault(f"unknown currency {place.currency[:60]!r}", f"{file}: property.currency", remedy)
    tables = given.crosswalk
    crosswalk = None if tables is None else Crosswalk(**msgspec.structs.asdict(tables))
    return MappingContext(property_code=place.code, zone=place.timezone, currency=place.currency, crosswalk=crosswalk)


def _document(mapper: Mapper, rows: list[bytes], context: MappingContext) -> Document:
    """Map every row; one that is turned away never hides the others."""
    document: Document = {part: [] for part in ("revisions", "blocks", "events", "rejected", "unmapped")}
    for row in rows:
        try:
            _add(document, mapper.to_revisions(_STREAM, row, context))
        except MappingRejected as rejection:
            document["rejected"].append(public.public_rejection(rejection))
    return document


def _add_events(document: Document, door: Door, body: bytes) -> None:
    """Ask the vendor's door what the delivery is about; a reason the mapper gave already is not repeated."""
    try:
        events = door.read(body)
    except MappingRejected as rejection:
        document["rejected"] = document["rejected"] or [public.public_rejection(rejection)]
        return
    document["events"] = [
        {"stream": event.stream, "ref": event.ref, "property_ref": event.property_ref} for event in events
    ]


def _add(document: Document, mapped: Mapped) -> None:
    """Add what one record means; an unknown code is listed once per file."""
    document["revisions"] += map(public.public_revision, mapped.revisions)
    document["blocks"] += map(public.public_block, mapped.blocks)
    if mapped.room_statuses:  # beside the public lists, where the file tells of rooms
        document.setdefault("room_statuses", []).extend(map(public.public_room_status, mapped.room_statuses))
    seen = document["unmapped"]
    seen += [code for code in map(public.public_unmapped, mapped.unmapped) if code not in seen]


_COLUMNS = ("what", "ref", "status", "arrival", "departure", "room type", "room", "total")


def _render(document: Mapping[str, Any]) -> None:
    """Lay the document out for a person."""
    lines: list[tuple[object, ...]] = []
    for revision in document["revisions"]:
        lines += [_stay_line(revision, stay) for stay in revision["room_stays"]]
    for block in document["blocks"]:
        place = (block["arrival"], block["departure"], block["room_type_ref"], block["room_ref"])
        lines.append(("block", block["ref"], block["kind"], *place, None))
    for room in document.get("room_statuses", ()):
        told = room.get("condition") or room["service"]
        lines.append(("room", None, told, None, None, None, room["room_ref"], None))
    output.emit_table(_COLUMNS, lines)
    for event in document["events"]:
        click.echo(output.one_line(f"event: {event['stream']} {event['ref']}"))
    for code in document["unmapped"]:
        click.echo(output.one_line(f"not in the crosswalk: {code['kind']} {code['code']}"))
    for row in document["rejected"]:
        where = f"{row['ref'] or '(no ref)'} at {row['path']}"
        click.echo(output.one_line(f"rejected: {where}: {row['why']} ({row['value']})"))


def _stay_line(revision: Mapping[str, Any], stay: Mapping[str, Any]) -> tuple[object, ...]:
    """Lay one room stay out."""
    total = stay.get("total")
    money = None if total is None else f"{total} {revision['currency'] or ''}".strip()
    ref = revision["ref"] if revision["ref"] == stay["ref"] else f"{revision['ref']} / {stay['ref']}"
    place = (stay["arrival"], stay["departure"], stay["room_type_ref"], stay["room_ref"])
    return ("reservation", ref, stay["status"], *place, money)
