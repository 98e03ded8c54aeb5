"""The daemon tells: a dead account reaches a subscriber of the hotel file and a person's mailbox, each once."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest_asyncio

from tests.e2e.stage import Stage, on_stage
from tests.e2e.waiting import eventually
from tests.integration.listeners import KEY, Listener
from tests.integration.mail_sink import MailSink

SUBSCRIBER = """
[[subscribers]]
url = "{url}"
secret_file = "hook.secret"
topics = ["pms.alert", "pms.account.failed", "pms.account.recovered"]
"""


class Told:
    """A daemon with a subscriber and a mail server."""

    def __init__(self, stage: Stage, listener: Listener, sink: MailSink) -> None:
        self.stage, self.listener, self.sink = stage, listener, sink

    async def set_account(self, state: str) -> None:
        """Stop the account, or let it work again, as the daemon's own parts do."""
        connection = await asyncpg.connect(self.stage.store.dsn)
        try:
            await connection.execute("SET ROLE pms_sync_worker")
            await connection.execute("UPDATE accounts SET state = $1, state_reason = 'refused'", state)
        finally:
            await connection.close()


@pytest_asyncio.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    """Start all three."""
    listener, sink = Listener(), MailSink()
    runner = await listener.start()
    await sink.start()
    mail = {"PMS_SYNC_SMTP_URL": f"smtp://127.0.0.1:{sink.port}", "PMS_SYNC_ALERT_TO": "desk@hotel.example"}
    try:
        async with on_stage(tmp_path, env=mail) as stage:
            with (stage.hotels / "t1.toml").open("a") as file:
                file.write(SUBSCRIBER.format(url=listener.url))
            (stage.hotels / "hook.secret").write_text("whsec_" + base64.b64encode(KEY).decode())
            await stage.start()
            yield Told(stage, listener, sink)
    finally:
        await sink.stop()
        await runner.cleanup()


async def test_a_dead_account_is_told_to_subscribers_and_by_mail_and_so_is_its_return(told: Told) -> None:
    """S3.38: signed, once each, with nobody's data and with the page to look at."""
    await told.set_account("failed")
    await told.listener.has_taken(2)
    assert [one.topic for one in told.listener.took] == ["pms.account.failed", "pms.alert"]
    data = told.listener.took[1].document["data"]
    assert (data["kind"], data["property"], data["url"]) == (
        "account_failed",
        "P1",
        f"{told.stage.daemon.url}/health",
    )

    async def mailed() -> bool:
        return len(told.sink.mails) == 1

    await eventually(mailed, 20)
    await told.set_account("active")
    await told.listener.has_taken(4)
    assert [one.document["data"].get("kind") for one in told.listener.took[2:]] == [None, "account_recovered"]

    async def counted() -> bool:
        page = (await told.stage.http.get(f"{told.stage.daemon.url}/metrics")).text
        return 'pms_sync_deliveries_out_total{outcome="delivered"} 4.0' in page

    await eventually(counted, 20)  # the listener has it before the answer is counted
    assert await told.stage.daemon.stop() == 0
    assert told.listener.url not in told.stage.daemon.log.read_text()
    assert told.listener.knocks == 4
