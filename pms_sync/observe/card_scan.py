"""Find card numbers inside free text: digit runs that a card network could have issued and that pass Luhn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate

# What people and exports put between the digits of one number. Commas and brackets are left out on purpose:
# they separate different numbers far more often than the groups of one.
ASCII_SEPARATORS = "".join(map(chr, range(0x21))) + "\x7f-._/"
OTHER_SEPARATORS = (
    "\u0080-\u00a0\u00ad\u00b7\u034f\u061c\u115f\u1160\u1680\u180e\u2000-\u2015\u2022\u2024\u2027-\u202f\u2043"
    "\u2044\u205f-\u206f\u2212\u2215\u3000\u30fb\ufe00-\ufe0f\ufe58\ufe63\ufeff\uff0d\uff0e\uff0f\uff3f"
)
_SEPARATOR = f"[{re.escape(ASCII_SEPARATORS)}{OTHER_SEPARATORS}]"
_RUN = re.compile(rf"\d(?:{_SEPARATOR}{{0,3}}\d){{12,}}")

SHORTEST, LONGEST = 13, 19
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
_LENGTHS = {prefix: frozenset(sizes) for low, high, sizes in _ISSUED for prefix in range(low, high + 1)}
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


class _Digits:
    """The digits of one run with running Luhn sums, so that each window costs a subtraction, not a loop."""

    def __init__(self, values: Sequence[int]) -> None:
        self.values = values
        self._even = list(accumulate((_DOUBLED[v] if i % 2 == 0 else v for i, v in enumerate(values)), initial=0))
        self._odd = list(accumulate((_DOUBLED[v] if i % 2 else v for i, v in enumerate(values)), initial=0))

    def is_card(self, start: int, end: int) -> bool:
        """Say whether the window passes Luhn and starts like an issued card of that length."""
        sums = self._even if end % 2 == 0 else self._odd
        if (sums[end] - sums[start]) % 10:
            return False
        a, b, c, d = self.values[start : start + 4]
        return end - start in _LENGTHS.get(a * 1000 + b * 100 + c * 10 + d, ())


def is_card_number(digits: str) -> bool:
    """Say whether these digits, and nothing else, are a card number."""
    if not SHORTEST <= len(digits) <= LONGEST or not digits.isdecimal():
        return False
    return _Digits([unicodedata.decimal(char) for char in digits]).is_card(0, len(digits))


def masked_positions(text: str, *, phone_field: bool = False) -> tuple[set[int], int]:
    """Return the positions of digits to hide (all but the last four of each card) and how many cards there are.

    A card must begin and end where a group of digits does, because cutting windows out of longer references
    would hide one reference in three. `phone_field` says that the text stands where a telephone number belongs.
    """
    hidden: set[int] = set()
    cards = 0
    for run in _RUN.finditer(text):
        places = [i for i in range(run.start(), run.end()) if text[i].isdecimal()]
        phone = phone_field or text[: run.start()].endswith("+")
        for start, end in _cards_in(text, places, phone=phone):
            hidden.update(places[start : end - _KEPT])
            cards += 1
    return hidden, cards


def _cards_in(text: str, places: list[int], *, phone: bool) -> Iterator[tuple[int, int]]:
    digits = _Digits([unicodedata.decimal(text[i]) for i in places])
    edges = [0, *(n for n in range(1, len(places)) if places[n] != places[n - 1] + 1), len(places)]
    for index, start in enumerate(edges[:-1]):
        for end in edges[index + 1 : index + 1 + LONGEST]:
            size = end - start
            if size > LONGEST:
                break
            if size < SHORTEST or (phone and start == 0 and size <= _PHONE_LONGEST):
                continue
            if digits.is_card(start, end) and _grouped_like_card(size, edges[index + 1] - start):
                yield start, end


def _grouped_like_card(size: int, first_group: int) -> bool:
    """Thirteen digits after a short first group are a telephone number with its country code, not an old card."""
    return size > SHORTEST or first_group >= _KEPT or first_group == 1
