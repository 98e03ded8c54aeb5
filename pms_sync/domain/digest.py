"""The digest by which a record is recognised as the one we already hold, with the same meaning."""

from __future__ import annotations

import hashlib

_VERSION_BYTES = 8


def record_digest(body: bytes, mapper_version: int, crosswalk_version: int) -> bytes:
    """Return 32 bytes that change with the body as stored, the mapper's version or the crosswalk's version.

    The versions belong to it because the same bytes mean something else under another mapper or other codes, and must
    then be applied again (ARCHITECTURE §4, step apply).
    """
    digest = hashlib.sha256(hashlib.sha256(body).digest())
    for version in (mapper_version, crosswalk_version):
        digest.update(version.to_bytes(_VERSION_BYTES, "big", signed=True))
    return digest.digest()
