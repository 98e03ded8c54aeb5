"""Card removal before storage: what leaves here may be written to a disk or a log (PCI DSS 3.3.1, RELIABILITY 5.2).

JSON is edited token by token in its own text instead of being parsed and written again, so everything that is not
card content keeps its bytes: duplicate keys, number spelling, escapes, invalid UTF-8, any depth of nesting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from pms_sync.observe import card_keys
from pms_sync.observe.card_keys import Rule
from pms_sync.observe.card_scan import (
    ASCII_SEPARATORS,
    LONGEST,
    OTHER_SEPARATORS,
    SHORTEST,
    is_card_number,
    masked_positions,
)

_LAST_FOUR = 4
_LONG_NUMBER = 12

# The pre-check: drop what may stand between digits, make every digit a zero and look for thirteen in a row.
_DIGITS_TO_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x78 for byte in range(256))  # noqa: PLR2004
_BETWEEN = ASCII_SEPARATORS.encode()
_RUN_OF_ZEROS = b"0" * SHORTEST
# Escapes below U+00C0 may spell digits, letters or separators; from U+0600 on other scripts have digits.
_HIDING_ESCAPE = re.compile(rb"\\u(?!00[c-fC-F]|0[1-5])")
_HIDING_CHARACTER = re.compile(rf"[^\W\x00-\x7f\D]|[{OTHER_SEPARATORS}\ud800-\udfff]")
_NOTHING_THERE = re.compile(rb'[\w\-. ]{0,64}"\s{0,16}:\s{0,16}(?:null|true|false|""|\[\s{0,16}\]|\{\s{0,16}\})')

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|-?[A-Za-z]+|[{}\[\],:]|\s+', re.DOTALL)
_UNIT = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_INTEGRAL = re.compile(r"-?(\d+)(?:\.0*)?")
_IDENTIFIER = re.compile(r"[^\s]+")


def scrub_json(body: bytes, identifier_keys: frozenset[str] = frozenset()) -> tuple[bytes, int]:
    """Return the body without card numbers, codes and payment tokens, and how many were removed.

    Values under `identifier_keys` (exact names, declared by the door) are left alone when they are one unbroken
    word: one id in ten passes Luhn. What is not JSON is scrubbed as text. Never raises; without a removal the very same
    bytes come back.
    """
    if not _may_hold_card(body):
        return body, 0
    text = body.decode("utf-8", "surrogateescape")
    scrubbed = _JsonScrubber(text, identifier_keys).run()
    new_text, removed = scrubbed if scrubbed is not None else _scrub_escaped(text)
    return (new_text.encode("utf-8", "surrogateescape"), removed) if removed else (body, 0)


def scrub_text(text: str) -> str:
    """Return free text with card numbers cut to their last four digits and card codes starred out."""
    return _scrub(text)[0]


def _may_hold_card(body: bytes) -> bool:
    """Say no only when the body surely holds nothing to remove; this is all that an ordinary delivery costs."""
    if body.lstrip()[:1] not in (b"{", b"["):
        return True
    if b"\\" in body:
        if _HIDING_ESCAPE.search(body):
            return True
        body = body.replace(b"\\n", b" ").replace(b"\\r", b" ").replace(b"\\t", b" ").replace(b"\\/", b"/")
        body = body.replace(b"\\b", b" ").replace(b"\\f", b" ")
    if not body.isascii() and _HIDING_CHARACTER.search(body.decode("utf-8", "surrogateescape")):
        return True
    return _RUN_OF_ZEROS in body.translate(_DIGITS_TO_ZERO, _BETWEEN) or _names_card(body.lower())


def _names_card(lower: bytes) -> bool:
    for trigger in card_keys.TRIGGERS:
        at = lower.find(trigger)
        while at >= 0:
            if card_keys.SUSPECT.match(lower, at) and not _NOTHING_THERE.match(lower, at):
                return True
            at = lower.find(trigger, at + 1)
    return False


def _scrub(text: str, *, phone_field: bool = False) -> tuple[str, int]:
    hidden, removed = masked_positions(text, phone_field=phone_field)
    names = [found.start() for found in card_keys.NAME_IN_TEXT.finditer(text)]
    for pattern in (card_keys.DROPPED_IN_TEXT, card_keys.CODE_IN_TEXT, card_keys.SPOKEN_CODE):
        for found in _found_at(pattern, text, names):
            if found[1].lower() in {"null", "none", "true", "false"}:
                continue
            removed += found[1].strip("*") != ""
            hidden.update(range(*found.span(1)))
    for found in _found_at(card_keys.NUMBER_IN_TEXT, text, names):
        digits = [i for i in range(*found.span(1)) if text[i].isdecimal()]
        removed += not hidden.issuperset(digits[:-_LAST_FOUR])
        hidden.update(digits[:-_LAST_FOUR])
    if not removed:
        return text, 0
    return "".join("*" if i in hidden else char for i, char in enumerate(text)), removed


def _found_at(pattern: re.Pattern[str], text: str, places: list[int]) -> Iterator[re.Match[str]]:
    """Yield what a search would find when matches can begin at these places only."""
    end = 0
    for at in places:
        if at >= end and (found := pattern.match(text, at)):
            end = found.end()
            yield found


def _scrub_escaped(raw: str, *, phone_field: bool = False) -> tuple[str, int]:
    """Scrub text as JSON spells it: read through its escapes, and replace whole escapes only where a card stood."""
    if "\\" not in raw:
        return _scrub(raw, phone_field=phone_field)
    units = [found[0] for found in _UNIT.finditer(raw)]
    text = "".join(map(_one_character, units))
    clean, removed = _scrub(text, phone_field=phone_field)
    if not removed:
        return raw, 0
    return "".join(unit if old == new else new for unit, old, new in zip(units, text, clean, strict=True)), removed


class _Frame(NamedTuple):
    """One open object or array: what its place says about the values inside."""

    is_object: bool
    key: str = ""
    rule: Rule | None = None
    in_card: bool = False
    virtual: bool = False


_TOP = _Frame(is_object=False)


class _JsonScrubber:
    """Walks the tokens with a stack of its own, because the sender chooses the depth."""

    def __init__(self, text: str, identifier_keys: frozenset[str]) -> None:
        self._text = text
        self._identifiers = identifier_keys
        self._frames: list[_Frame] = [_TOP]
        self._key: str | None = None
        self._out: list[str] = []
        self._removed = 0

    def run(self) -> tuple[str, int] | None:
        """Return the scrubbed text and the number of removals, or None when this is not JSON."""
        at = 0
        for token in _TOKEN.finditer(self._text):
            if token.start() != at or not self._take(token[0], token.end()):
                return None
            at = token.end()
        if at != len(self._text) or len(self._frames) != 1:
            return None
        return "".join(self._out), self._removed

    def _take(self, token: str, end: int) -> bool:
        first = token[0]
        if first in "{[":
            self._open(is_object=first == "{")
        elif first in "}]":
            if len(self._frames) == 1 or self._frames.pop().is_object is not (first == "}"):
                return False
            self._key = None
        elif first == ",":
            self._key = None
        elif first == '"' and self._frames[-1].is_object and self._key is None and self._is_key(end):
            self._key = _decoded(token)
            token = self._free_string(token)
        elif first not in ": \t\r\n":
            if self._follows_number(first):
                return False
            token = self._value(token)
        self._out.append(token)
        return True

    def _follows_number(self, first: str) -> bool:
        """Say whether a number stands after a number with nothing but space between: groups of digits, and no JSON."""
        out = self._out
        return first in "-0123456789" and len(out) > 1 and out[-1].isspace() and out[-2][-1].isdigit()

    def _is_key(self, end: int) -> bool:
        rest = self._text[end : end + 1]
        return rest == ":" or self._text[end : end + 4096].lstrip()[:1] == ":"

    def _open(self, *, is_object: bool) -> None:
        parent = self._frames[-1]
        key = parent.key if self._key is None else self._key
        if self._key is None:
            self._frames.append(parent._replace(is_object=is_object, key="" if is_object else key))
            return
        card, virtual = card_keys.card_object(key)
        in_card, virtual = parent.in_card or card, parent.virtual or virtual
        rule = parent.rule or self._rule(key, in_card=parent.in_card, virtual=virtual)
        self._frames.append(_Frame(is_object, key, rule, in_card, virtual))
        self._key = None

    def _rule(self, key: str, *, in_card: bool, virtual: bool) -> Rule | None:
        return None if key in self._identifiers else card_keys.rule_for(key, in_card=in_card, virtual=virtual)

    def _value(self, token: str) -> str:
        frame = self._frames[-1]
        key = frame.key if self._key is None else self._key
        rule = frame.rule or self._rule(key, in_card=frame.in_card, virtual=frame.virtual)
        if token in {"null", "true", "false", '""'}:
            return token
        if rule is not None:
            ruled = _by_rule(rule, token)
            if ruled != token:
                self._removed += 1
                return ruled
        if key in self._identifiers and _IDENTIFIER.fullmatch(_decoded(token)):
            return token
        if token[0] != '"':
            return self._number(token)
        return self._free_string(token, phone_field=card_keys.phone_name(key))

    def _free_string(self, token: str, *, phone_field: bool = False) -> str:
        if len(token) < _LAST_FOUR:
            return token
        clean, removed = _scrub_escaped(token[1:-1], phone_field=phone_field)
        self._removed += removed
        return f'"{clean}"' if removed else token

    def _number(self, token: str) -> str:
        digits = _integral_digits(token)
        if digits is None or not is_card_number(digits):
            return token
        self._removed += 1
        return _last_four(digits)


def _one_character(unit: str) -> str:
    if len(unit) == 1:
        return unit
    try:
        decoded = json.loads(f'"{unit}"')
    except ValueError:
        return "\\"  # an escape JSON does not know: one character that is no digit keeps the places aligned
    return str(decoded)


def _decoded(token: str) -> str:
    if token[0] != '"' or "\\" not in token:
        return token.strip('"')
    return "".join(map(_one_character, _UNIT.findall(token[1:-1])))


def _integral_digits(token: str) -> str | None:
    """Return the digits of a number token that is a whole number of card length, however it is spelt."""
    if plain := _INTEGRAL.fullmatch(token):
        return plain[1]
    if len(token) > 2 * LONGEST or "e" not in token.lower():
        return None
    try:
        number = Decimal(token)
    except InvalidOperation:
        return None
    if not number.is_finite() or not 0 <= number.adjusted() < LONGEST or number != number.to_integral_value():
        return None
    return str(abs(int(number)))


def _by_rule(rule: Rule, token: str) -> str:
    text = _decoded(token)
    digits = "".join(char for char in text if char.isdecimal())
    if rule is Rule.DROP:
        return "null" if text.strip() else token
    if rule is Rule.CODE:
        return "null" if text.strip().isdecimal() and len(digits) in {3, _LAST_FOUR} else token
    if rule is Rule.LONG_NUMBER and len(digits) < _LONG_NUMBER:
        return token
    return _last_four(digits) if len(digits) > _LAST_FOUR else token


def _last_four(digits: str) -> str:
    return f'"{"*" * min(len(digits) - _LAST_FOUR, _LONG_NUMBER)}{digits[-_LAST_FOUR:]}"'
