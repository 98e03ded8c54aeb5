"""Resolving: what a person chose for the fields of a case, as new atoms of ours and of the base (ARCHITECTURE §6).

Ours becomes what was chosen, and base what the vendor showed; so the link is dirty where the two differ, base reaches
the chosen value only when the push has settled, and the same difference is not raised again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from conflict.atoms import (
    ARRIVAL,
    DEPARTURE,
    DERIVED,
    EMPTIED,
    NIGHTS,
    TOTAL,
    Tree,
    Value,
    amount_text,
    kind_of,
    stay_of,
)
from conflict.fields import NAMELESS, PARTS, Names, atom_path, public_path, read_parts, read_value
from conflict.observed import alike
from conflict.ownership import Taken
from conflict.validate import Problem, arrived_problems, nights_of, typed_problems
from pms_sync.domain import money
from pms_sync.domain.errors import Fault
from pms_sync.domain.status import Jump, Status, observed_jump


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One choice: the side whose value stands, or a value; the path may name a part of a field."""

    path: str
    take: Literal["here", "there", "value"]
    value: Any = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the case shows: the trees of its link, its fields (public or atom paths) and their suggestions."""

    base: Tree
    here: Tree
    there: Tree
    fields: Collection[str]
    suggested: Mapping[str, Taken] = {}


class Resolution(msgspec.Struct, frozen=True):
    """The atoms to set, ours as chosen and base as shown there (None takes one off), and what is then to be sent."""

    here: Mapping[str, Value | None]
    base: Mapping[str, Value | None]
    push: tuple[str, ...]


class ChoicesRefused(Fault):
    """Choices that cannot be followed; `problems` holds all of them, each with path, value and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Say the first problem in the sentence, and keep them all."""
        first = problems[0]
        super().__init__(f"{first.path}: {first.why}", first.path, "choose here, there or a value for every field")
        self.problems = tuple(problems)


Told = list[tuple[str | None, Choice]]
_REMOVABLE = frozenset({"guests", "lines"})


def resolve(shown: Shown, choices: Iterable[Choice], names: Names = NAMELESS) -> Resolution:
    """Turn a person's choices into atoms to set; raises ChoicesRefused with everything that is wrong with them."""
    problems: list[Problem] = []
    values: dict[str, Value | None] = {}
    for path, told in _by_field(shown, choices, problems).items():
        try:
            values[path] = _chosen(path, told, shown, names)
        except ValueError as error:
            problems.append(Problem(public_path(path), _text(told), str(error)))
    problems += [] if problems else _together(values, shown)
    if problems:
        raise ChoicesRefused(problems)
    return _resolution(values, shown)


def _by_field(shown: Shown, choices: Iterable[Choice], problems: list[Problem]) -> dict[str, Told]:
    """Sort the choices to the fields of the case; a choice for anything else is a problem."""
    found: dict[str, Told] = {_atom(field): [] for field in shown.fields}
    for choice in choices:
        try:
            path, part = atom_path(choice.path)
            found[path].append((part, choice))
        except (ValueError, KeyError):
            problems.append(Problem(choice.path, choice.take, "not a field of this case"))
    return found


def _atom(field: str) -> str:
    """Read a field's path in either spelling."""
    return field if field.startswith(("stays[", "lines[")) else atom_path(field)[0]


def _text(told: Told) -> str:
    return ", ".join(str(choice.value if choice.take == "value" else choice.take)[:60] for _, choice in told)


def _chosen(path: str, told: Told, shown: Shown, names: Names) -> Value | None:
    """Return the value chosen for one field; raises ValueError with the reason where there is none."""
    kind, wholes = kind_of(path), [choice for part, choice in told if part is None]
    if not told:
        raise ValueError("no choice for this field")
    if len({part for part, _ in told}) < len(told):
        raise ValueError("chosen more than once")
    if len(told) == len(wholes) and wholes[0].take != "value":
        if kind == "stays":  # it is asked about because it is gone there, whatever was last said of it
            return shown.here.get(f"{path}.status") if wholes[0].take == "here" else None
        return _side(shown, wholes[0].take).get(path)
    if kind == "stays":
        raise ValueError("choose here to keep the stay, or there to cancel it")
    value = _put_together(path, told, shown, names) if kind in PARTS else read_value(path, wholes[0].value, names)
    found = typed_problems(path, value)
    if found:
        raise ValueError("; ".join(problem.why for problem in found))
    return _reachable(path, value, shown)


def _side(shown: Shown, take: str) -> Tree:
    return shown.here if take == "here" else shown.there


def _reachable(path: str, value: Value, shown: Shown) -> Value:
    """Refuse a typed status that the stay cannot come to; the sides' own are facts."""
    before = shown.here.get(path)
    if kind_of(path) != "status" or before is None or value in {before, shown.there.get(path)}:
        return value
    if observed_jump(Status(before[0]), Status(value[0])) is Jump.ILLEGAL:
        raise ValueError(f"a stay that is {before[0]} cannot become {value[0]}")
    return value


