"""`doctor`: everything a newcomer gets wrong, one line each with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from pms_sync.bootstrap.diagnosis import diagnose
from pms_sync.cli import loop, output
from pms_sync.observe.logs import configure_logging


@click.command(name="doctor")
@output.json_option
def command(as_json: bool) -> None:  # noqa: FBT001
    """Check settings, database, master key, hotel files and accounts; exits 1 when something needs a person.

    Example: pms-sync doctor
    """
    configure_logging(level="CRITICAL")  # what is wrong stands in the items
    document = loop.run(diagnose())
    output.emit(document, as_json, _render)
    if not all(item["ok"] for item in document["items"]):
        raise click.exceptions.Exit(output.FINDING)


def _render(document: Mapping[str, Any]) -> None:
    for item in document["items"]:
        click.echo(output.one_line(f"{'ok ' if item['ok'] else 'NOT'}  {item['check']}: {item['detail']}"))
        if not item["ok"] and item["remedy"]:
            click.echo(output.one_line(f"     → {item['remedy']}"))
