"""Recognising: a vendor's body as it is stored, and the digests by which it is known again."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from pms_sync.domain.digest import digest_of
from pms_sync.observe.redact import scrub_json
from pms_sync.store.raw import body_digest

_REF_LIMIT = 200


class Recognised(NamedTuple):
    """A body without cards; `digest` stands for its bytes together with the meaning they have now."""

    body: bytes
    body_digest: bytes
    digest: bytes


def recognise(body: bytes, identifier_keys: Collection[str], mapper_version: int, crosswalk_version: int) -> Recognised:
    """Remove cards first, then digest: what is compared is what was stored."""
    clean, _ = scrub_json(body, frozenset(identifier_keys))
    plain = body_digest(clean)
    return Recognised(clean, plain, digest_of(plain, mapper_version, crosswalk_version))


def unreadable_ref(digest_of_body: bytes) -> str:
    """Name a row after its bytes, since nothing else names it: the same bad row has the same name."""
    return f"unreadable-{digest_of_body.hex()[:24]}"


def is_ref(text: str) -> bool:
    """Tell whether a text can name an object; anything else is no reference of any vendor."""
    return 0 < len(text) <= _REF_LIMIT and text.isprintable()
