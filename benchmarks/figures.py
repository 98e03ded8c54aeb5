"""Figures: what a run measured, the bars it is held to, and the document that says both; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Figures = Mapping[str, float]


class Bar(NamedTuple):
    """A demand on the figures: `measure` reads one number from them, which must reach the bar or stay under it."""

    measure: Callable[[Figures], float]
    bar: float
    at_least: bool = True

    def judged(self, figures: Figures) -> dict[str, Any]:
        """Say bar, measured value, and whether it is met."""
        measured = self.measure(figures)
        met = measured >= self.bar if self.at_least else measured <= self.bar
        return {"bar": self.bar, "measured": rounded(measured), "met": met}


def _figure(name: str) -> Callable[[Figures], float]:
    return lambda figures: figures[name]


def _cost_beside_a_change(kind: str) -> Callable[[Figures], float]:
    return lambda figures: figures["apply_changed_per_s"] / figures[f"apply_{kind}_per_s"]


# What was promised of it; RELIABILITY 6 says why ratios are what travels between machines.
BARS: Mapping[str, Bar] = {
    "ack_ratio": Bar(_figure("ack_ratio"), 0.8),
    "ack_p99_ms_64": Bar(_figure("ack_p99_ms_64"), 10.0, at_least=False),
    "apply_new_per_s": Bar(_figure("apply_new_per_s"), 10_000),
    "apply_changed_per_s": Bar(_figure("apply_changed_per_s"), 10_000),
    "stale_cost": Bar(_cost_beside_a_change("stale"), 0.25, at_least=False),
    "duplicate_cost": Bar(_cost_beside_a_change("duplicate"), 0.25, at_least=False),
    "backfill_per_s": Bar(_figure("backfill_per_s"), 10_000),
    "backfill_ratio": Bar(_figure("backfill_ratio"), 2.0),
    "reconcile_cpu_s_per_100k": Bar(_figure("reconcile_cpu_s_per_100k"), 1.0, at_least=False),
    "reconcile_writes": Bar(_figure("reconcile_writes"), 0, at_least=False),
    "merge_per_s": Bar(_figure("merge_per_s"), 50_000),
    "claim_p99_ms": Bar(_figure("claim_p99_ms"), 100.0, at_least=False),
    "claim_oversells": Bar(_figure("claim_oversells"), 0, at_least=False),
    "commit_to_wire_p50_ms": Bar(_figure("commit_to_wire_p50_ms"), 20.0, at_least=False),
    "base_rss_mb": Bar(_figure("base_rss_mb"), 100.0, at_least=False),
}


def document(
    figures: Figures, counted: Mapping[str, int], cpu: Mapping[str, Mapping[str, float]], run: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the whole document: figures by name, bars, what was counted, processor time, facts about the run."""
    return {
        **{name: rounded(value) for name, value in figures.items()},
        "bars": {name: bar.judged(figures) for name, bar in BARS.items()},
        "counted": dict(counted),
        "void": [name for name, missing in losses(counted).items() if missing],
        "cpu_us": {name: dict(each) for name, each in cpu.items()},
        "run": dict(run),
    }


def losses(counted: Mapping[str, int]) -> dict[str, int]:
    """Return, per stage, how many were sent and are not there (or are there and were not sent): all must be 0."""
    return {
        stage: counted[f"{stage}_sent"] - counted[f"{stage}_stored"]
        for stage in ("acks", "apply", "backfill", "reconcile", "dlt")
        if f"{stage}_sent" in counted
    }


def rounded(value: float) -> float:
    """Keep four digits; more would pretend."""
    return float(f"{value:.4g}")
