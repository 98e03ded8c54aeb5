"""Fields: the table of a case as its form shows it, and what a person chose in that form; pure.

The names of the form: `choice.PATH` is here, there, value, value:TEXT, or later; with `value` the texts stand in
`value.PATH`, for a field of parts in `value.PATH.PART`. `seen.PATH` is a mark of what was shown, so that a case that
moved can say which of its fields did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import msgspec

from conflict.atoms import kind_of
from conflict.cases import is_choosable
from conflict.fields import field_path, link_path
from conflict.resolve import Choice
from pms_sync.store.case_desk import CaseHead
from pms_sync.web.case_values import Input, Reading, inputs, label_of, reading, side_of, subject_of
from pms_sync.web.render import words

Take: TypeAlias = Literal["here", "there", "value", "later"]
Form: TypeAlias = Mapping[str, str]
Faults: TypeAlias = Mapping[str, str]

CHOICE, VALUE, SEEN = "choice.", "value.", "seen."
_TEXT = "value:"
_SIDES = ("here", "there")
_TAKES = (*_SIDES, "value", "later")
_MARK = 12
MOST_OF_REVIEW = 100


class FieldLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table; `chosen` is what is marked, first the suggestion.

    `begins` is the side that a typed value begins with. `moved` says that the row is not what the person had before
    them; `fault` is why their choice was refused. A row that `may_wait` can be left for later.
    """

    path: str
    label: str
    subject: str | None
    reading: Reading
    rule: str
    suggested: Take | None
    choosable: bool
    whole_stay: bool
    begins: Literal["here", "there"]
    inputs: tuple[Input, ...]
    mark: str
    chosen: Take | None
    moved: bool = False
    fault: str | None = None
    may_wait: bool = False


class Answered(NamedTuple):
    """What a form says: the choices, and what is wrong with it by path."""

    choices: tuple[Choice, ...]
    faults: Faults


def lines(case: CaseHead) -> list[FieldLine]:
    """Return the rows of a case, with the suggestions marked; of a review as many as one form can carry."""
    rows = case.fields[:MOST_OF_REVIEW] if case.is_review else case.fields
    return [_line(row, case) for row in rows]


def _line(row: Mapping[str, Any], case: CaseHead) -> FieldLine:
    path = row["path"]
    choosable = case.is_linked and case.state in {"open", "snoozed"} and is_choosable(path)
    may_wait = choosable and case.is_review
    return FieldLine(
        path=path,
        label=label_of(path),
        subject=subject_of(path),
        reading=reading(row, case.currency),
        rule=row["rule"] or "",
        suggested=row["suggested"],
        choosable=choosable,
        whole_stay=choosable and kind_of(field_path(path)[0]) == "stays",
        begins=side_of(row),
        inputs=inputs(row) if choosable else (),
        mark=_mark(row),
        chosen=row["suggested"] or ("later" if may_wait else None) if choosable else None,
        may_wait=may_wait,
    )


def as_typed(shown: Iterable[FieldLine], form: Form, faults: Faults) -> list[FieldLine]:
    """Return the rows with what the person marked and typed still in them, and what is wrong with it."""
    return [_as_typed(line, form, faults.get(line.path)) for line in shown]


def _as_typed(line: FieldLine, form: Form, fault: str | None) -> FieldLine:
    take, text = _take(form.get(CHOICE + line.path))
    typed = {one.part: form.get(_name(line.path, one), one.text) for one in line.inputs}
    if text is not None and None in typed:
        typed[None] = text
    return msgspec.structs.replace(
        line,
        chosen=take or line.chosen,
        inputs=tuple(msgspec.structs.replace(one, text=typed[one.part]) for one in line.inputs),
        moved=form.get(SEEN + line.path, line.mark) != line.mark,
        fault=fault,
    )


def read(form: Form, shown: Sequence[FieldLine]) -> Answered:
    """Read what was chosen; a choice for something that is no field of the case is passed on, to be refused."""
    choices: list[Choice] = []
    faults: dict[str, str] = {}
    fields = {line.path: line for line in shown if line.choosable}
    for line in fields.values():
        told, fault = _choices(line, form)
        choices += told
        faults |= {line.path: fault} if fault else {}
    named = [name.removeprefix(CHOICE) for name in form if name.startswith(CHOICE)]
    for path in dict.fromkeys(path for path in named if path not in fields):
        take, text = _take(form[CHOICE + path])
        if take != "later":
            choices.append(Choice(path=path, take=take or "value", value=text))
    return Answered(tuple(choices), faults)


