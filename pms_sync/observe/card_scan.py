"""Find card numbers inside free text: digit runs that a card network could have issued and that pass Luhn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import accumulate, compress, pairwise
from typing import NamedTuple

# What people and exports put between the digits of one number. Commas and brackets are left out on purpose:
# they separate different numbers far more often than the groups of one.
ASCII_SEPARATORS = "".join(map(chr, range(0x21))) + "\x7f-._/"
OTHER_SEPARATORS = (
    "\u0080-\u00a0\u00ad\u00b7\u034f\u061c\u115f\u1160\u1680\u180e\u2000-\u2015\u2022\u2024\u2027-\u202f\u2043"
    "\u2044\u205f-\u206f\u2212\u2215\u3000\u30fb\ufe00-\ufe0f\ufe58\ufe63\ufeff\uff0d\uff0e\uff0f\uff3f"
)
_SEPARATOR = f"[{re.escape(ASCII_SEPARATORS)}{OTHER_SEPARATORS}]"

SHORTEST, LONGEST = 13, 19
# A longer run is read in pieces that overlap by one card: a match holds the interpreter, and the loop, until it ends.
_PIECE = 2_048
_RUN = re.compile(rf"\d(?:{_SEPARATOR}{{0,3}}\d){{{SHORTEST - 1},{_PIECE - 1}}}")
_PHONE_LONGEST = 14  # no country's numbers are longer with their prefix, and no 14-digit card starts like one
_KEPT = 4

# First four digits (inclusive range) and the lengths issued under them: published issuer ranges of the networks.
_ISSUED: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (2200, 2204, (16, 17, 18, 19)),  # Mir
    (2221, 2720, (16,)),  # Mastercard
    (3000, 3059, (14, 16, 17, 18, 19)),  # Diners
    (3095, 3095, (14, 16, 17, 18, 19)),
    (3400, 3499, (15,)),  # American Express
    (3528, 3589, (16, 17, 18, 19)),  # JCB
    (3600, 3699, (14, 15, 16, 17, 18, 19)),  # Diners
    (3700, 3799, (15,)),  # American Express
    (3800, 3999, (14, 16, 17, 18, 19)),  # Diners
    (4000, 4999, (13, 16, 19)),  # Visa
    (5018, 5020, (13, 14, 15, 16, 17, 18, 19)),  # Maestro, Dankort
    (5038, 5038, (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (5060, 5099, (16, 17, 18, 19)),  # Verve, Elo, RuPay
    (5100, 5599, (16,)),  # Mastercard
    (5612, 5612, (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (5893, 5893, (13, 14, 15, 16, 17, 18, 19)),
    (6000, 6099, (16, 17, 18, 19)),  # Discover, RuPay, Hipercard
    (6200, 6299, (16, 17, 18, 19)),  # UnionPay
    (6304, 6304, (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (6362, 6363, (16,)),  # Elo
    (6390, 6390, (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (6440, 6599, (16, 17, 18, 19)),  # Discover, RuPay
    (6759, 6763, (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (8100, 8299, (16, 17, 18, 19)),  # UnionPay, RuPay
    (9792, 9792, (16,)),  # Troy
)
_LENGTHS = {bytes(map(int, str(prefix))): sizes for low, high, sizes in _ISSUED for prefix in range(low, high + 1)}
_DOUBLED = bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)).ljust(256, b"\x00")


class _Digits:
    """The digits of one run with running Luhn sums, so that each window costs a subtraction, not a loop."""

    def __init__(self, text: Iterable[str]) -> None:
        self._values = bytes(map(unicodedata.decimal, text))
        self._sums = _running_sums(self._values, 0), _running_sums(self._values, 1)

    def beginnings(self, places: Iterable[int]) -> list[tuple[int, tuple[int, ...]]]:
        """Return the places where an issued card may begin, with its lengths: few, which makes the scan cheap."""
        values = self._values
        return [(at, _LENGTHS[start]) for at in places if (start := values[at : at + 4]) in _LENGTHS]

    def passes_luhn(self, start: int, end: int) -> bool:
        """Say whether the check digit at the end of the window is right."""
        sums = self._sums[end % 2]
        return (sums[end] - sums[start]) % 10 == 0


def _running_sums(values: bytes, first_doubled: int) -> list[int]:
    weighed = bytearray(values)
    weighed[first_doubled::2] = values[first_doubled::2].translate(_DOUBLED)
    return list(accumulate(weighed, initial=0))


def is_card_number(digits: str) -> bool:
    """Say whether these digits, and nothing else, are a card number."""
    if not SHORTEST <= len(digits) <= LONGEST or not digits.isdecimal():
        return False
    run = _Digits(digits)
    return any(len(digits) in sizes for _, sizes in run.beginnings([0])) and run.passes_luhn(0, len(digits))


def masked_positions(text: str, *, phone_field: bool = False) -> tuple[set[int], int]:
    """Return the positions of digits to hide (all but the last four of each card) and how many cards there are.

    A card must begin and end where a group of digits does, because cutting windows out of longer references
    would hide one reference in three. `phone_field` says that the text stands where a telephone number belongs.
    """
    hidden: set[int] = set()
    cards = 0
    for piece in _pieces(text):
        phone = piece.is_first and (phone_field or text[max(piece.places[0] - 1, 0)] == "+")
        for start, end in _cards_in(text, piece, phone=phone):
            hidden.update(piece.places[start : end - _KEPT])
            cards += 1
    return hidden, cards


class _Piece(NamedTuple):
    """The places of a run's digits, or of some of them; cards that begin from `until` on are the next piece's."""

    places: list[int]
    is_first: bool
    until: int


def _pieces(text: str) -> Iterator[_Piece]:
    at, is_first = 0, True
    while run := _RUN.search(text, at):
        places = [i for i in range(run.start(), run.end()) if text[i].isdecimal()]
        is_whole = len(places) < _PIECE
        until = len(places) if is_whole else len(places) - LONGEST
        yield _Piece(places, is_first, until)
        at, is_first = run.end() if is_whole else places[until], is_whole


def _cards_in(text: str, piece: _Piece, *, phone: bool) -> Iterator[tuple[int, int]]:
    places, until = piece.places, piece.until
    digits = _Digits([text[i] for i in places])
    begins = piece.is_first or not text[places[0] - 1].isdecimal()
    is_edge = [begins, *(after != before + 1 for before, after in pairwise(places)), True]
    for start, sizes in digits.beginnings(compress(range(until), is_edge)):
        for size in sizes:
            end = start + size
            if end > len(places) or not is_edge[end] or not digits.passes_luhn(start, end):
                continue
            is_phone = phone and start == 0 and size <= _PHONE_LONGEST
            if not is_phone and _grouped_like_card(size, is_edge.index(True, start + 1) - start):
                yield start, end


def _grouped_like_card(size: int, first_group: int) -> bool:
    """Thirteen digits after a short first group are a telephone number with its country code, not an old card."""
    return size > SHORTEST or first_group >= _KEPT or first_group == 1
