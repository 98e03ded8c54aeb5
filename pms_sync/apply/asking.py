"""Asking: what a merge leaves to people, as cases; and what it decided between two values, kept for the record."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from conflict import collisions
from conflict.cases import as_case, subject_of
from conflict.fields import field_path, is_personal, linked_path
from conflict.verdicts import Contest, Judgement, Verdict
from pms_sync.apply.merging import Merged
from pms_sync.apply.states import LinkState
from pms_sync.apply.tongues import Tongue
from pms_sync.domain.case import REVIEW, Case
from pms_sync.store.decisions import NewDecision
from pms_sync.store.sealing import KeyRing

PERSONAL = "(personal)"
_SIDES = ("base", "here", "there")


def cases_of(merged: Merged, tongue: Tongue, today: date, keys: KeyRing) -> list[Case]:
    """Return every case that must be open about the link now; what they show of people is sealed beside them."""
    state, account = merged.state, tongue.account
    arrival = min((stay.arrival for stay in merged.ours.room_stays), default=None)
    found = []
    for contest in merged.decision.contests:
        case = as_case(
            contest,
            subject(contest, state),
            property_id=account.property_id,
            reservation_id=state.reservation_id,
            arrival=arrival,
            today=today,
            names=tongue.names,
        )
        placed = _placed(case, state)
        found.append(_masked(placed, keys, account.tenant_id))
    return found


def _placed(case: Case, state: LinkState) -> Case:
    """Say which link a case is about; in the account's one review, which link each row is about."""
    account_id, ref = state.key
    if case.kind != REVIEW:
        return msgspec.structs.replace(case, account_id=account_id, vendor_ref=ref)
    names = {"ref": ref, "reservation_id": str(state.reservation_id)}
    rows = tuple({**row, "path": linked_path(ref, row["path"]), **names} for row in case.fields)
    return msgspec.structs.replace(case, account_id=account_id, fields=rows)


def subject(contest: Contest, state: LinkState) -> str:
    """Name what a case is about, one open per kind: a link's atom or stay, of a first contact the whole account."""
    return subject_of(contest, collisions.object_subject("stay", state.stay_id), state.key[0])


def place(kind: str, subject: str) -> str:
    """Return the place a case's full rows are sealed for."""
    return f"cases.fields:{kind}:{subject}"


def _masked(case: Case, keys: KeyRing, tenant_id: UUID) -> Case:
    """Keep personal values in the sealed rows alone; a keyed digest in the open ones tells that they changed."""
    if not any(_is_personal(row) for row in case.fields):
        return case
    plain = msgspec.json.encode(case.fields)
    rows = tuple(_hidden(row, keys, tenant_id) if _is_personal(row) else row for row in case.fields)
    return msgspec.structs.replace(
        case, fields=rows, sealed=keys.seal(tenant_id, place(case.kind, case.subject), plain)
    )


def _is_personal(row: dict[str, Any]) -> bool:
    return is_personal(field_path(row["path"])[0])


def _hidden(row: dict[str, Any], keys: KeyRing, tenant_id: UUID) -> dict[str, Any]:
    plain = msgspec.json.encode([row[side] for side in _SIDES])
    shown = {side: None if row[side] is None else PERSONAL for side in _SIDES}
    return {**row, **shown, "digest": keys.digest(tenant_id, "cases.fields", plain).hex()[:16]}


def decisions_of(merged: Merged, tongue: Tongue, actor: str, correlation_id: str) -> list[NewDecision]:
    """Return what was decided between two different values, with the loser."""
    return [
        NewDecision(
            reservation_id=merged.state.reservation_id,
            account_id=tongue.account.account_id,
            vendor_ref=merged.state.key[1],
            path=one.path,
            verdict=str(one.verdict),
            rule=str(one.rule),
            values=_values(one),
            actor=actor,
            correlation_id=correlation_id,
        )
        for one in merged.decision.judgements
        if one.loser is not None or one.verdict is Verdict.MERGED
    ]


def _values(one: Judgement) -> dict[str, Any]:
    names = ("base", "here", "there", "result", "loser")
    return {name: getattr(one, name) for name in names}
