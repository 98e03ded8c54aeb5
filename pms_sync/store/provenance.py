"""Provenance: for every field of a reservation its value, its source, the rule that chose it, what it replaced; pure.

Paths are those of the public words: `status`, `room_stays.1001.arrival`, `room_stays.1001.nights.2026-03-10.price`,
`booker.email`, `folio_lines.77.amount`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from pms_sync.domain.clock import rfc3339
from pms_sync.store.explain import Row, Story

TAKEN = "taken from the vendor"
UNSAID = "not said by the vendor"
CURRENCY = "the vendor's where its record carries one, else the property's currency (hotel file)"
WORD = "translated from the vendor's word"
HERE, EDITED = "here", "edited here"
_TOLD = frozenset({TAKEN, WORD})
_ACCOUNT = "account:"


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A value that stood until `at`, and who replaced it."""

    value: Any
    actor: str | None
    at: datetime | None


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field as it stands; `source` is the vendor it came from, `account_id` and `vendor_ref` say exactly where.

    What a person here said has the source `here`. `lost` has the values it had before, newest first; of sealed fields
    none are kept.
    """

    path: str
    value: Any
    source: str
    account_id: str | None
    vendor_ref: str | None
    rule: str
    actor: str | None
    at: datetime | None
    lost: list[Lost]


def fields(story: Story) -> list[Field]:
    """Return every field: the reservation's own, its stays with their nights, its people, notes and bill."""
    told = _Telling(story)
    return [*told.reservation(), *told.stays(), *told.people(), *told.bill()]


class _Fact(NamedTuple):
    """How one column is told; `audited` is its name in the audit log where that differs."""

    path: str
    rule: str | Callable[[Story, Row], str]
    audited: str = ""
    keeps: bool = True


def _status_rule(story: Story, row: Row) -> str:
    if "superseded" in row["flags"]:
        return "every room stay moved to another reservation"
    if len(story.stays) == 1:
        return WORD
    return "the first of its room stays' states, from checked in to cancelled"


def _total_rule(story: Story, row: Row) -> str:
    totals = [stay["total"] for stay in story.stays]
    if row["total"] is None:
        return UNSAID if all(total is None for total in totals) else "unknown: a room stay says no total"
    return "sum of room stays" if len(totals) > 1 and None not in totals and sum(totals) == row["total"] else TAKEN


def _code_rule(name: str) -> Callable[[Story, Row], str]:
    def rule(_: Story, row: Row) -> str:
        if row[f"{name}_ref"] is None:
            return UNSAID
        return "the crosswalk does not know the code" if row[name] is None else "translated by the crosswalk"

    return rule


_CLAIM_RULES = {
    "claimed": "first claim keeps the room, and this stay was first",
    "refused": "first claim keeps the room, and another stay has it",
    "none": "takes no room: none is named, or its status holds none",
}

_RESERVATION = (
    _Fact("status", _status_rule),
    _Fact("vendor_status", TAKEN),
    _Fact("hold_kind", WORD),
    _Fact("blocks_inventory", WORD),
    _Fact("guaranteed", TAKEN),
    _Fact("channel", WORD),
    _Fact("vendor_channel", TAKEN),
    _Fact("channel_reference", TAKEN),
    _Fact("currency", CURRENCY),
    _Fact("total", _total_rule),
    _Fact("price_basis", "as the vendor's prices are known to be"),
    _Fact("quarantined", "true while a code of it is missing in the crosswalk"),
    _Fact("flags", "raised here"),
    _Fact("source", "the vendor that showed it first"),
    _Fact("version", "counted here, one for each change", keeps=False),
    _Fact("created_at", TAKEN, keeps=False),
    _Fact("modified_at", "the latest of its records", keeps=False),
)
_STAY = (
    _Fact("status", WORD),
    _Fact("vendor_status", TAKEN),
    _Fact("hold_kind", WORD),
    _Fact("arrival", TAKEN),
    _Fact("departure", TAKEN),
    _Fact("room_type", _code_rule("room_type"), "room_type_id"),
    _Fact("room_type_ref", TAKEN),
    _Fact("room", _code_rule("room"), "room_id"),
    _Fact("room_ref", TAKEN),
    _Fact("rate_plan", _code_rule("rate_plan")),
    _Fact("rate_plan_ref", TAKEN),
    _Fact("adults", TAKEN),
    _Fact("children", TAKEN),
    _Fact("total", TAKEN),
    _Fact("blocks_inventory", WORD),
    _Fact("claim_state", lambda _, row: _CLAIM_RULES[row["claim_state"]]),
    _Fact("flags", "raised here"),
)
# Absent values of these say something of their own.
_EMPTY_TELLS = frozenset({"room_type", "room", "rate_plan", "total"})
_PERSON = ("first_name", "last_name", "email", "phone", "country", "language")
_LINE = ("kind", "text", "amount", "currency")


