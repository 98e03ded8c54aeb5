"""`replay`: try parked rows, or everything that was received, once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from pms_sync import plugins
from pms_sync.bootstrap import Opened, new_id
from pms_sync.cli import output, store
from pms_sync.ingest.replaying import Replay
from pms_sync.ingest.router import Router


@click.command(name="replay")
@click.option("--parked", "which", flag_value="parked", help="What waits for a person.")
@click.option("--all", "which", flag_value="all", help="The newest raw record of every object, and what is parked.")
@output.json_option
def command(which: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Map and apply raw records once more; equal ones change nothing.

    Example: pms-sync replay --parked
    """
    if which is None:
        raise click.UsageError("say which: --parked or --all")

    async def work(core: Opened) -> Mapping[str, Any]:
        runtimes = core.runtimes()
        await runtimes.refresh()
        router = Router(core.database, core.keys, plugins.doors(), queues=core.queues)
        try:
            replay = Replay(core.database, router, core.worker(runtimes), new_id)
            return await replay.run(everything=which == "all")
        finally:
            await runtimes.aclose()

    output.emit(store.with_store(work, hotels=True), as_json, _render)


def _render(document: Mapping[str, Any]) -> None:
    click.echo(f"{document['replayed']} replayed, {document['changed']} changed something.")
    if document["parked"]:
        click.echo(f"{document['parked']} rows still wait for a person.")
    if document.get("gone"):
        click.echo(f"{document['gone']} objects cannot be replayed: their raw records were older than RAW_MONTHS.")
