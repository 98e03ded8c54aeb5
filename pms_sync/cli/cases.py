"""`cases`: what no rule decides, listed, shown, resolved by an operator, and taken back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import click
import msgspec

from pms_sync.bootstrap import cases
from pms_sync.cli import output, store
from pms_sync.store.case_desk import STATES

_ALL = "all"
_COLUMNS = ("id", "version", "kind", "severity", "state", "property_code", "opened_at", "due_at")
_SIDES = ("base", "here", "there", "suggested", "rule")
# The keys in brackets are the vendor's, and may hold an equals sign themselves.
_SETTING = re.compile(r"(?P<path>[a-z_]+(?:\[.+?\][a-z_.]*){0,2})=(?P<value>.*)", re.DOTALL)


@click.group(name="cases")
def command() -> None:
    """What no rule decides, and what a person decided."""


@command.command(name="list")
@click.option("--state", type=click.Choice([*STATES, _ALL]), default="open", show_default=True)
@output.json_option
def list_command(state: str, as_json: bool) -> None:  # noqa: FBT001
    """List cases: the open ones worst first, others newest first.

    Example: pms-sync cases list --state resolved
    """
    wanted = next((one for one in STATES if one == state), None)
    found = store.with_store(lambda core: cases.listed(core, wanted))
    output.emit({"items": found}, as_json, _render_list)


@command.command(name="show")
@click.argument("case", metavar="ID")
@output.json_option
def show_command(case: str, as_json: bool) -> None:  # noqa: FBT001
    """Show a case field by field; personal values stay hidden.

    Example: pms-sync cases show 0198f0c2-7d1e-7a3b-9c55-0242ac120002
    """
    output.emit(store.with_store(lambda core: cases.shown(core, case)), as_json, _render_case)


@command.command(name="resolve")
@click.argument("case", metavar="ID")
@click.option("--version", type=int, required=True, help="The version that was looked at, as `cases show` tells it.")
@click.option("--take", type=click.Choice(["here", "there"]), help="The side whose values stand, for every field.")
@click.option(
    "--set", "settings", multiple=True, metavar="PATH=VALUE",
    help="Another value for a field or a part of it, over what --take takes; parts together as a JSON object.",
)  # fmt: skip
@output.json_option
def resolve_command(
    case: str,
    version: int,
    take: Literal["here", "there"] | None,
    settings: tuple[str, ...],
    as_json: bool,  # noqa: FBT001
) -> None:
    """Resolve a case; refused when it changed since that version. A case without fields to choose needs neither option.

    Of a first contact some fields may be resolved with --set alone; the rest stays open.

    Example: pms-sync cases resolve 0198f0c2-7d1e-7a3b-9c55-0242ac120002 --version 3 --take there --set notes="late"
    """
    wanted = cases.Wanted(case=case, version=version, take=take, values=tuple(map(_setting, settings)))
    output.emit(store.with_store(lambda core: cases.resolved(core, wanted)), as_json, _render_case)


@command.command(name="undo")
@click.argument("case", metavar="ID")
@click.option("--version", type=int, required=True, help="The version that was looked at, as `cases show` tells it.")
@output.json_option
def undo_command(case: str, version: int, as_json: bool) -> None:  # noqa: FBT001
    """Take a decision back before anything of it is sent; refused once the undo window is over.

    Example: pms-sync cases undo 0198f0c2-7d1e-7a3b-9c55-0242ac120002 --version 4
    """
    output.emit(store.with_store(lambda core: cases.taken_back(core, case, version)), as_json, _render_case)


def _setting(text: str) -> tuple[str, Any]:
    """Read PATH=VALUE; a value that is a JSON object stands for the parts it names."""
    found = _SETTING.fullmatch(text)
    if found is None:
        raise click.UsageError(
            f"--set {text[:60]!r} is not PATH=VALUE, as in --set room_stays[1001].arrival=2026-03-10"
        )
    value = found["value"]
    if value.lstrip().startswith("{"):
        try:
            return found["path"], msgspec.json.decode(value.encode())
        except msgspec.DecodeError:
            return found["path"], value
    return found["path"], value


def _render_list(document: Mapping[str, Any]) -> None:
    if not document["items"]:
        click.echo("No cases.")
        return
    output.emit_table(_COLUMNS, [[item[name] for name in _COLUMNS] for item in document["items"]])


def _render_case(document: Mapping[str, Any]) -> None:
    """Lay a case out for a person."""
    for name in (*_COLUMNS, "resolved_at", "resolved_by"):
        if document[name] is not None:
            click.echo(f"{name:>13}: {output.one_line(document[name])}")
    for reservation_id in document["reservation_ids"]:
        click.echo(f"{'reservation':>13}: {reservation_id}")
    rows = [(one["path"], *(_said(one[side]) for side in _SIDES)) for one in document["fields"]]
    output.emit_table(("field", *_SIDES), rows)


def _said(value: object) -> object:
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value