def marked(shown: Iterable[FieldLine]) -> tuple[Choice, ...]:
    """Return the choices as the page marks them before anybody chose."""
    found = [(line.path, line.chosen) for line in shown if line.choosable]
    return tuple([Choice(path=path, take=take) for path, take in found if take is not None and take != "later"])


def is_complete(choices: Iterable[Choice], shown: Iterable[FieldLine]) -> bool:
    """Tell whether every field that cannot wait has its choice."""
    chosen = {_atom(one.path) for one in choices}
    return all(_atom(line.path) in chosen for line in shown if line.choosable and not line.may_wait)


def by_path(problems: Iterable[tuple[str, str]], shown: Sequence[FieldLine]) -> tuple[dict[str, str], list[str]]:
    """Lay (path, why) at the fields they are about; returns those, and what belongs to none of them."""
    at: dict[str, str] = {}
    rest: list[str] = []
    known = {_atom(line.path): line.path for line in shown if line.choosable}
    for path, why in problems:
        place = known.get(_atom(path))
        if place is None:
            rest.append(f"{named(path)}: {why}")
        else:
            at[place] = f"{at[place]}; {why}" if place in at else why
    return at, rest


def left_over(form: Form, shown: Iterable[FieldLine]) -> list[tuple[str, str]]:
    """Return (field, text) of what was typed for something that cannot be chosen any more."""
    places = {CHOICE + line.path for line in shown if line.choosable}
    places |= {_name(line.path, one) for line in shown if line.choosable for one in line.inputs}
    typed = [(name.removeprefix(VALUE), text) for name, text in form.items() if name.startswith(VALUE)]
    told = [
        (name.removeprefix(CHOICE), text.removeprefix(_TEXT))
        for name, text in form.items()
        if name.startswith(CHOICE) and text.startswith(_TEXT)
    ]
    kept = {*(name.removeprefix(VALUE) for name in places), *(name.removeprefix(CHOICE) for name in places)}
    return [(named(name), text) for name, text in (*typed, *told) if text and name not in kept]


def _choices(line: FieldLine, form: Form) -> tuple[list[Choice], str | None]:
    take, text = _take(form.get(CHOICE + line.path))
    if text is not None:
        return [Choice(path=line.path, take="value", value=text)], None
    typed = [(one, form[name]) for one in line.inputs if (name := _name(line.path, one)) in form]
    changed = [(one, said) for one, said in typed if _lines(said) != _lines(one.text)]
    if changed and take not in (None, "value"):
        return [], "another value was typed here: mark it, or take the text back"
    if take == "value" and not typed:
        return [], "no other value was given"
    if changed or take == "value":
        return _typed(line, changed, typed), None
    return ([Choice(path=line.path, take=take)] if take is not None and take != "later" else []), None


def _typed(line: FieldLine, changed: Sequence[tuple[Input, str]], typed: Sequence[tuple[Input, str]]) -> list[Choice]:
    """Lay the parts that were changed over the side they began with; a field without parts is its text."""
    whole = next((said for one, said in typed if one.part is None), None)
    if whole is not None:
        return [Choice(path=line.path, take="value", value=_lines(whole))]
    parts = [Choice(path=f"{line.path}.{one.part}", take="value", value=_lines(said)) for one, said in changed]
    return [Choice(path=line.path, take=line.begins), *parts]


def _take(told: str | None) -> tuple[Take | None, str | None]:
    """Read a choice as (here, there or value, the text that came with it)."""
    if told is not None and told.startswith(_TEXT):
        return "value", told.removeprefix(_TEXT)
    return (cast("Take", told) if told in _TAKES else None), None


def _name(path: str, one: Input) -> str:
    return VALUE + path if one.part is None else f"{VALUE}{path}.{one.part}"


def _lines(text: str) -> str:
    """Write line ends as we do; a form sends them as CR LF."""
    return text.replace("\r\n", "\n")


def named(path: str) -> str:
    """Name a field with what it belongs to, and the part of it that is meant."""
    subject, part = subject_of(path), _part(path)
    name = f"{label_of(path)} of {subject}" if subject else label_of(path)
    return f"{name} ({words(part)})" if part else name


def _part(path: str) -> str | None:
    try:
        return field_path(path)[1]
    except ValueError:
        return None


def _atom(path: str) -> tuple[str | None, str]:
    """Read a path as an atom, and the link it names where it names one; what is no field is itself."""
    try:
        return link_path(path)[0], field_path(path)[0]
    except ValueError:
        return None, path


def _mark(row: Mapping[str, Any]) -> str:
    told = msgspec.json.encode([row["base"], row["here"], row["there"]], order="deterministic")
    return hashlib.sha256(told).hexdigest()[:_MARK]
