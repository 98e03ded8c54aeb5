"""The database is away: no false 2xx, answers in time, and everything goes on by itself when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.e2e import postgres
from tests.e2e.stage import Stage, on_stage
from tests.e2e.traffic import Traffic
from tests.e2e.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

ANSWER_S, READY_S, INSERT_S = 0.25, 5.0, 5.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Give a daemon whose database may be taken away."""
    async with on_stage(tmp_path_factory.mktemp("away")) as one:
        await one.start()
        yield one


async def accepted(stage: Stage, body: bytes) -> bool:
    """Tell whether a webhook is taken again."""
    try:
        answer, _ = await stage.post(body)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


async def test_a_webhook_meets_503_in_time_while_the_database_is_away_and_200_after(stage: Stage) -> None:
    """ING-04, OPS-01: Retry-After, within 250 ms, and nothing that was answered 200 is missing."""
    ref = await stage.vendor.book(stage.calendar.days().stay(0, 2), silent=True)
    body = stage.vendor.webhook(ref)
    await stage.post(body)
    await stage.settled()
    said = len(stage.daemon.lines())
    with postgres.away(stage.data_dir):

        async def refused() -> bool:
            return (await stage.post(body))[0].status_code == 503

        await eventually(refused, ANSWER_S * 4)
        answers = [await stage.post(body) for _ in range(10)]
        health, ready = [await stage.http.get(f"{stage.daemon.url}/{page}") for page in ("healthz", "readyz")]
    assert [answer.status_code for answer, _ in answers] == [503] * 10
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer, _ in answers)
    assert sorted(took for _, took in answers)[-2] <= ANSWER_S  # one may meet a busy machine
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert (ready.status_code, ready.json()["ready"], ready.json()["database"]) == (503, False, "away")
    assert ready.elapsed.total_seconds() <= READY_S
    await eventually(lambda: accepted(stage, body))

    async def is_ready() -> bool:
        return (await stage.http.get(f"{stage.daemon.url}/readyz")).status_code == 200

    await eventually(is_ready)
    await stage.settled()
    told = [line["tick"] for line in stage.daemon.lines()[said:] if line["event"] == "tick_failed"]
    assert sorted(told) == sorted(set(told)), "said once when it goes"
    loggers = {line["logger"].partition(".")[0] for line in stage.daemon.lines()}
    assert loggers == {"pms_sync"}, "no library repeats what was said"


async def test_an_insert_that_hangs_is_given_up_and_never_acknowledged(stage: Stage) -> None:
    """ING-02, ING-04: the server freezes with the connection open; whoever asks gets 503 after five seconds at most."""
    ref = await stage.vendor.book(stage.calendar.days().stay(0, 2), silent=True)
    body = stage.vendor.webhook(ref)
    with postgres.frozen(stage.data_dir):
        answers = await asyncio.gather(*(stage.post(body) for _ in range(5)))
    assert {answer.status_code for answer, _ in answers} == {503}
    assert max(took for _, took in answers) <= INSERT_S + ANSWER_S * 2
    await eventually(lambda: accepted(stage, body))
    await stage.settled()


async def test_work_that_was_under_way_goes_on_within_ten_seconds(tmp_path: Path) -> None:
    """BEYOND 88: what a batch and a poll held when the server stopped must not wait for their leases to end."""
    async with on_stage(tmp_path, poll_interval_s=1) as stage:
        await stage.start()
        await stage.vendor.faults({"kind": "delay", "seconds": 1.5, "match": {"path": "/bookings"}, "times": 4})
        ref = await stage.vendor.book(stage.calendar.days().stay(0, 2))

        async def asked() -> bool:
            return bool(await stage.store.value("SELECT count(*) FROM pms_public.inbox WHERE state = 'leased'"))

        await eventually(asked)
        postgres.stop_at_once(stage.data_dir)
        await eventually(lambda: stage.store.reservation(ref), 10)
        late = await stage.vendor.book(stage.calendar.days().stay(0, 2), silent=True)
        await eventually(lambda: stage.store.reservation(late), 10)
        await stage.settled()


async def stopped_under_load(root: Path, times: int) -> None:
    """Stop the server at once, again and again, while webhooks, polls and changes go on."""
    async with on_stage(root, poll_interval_s=1) as stage:
        await stage.start()
        async with Traffic(stage) as traffic:
            for _ in range(times):
                before = traffic.acknowledged
                stopped = postgres.stop_at_once(stage.data_dir)

                async def is_back(stopped: int = stopped) -> bool:
                    return postgres.server_pid(stage.data_dir) != stopped and bool(await stage.store.value("SELECT 1"))

                await eventually(is_back, 20)
                await eventually(partial(traffic.more_than, before + 3), 10)
        await traffic.check()
        audited = await stage.settled(30, max_in_flight={})
        assert {audited.invariants[name] for name in ("I1", "I2", "I3", "I4", "I5", "I8", "I9", "I12")} == {"held"}


async def test_five_immediate_stops_of_the_database_lose_nothing(tmp_path: Path) -> None:
    """CRS-02, BEYOND 88: acknowledged means kept, and work resumes without anybody's help."""
    await stopped_under_load(tmp_path, 5)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_many_immediate_stops_of_the_database_lose_nothing(tmp_path: Path) -> None:
    """CRS-02."""
    await stopped_under_load(tmp_path, 30)
