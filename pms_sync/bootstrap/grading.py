"""Grading: the quality tier of an installed connector, by the file that lies in its package."""

from __future__ import annotations

from connectors.kit import quality
from pms_sync import plugins


def tier_of(vendor: str) -> str | None:
    """Return bronze, silver, gold or platinum, None below bronze and for a plugin without the file.

    Raises ConfigurationFault for a file whose answers are wrong, or a vendor that is not installed.
    """
    package = plugins.package(plugins.CONNECTORS, vendor)
    return quality.tier(quality.read(package)) if quality.is_told(package) else None
