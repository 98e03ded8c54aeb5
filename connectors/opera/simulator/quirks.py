"""Habits of JSON that official samples show beside the schema (vendors/opera.md 5 and 8.4).

`mixed` decides by the number of the object, so that one object always looks the same and neighbours differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from connectors.kit.simulator.contract import Row

Habit = Literal["mixed", "always", "never"]


@dataclass(frozen=True)
class Quirks:
    """What differs from the schema; see the fields' places in vendors/opera.md.

    `texts`: numbers as text. `singles`: one element of a list as an object. `departure_ends`: `roomRates[].end` is the
    departure, else the last night. `sample_names`: `roomNumber` and `sourceOfBusiness` in search rows. `old_wrappers`:
    `reservationGuests.reservationGuest` and `comments.commentInfo`. `iso_times`: ISO instead of the spaced form.
    `hopeful`: `hasMore` is true on every page of the search.
    Of events: `shuffled` batches, `spellings` of names, `number_modules`, `texts` also for their numbers.
    """

    texts: Habit = "mixed"
    singles: Habit = "mixed"
    departure_ends: Habit = "mixed"
    sample_names: Habit = "mixed"
    old_wrappers: Habit = "never"
    iso_times: Habit = "never"
    hopeful: bool = True
    shuffled: bool = True
    spellings: Habit = "mixed"
    number_modules: Habit = "mixed"


def plain() -> Quirks:
    """Return a vendor that keeps to its schema."""
    return Quirks("never", "never", "never", "never", "never", "never", False, False, "never", "never")  # noqa: FBT003


def strikes(habit: Habit, number: int, every: int) -> bool:
    """Tell whether an object of that number shows the habit; of mixed ones every so many does."""
    return habit == "always" or (habit == "mixed" and number % every == 0)


@dataclass(frozen=True)
class Dress:
    """How one object is written."""

    quirks: Quirks
    number_: int

    def number(self, value: object) -> Any:  # noqa: ANN401 - a number or its text
        """Write a count or an amount; what an order wrote in its place stays as it is."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return value
        if strikes(self.quirks.texts, self.number_, 2):
            return str(value)
        whole = isinstance(value, int) or value == value.to_integral_value()
        return int(value) if whole else float(value)

    def rows(self, rows: Sequence[Row]) -> Any:  # noqa: ANN401 - a list or its only element
        """Write a list."""
        return rows[0] if len(rows) == 1 and strikes(self.quirks.singles, self.number_, 3) else [*rows]

    def time(self, text: object) -> object:
        """Write a time."""
        if isinstance(text, str) and strikes(self.quirks.iso_times, self.number_, 4):
            return text.replace(" ", "T").removesuffix(".0")
        return text

    def wrapped(self, name: str, rows: list[Row]) -> Any:  # noqa: ANN401 - a list or its wrapper
        """Write a list that had a wrapper once."""
        return {name: rows} if strikes(self.quirks.old_wrappers, self.number_, 5) else rows

    @property
    def ends_on_departure(self) -> bool:
        """Tell which of the two meanings `roomRates[].end` has here."""
        return strikes(self.quirks.departure_ends, self.number_ // 2, 2)

    @property
    def sampled(self) -> bool:
        """Tell whether a search row uses the names of the samples."""
        return strikes(self.quirks.sample_names, self.number_, 5)


def told(fields: Row) -> Row:
    """Leave out what has no value: the vendor does not write null."""
    return {name: value for name, value in fields.items() if value is not None and value not in ([], {})}
