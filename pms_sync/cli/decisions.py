"""`decisions`: what rules decided between two values, and the passed-over one brought back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from pms_sync.bootstrap import Opened, decided
from pms_sync.cli import output, store

_COLUMNS = ("id", "path", "rule", "verdict", "result", "loser", "actor", "at")


@click.group(name="decisions", cls=output.GroupWithFaults)
def command() -> None:
    """See what rules decided where both sides had changed, and bring the passed-over value back."""


@command.command(name="list")
@click.argument("reservation")
@output.json_option
def list_(reservation: str, as_json: bool) -> None:  # noqa: FBT001
    """List the decisions about RESERVATION (its id), newest first; personal values are masked.

    Example: pms-sync decisions list 0198f0c2-7d1e-7a3b-9c55-0242ac120002
    """

    async def work(core: Opened) -> dict[str, Any]:
        return {"items": await decided.listed(core, reservation)}

    output.emit(store.with_store(work), as_json, _table)


@command.command(name="bring-back")
@click.argument("decision", type=int)
@output.json_option
def bring_back(decision: int, as_json: bool) -> None:  # noqa: FBT001
    """Let the value stand that DECISION (its number) passed over; the vendor is told.

    Example: pms-sync decisions bring-back 42
    """

    async def work(core: Opened) -> dict[str, Any]:
        return await decided.brought_back(core, decision)

    output.emit(store.with_store(work), as_json, _said)


def _table(document: Mapping[str, Any]) -> None:
    output.emit_table(_COLUMNS, [tuple(one[name] for name in _COLUMNS) for one in document["items"]])


def _said(document: Mapping[str, Any]) -> None:
    click.echo(f"The passed-over value stands again; the reservation is at version {document['version']}.")
