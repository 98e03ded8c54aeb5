"""Words: what is wrong with a case in one plain sentence, what happens if nobody acts, and what helps; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from markupsafe import Markup

from conflict.atoms import key_of, kind_of
from conflict.cases import is_choosable
from conflict.fields import field_path
from pms_sync.store.case_desk import CaseHead
from pms_sync.web.case_kinds import DISAGREE, FIELDS, IF_NOTHING, KINDS, OTHER
from pms_sync.web.render import day, words

Row = Mapping[str, Any]


class Told(NamedTuple):
    """A case in words; `helps` is what to do where no side can be chosen, and `short` the same in a few words."""

    title: str
    what: Markup
    otherwise: Markup
    helps: Markup
    short: str


_CROSSWALK = "crosswalk."
_NAMED = ("room", "room_type", "date")


def name_of(kind: str) -> str:
    """Return a kind's short name."""
    return KINDS[kind].name if kind in KINDS else words(kind).capitalize()


def told(case: CaseHead) -> Told:
    """Say what a case is about; where a fact is missing that a sentence names, a plainer one stands."""
    chosen, facts = KINDS.get(case.kind, OTHER), _facts(case)
    title = _title(chosen.title, facts) or name_of(case.kind)
    return Told(
        title=title[0].upper() + title[1:],
        what=_sentence(chosen.what, facts) or _sentence(OTHER.what, facts) or Markup(),
        otherwise=_sentence(chosen.otherwise, facts) or _sentence(OTHER.otherwise, facts) or Markup(),
        helps=_sentence(chosen.helps, facts) or _sentence(OTHER.helps, facts) or Markup(),
        short=chosen.short,
    )


def _title(text: str, facts: Mapping[str, Any]) -> str | None:
    try:
        return text.format_map(facts)
    except KeyError:
        return None


def _sentence(text: str, facts: Mapping[str, Any]) -> Markup | None:
    """Put the facts, escaped, into a sentence; None where one is missing."""
    try:
        return Markup(text).format_map(facts)  # noqa: S704 - a constant of the table
    except KeyError:
        return None


def when(day_: date | None, today: date) -> str | None:
    """Say how soon a day is."""
    if day_ is None or day_ < today:
        return None
    days = (day_ - today).days
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def field_name(path: str) -> str:
    """Name a field as people do, in the middle of a sentence."""
    try:
        return FIELDS[kind_of(field_path(path)[0])]
    except (ValueError, KeyError):
        return words(path.rpartition(".")[2])


def _facts(case: CaseHead) -> dict[str, Any]:
    """Gather what the sentences may name; what is not known is not there."""
    vendor = case.vendor or (case.vendors[0] if len(case.vendors) == 1 else "the vendor")
    facts: dict[str, Any] = {
        "kind": words(case.kind).capitalize(),
        "vendor": vendor,
        "Vendor": "The vendor" if vendor == "the vendor" else vendor,
        "canceller": _canceller(case, vendor),
        "bookings": "this booking" if len(case.reservation_ids) <= 1 else f"{len(case.reservation_ids)} bookings",
    }
    named = {row["path"]: row["here"] for row in case.fields if row["path"] in _NAMED}
    facts |= {name: _said(name, value) for name, value in named.items()}
    facts |= {"on": _on(named["date"])} if "date" in named else {}
    return {**facts, **_of_field(case.kind, case.fields[0], facts)} if case.fields else facts


def _of_field(kind: str, row: Row, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the first row tells; values only where it is a fact, since those of a field may be personal."""
    field, ref = field_name(row["path"]), _ref(row)
    facts = {"field": field[0].upper() + field[1:], "if_nothing": IF_NOTHING.get(_kind(row), DISAGREE)}
    facts |= {"rule": row["rule"]} if row["rule"] else {}
    facts |= {"ref": ref, "gone": _gone(row, {**known, "ref": ref})} if ref else {}
    if not is_choosable(row["path"]):
        facts |= {side: _side(kind, row[side]) for side in ("here", "there") if isinstance(row[side], str | int)}
    if row["path"].startswith(_CROSSWALK):
        sort = words(row["path"].removeprefix(_CROSSWALK))
        facts |= {"sort": sort, "Sort": sort.capitalize()}
    return facts


def _kind(row: Row) -> str:
    try:
        return kind_of(field_path(row["path"])[0])
    except (ValueError, KeyError):
        return ""


def _said(name: str, value: object) -> object:
    if name != "date":
        return value
    try:
        return day(date.fromisoformat(str(value)))
    except ValueError:
        return value


def _on(value: object) -> str:
    try:
        night = date.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return f"{night:%a} {night.day} {night:%b}"


def _side(kind: str, value: object) -> str:
    """Write a status as people do, and a code as it stands."""
    return words(value) if kind == "illegal_status_jump" else str(value)


def _ref(row: Row) -> str:
    """Return which stay a row is about."""
    if row["path"] == "links.ref":
        return str(row["here"] or "")
    return key_of(row["path"]) if "[" in row["path"] else ""


def _canceller(case: CaseHead, vendor: str) -> Markup:
    status = next((row for row in case.fields if _kind(row) == "status"), {})
    ours = str(status.get("here") or "").startswith("cancelled")
    text = (
        "This stay was cancelled here, and changed at {vendor} meanwhile."
        if ours
        else "{vendor} cancelled this stay, and it was changed here meanwhile."
    )
    sentence = Markup(text).format(vendor=vendor)  # noqa: S704 - one of two constants
    return sentence if ours or vendor != "the vendor" else Markup("T") + sentence[1:]


def _gone(row: Row, facts: Mapping[str, Any]) -> Markup:
    moved = row["there"] if row["path"] == "links.ref" else None
    text = (
        "{Vendor} now shows booking {ref} as {moved}."
        if moved
        else "{Vendor} no longer shows booking {ref}, and did not cancel it either."
    )
    return Markup(text).format(moved=moved, **facts)  # noqa: S704 - one of two constants
