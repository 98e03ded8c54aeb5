"""`python -m benchmarks`: measure everything in one run on one server, and print one JSON document as the last line."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import acks, applying, claiming, commits, figures, filling, memory, merging, reconciling, wire
from benchmarks.house import House, fresh_house, server
from benchmarks.peer import Report as PeerReport
from benchmarks.sample import Sample
from benchmarks.spent import spending
from pms_sync.cli import loop
from pms_sync.observe.garbage import calm

_ROOT = Path(__file__).parents[1]


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured: bookings, and seconds per rate."""

    backfill: int
    apply: int
    claims: int
    orders: int
    run_s: float
    warm_s: float


FULL = Size(backfill=20_000, apply=8_000, claims=1_000_000, orders=100, run_s=8.0, warm_s=1.5)
QUICK = Size(backfill=1_000, apply=800, claims=20_000, orders=5, run_s=1.0, warm_s=0.3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns 1 when something was lost, which makes the run void whatever its speed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run of seconds; its figures mean little")
    quick = parser.parse_args(arguments).quick
    with tempfile.TemporaryDirectory(prefix="pms-sync-bench-") as folder:
        told = loop.run(_measure(QUICK if quick else FULL, Path(folder), quick=quick))
    _show(told)
    print(msgspec.json.encode(told).decode(), flush=True)  # noqa: T201 - the command's output
    return 1 if told["void"] else 0


async def _measure(size: Size, folder: Path, *, quick: bool) -> dict[str, Any]:
    found = Found()
    sample = Sample(size.backfill)
    calm()
    async with server(folder / "pg") as dsn:
        async with fresh_house(dsn, "bench_acks") as house:
            _say("commits of the server alone, then acknowledgements")
            await _acks(house, sample, size, folder, found)
        async with fresh_house(dsn, "bench_apply") as house:
            _say("apply")
            await _apply(house, Sample(size.apply), found)
        async with fresh_house(dsn, "bench_claims") as house:
            _say("claims")
            await _claims(house, Sample(size.apply), size, found)
        _say("merge")
        found.figures["merge_per_s"] = merging.measure(size.run_s / 4)
        async with fresh_house(dsn, "bench_backfill") as house:
            _say("backfill")
            await _backfill(house, sample, found)
            _say("reconcile of what was backfilled")
            await _reconcile(house, sample, found)
            version = await house.version()
        async with fresh_house(dsn, "bench_dlt") as house:
            _say("the same pull by dlt")
            await _peer(house, size, folder, found)
        async with fresh_house(dsn, "bench_wire") as house:
            _say("from an order's commit to the vendor's door")
            found.figures["commit_to_wire_p50_ms"] = wire.p50(await wire.measure(house, folder, size.orders))
        async with fresh_house(dsn, "bench_memory") as house:
            _say("memory of an idle daemon")
            found.figures["base_rss_mb"] = await memory.measure(house)
    return figures.document(found.figures, found.counted, found.cpu, _run(version, quick=quick))


class Found(msgspec.Struct):
    """What a run has found so far: figures, counts, and processor time per record in microseconds."""

    figures: dict[str, float] = {}
    counted: dict[str, int] = {}
    cpu: dict[str, dict[str, float]] = {}


async def _acks(house: House, sample: Sample, size: Size, folder: Path, found: Found) -> None:
    body = sample.deliveries(1)[0]
    rates = await commits.measure(house, body, max(1, round(size.run_s / 2)), folder)
    told = await acks.measure(house, sample, size.run_s, size.warm_s)
    for connections, report in told.reports.items():
        found.figures[f"ack_per_s_{connections}"] = report.per_s
        found.figures[f"ack_p99_ms_{connections}"] = report.p99_ms
    found.figures["commit_per_s_best"] = max(rates.values())
    found.figures["ack_ratio"] = found.figures["ack_per_s_64"] / found.figures["commit_per_s_best"]
    found.counted |= {"acks_sent": told.acknowledged, "acks_stored": told.stored, "acks_refused": told.refused}


async def _apply(house: House, sample: Sample, found: Found) -> None:
    applied = await applying.measure(house, sample)
    found.figures |= {f"apply_{kind}_per_s": rate for kind, rate in applied.per_s.items()}
    found.counted |= {"apply_sent": applied.records, "apply_stored": applied.stored}
    found.counted |= {f"apply_{kind}_otherwise": number for kind, number in applied.surprises.items()}


async def _claims(house: House, sample: Sample, size: Size, found: Found) -> None:
    told = await claiming.measure(house, sample, size.claims)
    found.figures |= {"claim_p99_ms": told.p99_ms, "claim_oversells": told.oversells}
    found.counted |= {"claims_asked": told.asked, "claim_deadlocks": told.deadlocks}


async def _backfill(house: House, sample: Sample, found: Found) -> None:
    filled = await filling.measure(house, sample)
    found.figures["backfill_per_s"] = filled.records / filled.seconds
    found.cpu["backfill"] = filled.spent.each(filled.records)
    found.counted |= {"backfill_sent": filled.records, "backfill_stored": filled.stored}


async def _reconcile(house: House, sample: Sample, found: Found) -> None:
    told = await reconciling.measure(house, await house.hotel(sample, filling.TENANT), sample)
    found.figures["reconcile_cpu_s_per_100k"] = told.local.client / told.objects * 100_000
    found.figures["reconcile_calls_per_page"] = told.calls / told.pages
    found.figures["reconcile_statements_per_page"] = told.statements / told.pages
    found.figures["reconcile_writes"] = told.writes
    found.cpu |= {"reconcile": told.spent.each(told.objects), "reconcile_local": told.local.each(told.objects)}
    found.counted |= {"reconcile_sent": len(sample), "reconcile_stored": told.objects if told.equal else 0}


async def _peer(house: House, size: Size, folder: Path, found: Found) -> None:
    with spending() as spent:
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "benchmarks.peer", house.dsn, str(folder / "dlt"), str(size.backfill)),
            cwd=_ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await program.communicate()
    if program.returncode:
        raise RuntimeError(f"the peer ended with exit code {program.returncode}")
    report = msgspec.json.decode(told.splitlines()[-1], type=PeerReport)
    spent.client = report.client_s
    found.cpu["dlt"] = spent.each(report.records)
    found.figures["dlt_per_s"] = report.records / report.seconds
    found.figures["backfill_ratio"] = found.figures["backfill_per_s"] / found.figures["dlt_per_s"]
    found.counted |= {"dlt_sent": report.records, "dlt_stored": report.stored}


def _run(version: str, *, quick: bool) -> dict[str, Any]:
    busy, _, _ = os.getloadavg()
    facts = {"python": platform.python_version(), "cpus": os.cpu_count(), "machine": platform.machine()}
    return {**facts, "postgresql": version, "fsync": "on", "load_after": round(busy, 2), "quick": quick}


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)  # noqa: T201 - progress, apart from the output


def _show(told: dict[str, Any]) -> None:
    for name, judged in told["bars"].items():
        verdict = "met" if judged["met"] else "MISSED"
        print(f"{name:22} {judged['measured']:>10} (bar {judged['bar']:g}) {verdict}", file=sys.stderr)  # noqa: T201
    for stage, missing in figures.losses(told["counted"]).items():
        print(f"{stage:22} {missing} lost", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
