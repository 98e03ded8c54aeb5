"""Times as the vendor writes them: property local, without a zone (vendors/opera.md 5)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from connectors.kit.simulator.clock import stamp


def written(instant: datetime, zone: str) -> str:
    """Write an instant as `2020-05-08 19:17:25.0` on the property's clock."""
    return instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S.0")


def public(text: object, zone: str) -> str | None:
    """Return a written time as RFC 3339 `Z`, None for what is no time; of an hour that comes twice the first is meant.

    A day alone stands for its midnight.
    """
    try:
        local = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    aware = local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))
    return stamp(aware.astimezone(UTC))


def rewritten(text: str, zone: str) -> str:
    """Turn a public instant into the vendor's local text; anything else stays as it is."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return text
    return written(instant, zone) if instant.tzinfo else text


def day(text: object) -> date | None:
    """Read a date written as YYYY-MM-DD; None for anything else."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == _LENGTH else None
    except ValueError:
        return None


_LENGTH = 10