def _put_together(path: str, told: Told, shown: Shown, names: Names) -> Value:
    """Lay the typed parts over the chosen side, else over the suggested one."""
    take = next((choice.take for part, choice in told if part is None and choice.take != "value"), None)
    take = take or shown.suggested.get(path) or shown.suggested.get(public_path(path))
    basis = _side(shown, take).get(path) if take else None
    typed: dict[int, Any] = {}
    for part, choice in told:
        if part is None and choice.take == "value" and choice.value is None and kind_of(path) in _REMOVABLE:
            return EMPTIED
        typed |= _typed(path, part, choice, shown, names)
    length = max(part.place for part in PARTS[kind_of(path)]) + 1 + (kind_of(path) == "shape")
    if not isinstance(basis, tuple) and len(typed) < length:
        raise ValueError("choose here or there for the rest of it")
    whole = tuple([typed[place] if place in typed else basis[place] for place in range(length)])  # type: ignore[index]
    return _refitted(whole, typed, basis, names) if kind_of(path) == "shape" and isinstance(basis, tuple) else whole


def _typed(path: str, part: str | None, choice: Choice, shown: Shown, names: Names) -> dict[int, Any]:
    """Return the parts that one choice sets, by their place."""
    if choice.take == "value":
        return read_parts(path, choice.value if part is None else {part: choice.value}, names)
    if part is None:
        return {}
    value = _side(shown, choice.take).get(path)
    if not isinstance(value, tuple):
        raise ValueError(f"nothing to take: {choice.take} has no such value")  # noqa: TRY004 - a choice, not a call
    place = next(one.place for one in PARTS[kind_of(path)] if one.name == part)
    return {NIGHTS: value[NIGHTS], DERIVED: value[DERIVED]} if part == "nights" else {place: value[place]}


def _refitted(shape: tuple[Any, ...], typed: Mapping[int, Any], before: tuple[Any, ...], names: Names) -> Value:
    """Make nights and total follow what was typed: a split is split again, given prices stay where they still fit."""
    nights, total, derived = dict(shape[NIGHTS]), shape[TOTAL], shape[DERIVED]
    if NIGHTS in typed:
        total = total if TOTAL in typed else _sum(nights.values())
    elif nights and set(derived) == set(nights):
        return _with_prices(shape, *_split(shape, names), total)
    elif nights:
        dates = nights_of(shape[ARRIVAL], shape[DEPARTURE])
        kept = {day: nights[day] for day in dates if day in nights}
        if TOTAL not in typed and before[TOTAL] == _sum(nights.values()):
            total = _sum(kept.values())
        nights = kept
    return _with_prices(shape, tuple(nights.items()), tuple(day for day in derived if day in nights), total)


def _with_prices(shape: tuple[Any, ...], nights: Any, derived: Any, total: Any) -> Value:  # noqa: ANN401 - parts
    return (*shape[:TOTAL], total, nights, derived)


def _split(shape: tuple[Any, ...], names: Names) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Split the total over the nights, as a mapper would; without a currency the nights stay without a price."""
    dates = nights_of(shape[ARRIVAL], shape[DEPARTURE])
    if not (shape[TOTAL] and names.currency):
        return (), ()
    prices = money.split(Decimal(shape[TOTAL]), len(dates), names.currency)
    return tuple((day, amount_text(price)) for day, price in zip(dates, prices, strict=True)), tuple(dates)


def _sum(prices: Iterable[str]) -> str:
    return amount_text(sum(map(Decimal, prices), Decimal(0)))


def _together(values: Mapping[str, Value | None], shown: Shown) -> list[Problem]:
    """Say where what was chosen cannot stand with the rest of its stay."""
    result = {**shown.here, **{path: value for path, value in values.items() if value is not None}}
    refs = sorted({ref for ref in map(stay_of, values) if ref is not None and f"stays[{ref}].status" in result})
    found = (one for ref in refs for one in arrived_problems(result, shown.here, shown.there, f"stays[{ref}]"))
    return [Problem(public_path(one.path), one.value, one.why) for one in found]


def _resolution(values: Mapping[str, Value | None], shown: Shown) -> Resolution:
    here: dict[str, Value | None] = {}
    base: dict[str, Value | None] = {}
    push: list[str] = []
    for path, value in values.items():
        if kind_of(path) == "stays":
            push += _cancel_stay(path, here, base) if value is None else _keep_stay(path, shown, base)
            continue
        here[path] = None if value == EMPTIED and path.endswith("]") else value
        base[path] = shown.there.get(path, shown.base.get(path))
        push += [] if alike(here[path], base[path]) else [path]
    return Resolution(here, base, tuple(push))


def _keep_stay(path: str, shown: Shown, base: dict[str, Value | None]) -> list[str]:
    """Keep a stay that went missing there: it is agreed no longer, and is to be made there again."""
    base.update((atom, None) for atom in shown.base if atom.startswith(f"{path}."))
    return [atom for atom in shown.here if atom.startswith(f"{path}.")]


def _cancel_stay(path: str, here: dict[str, Value | None], base: dict[str, Value | None]) -> list[str]:
    """Follow the vendor: the stay is cancelled here, never taken away, and both agree on that."""
    here[f"{path}.status"] = base[f"{path}.status"] = (Status.CANCELLED.value, EMPTIED)
    return []
