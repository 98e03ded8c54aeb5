"""What the doors of weakly signing vendors share: comparing a secret, and reading JSON from a stranger."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from pms_sync.domain.errors import DeliveryRefused, MappingRejected

T = TypeVar("T")

MOST_BYTES = 1_048_576
_REFUSED = 401
_LONGEST_SECRET = 4096


def check_secret(given: str | None, secrets: Sequence[str]) -> None:
    """Return when `given` is one of the valid secrets; raises DeliveryRefused otherwise, always after the same work.

    Digests are compared, so neither length nor first differing character shows in the time; an empty secret never fits.
    """
    shown = _digest((given or "")[:_LONGEST_SECRET])
    fits = False
    for secret in secrets:
        fits |= hmac.compare_digest(shown, _digest(secret)) and bool(secret)
    if not fits:
        raise DeliveryRefused(_REFUSED, "no valid secret")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def read_json(decoder: msgspec.json.Decoder[T], body: bytes, *, most_bytes: int = MOST_BYTES) -> T:
    """Decode a body that may be anything; raises MappingRejected, and nothing else, when it does not fit.

    The reason names places and shapes, never a value of the body.
    """
    if len(body) > most_bytes:
        raise MappingRejected("$", f"{len(body)} bytes", f"larger than {most_bytes} bytes")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        why, _, place = str(error).partition(" - at ")
        raise MappingRejected(place.strip("`") or "$", "(not shown)", why.replace("`", "")) from None
    except RecursionError:
        raise MappingRejected("$", f"{len(body)} bytes", "nested too deeply") from None
    except ValueError:
        raise MappingRejected("$", f"{len(body)} bytes", "not JSON") from None
