"""`migrate`: bring the schema to this version, or down to an earlier one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from config.settings import Settings
from pms_sync.bootstrap import database_server
from pms_sync.bootstrap.addresses import without_password
from pms_sync.cli import output
from pms_sync.cli.loop import run
from pms_sync.cli.store import load_settings
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.store import migrations, schema


@click.command(name="migrate")
@click.option("--to", metavar="REV", default="head", help="A revision, head, or base (empties the database).")
@click.option("--yes", is_flag=True, help="Go down without asking.")
@output.json_option
def command(to: str, yes: bool, as_json: bool) -> None:  # noqa: FBT001
    """Bring the schema to this version; on a terminal it asks before it goes down, which destroys what is stored.

    Example: pms-sync migrate
    """
    settings = load_settings()
    output.emit(run(_migrate(settings, to, asks=sys.stdin.isatty() and not yes)), as_json, _render)


async def _migrate(settings: Settings, to: str, *, asks: bool) -> dict[str, Any]:
    async with database_server(settings) as (dsn, _):
        if asks and migrations.goes_down(before := await schema.current(dsn), to):
            _ask(before, to, without_password(dsn))
        done = await migrations.migrate(dsn, to)
    return {"from": done.from_, "to": done.to, "applied": done.applied}


def _ask(before: str | None, to: str, where: str) -> None:
    """Raise ConfigurationFault unless the person at the keyboard agrees."""
    question = f"Going from {before} down to {to} destroys data in {where}. Go on?"
    if not click.confirm(question, default=False, err=True):
        raise ConfigurationFault("nothing was changed", "--to", "answer y, or add --yes, if the data may go")


def _render(document: Mapping[str, Any]) -> None:
    if not document["applied"]:
        click.echo(f"The schema is at {document['to']} already.")
        return
    click.echo(f"The schema went from {document['from'] or 'nothing'} to {document['to'] or 'nothing'}.")
