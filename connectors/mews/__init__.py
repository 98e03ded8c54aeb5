"""Mews: connector and simulator for the Connector API."""

from __future__ import annotations

from connectors.mews.door import DOOR
from connectors.mews.facts import SPEC
from pms_sync.ports.connector import Connector, ConnectorContext, ConnectorPlugin

__all__ = ["CONNECTOR", "DOOR", "SPEC"]


def _connect(context: ConnectorContext) -> Connector:
    """Load the talker only when somebody talks: the door and the facts need no HTTP client."""
    from connectors.mews.connector import MewsConnector  # noqa: PLC0415

    return MewsConnector(context)


CONNECTOR = ConnectorPlugin(spec=SPEC, connect=_connect)
