"""Channels without a word of ours: all of them are `other`, and the vendor's word tells them apart."""

from __future__ import annotations

from pms_sync.auditor import audit
from tests.integration.audited_hotel import running_site


async def test_two_unknown_otas_with_one_number_are_two_bookings_to_the_auditor(empty_database: str) -> None:
    """The store keeps them apart, and the auditor finds that right; the vendor's rows of one OTA stay one booking."""
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        for word in ("hotelbeds", "traveloka", "traveloka"):
            sold = {"channel": word, "apiReference": "4711"}
            await site.desk.sim("change", op="create", vendor=sold, silent=True)
        await site.reader.read()
        account = site.reader.runtime.account
        async with site.reader.database.transaction(account.tenant_id) as connection:
            assert await connection.fetchval("SELECT count(*) FROM reservations") == 2
        assert list((await audit(site.dsn, await site.truth())).everything()) == []
