"""Board: what the health page says about every stream, decided by a table of rules from the store's facts; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from pms_sync.observe.heartbeats import HealthReport
from pms_sync.store.health import Facts, StreamHealth

Tone = Literal["bad", "warn", "wait", "off", "good"]

_TONES: tuple[Tone, ...] = ("bad", "warn", "wait", "off", "good")
_STREAM_ORDER = ("reservations", "guests", "room_status", "blocks", "folio", "ari", "catalogue", "agenda")
_LATE_S = 120.0
_PATIENCE_S = 900.0
_MOST_TROUBLES = 12


class Rule(NamedTuple):
    """When a stream is said to be something, what the daemon does about it, and the one command that helps."""

    word: str
    tone: Tone
    fits: Callable[[StreamHealth], bool]
    doing: str
    command: str | None = None


def _overdue(row: StreamHealth) -> bool:
    return not row.reading and (row.overdue_s or 0.0) > _LATE_S


def _long_unread(row: StreamHealth) -> bool:
    return row.freshness_s is None or row.freshness_s > _PATIENCE_S


_LATE = "late"
_TEST = "pms-sync accounts test {account}"
# The first rule that fits speaks: what stops a whole account comes before what slows one stream.
RULES: tuple[Rule, ...] = (
    Rule(
        "stopped", "bad", lambda row: row.state == "failed",
        "Nothing is asked of the vendor until its access is put right; webhooks are kept.", _TEST,
    ),
    Rule(
        "paused", "off", lambda row: row.state == "paused",
        "Nothing is asked of the vendor while the account is paused; webhooks are kept.",
        "pms-sync accounts resume {account}",
    ),
    Rule(
        "vendor away", "bad", lambda row: row.breaker == "open",
        "The vendor is probed at growing intervals; what it missed is read as soon as it answers.", _TEST,
    ),
    Rule(
        "not started", "wait", lambda row: row.stream is None,
        "The account is read for the first time once it has credentials.",
        "pms-sync accounts test {account}",
    ),
    Rule(
        "failing", "bad", lambda row: row.last_error is not None and _long_unread(row),
        "It is tried again by itself; nothing is skipped.", _TEST,
    ),
    Rule(
        "retrying", "warn", lambda row: row.last_error is not None,
        "It is tried again by itself; nothing is skipped.", _TEST,
    ),
    Rule(
        "probing", "warn", lambda row: row.breaker == "half-open",
        "One call is under way to see whether the vendor is back.", _TEST,
    ),
    Rule(
        _LATE, "warn", _overdue,
        "Its turn has come and no reader took it.", "pms-sync doctor",
    ),
    Rule(
        "first read", "wait", lambda row: row.phase == "snapshot" and row.last_success_at is None,
        "Everything is read once; changes are followed from the moment this began.",
    ),
    Rule("fresh", "good", lambda _: True, "Read on schedule."),
)  # fmt: skip


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One stream as the page shows it; `spent` is how much of the time to the next read has passed, 0 to 100."""

    row: StreamHealth
    word: str
    tone: Tone
    doing: str
    command: str | None
    spent: int

    @property
    def since(self) -> datetime:
        """Return when it began: a late turn at its due time, else the last good read or the account's first day."""
        began = self.row.next_due_at if self.word == _LATE else self.row.last_success_at
        return began or self.row.connected_at

    @property
    def next_s(self) -> float | None:
        """Return in how many seconds it is read next; None when nobody promises that."""
        row = self.row
        waits = row.state == "active" and not row.reading and row.overdue_s is not None and row.overdue_s <= 0
        return -row.overdue_s if waits and row.overdue_s is not None else None

    @property
    def why(self) -> str | None:
        """Return the reason in the vendor's words, where one was given."""
        return self.row.state_reason if self.row.state != "active" else self.row.last_error


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One account of one property; `cells` has one place per column, None where the vendor has no such stream."""

    head: StreamHealth
    cells: Sequence[Cell | None]
    lone: Cell | None = None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """The whole page; `troubles` are the worst cells, `more` how many are not listed, `stale` the loops that stand."""

    headline: str
    tone: Tone
    columns: Sequence[str]
    lines: Sequence[Line]
    troubles: Sequence[Cell]
    more: int
    stale: Mapping[str, float]
    counts: Mapping[str, int]
    facts: Facts
    several_tenants: bool


def judge(row: StreamHealth) -> Cell:
    """Say how one stream is."""
    rule = next(rule for rule in RULES if rule.fits(row))
    return Cell(
        row=row,
        word=rule.word,
        tone=rule.tone,
        doing=rule.doing,
        command=rule.command.format(account=row.account_id) if rule.command else None,
        spent=_spent(row),
    )


def build(rows: Sequence[StreamHealth], facts: Facts, report: HealthReport) -> Board:
    """Lay the board out."""
    cells = [judge(row) for row in rows]
    stale = {name: loop["age_s"] for name, loop in report["loops"].items() if loop["age_s"] > loop["limit_s"]}
    ranked = sorted((cell for cell in cells if cell.tone in ("bad", "warn")), key=_harm)
    troubles = _one_per_account(ranked)
    columns = sorted({row.stream for row in rows if row.stream}, key=_column)
    tone, headline = _headline(cells, stale)
    return Board(
        headline=headline,
        tone=tone,
        columns=columns,
        lines=_lines(cells, columns),
        troubles=troubles[:_MOST_TROUBLES],
        more=max(0, len(troubles) - _MOST_TROUBLES),
        stale=stale,
        counts=Counter(cell.word for cell in cells),
        facts=facts,
        several_tenants=len({row.tenant_code for row in rows}) > 1,
    )


def _spent(row: StreamHealth) -> int:
    """A stream that fails has spent all its time: its next try is no promise."""
    if row.freshness_s is None or row.overdue_s is None or row.state != "active":
        return 0
    if row.last_error is not None:
        return 100
    period = row.freshness_s - row.overdue_s
    return max(0, min(100, round(100 * row.freshness_s / period))) if period > 0 else 100


def _harm(cell: Cell) -> tuple[int, datetime]:
    return _TONES.index(cell.tone), cell.since


def _one_per_account(ranked: Sequence[Cell]) -> list[Cell]:
    """What stops an account is told once, not once a stream."""
    seen: set[tuple[UUID, str, str | None]] = set()
    told = []
    for cell in ranked:
        key = (cell.row.account_id, cell.word, cell.why)
        if key not in seen:
            seen.add(key)
            told.append(cell)
    return told


def _column(stream: str) -> tuple[int, str]:
    known = _STREAM_ORDER.index(stream) if stream in _STREAM_ORDER else len(_STREAM_ORDER)
    return known, stream


def _lines(cells: Sequence[Cell], columns: Sequence[str]) -> list[Line]:
    lines = []
    for _, group in groupby(cells, key=lambda cell: cell.row.account_id):
        mine = list(group)
        by_stream = {cell.row.stream: cell for cell in mine}
        places = [by_stream.get(column) for column in columns]
        lines.append(Line(head=mine[0].row, cells=places, lone=by_stream.get(None)))
    return lines


def _headline(cells: Sequence[Cell], stale: Mapping[str, float]) -> tuple[Tone, str]:
    if stale:
        names = ", ".join(stale)
        return "bad", f"The daemon stands still: {names}"
    if not cells:
        return "off", "No accounts yet"
    tones = Counter(cell.tone for cell in cells)
    if tones["bad"] or tones["warn"]:
        return ("bad" if tones["bad"] else "warn"), _attention(tones["bad"] + tones["warn"], len(cells))
    if tones["wait"]:
        return "wait", f"Reading for the first time: {_of(tones['wait'], len(cells))}"
    if tones["off"]:
        fresh = "No stream is read" if tones["off"] == len(cells) else "All other streams fresh"
        return "off", f"{fresh}, {_of(tones['off'], len(cells))} paused"
    return "good", "All streams fresh"


def _attention(number: int, total: int) -> str:
    return f"{_of(number, total)} {'needs' if number == 1 else 'need'} attention"


def _of(number: int, total: int) -> str:
    return f"{number} of {total} streams" if total > 1 else "1 stream"
