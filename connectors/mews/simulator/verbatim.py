"""Raw fields of an order, written into a row as they are."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.kit.simulator.contract import OrderRefused, Row
from connectors.mews.simulator.hotel import INDEXED
from connectors.mews.simulator.words import WHERE


def verbatim(row: Row, raw: Mapping[str, object]) -> Row:
    """Return the row with raw fields replaced; raises OrderRefused for what would tear the tables apart."""
    for name, value in raw.items():
        if name.startswith("_") or name == "Id":
            raise OrderRefused(f"{name} cannot be written", WHERE, "leave it out")
        if name in INDEXED and not isinstance(value, str | None):
            raise OrderRefused(f"{name} is {value!r}", WHERE, "an id is a text or null")
    return {**row, **raw}
