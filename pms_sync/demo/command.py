"""`demo`: a simulated hotel flows in, the plug is pulled, and the auditor says whether both sides are equal."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from pms_sync.demo.play import Play
from pms_sync.demo.screen import Screen
from pms_sync.demo.stage import Stage, stage
from pms_sync.demo.statement import state
from pms_sync.observe.logs import configure_logging

_POLL_INTERVAL_S = 5
_RESERVATIONS = 25
_PATIENCE_S = 45.0
_FINDING = 1


@click.command(name="demo")
@click.option("--headless", is_flag=True, help="Show nothing while it plays, then the statement; end by itself.")
@click.option("--seconds", type=click.IntRange(10, 3600), default=60, show_default=True, help="How long to play.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another story.")
@click.option("--json", "as_json", is_flag=True, help="Print the statement as one JSON document.")
def command(*, headless: bool, seconds: int, seed: int, as_json: bool) -> None:
    """Watch a simulated hotel flow in; exits 1 when the two sides differ at the end.

    Example: pms-sync demo --headless --seconds 40 --json
    """
    configure_logging(level="ERROR")
    screen = Screen(headless=headless or as_json, reads_out=not as_json)
    document = asyncio.run(_demo(screen, seed, seconds, stay=not headless))
    if as_json:
        click.echo(json.dumps(document))
    if not document["converged"]:
        raise click.exceptions.Exit(_FINDING)


async def _demo(screen: Screen, seed: int, seconds: int, *, stay: bool) -> dict[str, Any]:
    with _ended_by_sigterm():
        return await _on_stage(screen, seed, seconds, stay=stay)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the work like control-C, so that the stage is cleared; raises KeyboardInterrupt then.

    A further SIGTERM changes nothing: `timeout` sends two, and clearing takes its time.
    """
    loop, work, asked = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert work is not None  # noqa: S101 - we are inside of it

    def end() -> None:
        if not asked.is_set():
            asked.set()
            work.cancel()

    loop.add_signal_handler(signal.SIGTERM, end)
    try:
        yield
    except asyncio.CancelledError:
        if asked.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _on_stage(screen: Screen, seed: int, seconds: int, *, stay: bool) -> dict[str, Any]:
    async with stage(seed, _RESERVATIONS, _POLL_INTERVAL_S) as ready:
        bind = await ready.daemon.start()
        screen.say(f"Pages: http://{bind}/health   Vendor: {ready.vendor.base_url}/_sim/truth")
        document = await _perform(ready, screen, seed, seconds)
        screen.state(document)
        if stay and sys.stdin.isatty() and sys.stdout.isatty():
            screen.say(f"The pages stay up until control-C: http://{bind}/health")
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return document


async def _perform(ready: Stage, screen: Screen, seed: int, seconds: int) -> dict[str, Any]:
    play = Play(ready, seed, seconds, lambda: screen.show(play.lines))
    with screen:
        watching = asyncio.create_task(play.watch())
        try:
            await play.perform()
            quiet = await play.until_quiet(max(seconds * 0.4, _PATIENCE_S))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        screen.show(play.lines)
    document = await state(ready, seed, seconds, quiet=quiet and play.unfinished is None)
    if play.sign_in is not None:
        email, password = play.sign_in
        screen.say(f"Try it: sign in at http://{ready.daemon.bind}/ as {email} with the password {password}")
        screen.say("  the desk with its cases, /health, /api/docs; change a booking at the vendor and watch it arrive")
    return {**document, "scenes": {"verified": play.scenes_verified, "unfinished": play.unfinished}}
