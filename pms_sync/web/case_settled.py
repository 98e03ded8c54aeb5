"""Settled: what rules decided by themselves about the bookings of a case, and what they passed over; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from conflict.atoms import frozen, kind_of
from conflict.fields import is_personal, public_path, public_value
from pms_sync.store.decisions import Decided
from pms_sync.store.reservation_documents import Shown
from pms_sync.web.case_values import Piece, label_of, reading, subject_of

_HIDDEN = "(hidden)"
_MOST = 20
# What became of both values; whatever a person decided has its own entry in the story.
_STANDS = {"take": "the vendor's", "push": "ours", "merged": "both"}


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """One decision: whose value `stands`, how it reads, and what was passed over (empty where both stay)."""

    decision_id: int
    label: str
    subject: str | None
    rule: str
    stands: str
    result: Sequence[Piece]
    loser: Sequence[Piece]
    at: datetime
    by: str


def settled(decided: Iterable[Decided], currency: str, shown: Shown, people: Mapping[str, str]) -> list[Settled]:
    """Return the latest decisions of rules, newest first, as far as the reader may see them."""
    found = [one for one in decided if one.verdict in _STANDS]
    latest = sorted(found, key=lambda one: one.decision_id, reverse=True)[:_MOST]
    return [_settled(one, currency, shown, people) for one in latest]


def _settled(one: Decided, currency: str, shown: Shown, people: Mapping[str, str]) -> Settled:
    path = public_path(one.path)
    sides = {name: _value(one, name, shown) for name in ("result", "loser")}
    told = reading({"path": path, "base": None, "here": sides["result"], "there": sides["loser"]}, currency)
    return Settled(
        decision_id=one.decision_id,
        label=label_of(path),
        subject=subject_of(path),
        rule=one.rule,
        stands=_STANDS[one.verdict],
        result=told.here,
        loser=told.there if sides["loser"] is not None else (),
        at=one.at,
        by=people.get(one.actor, one.actor),
    )


def _value(one: Decided, name: str, shown: Shown) -> Any:  # noqa: ANN401 - a field's document
    value = frozen(one.values.get(name))
    if value is None:
        return None
    secret = is_personal(one.path) and not shown.people
    bill = kind_of(one.path) == "lines" and not shown.bill
    return _HIDDEN if secret or bill else public_value(one.path, value)
