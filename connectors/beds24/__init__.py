"""Beds24: connector and simulator for the API V2."""

from __future__ import annotations

from connectors.beds24.door import DOOR
from connectors.beds24.wire import SPEC
from pms_sync.ports.connector import Connector, ConnectorContext, ConnectorPlugin

__all__ = ["CONNECTOR", "DOOR", "SPEC"]


def _connect(context: ConnectorContext) -> Connector:
    """Load the talker only when somebody talks: the door and the facts need no HTTP client."""
    from connectors.beds24.connector import Beds24Connector  # noqa: PLC0415

    return Beds24Connector(context)


CONNECTOR = ConnectorPlugin(spec=SPEC, connect=_connect)
