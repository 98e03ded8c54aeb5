"""The daemon's own reconcile: what neither webhook nor poll can tell is found at its turn, beside everything else."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.stage import on_stage
from tests.e2e.waiting import eventually

FOLLOWED_FOR_LONG = "UPDATE accounts SET created_at = now() - interval '1 day' RETURNING 1"
PROOF = "SELECT compared, differed, healed, equal FROM proofs"


async def test_a_booking_deleted_behind_our_back_is_found_by_the_daemon_itself(tmp_path: Path) -> None:
    """CUR-18, REP-07: the worker reads it twice, a person is asked, and the page tells of it."""
    async with on_stage(tmp_path, poll_interval_s=3600) as stage:
        await stage.start()
        ref = await stage.vendor.book(stage.calendar.days().stay(0, 2))
        await eventually(lambda: stage.store.reservation(ref))
        await stage.store.rows(FOLLOWED_FOR_LONG, role=None)
        await stage.daemon.stop()
        await stage.vendor.delete(ref)
        await stage.daemon.start()

        async def compared() -> bool:
            return bool(await stage.store.rows(PROOF, role=None))

        await eventually(compared, 30)
        [proof] = await stage.store.rows(PROOF, role=None)
        assert (proof["differed"], proof["healed"], proof["equal"]) == (1, 0, False)
        [drift] = await stage.store.rows("SELECT ref, class FROM drift WHERE healed_at IS NULL", role=None)
        assert (drift["ref"], drift["class"]) == (ref, "missing_there")
        assert len(await stage.store.cases("vanished")) == 1
        page = await stage.http.get(f"{stage.daemon.url}/health?still")
        assert "1 differ" in page.text
        assert "pms_sync_drift_total" in (await stage.http.get(f"{stage.daemon.url}/metrics")).text
