"""Timeline: what happened to a reservation, newest first: what came in, what became of it, what it changed; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from pms_sync.store.explain import Row, Story

_SIDES = 2
_EVENT_WORDS = {
    "webhook": "Webhook led to a read",
    "poll": "Seen by a poll",
    "backfill": "Seen by a backfill",
    "reconcile": "Read again to be sure",
    "replay": "Replayed",
}
_OUTCOMES = {
    "new": "new to us",
    "changed": "changed something",
    "same": "nothing new in it",
    "duplicate": "the bytes we had",
    "stale": "older than ours, kept out",
    "outrun": "overtaken by a later read",
}
_ACTIONS = {"reservation.created": "Reservation created", "reservation.updated": "Reservation changed"}


_BILL = "folio_lines"
_LABELS = {
    "guest.booker": "booker",
    "guest.guest": "guests",
    "guest.companions": "guests",
    "private_digest": "notes",
    _BILL: "bill",
}
_NOTHING = (None, "")


class Change(msgspec.Struct, frozen=True):
    """One thing that changed; both sides are None where only its name is kept (sealed values, whole lists)."""

    name: str
    old: str | None = None
    new: str | None = None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened; `tone` marks what waits (wait) or is stuck (bad)."""

    at: datetime
    what: str
    detail: str | None = None
    by: str | None = None
    changes: Sequence[Change] = ()
    correlation_id: str | None = None
    tone: str = "plain"


def timeline(story: Story) -> list[Moment]:
    """Return every moment, newest first; of one instant, what was caused stands above its cause."""
    moments = [*_entries(story), *_events(story), *_deliveries(story)]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


def actor_name(story: Story, actor: str | None) -> str | None:
    """Name who did it as a person reads it: the vendor and property of an account, else the word itself."""
    if actor is None:
        return None
    account = story.accounts.get(actor.removeprefix("account:"))
    return actor if account is None else f"{account['vendor']} at {account['property_code']}"


def _deliveries(story: Story) -> Iterator[Moment]:
    for row in story.deliveries:
        yield Moment(
            at=row["received_at"],
            what="Webhook received",
            detail="the same delivery id with another body" if row["anomaly"] else _parked(row),
            by=row["vendor"],
            correlation_id=row["correlation_id"],
            tone=_tone(row),
        )


def _events(story: Story) -> Iterator[Moment]:
    for row in story.events:
        outcome = _OUTCOMES.get(row["outcome"], row["outcome"])
        yield Moment(
            at=row["done_at"] or row["received_at"],
            what=_EVENT_WORDS.get(row["kind"]) or str(row["kind"]),
            detail=_parked(row) or outcome or ("being read now" if row["state"] == "leased" else "waits for its turn"),
            by=actor_name(story, f"account:{row['account_id']}"),
            correlation_id=row["correlation_id"],
            tone=_tone(row),
        )


def _entries(story: Story) -> Iterator[Moment]:
    for row in reversed(story.audit):
        yield Moment(
            at=row["at"],
            what=_ACTIONS.get(row["action"]) or str(row["action"]),
            by=actor_name(story, row["actor"]),
            changes=sorted((_change(story, *told) for told in row["fields"].items()), key=_by_name),
            correlation_id=row["correlation_id"],
        )


def _parked(row: Row) -> str | None:
    if row["state"] != "parked":
        return None
    place = f" at {row['park_path']}" if row["park_path"] else ""
    return f"parked{place}: {row['park_reason'] or 'no reason given'}"


def _tone(row: Row) -> str:
    return {"parked": "bad", "waiting": "wait", "leased": "wait"}.get(row["state"], "plain")


def _change(story: Story, name: str, change: Any) -> Change:  # noqa: ANN401 - whatever the audit log keeps
    label = _LABELS.get(name) or f"{'room ' if name.startswith('stay.') else ''}{name}".replace(".", " ")
    if name == _BILL or not isinstance(change, list) or len(change) != _SIDES:
        return Change(label, new=_news(name, change))
    old, new = change
    return Change(
        label.removesuffix("_id").replace("_", " "),
        _side(story.codes, old) if old not in _NOTHING else None,
        _side(story.codes, new) if new not in _NOTHING else "nothing",
    )


def _news(name: str, change: object) -> str | None:
    """A stay is told whole when it is new, and by the word for its nights when those changed."""
    if not name.startswith("stay."):
        return None
    return ", ".join(map(str, change)) if isinstance(change, list) and change else "added"


def _by_name(change: Change) -> str:
    return change.name


def _side(codes: Mapping[str, str], side: object) -> str:
    if isinstance(side, bool):
        return "yes" if side else "no"
    return codes.get(str(side), str(side))
