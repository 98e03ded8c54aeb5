"""Reading loose JSON: every field in every form that section 3 of vendors/cloudbeds.md lists, or a rejection.

The vendor changes types inside one version, so that a shape which holds today's types would turn tomorrow's rows away.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from mappers import kit
from mappers.cloudbeds import words
from pms_sync.domain.errors import MappingRejected

Text = str | None | UnsetType
Money = Decimal | None | UnsetType
Count = int | None | UnsetType

_FLAGS = {"true": True, "1": True, "false": False, "0": False}  # 3: booleans come as texts and numbers too
_DATE_LETTERS = len("2026-01-01")
_LONGEST_REF = 200


def _exact(text: str) -> Decimal:
    """Read a number from its digits; one that no Decimal can hold is no number."""
    try:
        return Decimal(text)
    except InvalidOperation:
        message = "a number without end"
        raise ValueError(message) from None


ROW: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any], float_hook=_exact)


class Fields:
    """One object of the vendor's, and the JSON path it stands at; raises nothing but MappingRejected."""

    __slots__ = ("_values", "at")

    def __init__(self, values: dict[str, Any], at: str) -> None:
        """Look at an object that was decoded by `ROW`."""
        self._values, self.at = values, at

    def __contains__(self, name: str) -> bool:
        """Tell whether a field was sent at all."""
        return name in self._values

    def raw(self, name: str) -> object:
        """Return a value as it was decoded, None where it was not sent."""
        return self._values.get(name)

    def path(self, name: str) -> str:
        """Return the JSON path of a field."""
        return f"{self.at}.{name}"

    def rejected(self, name: str, why: str) -> MappingRejected:
        """Build the rejection of a field's value."""
        return kit.rejected(self.path(name), self._values.get(name), why, words.SHOWN)

    def first(self, *names: str) -> str:
        """Return the first of several spellings that was sent, else the first."""
        return next((name for name in names if name in self._values), names[0])

    def text(self, name: str) -> Text:
        """Read a text; a number is one too, and an empty list stands for nothing."""
        value = self._values.get(name, UNSET)
        if value is UNSET or value is None or value == []:
            return UNSET if value is UNSET else None
        if isinstance(value, str):
            return kit.word(value)
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return str(value)
        raise self.rejected(name, "no text")

    def word(self, name: str) -> str:
        """Read a text as a plain word, empty where there is none."""
        value = self.text(name)
        return value if isinstance(value, str) else ""

    def plain(self, name: str) -> str:
        """Read a text where there is one, whatever else may stand there."""
        value = self._values.get(name)
        return value if isinstance(value, str) else ""

    def ref(self, name: str) -> str | None:
        """Read an id, whichever type it has; None where there is none."""
        value = self._values.get(name)
        told = self.word(name)
        if isinstance(value, Decimal) or len(told) > _LONGEST_REF or not told.isprintable():
            raise self.rejected(name, "no id")
        return told or None

    def needed_ref(self, name: str) -> str:
        """Read an id that an object cannot be without."""
        told = self.ref(name)
        if told is None:
            raise kit.absent(self.path(name), "required field is missing or empty")
        return told

    def day(self, *names: str) -> date | None:
        """Read a date from the first of these fields that was sent, with or without a time behind it."""
        name = self.first(*names)
        told = self.word(name)
        if told in words.NO_DATE:
            return None
        try:
            return date.fromisoformat(told[:_DATE_LETTERS])
        except ValueError:
            raise self.rejected(name, "no date") from None

    def needed_day(self, *names: str) -> date:
        """Read a date that cannot lack."""
        told = self.day(*names)
        if told is None:
            raise kit.absent(self.path(self.first(*names)), "a date is missing")
        return told

    def moment(self, name: str) -> datetime | None:
        """Read a date-time as it is written, with a zone or without."""
        told = self.word(name)
        if told in words.NO_DATE:
            return None
        try:
            return datetime.fromisoformat(told)
        except ValueError:
            raise self.rejected(name, "no date and time") from None

    def count(self, name: str) -> Count:
        """Read how many people there are, from 0 to 99."""
        told = self.text(name)
        if not isinstance(told, str):
            return told
        if not (told.isascii() and told.isdecimal() and len(told) <= len(str(words.MOST_PEOPLE))):
            raise self.rejected(name, f"no number from 0 to {words.MOST_PEOPLE}")
        return int(told)

    def money(self, name: str) -> Money:
        """Read an amount, exactly as it is written, as a number or as a text."""
        told = self.text(name)
        if not isinstance(told, str):
            return told
        try:
            return Decimal(told)
        except InvalidOperation:
            raise self.rejected(name, "no amount") from None

    def flag(self, name: str) -> bool:
        """Read a yes; anything else is none."""
        value = self._values.get(name)
        return value is True or (isinstance(value, str) and value.lower() in {"true", "1"}) or value == 1

    def yes_or_no(self, name: str) -> bool | None:
        """Read a flag that may not be guessed: None where there is none, else a rejection."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        told = value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
        if told is None:
            raise self.rejected(name, "neither yes nor no")
        return told

    def child(self, name: str) -> Fields | None:
        """Return an object, or the first of a list of such; None where there is neither."""
        value = self._values.get(name)
        first = value[0] if isinstance(value, list) and value else value
        return Fields(first, self.path(name)) if isinstance(first, dict) else None

    def children(self, name: str) -> list[Fields]:
        """List the objects of a list, or of a map keyed by id, whose empty form is a list too."""
        return [self._object(name, key, value) for key, value in self.entries(name)]

    def entries(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield key and value of a map, or of a list by position; nothing for what is not there."""
        value = self._values.get(name)
        if isinstance(value, dict):
            yield from ((str(key), one) for key, one in value.items())
        elif isinstance(value, list):
            yield from ((str(index), one) for index, one in enumerate(value))
        elif value is not None and value != "":
            raise self.rejected(name, "neither a list nor a map")

    def _object(self, name: str, key: str, value: object) -> Fields:
        at = f"{self.path(name)}[{key}]"
        if not isinstance(value, dict):
            raise kit.rejected(at, value, "no object", words.SHOWN)
        return Fields(value, at)
