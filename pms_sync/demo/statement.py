"""The statement: what the auditor finds when it compares the vendor's truth with the store."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from pms_sync.auditor import Audit, Witness, audit, store_hash
from pms_sync.demo.script import CANARY
from pms_sync.demo.stage import VENDOR, Stage
from pms_sync.store import arrivals, hotels
from pms_sync.store.database import Database

_RATE = (100.0, 300.0)  # what the vendor allows: vendors/beds24.md 3


async def state(stage: Stage, seed: int, seconds: float, *, quiet: bool) -> dict[str, Any]:
    """Replay everything once, audit, and return the document of `demo --json` (PUBLIC_SURFACE)."""
    before = await store_hash(stage.dsn)
    await stage.daemon.command("replay", "--all")
    after = await store_hash(stage.dsn)
    truth, calls = await stage.vendor.ask("truth"), (await stage.vendor.ask("calls"))["items"]
    witness = Witness(
        acked={VENDOR: truth["webhooks"]["accepted"]},
        calls={VENDOR: calls},
        max_in_flight={VENDOR: 1},
        rate={VENDOR: _RATE},
        canaries=(CANARY, CANARY.replace(" ", "")),
        secrets=stage.secrets,
        logs=stage.daemon.log.read_text(errors="replace"),
        replay=(before, after),
    )
    found = await audit(stage.dsn, {VENDOR: truth}, witness)
    async with stage.store() as database:
        opened, still_open = await _cases(database)
    return {
        "seed": seed,
        "seconds": seconds,
        "converged": quiet and found.converged,
        "quiet": quiet,
        "cases": {"opened": opened, "open": still_open},
        "invariants": found.invariants,
        "vendors": {VENDOR: _vendor(found, truth, len(calls))},
        "differences": msgspec.to_builtins(found.differences),
    }


def _vendor(found: Audit, truth: dict[str, Any], calls: int) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(found.vendors[VENDOR])
    webhooks = {name: truth["webhooks"][name] for name in ("sent", "accepted")}
    return {**told, "webhooks": webhooks, "calls": calls}


async def _cases(database: Database) -> tuple[int, int]:
    tenants: set[UUID] = set()
    async with database.connection() as connection:
        tenants |= {place.tenant_id for place in await hotels.places(connection)}
    opened, still_open = 0, 0
    for tenant_id in tenants:
        async with database.transaction(tenant_id) as connection:
            some, open_ones = await arrivals.cases(connection)
        opened, still_open = opened + some, still_open + open_ones
    return opened, still_open
