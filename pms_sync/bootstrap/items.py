"""Items: one line of `doctor` each, {"check","ok","detail","remedy"}; a remedy is told only where one is needed."""

from __future__ import annotations

from typing import Any

from pms_sync.domain.errors import Fault

Item = dict[str, Any]


def item(check: str, ok: bool, detail: str, remedy: str = "") -> Item:  # noqa: FBT001
    """Return one check with what was found."""
    return {"check": check, "ok": ok, "detail": detail, "remedy": "" if ok else remedy}


def failed(check: str, fault: Fault) -> Item:
    """Return a check that a fault ended, with the fault's own remedy."""
    detail = f"{fault.what} ({fault.where})" if fault.where else fault.what
    return item(check, ok=False, detail=detail, remedy=fault.remedy)
