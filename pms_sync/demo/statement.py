"""The statement: what the auditor finds when it compares the vendor's truth with the store."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from pms_sync.auditor import Audit, Witness, audit, store_hash
from pms_sync.demo.cast import MAIN
from pms_sync.demo.script import CANARY
from pms_sync.demo.stage import Stage
from pms_sync.store import arrivals, hotels
from pms_sync.store.database import Database

_RATE = (100.0, 300.0)  # what the vendor allows: vendors/beds24.md 3


async def state(stage: Stage, seed: int, seconds: float, *, quiet: bool) -> dict[str, Any]:
    """Replay everything once, audit, and return the document of `demo --json` (PUBLIC_SURFACE)."""
    before = await store_hash(stage.dsn)
    await stage.daemon.command("replay", "--all")
    after = await store_hash(stage.dsn)
    truths = {name: await vendor.ask("truth") for name, vendor in stage.vendors.items()}
    calls = {name: (await vendor.ask("calls"))["items"] for name, vendor in stage.vendors.items()}
    witness = Witness(
        acked={name: truth["webhooks"]["accepted"] for name, truth in truths.items()},
        calls=calls,
        max_in_flight={MAIN: 1},
        rate={MAIN: _RATE},
        canaries=(CANARY, CANARY.replace(" ", "")),
        secrets=stage.secrets,
        logs=stage.daemon.log.read_text(errors="replace"),
        replay=(before, after),
    )
    found = await audit(stage.dsn, truths, witness)
    async with stage.store() as database:
        opened, still_open = await _cases(database)
    return {
        "seed": seed,
        "seconds": seconds,
        "converged": quiet and found.converged,
        "quiet": quiet,
        "cases": {"opened": opened, "open": still_open},
        "invariants": found.invariants,
        "vendors": {name: _vendor(found, name, truth, len(calls[name])) for name, truth in truths.items()},
        "differences": msgspec.to_builtins(found.differences),
    }


def _vendor(found: Audit, name: str, truth: dict[str, Any], calls: int) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(found.vendors[name])
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
