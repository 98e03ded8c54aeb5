"""`simulate VENDOR`: a simulated vendor on a local port, with the control plane under /_sim/."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

import click

from pms_sync import plugins
from pms_sync.cli import loop, output
from pms_sync.domain.errors import ConfigurationFault


@click.command(name="simulate")
@click.argument("vendor")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one; each vendor has a usual one.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another hotel.")
@output.json_option
def command(vendor: str, port: int | None, seed: int, as_json: bool) -> None:  # noqa: FBT001
    """Run a simulated VENDOR until it is interrupted; prints its address and credentials.

    Example: pms-sync simulate VENDOR --port 0
    """
    factory: Any = plugins.one(plugins.SIMULATORS, vendor)
    loop.run(_simulate(factory(seed), port, as_json))


async def _simulate(simulator: Any, wanted: int | None, as_json: bool) -> None:  # noqa: ANN401, FBT001
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    port = simulator.usual_port if wanted is None else wanted
    try:
        base_url = await simulator.start(port)
    except OSError as error:
        what = f"cannot listen on port {port}: {error.strerror}"
        raise ConfigurationFault(what, "--port", "free the port, or choose another (0 takes a free one)") from error
    try:
        output.emit({"base_url": base_url, "credentials": simulator.credentials}, as_json, _render)
        await ended.wait()
    finally:
        await simulator.stop()


def _render(document: Mapping[str, Any]) -> None:
    click.echo(f"base URL: {document['base_url']}")
    for name, value in document["credentials"].items():
        click.echo(f"{name}: {value}")
