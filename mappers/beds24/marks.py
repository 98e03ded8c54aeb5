"""Our mark on a booking that we created: an info item, which Beds24 keeps and shows again.

Info items are the safest place for our own markers (vendors/beds24.md 6.6) and a documented field of POST /bookings.
`reference` would do as well, but the create schema does not list it, and hotels use it (7, 18).
"""

from __future__ import annotations

import re

from msgspec import Raw

from mappers import kit
from mappers.beds24 import wire
from pms_sync.domain.errors import MappingRejected

CODE = "PMSSYNC"
_CODE_BYTES = CODE.encode()
# The text is cut into pieces, since thirteen digits in a row may look like a card number and would be starred out.
_PIECE, _JOINT = 12, ":"
_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,100}")


def remark(token: str) -> dict[str, str]:
    """Write a token as the info item to send; raises MappingRejected for one that would not come back as it was."""
    if not _TOKEN.fullmatch(token):
        raise MappingRejected("token", f"text of {len(token)} characters", "1 to 100 letters, digits, dots and dashes")
    pieces = [token[start : start + _PIECE] for start in range(0, len(token), _PIECE)]
    return {"code": CODE, "text": _JOINT.join(pieces)}


def token(remarks: Raw) -> str | None:
    """Find our mark among info items; anything odd there is not ours and harms nothing."""
    raw = bytes(remarks)
    if _CODE_BYTES not in raw:
        return None
    try:
        found = kit.read(wire.REMARKS, raw, frozenset())
    except MappingRejected:
        return None
    texts = (one.text for one in found if one.code == CODE and isinstance(one.text, str))
    told = (text.replace(_JOINT, "") for text in texts)
    return next((one for one in told if _TOKEN.fullmatch(one)), None)


def member(token: str, position: int, count: int) -> str:
    """Give each booking of a group its own token, so that each can be found alone."""
    return token if count == 1 else f"{token}.{position}"
