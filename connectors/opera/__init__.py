"""Oracle Opera: connector for the reading side of OHIP, the REST gateway of OPERA Cloud."""

from __future__ import annotations

from connectors.opera.events import QUEUE
from connectors.opera.facts import SPEC
from pms_sync.ports.connector import Connector, ConnectorContext, ConnectorPlugin

__all__ = ["CONNECTOR", "QUEUE", "SPEC"]


def _connect(context: ConnectorContext) -> Connector:
    """Load the talker only when somebody talks: the facts and the reader of events need no HTTP client."""
    from connectors.opera.connector import OperaConnector  # noqa: PLC0415

    return OperaConnector(context)


CONNECTOR = ConnectorPlugin(spec=SPEC, connect=_connect, queue=QUEUE)
