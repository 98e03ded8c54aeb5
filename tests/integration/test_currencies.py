"""Currencies: what the hotel file says now is what everything received before is told in."""

from __future__ import annotations

import uuid

import msgspec
import pytest
from structlog.testing import capture_logs

from pms_sync.auditor import audit
from pms_sync.ingest import catalogue
from pms_sync.ingest.replaying import heal
from pms_sync.store import hotels
from tests.integration.audited_hotel import Site, running_site

PLACE = hotels.PropertyFacts(code="P1", name="Hotel Prado", timezone="Europe/Madrid", currency="EUR")


async def _declare(site: Site, currency: str) -> None:
    """Read the hotel file once more, with this currency, and work on what that opens."""
    database, account = site.reader.database, site.reader.runtime.account
    async with database.transaction(account.tenant_id) as connection:
        facts = msgspec.structs.replace(PLACE, currency=currency)
        await hotels.upsert_property(connection, account.tenant_id, facts, uuid.uuid4)
    await heal(database, uuid.uuid4)
    await site.reader.worker.drain()


async def _currencies(site: Site) -> list[str]:
    account = site.reader.runtime.account
    async with site.reader.database.transaction(account.tenant_id) as connection:
        return [row["currency"] for row in await connection.fetch("SELECT currency FROM reservations")]


async def test_a_currency_put_right_in_the_hotel_file_heals_what_was_read_before(empty_database: str) -> None:
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        await _declare(site, "USD")
        await site.desk.sim("change", op="create", set={"total": "99.99"}, silent=True)
        await site.reader.read()
        assert await _currencies(site) == ["USD"]
        await _declare(site, "EUR")
        assert await _currencies(site) == ["EUR"]
        assert (await audit(site.dsn, await site.truth())).converged


@pytest.mark.parametrize(("ours", "warned"), [("USD", [("EUR", "USD")]), ("EUR", [])])
async def test_a_vendor_with_another_currency_is_told_of_at_import(
    empty_database: str, ours: str, warned: list[tuple[str, str]]
) -> None:
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        runtime = site.reader.runtime
        runtime.account = msgspec.structs.replace(runtime.account, currency=ours)
        with capture_logs() as lines:
            await catalogue.import_catalogue(site.reader.database, runtime)
    told = [(line["vendor"], line["hotel_file"]) for line in lines if line["event"] == "currency_differs"]
    assert told == warned
