"""`push`: what is to become true at vendors, and what of it did not get through."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import Any

import click

from pms_sync.bootstrap import pushes
from pms_sync.cli import output, store

_COLUMNS = ("id", "kind", "state", "vendor_ref", "attempts", "paths", "why")
_NOBODY = "unknown"


@click.group(name="push")
def command() -> None:
    """The outbox: what is to become true at vendors."""


@command.command(name="list")
@click.option("--state", type=click.Choice([*pushes.STATES, "all"]), help="Only these; unset: what is not settled.")
@store.account_option()
@output.json_option
def list_command(state: str | None, account: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List pushes, newest first, with what the vendor said.

    Example: pms-sync push list --state parked
    """
    output.emit({"items": store.with_store(lambda core: pushes.listed(core, state, account))}, as_json, _render_list)


@command.command(name="retry")
@click.argument("push")
@output.json_option
def retry_command(push: str, as_json: bool) -> None:  # noqa: FBT001
    """Send a parked push again, as things are now. One whose outcome is unknown is looked up first.

    Example: pms-sync push retry 0198f0c2-7d1e-7a3b-9c55-0242ac120002
    """
    output.emit(store.with_store(lambda core: pushes.retry(core, push, _actor()), hotels=True), as_json, _render_push)


@command.command(name="cancel")
@click.argument("push")
@output.json_option
def cancel_command(push: str, as_json: bool) -> None:  # noqa: FBT001
    """Give a planned or parked push up. Our own value stays, and goes along with the next change of the same stay.

    Example: pms-sync push cancel 0198f0c2-7d1e-7a3b-9c55-0242ac120002
    """
    output.emit(store.with_store(lambda core: pushes.cancel(core, push, _actor()), hotels=True), as_json, _render_push)


def _actor() -> str:
    """Name the person at the keyboard."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # an id without a name
        return f"cli:{_NOBODY}"


def _render_list(document: Mapping[str, Any]) -> None:
    if not document["items"]:
        click.echo("Nothing waits to be sent.")
        return
    output.emit_table(_COLUMNS, [[_cell(item, name) for name in _COLUMNS] for item in document["items"]])


def _cell(item: Mapping[str, Any], name: str) -> object:
    if name == "paths":
        return ", ".join(item["paths"])
    return "; ".join(filter(None, (item["vendor_error"], *item["notices"]))) or None if name == "why" else item[name]


def _render_push(document: Mapping[str, Any]) -> None:
    click.echo(output.one_line(f"{document['id']}: {document['kind']}, {document['state']}"))
