"""Cloudbeds: connector and simulator for the PMS API v1.3."""

from __future__ import annotations

from connectors.cloudbeds.door import DOOR
from connectors.cloudbeds.facts import SPEC
from pms_sync.ports.connector import Connector, ConnectorContext, ConnectorPlugin

__all__ = ["CONNECTOR", "DOOR", "SPEC"]


def _connect(context: ConnectorContext) -> Connector:
    """Load the talker only when somebody talks: the door and the facts need no HTTP client."""
    from connectors.cloudbeds.connector import CloudbedsConnector  # noqa: PLC0415

    return CloudbedsConnector(context)


CONNECTOR = ConnectorPlugin(spec=SPEC, connect=_connect)
