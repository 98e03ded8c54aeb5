"""Intents for the tests of the way to the vendors."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from pms_sync.store.intents import Intent

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)


def intent(state: Any, **changes: Any) -> Intent:
    """Build an intent in a state, handed over long ago where it was."""
    facts: dict[str, Any] = {
        "tenant_id": uuid.UUID(int=1),
        "intent_id": uuid.uuid4(),
        "account_id": uuid.UUID(int=2),
        "object_id": uuid.UUID(int=3),
        "reservation_id": uuid.UUID(int=4),
        "kind": "modify",
        "state": state,
        "attempts": 0 if state == "planned" else 1,
        "token": None if state == "planned" else "t0",
        "paths": ("notes",),
        "notices": (),
        "request": None,
        "look_ups": 0,
        "old_reads": 0,
        "actor": "user:1",
        "held_until": None,
        "sent_at": None if state == "planned" else LONG_AGO,
        "vendor_ref": None,
        "vendor_error": None,
        "correlation_id": "c1",
        "created_at": LONG_AGO,
    }
    return Intent(**(facts | changes))