class _History:
    """The audit log by field name."""

    def __init__(self, entries: Iterable[Row]) -> None:
        self._by_name: defaultdict[str, list[tuple[Row, Any]]] = defaultdict(list)
        self.first: Row | None = None
        for entry in entries:
            self.first = self.first or entry
            for name, change in entry["fields"].items():
                self._by_name[name].append((entry, change))

    def last(self, *names: str) -> Row | None:
        """Return the newest entry that touched one of the names, else the first of all."""
        found = [self._by_name[name][-1][0] for name in names if name in self._by_name]
        return max(found, key=lambda entry: entry["at"]) if found else self.first

    def born(self, thing: str) -> Row | None:
        """Return the entry in which a thing or anything of it was first told, else the first of all."""
        told = [rows[0][0] for name, rows in self._by_name.items() if name == thing or name.startswith(f"{thing}.")]
        return min(told, key=lambda entry: entry["at"]) if told else self.first

    def changed(self, name: str) -> Row | None:
        """Return the newest entry that changed the name."""
        told = self._by_name.get(name)
        return told[-1][0] if told else None

    def lost(self, name: str, read: Callable[[Any], Any]) -> list[Lost]:
        """Return what the name was before, newest first."""
        changes = [(entry, change) for entry, change in self._by_name.get(name, ()) if _is_pair(change)]
        return [
            Lost(value=read(old), actor=entry["actor"], at=entry["at"])
            for entry, (old, _) in reversed(changes)
            if old not in (None, "")
        ]


