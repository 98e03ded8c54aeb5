"""The public shapes under the name mappers and their tests know; the code is `pms_sync.ports.public`."""

from pms_sync.ports.public import (
    public_block,
    public_guest,
    public_line,
    public_rejection,
    public_revision,
    public_stay,
    public_unmapped,
)

__all__ = [
    "public_block",
    "public_guest",
    "public_line",
    "public_rejection",
    "public_revision",
    "public_stay",
    "public_unmapped",
]
