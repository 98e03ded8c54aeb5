"""Which field names carry card numbers, codes and payment tokens, and what must become of their values."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache


class Rule(Enum):
    """What becomes of a value because of the name it stands under."""

    NUMBER = "keep at most the last four digits"
    LONG_NUMBER = "the same, only when it is as long as a card number"
    DROP = "remove"
    CODE = "remove when it looks like a card code (three or four digits)"


# Names as words; spelling (camelCase, snake_case, dashes, case) does not matter.
# PCI DSS 3.3.1 forbids codes and track contents; some channels send payment tokens that may never be stored.
NAMES: dict[Rule, tuple[str, ...]] = {
    Rule.NUMBER: (
        "card number", "card no", "card num", "credit card number", "cc number", "cc num", "cc no", "pan",
        "primary account number", "card pan", "payment card number",
    ),
    Rule.DROP: (
        "cvv", "cvv2", "cvc", "cvc2", "cvn", "cvn2", "csc", "cav2", "cvv code", "cvc code", "cvv number", "cvc number",
        "card cvv", "card cvc", "card csc", "cc cvv", "cc cvc", "cc code", "security code", "card security code",
        "card verification value", "card verification code", "card verification number", "series code",
        "card expiry", "card expiry date", "card expiration", "card expiration date", "card exp", "card exp date",
        "card exp month", "card exp year", "card expiry month", "card expiry year", "card expiration month",
        "card expiration year", "cc exp", "cc expiry", "cc expiration date", "exp month", "exp year", "exp date",
        "expiry month", "expiry year", "expiration month", "expiration year", "expire date", "card valid until",
        "track1", "track2", "track3", "track1 data", "track2 data", "track data", "magstripe", "mag stripe data",
        "pin block", "card pin", "stripe token", "pcibooking token", "pci booking token",
    ),
    Rule.CODE: ("cid", "card code", "card id code"),
}  # fmt: skip
_IN_CARD: dict[Rule, tuple[str, ...]] = {
    Rule.LONG_NUMBER: ("number", "no", "account number", "value"),
    Rule.CODE: ("code", "verification code", "verification value", "verification number", "cv", "security"),
}
_EXPIRY_IN_CARD = (
    "expiry", "expires", "expiration", "expiry date", "expiration date", "expires at", "exp", "valid to", "valid thru",
    "valid until",
)  # fmt: skip
_ENDINGS = ("cvv", "cvv2", "cvc", "cvc2", "cardnumber", "cardsecuritycode", "cardexpiry", "cardexpirationdate")
_NOT_PAYMENT = (
    "keycard", "loyaltycard", "membercard", "membershipcard", "idcard", "identitycard", "roomcard", "giftcard",
)  # fmt: skip
_PHONE = re.compile(r"phone|mobile|fax|whatsapp|^tel\d?$|telno|telnumber|telephone")

# A body without any of these (lower case) has no name from the tables; the test suite holds them to it.
# Few and short, because an ordinary delivery pays for each; SUSPECT then tells "expedia" from "expiry" on the spot.
TRIGGERS = (
    b"card", b"cv", b"csc", b"cav2", b"security", b"primary", b"exp", b"cc", b"series", b"track", b"stripe", b"pin",
    b"pci", b"cid", b"pan",
)  # fmt: skip
SUSPECT = re.compile(
    rb"card|cv[vcn]|csc|cav2|security|primary[-_. ]?acc|exp(?:i|m|y|d|[-_. ])|cc(?:[-_. \"]|n|c|e|info)|series[-_. ]?c"
    rb"|track|stripe|pin[-_. ]?b|pci|(?:cid|pan)[\s\"'\\:=>]"
)


def plain(name: str) -> str:
    """Spell a name so that `cardNumber`, `card_number` and `Card-Number` are one."""
    return "".join(char for char in name.lower() if char.isalnum())


_RULES = {plain(name): rule for rule, names in NAMES.items() for name in names}
_CARD_RULES = {plain(name): rule for rule, names in _IN_CARD.items() for name in names}
_CARD_EXPIRIES = frozenset(plain(name) for name in _EXPIRY_IN_CARD)


@lru_cache(maxsize=4096)
def rule_for(name: str, *, in_card: bool, virtual: bool) -> Rule | None:
    """Return what to do with a value under this name, given what the enclosing objects are.

    A virtual card keeps its dates: it can only be charged between them (RELIABILITY 5.2).
    """
    word = plain(name[:200])
    if virtual and "exp" in word:
        return None
    if word in _RULES:
        return _RULES[word]
    if word.endswith(_ENDINGS):
        return Rule.NUMBER if word.endswith("cardnumber") else Rule.DROP
    if in_card and not virtual and word in _CARD_EXPIRIES:
        return Rule.DROP
    return _CARD_RULES.get(word) if in_card else None


@lru_cache(maxsize=4096)
def card_object(name: str) -> tuple[bool, bool]:
    """Say whether an object under this name describes a payment card, and whether that card is virtual."""
    word = plain(name[:200])
    card = ("card" in word and not any(other in word for other in _NOT_PAYMENT)) or word in {"cc", "ccinfo", "vcc"}
    return card, card and ("virtual" in word or "vcc" in word)


@lru_cache(maxsize=4096)
def phone_name(name: str) -> bool:
    """Say whether telephone numbers stand under this name."""
    return _PHONE.search(plain(name[:200])) is not None


def _spelt(name: str) -> str:
    return "[-_ .]?".join(re.escape(word) for word in name.split())


def _any_of(*rules: Rule) -> str:
    names = sorted((name for rule in rules for name in NAMES[rule]), key=len, reverse=True)
    return "|".join(_spelt(name) for name in names)


_GAP = r"[\\\"'\s]{0,8}(?:[:=]|(?<=[\w\"'])>)[\\\"'\s]{0,8}"
_END = r"[^\s\"'\\<>&,;}\]]+"
DROPPED_IN_TEXT = re.compile(rf"(?i)(?<![a-z0-9])(?:{_any_of(Rule.DROP)}){_GAP}({_END})")
CODE_IN_TEXT = re.compile(rf"(?i)(?<![a-z0-9])(?:{_any_of(Rule.CODE)}){_GAP}(\d{{3,4}})(?![\w-])")
NUMBER_IN_TEXT = re.compile(rf"(?i)(?<![a-z0-9])(?:{_any_of(Rule.NUMBER)}){_GAP}(\d(?:[ \-]?[\d*xX]){{4,24}})(?![\w-])")
SPOKEN_CODE = re.compile(
    r"(?i)(?<![a-z0-9])(?:cvv2?|cvc2?|cvn2?|csc|card security code)(?:[\s.:#=-]{0,3}(?:code|number|no|nr|is)){0,2}"
    r"[\s.:#=()\[\]-]{0,4}(\d{3,4})(?!\d)"
)


# Where a name may begin: found first and cheaply, so that no search for the long lists above runs over a whole body
# at once and holds the interpreter meanwhile. The four letters are those that count as ASCII ones regardless of case.
_BEGINNINGS = sorted({plain(name)[:2] for names in NAMES.values() for name in names})
NAME_IN_TEXT = re.compile(
    "(?:"
    + "|".join("".join(f"[{c}{c.upper()}\u0130\u0131\u017f\u212a]" for c in pair) for pair in _BEGINNINGS)
    + r")(?<![a-zA-Z0-9\u0130\u0131\u017f\u212a][\s\S]{2})"
)
