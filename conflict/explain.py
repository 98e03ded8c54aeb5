"""Explaining: one plain sentence for each judgement, without the values, which may be personal."""

from __future__ import annotations

from conflict.atoms import key_of, kind_of, stay_of
from conflict.verdicts import Judgement, Rule, Verdict

_SUBJECTS = {
    "shape": "dates, room type and price",
    "room": "room",
    "status": "status",
    "occupancy": "number of persons",
    "stays": "room stay",
    "booker": "booker",
    "guests": "a guest",
    "notes": "notes",
    "comments": "the guest's comments",
    "lines": "a line of the bill",
    "total": "total",
    "channel": "channel",
}
_BY_RULE: dict[tuple[Verdict, str], str] = {
    (Verdict.TAKE, Rule.THERE_CHANGED): "changed only there; their value was taken",
    (Verdict.PUSH, Rule.HERE_CHANGED): "changed only here; our value is to be sent",
    (Verdict.CONVERGED, Rule.ALIKE): "changed on both sides to the same value; nothing is left to do",
    (Verdict.CONVERGED, Rule.FIRST_CONTACT): "equal on both sides when they first met; agreed",
    (Verdict.MERGED, Rule.ADDED): "both sides added to it; both additions stay, and ours is to be sent",
}
_OWNED = {
    Verdict.TAKE: "differs on both sides and belongs there by {rule}; their value was taken and ours is kept aside",
    Verdict.PUSH: "differs on both sides and belongs here by {rule}; our value is to be sent and theirs is kept aside",
}
_ASKED = {
    "same_atom": "both sides changed it to different values, and {rule} lets a person decide",
    "cancel_against_edit": "one side cancelled the stay while the other changed it; a person decides",
    "link_up": "the two sides differed when they first met; a person decides",
    "invalid_merge": "the changes of both sides cannot stand together ({rule}); a person decides",
    "vanished": "the vendor no longer shows it; absence is never a deletion, so a person decides",
    "group_member_dropped": "the vendor left it out of its group; absence is never a deletion, so a person decides",
}


def explain(judgement: Judgement) -> str:
    """Say in one sentence what was decided about an atom, and why."""
    return f"{_subject(judgement.path)}: {_reason(judgement)}."


def _subject(path: str) -> str:
    kind, ref = kind_of(path), stay_of(path)
    named = {"stays": f" {ref}", "lines": f" ({key_of(path)})"} if path.endswith("]") else {}
    subject = _SUBJECTS[kind] + named.get(kind, f" of stay {ref}" if ref is not None else "")
    return subject[0].upper() + subject[1:]


def _reason(judgement: Judgement) -> str:
    if judgement.case is not None:
        return _ASKED[judgement.case].format(rule=judgement.rule)
    known = _BY_RULE.get((judgement.verdict, judgement.rule))
    return known or _OWNED[judgement.verdict].format(rule=judgement.rule)
