"""The digest by which a record is recognised as the one we already hold, with the same meaning."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

_VERSIONS = struct.Struct(">qq")


def record_digest(body: bytes, mapper_version: int, crosswalk_version: int) -> bytes:
    """Return 32 bytes that change with the body as stored, the mapper's version or the crosswalk's version.

    The versions belong to it because the same bytes mean something else under another mapper or other codes, and must
    then be applied again (ARCHITECTURE §4, step apply).
    """
    return digest_of(hashlib.sha256(body).digest(), mapper_version, crosswalk_version)


def record_digests(mapper_version: int, crosswalk_version: int) -> Callable[[bytes], bytes]:
    """Return `record_digest` for many bodies under the same versions."""
    sha256, versions = hashlib.sha256, _VERSIONS.pack(mapper_version, crosswalk_version)
    return lambda body: sha256(sha256(body).digest() + versions).digest()


def digest_of(body_digest: bytes, mapper_version: int, crosswalk_version: int) -> bytes:
    """Return the same for a body whose SHA-256 is known already."""
    return hashlib.sha256(body_digest + _VERSIONS.pack(mapper_version, crosswalk_version)).digest()
