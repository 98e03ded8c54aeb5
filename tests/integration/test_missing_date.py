"""The thirtieth of December 2011 never was in Apia: vendors tell of stays over it all the same."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.beds24.simulator import seeding as beds24
from connectors.cloudbeds.simulator import site as cloudbeds
from connectors.mews.simulator import site as mews
from connectors.opera.simulator import seeding as opera
from pms_sync.ingest.backfill import Backfill
from pms_sync.ingest.filling import fill
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.audited_hotel import RealClock
from tests.integration.drifting_hotel import VENDORS, running_hotel

APIA = "Pacific/Apia"
FIRST, MISSING, LAST = date(2011, 12, 29), date(2011, 12, 30), date(2011, 12, 31)
RANGE = (datetime(2011, 12, 1, tzinfo=UTC), datetime(2012, 2, 1, tzinfo=UTC))
STAYS = """
SELECT s.vendor_ref, s.arrival, s.departure, s.total, count(n.night) AS nights
  FROM room_stays s LEFT JOIN stay_nights n USING (tenant_id, stay_id) GROUP BY 1, 2, 3, 4
"""


def move_to_apia(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every simulated hotel stand in Apia."""
    monkeypatch.setattr(beds24, "ZONE", APIA)
    monkeypatch.setattr(opera, "_PLACES", tuple((*one[:2], APIA, *one[3:]) for one in opera._PLACES))
    for module in (cloudbeds, mews):
        sites: tuple[Any, ...] = module._SITES
        monkeypatch.setattr(module, "_SITES", tuple(replace(one, zone=APIA) for one in sites))


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_stay_over_it_is_taken_as_the_vendor_gives_it(
    vendor: str, database: Database, keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TIM-05: by a backfill; dates and nights are the vendor's, and a reconcile agrees."""
    move_to_apia(monkeypatch)
    async with running_hotel(vendor, database, keys) as house:
        assert house.runtime.account.timezone == APIA
        for room, days in enumerate(((FIRST, LAST), (FIRST, MISSING), (MISSING, LAST))):
            stay = {"arrival": str(days[0]), "departure": str(days[1]), "adults": 1, "total": "120.00"}
            told = {"status": "confirmed", "channel": "direct", "room_stays": [{**house.room(room), **stay}]}
            await house.change("create", set=told)
        reader = Backfill(database, keys, clock=RealClock(), new_id=uuid.uuid4)
        read, _ = await fill(reader, house.worker, house.runtime, start=RANGE[0].date(), end=RANGE[1].date())
        assert (read["records"], read["parked"], read["complete"]) == (3, 0, True)
        shown = [one["room_stays"][0] for one in await house.truth()]
        given = {one["ref"]: (one["arrival"], one["departure"], Decimal(one["total"])) for one in shown}
        assert {row["vendor_ref"]: _told(row) for row in await house.rows(STAYS)} == given
        assert all(row["nights"] == (row["departure"] - row["arrival"]).days for row in await house.rows(STAYS))
        assert (await house.reconcile.run(house.runtime, "reservations", RANGE))["proof"]["equal"]


def _told(row: dict[str, Any]) -> tuple[str, str, Decimal]:
    return str(row["arrival"]), str(row["departure"]), row["total"]
