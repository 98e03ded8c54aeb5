"""Notes: a text that grows by lines at either end, so that two additions are no quarrel.

A front desk writes below what is there, a vendor's own remarks come on top; both are additions.
"""

from __future__ import annotations


def added_to_both(base: str, here: str, there: str) -> str | None:
    """Return the text with both additions, or None when a side changed what both knew.

    Theirs stays in one piece inside the result, so a vendor that can only add to a note can be sent ours.
    """
    if not base:
        return _joined(here, there)
    ours, theirs = _additions(base, here), _additions(base, there)
    if ours is None or theirs is None:
        return None
    if _holds(here, there) or _holds(there, here):
        return here if _holds(here, there) else there
    above = ours[0] if ours[0] != theirs[0] else []
    below = ours[1] if ours[1] != theirs[1] else []
    return "\n".join([*above, there, *below])


def _joined(here: str, there: str) -> str | None:
    """Join two texts that began from nothing; None when one of them is nothing again."""
    if not (here and there):
        return None
    if _holds(here, there) or _holds(there, here):
        return here if _holds(here, there) else there
    return f"{there}\n{here}"


def _holds(whole: str, part: str) -> bool:
    return _place(whole.split("\n"), part.split("\n")) is not None


def _additions(base: str, text: str) -> tuple[list[str], list[str]] | None:
    """Return the lines above and below the known ones, None when those are no longer there in one piece."""
    known, lines = base.split("\n"), text.split("\n")
    at = _place(lines, known)
    return None if at is None else (lines[:at], lines[at + len(known) :])


def _place(lines: list[str], part: list[str]) -> int | None:
    """Find a run of lines; the topmost place counts."""
    span = len(part)
    return next((at for at in range(len(lines) - span + 1) if lines[at : at + span] == part), None)
