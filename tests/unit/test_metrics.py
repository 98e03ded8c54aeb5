"""The metrics page carries the stable names, and never a person."""

from __future__ import annotations

from pms_sync.observe.metrics import Metrics, safe_label


def filled() -> Metrics:
    metrics = Metrics()
    metrics.ack(0.004)
    metrics.inbox(3, 1.5)
    metrics.applied("changed", 2)
    metrics.outbox({"planned": 1})
    metrics.breaker("b7f0c7a0-0000-4000-8000-000000000001", "open")
    metrics.freshness({("P1", "reservations"): 12.0})
    metrics.cases_open({"type_oversold": 1})
    metrics.echo("push")
    metrics.vendor_call("v1", "ok")
    metrics.delivery_out("delivered")
    metrics.delivery_odd("v1", "unknown_property")
    return metrics


def test_every_stable_name_is_on_the_page() -> None:
    page = filled().render().decode()
    for line in (
        "pms_sync_ack_seconds_count 1.0",
        "pms_sync_inbox_depth 3.0",
        "pms_sync_inbox_oldest_seconds 1.5",
        'pms_sync_applied_total{outcome="changed"} 2.0',
        'pms_sync_deliveries_odd_total{reason="unknown_property",vendor="v1"} 1.0',
        'pms_sync_outbox_depth{state="planned"} 1.0',
        'pms_sync_breaker_state{account="b7f0c7a0-0000-4000-8000-000000000001"} 2.0',
        'pms_sync_freshness_seconds{property="P1",stream="reservations"} 12.0',
        'pms_sync_cases_open{kind="type_oversold"} 1.0',
        'pms_sync_echo_total{kind="push"} 1.0',
        'pms_sync_vendor_calls_total{outcome="ok",vendor="v1"} 1.0',
        'pms_sync_deliveries_out_total{outcome="delivered"} 1.0',
    ):
        assert line in page


def test_two_daemons_in_one_program_do_not_share_numbers() -> None:
    filled()
    assert b'pms_sync_applied_total{outcome="changed"}' not in Metrics().render()


def test_a_state_that_emptied_leaves_the_page() -> None:
    metrics = filled()
    metrics.outbox({"sent": 4})
    assert b"planned" not in metrics.render()


def test_labels_hold_ids_and_words_only() -> None:
    """OPS-09, PRV-04."""
    for private in ("guest@example.org", "+34600123456", "Ana María", "4111111111111111", 'x"} 1\nfake 2', "a" * 65):
        assert safe_label(private) == "other"
    metrics = filled()
    metrics.applied("guest@example.org")
    assert b"example" not in metrics.render()


def test_the_number_of_series_is_bounded() -> None:
    """OPS-09: an endless stream of codes ends in one series."""
    metrics = Metrics()
    metrics.freshness({(f"P{n}", "reservations"): float(n) for n in range(20_050)})
    page = metrics.render().decode()
    assert page.count("pms_sync_freshness_seconds{") == 20_001
    assert 'property="other",stream="other"} 20049.0' in page
