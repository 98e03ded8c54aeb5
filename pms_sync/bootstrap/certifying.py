"""Certifying: the conformance kit joined with the installed halves of one plugin."""

from __future__ import annotations

from typing import Any, cast

from connectors.kit import conformance
from connectors.kit.http import open_client
from pms_sync import plugins
from pms_sync.ports.connector import ConnectorPlugin


async def certify(vendor: str) -> dict[str, Any]:
    """Return the evidence document of an installed plugin; raises ConfigurationFault when a half is missing."""
    evidence = await conformance.certify(
        cast("ConnectorPlugin", plugins.one(plugins.CONNECTORS, vendor)),
        plugins.doors().get(vendor),
        plugins.mapper(vendor),
        cast("Any", plugins.one(plugins.SIMULATORS, vendor)),
        open_client=lambda base_url: open_client(base_url, ca_file=None, allow_private=True),
    )
    return evidence.document()
