"""`rotate-keys`: wrap the data keys anew, and make new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from pms_sync.bootstrap.rotating import rotated
from pms_sync.cli import output, store


@click.command(name="rotate-keys")
@click.option("--data-keys", is_flag=True, help="Also make new data keys; what is sealed already opens as before.")
@output.json_option
def command(data_keys: bool, as_json: bool) -> None:  # noqa: FBT001
    """Wrap all data keys by the newest master key. The embedded database makes itself a new one.

    With a server database name both keys in MASTER_KEY first, the new one before the old, and start the daemons with
    it; after this command the old one can go.

    Example: pms-sync rotate-keys
    """
    output.emit(store.with_store(lambda core: rotated(core, data_keys=data_keys)), as_json, _render)


def _render(document: Mapping[str, Any]) -> None:
    click.echo(f"{document['rewrapped']} data keys are wrapped by the newest master key.")
    if document["data_keys"]:
        click.echo(f"{document['data_keys']} new data keys, used in ten minutes: by then every process knows them.")
