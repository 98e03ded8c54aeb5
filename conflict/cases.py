"""Cases: a contest as it is stored and shown, with the fields of the public surface."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from conflict.collisions import severity
from conflict.fields import NAMELESS, Names, field_path, public_path, public_value
from conflict.verdicts import Contest, Judgement
from pms_sync.domain.case import REVIEW, Case


def fields_of(judgements: Iterable[Judgement], names: Names = NAMELESS) -> tuple[dict[str, Any], ...]:
    """Write judgements as rows of path, base, here, there, suggested (`here`, `there` or null) and rule.

    Values of booker, guests, notes and comments are personal data (`fields.is_personal`): seal or mask them.
    """
    return tuple(
        {
            "path": public_path(one.path),
            "base": public_value(one.path, one.base, names),
            "here": public_value(one.path, one.here, names),
            "there": public_value(one.path, one.there, names),
            "suggested": one.suggested,
            "rule": str(one.rule),
        }
        for one in judgements
    )


def is_choosable(path: str) -> bool:
    """Tell whether a person chooses a side for this field; other rows of a case only say what it is about."""
    try:
        return bool(field_path(path))
    except ValueError:
        return False


def subject_of(contest: Contest, link: str, account_id: UUID) -> str:
    """Name what a case is about, one open per kind: the account of a link-up review, else a link's atom or stay.

    `link` names the link, e.g. `collisions.object_subject("stay", stay_id)`.
    """
    if contest.kind == REVIEW:
        return str(account_id)
    return f"{link}:{public_path(contest.about)}" if contest.about else link


def as_case(  # noqa: PLR0913 - a case names all that it is about
    contest: Contest,
    subject: str,
    *,
    property_id: UUID,
    reservation_id: UUID,
    arrival: date | None,
    today: date,
    names: Names = NAMELESS,
) -> Case:
    """Build the case of a contest; `today` is the property's date, `arrival` the earliest arrival concerned."""
    return Case(
        kind=contest.kind,
        subject=subject,
        severity=severity(contest.kind, arrival, today),
        property_id=property_id,
        reservation_ids=(reservation_id,),
        fields=fields_of(contest.judgements, names),
    )
