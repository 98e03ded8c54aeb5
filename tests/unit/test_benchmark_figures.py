"""The document of `make bench`: bars judged in the right direction, and a run with a loss is void."""

from __future__ import annotations

import pytest

from benchmarks.figures import BARS, document, losses

FIGURES = {
    "ack_ratio": 0.9,
    "ack_p99_ms_64": 9.5,
    "apply_new_per_s": 11_000.0,
    "apply_changed_per_s": 10_000.0,
    "apply_stale_per_s": 50_000.0,
    "apply_duplicate_per_s": 80_000.0,
    "backfill_per_s": 12_345.6,
    "backfill_ratio": 2.5,
    "reconcile_cpu_s_per_100k": 0.9,
    "reconcile_writes": 0,
    "merge_per_s": 76_000.0,
    "claim_p99_ms": 40.0,
    "claim_oversells": 0,
    "commit_to_wire_p50_ms": 15.0,
    "base_rss_mb": 80.0,
}
COUNTED = {"acks_sent": 10, "acks_stored": 10, "backfill_sent": 7, "backfill_stored": 7}


def test_a_run_that_reaches_every_bar_says_so() -> None:
    told = document(FIGURES, COUNTED, {}, {"cpus": 2})
    assert all(bar["met"] for bar in told["bars"].values())
    assert told["backfill_per_s"] == 12_350
    assert told["void"] == []
    assert told["run"] == {"cpus": 2}


@pytest.mark.parametrize(
    ("figure", "value", "bar"),
    [
        ("ack_p99_ms_64", 10.1, "ack_p99_ms_64"),
        ("base_rss_mb", 101.0, "base_rss_mb"),
        ("ack_ratio", 0.79, "ack_ratio"),
        ("apply_stale_per_s", 39_000.0, "stale_cost"),
        ("apply_duplicate_per_s", 39_000.0, "duplicate_cost"),
        ("backfill_ratio", 1.9, "backfill_ratio"),
        ("reconcile_cpu_s_per_100k", 1.1, "reconcile_cpu_s_per_100k"),
        ("reconcile_writes", 1, "reconcile_writes"),
        ("merge_per_s", 49_000.0, "merge_per_s"),
        ("claim_oversells", 1, "claim_oversells"),
        ("commit_to_wire_p50_ms", 20.1, "commit_to_wire_p50_ms"),
    ],
)
def test_one_figure_short_is_one_bar_missed(figure: str, value: float, bar: str) -> None:
    told = document({**FIGURES, figure: value}, COUNTED, {}, {})
    assert [name for name in BARS if not told["bars"][name]["met"]] == [bar]


def test_a_record_that_is_missing_makes_the_run_void() -> None:
    assert losses({**COUNTED, "backfill_stored": 6}) == {"acks": 0, "backfill": 1}
    assert document(FIGURES, {**COUNTED, "backfill_stored": 6}, {}, {})["void"] == ["backfill"]
