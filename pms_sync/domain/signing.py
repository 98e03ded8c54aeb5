"""Standard Webhooks signatures (spec 1.0.0, `v1`): HMAC-SHA256 over id, timestamp and the bytes that are sent."""

from __future__ import annotations

import base64
import binascii
import hmac

_PREFIX = "whsec_"
_LEAST_BYTES, _MOST_BYTES = 24, 64


def signing_key(secret: str) -> bytes:
    """Read a secret as Standard Webhooks writes it: 24 to 64 bytes in base64, with or without `whsec_` in front.

    Raises ValueError, whose text never repeats the secret.
    """
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        message = f"holds {len(key)} bytes, not {_LEAST_BYTES} to {_MOST_BYTES}"
        raise ValueError(message)
    return key


def signed_headers(key: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of one attempt; `timestamp` is the attempt's, in Unix seconds, the id stays the same."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{signature}"}
