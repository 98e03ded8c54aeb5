"""Read only: what a connector answers to writes while its vendor is only read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pms_sync.domain.errors import NotBuiltYet
from pms_sync.ports.connector import ConnectorSpec, LookedUp, Receipt, VendorRequest


class ReadOnly:
    """The writing half of a connector whose spec does not declare it; the engine then never asks."""

    spec: ConnectorSpec

    async def push(self, requests: Sequence[VendorRequest]) -> Sequence[Receipt]:
        """Raise NotBuiltYet: the spec declares no such capability."""
        raise self._refusal(f"{len(requests)} changes")

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        """Raise NotBuiltYet: what is never sent need not be looked for."""
        raise self._refusal(f"{request.kind} after {since:%Y-%m-%d}")

    def _refusal(self, where: str) -> NotBuiltYet:
        what = f"{self.spec.label} is read only in this version: no reservation is written to it"
        return NotBuiltYet(what, where, f"change it in {self.spec.label} itself; writing comes with a later version")
