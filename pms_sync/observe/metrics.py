"""The numbers of the daemon under the stable names of PUBLIC_SURFACE, in a registry of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# The bar is p99 <= 10 ms at 64 connections and the sender's patience is seconds.
_ACK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BREAKER_VALUES = {"closed": 0, "half-open": 1, "open": 2}
_SAFE_LABEL = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_LONG_NUMBER = re.compile(r"\d{9,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_SERIES_LIMIT = 20_000
OTHER = "other"


def safe_label(value: str) -> str:
    """Return the value when it can only be an id or a word, else `other`: no address or phone number gets out."""
    text = str(value)
    if _UUID.fullmatch(text):
        return text
    return text if _SAFE_LABEL.fullmatch(text) and not _LONG_NUMBER.search(text) else OTHER


class Metrics:
    """Typed setters for every metric; label values are ids, codes and fixed words, never personal data."""

    content_type: str = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        """Start with every series empty; two instances never share a number."""
        self._registry = CollectorRegistry()
        self._seen: dict[str, set[tuple[str, ...]]] = {}
        self._ack = Histogram(
            "pms_sync_ack_seconds", "From a webhook's arrival to its answer after commit.", registry=self._registry,
            buckets=_ACK_BUCKETS,
        )  # fmt: skip
        self._inbox_depth = self._gauge("inbox_depth", "Deliveries and events waiting.")
        self._inbox_oldest = self._gauge("inbox_oldest_seconds", "Age of the oldest waiting delivery or event.")
        self._outbox_depth = self._gauge("outbox_depth", "Intents to vendors by state.", "state")
        self._breaker = self._gauge("breaker_state", "0 closed, 1 half-open, 2 open.", "account")
        self._freshness = self._gauge("freshness_seconds", "Age of our view.", "property", "stream")
        self._cases = self._gauge("cases_open", "Cases waiting for a person.", "kind")
        self._applied = self._counter("applied", "Revisions applied by outcome.", "outcome")
        self._echo = self._counter("echo", "Our own changes seen coming back.", "kind")
        self._drift = self._counter("drift", "Differences found by reconciling by class, healed and refused.", "kind")
        self._odd = self._counter("deliveries_odd", "Webhooks ignored, parked or unlike their id.", "vendor", "reason")
        self._told = self._counter("deliveries_out", "Attempts to tell a subscriber by outcome.", "outcome")
        self._calls = self._counter("vendor_calls", "Calls to vendors by outcome.", "vendor", "outcome")

    def ack(self, seconds: float) -> None:
        """Record how long one webhook waited for its answer."""
        self._ack.observe(seconds)

    def inbox(self, depth: int, oldest_seconds: float) -> None:
        """Set how much waits in the inbox and for how long the oldest has."""
        self._inbox_depth.set(depth)
        self._inbox_oldest.set(oldest_seconds)

    def applied(self, outcome: str, count: int = 1) -> None:
        """Count revisions that met the store, by what became of them."""
        self._child(self._applied, outcome).inc(count)

    def outbox(self, depths: Mapping[str, int]) -> None:
        """Set the whole outbox by state; a state left out is gone from the page."""
        self._replace(self._outbox_depth, {(state,): depth for state, depth in depths.items()})

    def breaker(self, account: str, state: str) -> None:
        """Set one account's breaker: `closed`, `half-open` or `open`."""
        self._child(self._breaker, account).set(_BREAKER_VALUES[state])

    def breakers(self, states: Mapping[str, str]) -> None:
        """Set all breakers at once; an account left out is gone from the page."""
        self._replace(self._breaker, {(account,): _BREAKER_VALUES[state] for account, state in states.items()})

    def freshness(self, ages: Mapping[tuple[str, str], float]) -> None:
        """Set the age in seconds of our view, whole, keyed by (property, stream)."""
        self._replace(self._freshness, {(code, stream): age for (code, stream), age in ages.items()})

    def cases_open(self, counts: Mapping[str, int]) -> None:
        """Set the open cases by kind; a kind left out has none."""
        self._replace(self._cases, {(kind,): count for kind, count in counts.items()})

    def echo(self, kind: str, count: int = 1) -> None:
        """Count changes of ours recognised on their way back."""
        self._child(self._echo, kind).inc(count)

    def drift(self, kind: str, count: int = 1) -> None:
        """Count differences between us and a vendor by class, and how many were healed or refused by the valve."""
        self._child(self._drift, kind).inc(count)

    def vendor_call(self, vendor: str, outcome: str, count: int = 1) -> None:
        """Count calls to a vendor; fits as the `on_outcome` of a Guard."""
        self._child(self._calls, vendor, outcome).inc(count)

    def delivery_odd(self, vendor: str, reason: str) -> None:
        """Count a webhook that became no work; fits as the `on_odd` of a Router."""
        self._child(self._odd, vendor, reason).inc()

    def delivery_out(self, outcome: str) -> None:
        """Count an attempt to tell a subscriber: delivered, refused, given_up or stopped."""
        self._child(self._told, outcome).inc()

    def render(self) -> bytes:
        """Return the page in the Prometheus text format (`content_type`)."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"pms_sync_{name}", text, labels, registry=self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"pms_sync_{name}", text, labels, registry=self._registry)

    def _replace(self, gauge: Gauge, values: Mapping[tuple[str, ...], float]) -> None:
        """Swap all series in one go; what collapses into `other` shows its worst value."""
        gauge.clear()
        self._seen.pop(str(gauge), None)
        worst: dict[tuple[str, ...], float] = {}
        for raw, value in values.items():
            labels = self._labels(gauge, *raw)
            worst[labels] = max(value, worst.get(labels, value))
        for labels, value in worst.items():
            gauge.labels(*labels).set(value)

    def _child(self, metric: Any, *values: str) -> Any:  # noqa: ANN401  the library types its metrics by generics it does not export
        return metric.labels(*self._labels(metric, *values))

    def _labels(self, metric: object, *values: str) -> tuple[str, ...]:
        labels = tuple(map(safe_label, values))
        seen = self._seen.setdefault(str(metric), set())
        if labels not in seen and len(seen) >= _SERIES_LIMIT:
            return (OTHER,) * len(values)
        seen.add(labels)
        return labels
