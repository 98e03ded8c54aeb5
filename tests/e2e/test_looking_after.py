"""What an operator sees and does from the outside: probes, metrics, rotating a secret, commands beside the daemon."""

from __future__ import annotations

import pytest

from tests.e2e.stage import Stage
from tests.e2e.vendor import Target
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_METRICS = (
    "pms_sync_ack_seconds_count",
    "pms_sync_inbox_depth",
    "pms_sync_inbox_oldest_seconds",
    'pms_sync_applied_total{outcome="new"}',
    'pms_sync_breaker_state{account="',
    'pms_sync_freshness_seconds{property="P1",stream="reservations"}',
    'pms_sync_vendor_calls_total{outcome="ok",vendor="beds24"}',
)


async def test_probes_say_that_everything_runs(stage: Stage) -> None:
    """OPS-01."""
    health = await stage.http.get(f"{stage.daemon.url}/healthz")
    assert health.status_code == 200
    assert health.json()["status"] == "ok"
    assert {"router", "worker", "dispatcher", "poller"} <= health.json()["loops"].keys()
    assert all(loop["age_s"] <= loop["limit_s"] for loop in health.json()["loops"].values())
    ready = await stage.http.get(f"{stage.daemon.url}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "database": "up", "schema": "head"})


async def test_metrics_are_there_by_name(stage: Stage) -> None:
    """SEC-24, CUR-16: freshness is the figure to watch."""
    ref = await stage.vendor.book(stage.calendar.days().stay(0, 2))
    await eventually(lambda: stage.store.reservation(ref))

    async def told() -> bool:
        text = (await stage.http.get(f"{stage.daemon.url}/metrics")).text
        missing = [name for name in _METRICS if name not in text]
        assert not missing, missing
        return True

    await eventually(told)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=203.0.113.7"},
        {"Host": "attacker.example"},
    ],
)
async def test_metrics_are_refused_through_a_proxy(stage: Stage, headers: dict[str, str]) -> None:
    """SEC-11, SEC-24."""
    answer = await stage.http.get(f"{stage.daemon.url}/metrics", headers=headers)
    assert answer.status_code == 403
    assert "pms_sync_ack_seconds" not in answer.text


async def test_a_webhook_is_taken_through_a_proxy(stage: Stage) -> None:
    """SEC-11: doors are for everybody who has the secret."""
    answer, _ = await stage.post(b'{"booking":{"id":1,"propertyId":999}}', **{"X-Forwarded-For": "203.0.113.7"})
    assert answer.status_code == 200


async def test_a_rotated_secret_reaches_the_vendor_and_the_old_one_has_its_time(stage: Stage) -> None:
    """ING-06: old and new are accepted side by side, a retired one is refused; the daemon itself tells the vendor."""
    account, first = await stage.account_id(), stage.vendor.target()
    secrets = [next(iter(first.headers.values()))]
    for _ in range(2):
        ended = await stage.daemon.command("accounts", "rotate-secret", account)
        assert ended.code == 0, ended.err
        secrets.append(ended.document["secret"])
    assert len(set(secrets)) == 3
    [header] = first.headers

    async def only_the_last_two() -> bool:
        body = b'{"booking":{"id":1,"propertyId":999}}'
        answers = [await stage.post(body, **{header: secret}) for secret in secrets]
        return [answer.status_code for answer, _ in answers] == [401, 200, 200]

    await eventually(only_the_last_two)

    async def told() -> Target:
        target = stage.vendor.target()
        assert target.headers == {header: secrets[-1]}
        return target

    last = await eventually(told, 30)
    assert last.url == first.url
    ref = await stage.vendor.book(stage.calendar.days().stay(0, 2))
    await eventually(lambda: stage.store.reservation(ref))
    log = stage.daemon.log.read_text()
    assert not [secret for secret in secrets if secret in log]
    await stage.settled()


async def test_commands_beside_the_daemon_share_its_database(stage: Stage) -> None:
    """Each answers with one document, and the daemon does not notice."""
    account = await stage.account_id()
    listed = (await stage.daemon.command("accounts", "list")).document
    [item] = listed["items"]
    assert (item["account_id"], item["mode"], item["state"]) == (account, "shadow", "active")
    assert item["door_url"] == stage.vendor.target().url
    doctor = await stage.daemon.command("doctor")
    assert doctor.code in {0, 1}
    assert all({"check", "ok", "detail", "remedy"} <= one.keys() for one in doctor.document["items"])
    tested = await stage.daemon.command("accounts", "test", account)
    assert (tested.code, tested.document["ok"]) == (0, True), tested.out
    assert (await stage.http.get(f"{stage.daemon.url}/readyz")).status_code == 200


async def test_a_paused_account_keeps_its_webhooks_and_catches_up(stage: Stage) -> None:
    """OPS-14."""
    account = await stage.account_id()
    paused = await stage.daemon.command("accounts", "pause", account)
    assert paused.code == 0, paused.err
    try:
        ref = await stage.vendor.book(stage.calendar.days().stay(0, 2), silent=True)
        answer, _ = await stage.post(stage.vendor.webhook(ref))
        assert answer.status_code == 200

        async def kept() -> bool:
            return {row["state"] for row in await stage.store.inbox(ref)} == {"waiting"}

        await eventually(kept)
        assert await stage.store.reservation(ref) is None
    finally:
        resumed = await stage.daemon.command("accounts", "resume", account)
    assert resumed.code == 0, resumed.err
    await eventually(lambda: stage.store.reservation(ref))
    await stage.settled()
