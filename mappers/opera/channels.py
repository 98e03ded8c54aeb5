"""Through whom a reservation was sold, as far as codes that each hotel makes up can tell (vendors/opera.md 6)."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET, Raw, UnsetType

from mappers.opera import wire, words
from mappers.opera.heads import code
from mappers.opera.reading import each


class Sold(NamedTuple):
    """Our channel, the vendor's word for it, and the channel's own number."""

    channel: str | UnsetType
    word: str | UnsetType | None
    reference: str | None


def sold(references: Raw, source: wire.SourceOfSale | None, medium: str | None, at: str) -> Sold:
    """Read the channel from whatever names one: an external reference, the booking medium, or the source of sale.

    The first word that is known decides; without one, and without any OTA's number, a booking of the hotel itself is
    direct and anything else is "other", with the word kept.
    """
    found = [one for one, _ in each(wire.REFERENCE, references, f"{at}.externalReferences") if one.id is not None]
    source = source or wire.SourceOfSale()
    told = [code(medium), code(source.source_code), code(source.source_type)]
    given = [code(one.id_context) for one in found]
    spoken = [word for word in (*given, *told) if word]
    known = next((word for word in spoken if _letters(word) in words.CHANNELS), None)
    word = known or next(iter(spoken), None)
    if word is None:
        return Sold(UNSET, UNSET, _number(found, None))
    return Sold(words.CHANNELS.get(_letters(word), words.OTHER_CHANNEL), word, _number(found, known))


def _number(references: list[wire.Reference], known: str | None) -> str | None:
    """Choose the number of the system that names the channel, else the first that any system gave."""
    best = sorted(references, key=lambda one: known is None or one.id_context != known)
    return code(str(best[0].id)) if best else None


def _letters(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())
