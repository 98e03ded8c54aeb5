"""`migrate`: bring the schema to this version, or down to an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from config.settings import Settings
from pms_sync.bootstrap import database_server
from pms_sync.cli import output
from pms_sync.cli.loop import run
from pms_sync.cli.store import load_settings
from pms_sync.store import migrations


@click.command(name="migrate")
@click.option("--to", metavar="REV", default="head", help="A revision, head, or base (empties the database).")
@output.json_option
def command(to: str, as_json: bool) -> None:  # noqa: FBT001
    """Bring the schema to this version.

    Example: pms-sync migrate
    """
    settings = load_settings()
    output.emit(run(_migrate(settings, to)), as_json, _render)


async def _migrate(settings: Settings, to: str) -> dict[str, Any]:
    async with database_server(settings) as (dsn, _):
        done = await migrations.migrate(dsn, to)
    return {"from": done.from_, "to": done.to, "applied": done.applied}


def _render(document: Mapping[str, Any]) -> None:
    if not document["applied"]:
        click.echo(f"The schema is at {document['to']} already.")
        return
    click.echo(f"The schema went from {document['from'] or 'nothing'} to {document['to'] or 'nothing'}.")