class _Telling:
    """Tells the fields of one story."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._history = _History(story.audit)
        self._homes = [link for link in story.links if link["level"] == "reservation"]

    def reservation(self) -> Iterator[Field]:
        row = self._story.reservation
        for fact in _RESERVATION:
            entry = self._history.last(fact.path)
            yield self._field(fact.path, fact, row, fact.path, entry, self._home(entry))

    def stays(self) -> Iterator[Field]:
        keys = _unique_names(self._story.stays, "vendor_ref", "stay_id")
        for stay, key in zip(self._story.stays, keys, strict=True):
            audited = f"stay.{stay['vendor_ref']}"
            for fact in _STAY:
                name = f"{audited}.{fact.audited or fact.path}"
                entry = self._history.changed(name) or self._history.born(audited)
                yield self._field(f"room_stays.{key}.{fact.path}", fact, stay, name, entry, stay)
            entry = self._history.last(audited)
            for night in stay["nights"]:
                path = f"room_stays.{key}.nights.{night['night']}.price"
                yield self._plain(path, night["price"], _night_rule(night), entry, stay)

    def people(self) -> Iterator[Field]:
        for guest in self._story.guests:
            booker = guest["role"] == "booker"
            prefix = "booker" if booker else f"guests.{guest['position']}"
            entry = self._history.last(*(("guest.booker",) if booker else ("guest.guest", "guest.companions")))
            for name in _PERSON:
                rule = "erased on request" if guest["erased"] else TAKEN if guest[name] is not None else UNSAID
                yield self._plain(f"{prefix}.{name}", guest[name], rule, entry, self._home(entry))
        entry = self._history.last("private_digest")
        for name, text in self._story.notes.items():
            yield self._plain(name, text, TAKEN if text else UNSAID, entry, self._home(entry))

    def bill(self) -> Iterator[Field]:
        standing = [line for line in self._story.lines if line["stands"]]
        actors = {entry["at"]: entry for entry in self._story.audit if "folio_lines" in entry["fields"]}
        for line, key in zip(standing, _unique_names(standing, "vendor_ref", "line_id"), strict=True):
            entry = actors.get(line["posted_at"], {"at": line["posted_at"], "actor": None})
            before = self._replaced(line, actors)
            for name in _LINE:
                lost = [one for one in before[name] if one.value != plain(line[name])]
                rule = "posted once, corrected by reversal" if name == "amount" else TAKEN
                field = self._plain(f"folio_lines.{key}.{name}", line[name], rule, entry, self._home(entry))
                yield msgspec.structs.replace(field, lost=lost)

    def _replaced(self, line: Row, actors: Mapping[datetime, Row]) -> dict[str, list[Lost]]:
        """Return what lines under the same vendor ref said before they were reversed, newest first."""
        reversals = {one["reverses_id"]: one for one in self._story.lines if one["reverses_id"] is not None}
        found: dict[str, list[Lost]] = {name: [] for name in _LINE}
        for one in reversed(self._story.lines):
            reversal = reversals.get(one["line_id"])
            if reversal is None or one["vendor_ref"] != line["vendor_ref"] or line["vendor_ref"] is None:
                continue
            at = reversal["posted_at"]
            for name in _LINE:
                found[name].append(Lost(value=plain(one[name]), actor=actors.get(at, {}).get("actor"), at=at))
        return found

    def _field(self, path: str, fact: _Fact, row: Row, name: str, entry: Row | None, origin: Row) -> Field:
        value = row[fact.path]
        rule = fact.rule if isinstance(fact.rule, str) else fact.rule(self._story, row)
        if value is None and fact.path not in _EMPTY_TELLS:
            rule = UNSAID
        told = self._plain(path, value, rule, entry, origin)
        read = _words if fact.path == "flags" else self._readable
        lost = self._history.lost(name, read) if fact.keeps else []
        return msgspec.structs.replace(told, lost=lost)

    def _plain(self, path: str, value: object, rule: str, entry: Row | None, origin: Row) -> Field:
        here = entry is not None and entry["actor"] is not None and not entry["actor"].startswith(_ACCOUNT)
        source = origin if not here else {"vendor": HERE}
        return Field(
            path=path,
            value=plain(value),
            source=source.get("vendor") or self._story.reservation["source"],
            account_id=_text(source.get("account_id")),
            vendor_ref=source.get("vendor_ref"),
            rule=EDITED if here and rule in _TOLD else rule,
            actor=None if entry is None else entry["actor"],
            at=None if entry is None else entry["at"],
            lost=[],
        )

    def _home(self, entry: Row | None) -> Row:
        """Return the link that speaks for the reservation: that of the account which told the entry, else the first."""
        actor = (entry and entry["actor"]) or ""
        mine = [link for link in self._homes if actor == f"{_ACCOUNT}{link['account_id']}"]
        return next(iter(mine or self._homes), {})

    def _readable(self, old: object) -> object:
        """Show the code of a room or type that was known by its id."""
        return self._story.codes.get(old, old) if isinstance(old, str) else old


def _words(joined: str) -> list[str]:
    return joined.split(",")


def _night_rule(night: Row) -> str:
    if night["price"] is None:
        return UNSAID
    return "derived from total / nights" if night["derived"] else TAKEN


def _unique_names(rows: Iterable[Row], name: str, otherwise: str) -> list[str]:
    """Name each row by its vendor ref where that is unique, else by our id."""
    listed = list(rows)
    counts = Counter(row[name] for row in listed)
    return [str(row[name] if row[name] and counts[row[name]] == 1 else row[otherwise]) for row in listed]


def _is_pair(change: object) -> bool:
    return isinstance(change, list) and len(change) == 2  # noqa: PLR2004 - [old, new]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def plain(value: object) -> Any:  # noqa: ANN401 - what JSON holds
    """Write a value as the public words do: money as decimal text, dates and instants as text, ids as text."""
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return value
