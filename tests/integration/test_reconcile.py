"""Reconcile on a real store against the Beds24 simulator: found, healed, proven, and never believed too quickly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from connectors.beds24.simulator.rows import Slip, charge
from pms_sync.domain.errors import ConfigurationFault, Disposition, Unavailable, VendorFault
from pms_sync.ports.connector import Page, RejectedRow, Sighting
from pms_sync.ports.mapper import MappingContext
from pms_sync.store.alone import alone
from tests.integration.reconciled_hotel import WHOLE, House, refs, running_house

CONTEXT = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR")
OPEN_DRIFT = "SELECT ref, class, healed_at FROM drift WHERE healed_at IS NULL"
CASES = "SELECT kind, state FROM cases WHERE state = 'open' ORDER BY kind"


@pytest_asyncio.fixture
async def house(empty_database: str) -> AsyncIterator[House]:
    """Give the hotel with twelve bookings to come, 1001 to 1012, all of them read."""
    async with running_house(empty_database) as one:
        yield one


async def test_equal_sides_are_proven_with_one_row_written(house: House) -> None:
    """OPS-03, RELIABILITY §6.8: no event, no audit, nothing but the proof itself; a call a page."""
    before, calls = await house.written(), len(await house.calls())
    told = await house.run()
    assert (told["compared"], told["drift"], told["healed"], told["refused"]) == (12, {}, 0, 0)
    assert told["proof"]["equal"]
    after = await house.written()
    assert {name: n - before[name] for name, n in after.items() if n != before[name]} == {"proofs": 1}
    assert len(await house.calls()) == calls + 1
    [proof] = await house.rows("SELECT compared, differed, equal, range_from, range_to FROM proofs")
    assert (proof["compared"], proof["differed"], proof["equal"]) == (12, 0, True)
    assert (proof["range_from"], proof["range_to"]) == WHOLE


async def test_what_changed_silently_is_found_classed_and_healed(house: House) -> None:
    """OPS-02: three altered, three reported, healed by policy, counted."""
    await house.quietly("1001", comments="late")
    await house.change(op="modify", ref="1002", set={"total": "150.00"})
    await house.change(op="modify", ref="1003", set={"folio_lines": [{"kind": "charge", "text": "Bar", "amount": "9"}]})
    told = await house.run()
    assert told["drift"] == {"field": 1, "price": 1, "balance": 1}
    assert (told["healed"], told["proof"]["equal"]) == (3, True)
    assert house.told == {"field": 1, "price": 1, "balance": 1, "healed": 3}
    drift = await house.rows("SELECT ref, class, healed_at - first_seen_at >= '0' AS over FROM drift")
    assert {row["ref"]: (row["class"], row["over"]) for row in drift} == {
        "1001": ("field", True),
        "1002": ("price", True),
        "1003": ("balance", True),
    }
    again = await house.run()
    assert (again["drift"], again["proof"]["equal"]) == ({}, True)


async def test_a_bill_that_moves_nothing_else_is_imported_and_not_corrected_away(house: House) -> None:
    """BEYOND 11, CHG-08: the front desk posts, and neither webhook nor time of change tells of it."""
    minibar = charge(Slip(9001, 1005, "2026-01-01T10:00:00Z"), "Minibar", 7.5)
    await house.quietly("1005", invoiceItems=[minibar])
    assert (await house.run())["drift"] == {"balance": 1}
    [line] = await house.rows("SELECT amount FROM folio_lines WHERE text = 'Minibar'")
    assert line["amount"] == Decimal("7.5")


async def test_what_was_never_told_of_is_brought_in(house: House) -> None:
    ref = await house.book(13)
    told = await house.run()
    assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({"missing_here": 1}, 1, True)
    assert refs(await house.rows(f"SELECT vendor_ref AS ref FROM room_stays WHERE vendor_ref = '{ref}'")) == [ref]


async def test_a_booking_deleted_silently_is_asked_about_twice_and_given_to_a_person(house: House) -> None:
    """CUR-18: flagged, never deleted; and what comes back heals."""
    await house.change(op="delete", ref="1004")
    told = await house.run()
    assert told["drift"] == {"missing_there": 1}
    assert (told["healed"], told["proof"]["equal"]) == (0, False)
    assert await house.rows(CASES) == [{"kind": "vanished", "state": "open"}]
    [stay] = await house.rows("SELECT status FROM room_stays WHERE vendor_ref = '1004'")
    assert stay["status"] == "confirmed"
    [link] = await house.rows("SELECT missing_reads FROM links WHERE vendor_ref = '1004' AND level = 'stay'")
    assert link["missing_reads"] == 2


async def test_what_a_person_is_asked_about_already_is_not_asked_for_again(house: House) -> None:
    await house.change(op="delete", ref="1004")
    await house.run()
    calls, [first] = len(await house.calls()), await house.rows(OPEN_DRIFT)
    told = await house.run()
    assert (told["drift"], told["proof"]["equal"]) == ({"missing_there": 1}, False)
    assert len(await house.calls()) == calls + 1  # the listing
    assert await house.rows(OPEN_DRIFT) == [first]


async def test_what_is_shown_again_heals(house: House) -> None:
    """CUR-18, reappearance."""
    gone = house.vanish("1004")
    await house.run()
    house.appear(gone)
    told = await house.run()
    assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({"missing_here": 1}, 1, True)
    assert await house.rows(CASES) == []
    assert await house.rows(OPEN_DRIFT) == []


async def test_an_emptied_vendor_changes_nothing_and_asks(house: House) -> None:
    """ARCHITECTURE §7, valve; BEYOND 16: the plan is presented, and nothing of it done."""
    for number in range(1001, 1013):
        await house.change(op="delete", ref=str(number))
    told = await house.run()
    assert (told["drift"], told["healed"], told["refused"]) == ({"missing_there": 12}, 0, 12)
    assert not told["proof"]["equal"]
    assert await house.rows(CASES) == [{"kind": "mass_change", "state": "open"}]
    assert await house.rows("SELECT DISTINCT missing_reads FROM links WHERE level = 'stay'") == [{"missing_reads": 0}]


async def test_what_a_person_let_through_is_looked_at(house: House) -> None:
    """BEYOND 31: a witnessed override; even then each is asked for twice, and none is deleted."""
    for number in range(1001, 1007):
        await house.change(op="delete", ref=str(number))
    assert (await house.run())["refused"] == 6
    await house.resolve("mass_change")
    told = await house.run()
    assert (told["refused"], told["healed"]) == (0, 0)
    assert await house.rows(CASES) == [{"kind": "vanished", "state": "open"}] * 6
    assert await house.rows("SELECT count(*) AS n FROM room_stays WHERE status = 'confirmed'") == [{"n": 12}]


async def test_the_valve_opens_by_itself_when_the_vendor_is_whole_again(house: House) -> None:
    """BEYOND 31: and it clears itself."""
    gone = house.vanish()
    assert (await house.run())["refused"] == 12
    house.appear(gone)
    assert (await house.run())["proof"]["equal"]
    assert await house.rows(CASES) == []
    assert await house.rows(OPEN_DRIFT) == []


async def test_many_cancelled_at_once_wait_too(house: House) -> None:
    for number in range(1001, 1006):
        await house.change(op="cancel", ref=str(number))
    told = await house.run()
    assert (told["drift"], told["refused"]) == ({"field": 5}, 5)
    assert await house.rows("SELECT count(*) AS n FROM room_stays WHERE status = 'cancelled'") == [{"n": 0}]


async def test_a_dry_run_tells_the_same_and_writes_nothing(house: House) -> None:
    await house.change(op="modify", ref="1002", set={"total": "150.00"})
    await house.change(op="delete", ref="1004")
    before = await house.written()
    told = await house.run(dry=True)
    assert told["drift"] == {"price": 1, "missing_there": 1}
    assert (told["healed"], told["refused"], told["proof"]["equal"]) == (0, 0, False)
    assert await house.written() == before
    assert house.told == {}


async def test_a_dry_run_of_equal_sides_says_so(house: House) -> None:
    assert (await house.run(dry=True))["proof"]["equal"]


async def test_a_row_nobody_understands_is_parked_and_stands_against_equality(house: House) -> None:
    """A record the mapper refuses is a difference of class mapping, once read and kept, however often compared."""
    await house.quietly("1006", subStatus="hovering")
    for _ in range(2):
        told = await house.run()
        assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({"mapping": 1}, 0, False)
        assert await house.rows("SELECT count(*) AS n FROM events WHERE state = 'parked'") == [{"n": 1}]
    await house.quietly("1006", subStatus="none")
    assert (await house.run())["proof"]["equal"]
    assert await house.rows(OPEN_DRIFT) == []


async def test_a_row_without_a_name_is_parked_under_its_bytes(house: House) -> None:
    row = RejectedRow(body=b'{"id":[]}', path="$.id", why="no number")
    house.between.meddle = lambda _number, page: msgspec.structs.replace(page, rejected=(row,))
    before = await house.written()
    assert (await house.run(dry=True))["drift"] == {"mapping": 1}
    assert await house.written() == before
    for _ in range(2):
        told = await house.run()
        assert (told["drift"], told["proof"]["equal"]) == ({"mapping": 1}, False)
        [parked] = await house.rows("SELECT ref, park_reason FROM events WHERE state = 'parked'")
        assert parked["ref"].startswith("unreadable-")
        assert parked["park_reason"] == "no number"


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "truncate"}, {"kind": "html"}])
async def test_a_listing_that_breaks_off_proves_nothing_and_misses_nothing(house: House, fault: dict[str, Any]) -> None:
    """Absence counts only in a complete, error-free listing (ARCHITECTURE §7)."""
    before = await house.written()
    await house.fails(match={"path": "/bookings"}, **fault)
    with pytest.raises(VendorFault):
        await house.run()
    assert await house.written() == before
    await house.fails()
    assert (await house.run())["proof"]["equal"]


async def test_a_page_that_breaks_off_in_the_middle_proves_nothing(empty_database: str) -> None:
    """The first pages came, a later one did not."""
    async with running_house(empty_database, booked=0) as house:
        for _ in range(130):  # more than a page of one day
            await house.change(op="create", set={"arrival": "2030-06-01", "departure": "2030-06-02"})
        await house.site.reader.read()
        house.between.pages = 0
        assert (await house.run())["compared"] == 130
        pages = house.between.pages

        def break_off(number: int, page: Page) -> Page:
            if number == 2 * pages:  # the last page of the listing
                raise VendorFault("cut", "here", "again", disposition=Disposition.RETRY)
            return page

        house.between.meddle = break_off
        house.vanish("1001")
        with pytest.raises(VendorFault):
            await house.run()
        assert house.between.pages == 2 * pages
        assert await house.rows("SELECT count(*) AS n FROM drift") == [{"n": 0}]
        assert await house.rows("SELECT count(*) AS n FROM proofs") == [{"n": 1}]


async def test_what_waits_in_a_queue_stands_against_equality(house: House) -> None:
    """A proof is about all that was told: a push under way, or a record not applied, is no equality."""
    await house.rows(
        "INSERT INTO intents (tenant_id, intent_id, account_id, kind, correlation_id, object_id) "
        "SELECT tenant_id, gen_random_uuid(), account_id, 'modify', 'c', gen_random_uuid() FROM accounts RETURNING 1"
    )
    told = await house.run()
    assert (told["drift"], told["proof"]["equal"]) == ({}, False)


async def test_other_bytes_that_mean_the_same_are_no_drift(house: House) -> None:
    """What the vendor adds to a row (a reference of its own, say) is neither an edit nor a difference."""
    await house.quietly("1008", apiMessage="seen")
    before = await house.written()
    assert (await house.run())["proof"]["equal"]
    assert (await house.written())["events"] == before["events"]


async def test_two_runs_of_one_account_are_one(house: House) -> None:
    """REP-07."""
    async with alone(house.database, f"reconcile {house.runtime.account.account_id}") as mine:
        assert mine
        with pytest.raises(Unavailable, match="under way"):
            await house.run()
    assert (await house.run())["proof"]["equal"]


async def test_a_run_that_is_cut_off_leaves_work_that_anybody_goes_on_with(house: House) -> None:
    """The differences were asked for, and the run ended; the next one, or a daemon, ends what it began."""
    await house.change(op="modify", ref="1002", set={"total": "150.00"})
    reached = asyncio.Event()

    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    house.before_work = hang
    running = asyncio.create_task(house.run())
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    house.before_work = None
    assert await house.rows("SELECT count(*) AS n FROM proofs") == [{"n": 0}]
    await house.site.reader.worker.drain()
    assert (await house.run())["proof"]["equal"]


async def test_a_booking_that_waits_to_be_read_already_is_not_read_twice(house: House) -> None:
    """A hint is on its lane: it is no drift, and no proof either before it was followed."""
    await house.change(op="modify", ref="1002", set={"total": "150.00"})
    await house.rows(
        "WITH l AS (INSERT INTO lanes (lane_key, tenant_id, account_id, stream, ref, not_before) "
        "SELECT account_id || '/reservations/1002', tenant_id, account_id, 'reservations', '1002', 'infinity' "
        "FROM accounts RETURNING *) "
        "INSERT INTO events (lane_key, tenant_id, account_id, kind, stream, ref, correlation_id) "
        "SELECT lane_key, tenant_id, account_id, 'webhook', stream, ref, 'c' FROM l RETURNING 1"
    )
    told = await house.run()
    assert (told["drift"], told["proof"]["equal"]) == ({}, False)


async def test_a_vendor_that_lists_nothing_whole_is_refused(house: House) -> None:
    class Bare:
        """A connector whose stream has no dimension to list along."""

        def __init__(self, spec: Any) -> None:
            streams = tuple(msgspec.structs.replace(one, snapshot_dimension=None) for one in spec.streams)
            self.spec = msgspec.structs.replace(spec, streams=streams)

    house.runtime.connector = Bare(house.runtime.connector.spec)  # type: ignore[assignment]
    with pytest.raises(ConfigurationFault, match="as a whole"):
        await house.run()


class TestNamesOnly:
    """A vendor whose listing only names its objects, with a version or without one (decision 0006)."""

    @staticmethod
    def names(house: House, *, versions: bool) -> None:
        """Let the listing name what it showed, in the mapper's spelling of the version."""

        def name(_number: int, page: Page) -> Page:
            told = [
                house.runtime.mapper.to_revisions(one.stream, one.body, CONTEXT).revisions[0] for one in page.records
            ]
            named = tuple(
                Sighting(one.ref, told[place].version if versions else "") for place, one in enumerate(page.records)
            )
            return msgspec.structs.replace(page, records=(), sightings=named)

        house.between.meddle = name

    async def test_equal_versions_are_equal_without_a_read(self, house: House) -> None:
        self.names(house, versions=True)
        before = await house.written()
        told = await house.run()
        assert (told["compared"], told["drift"], told["proof"]["equal"]) == (12, {}, True)
        assert (await house.written())["events"] == before["events"]

    async def test_another_version_is_read_and_what_is_not_named_is_missing(self, house: House) -> None:
        self.names(house, versions=True)
        await house.change(
            op="modify", ref="1002", set={"total": "150.00"}, vendor={"modifiedTime": "2026-11-30T10:00:00Z"}
        )
        house.vanish("1004")
        told = await house.run()
        assert (told["drift"], told["healed"]) == ({"field": 1, "missing_there": 1}, 1)
        assert await house.rows("SELECT total FROM room_stays WHERE vendor_ref = '1002'") == [{"total": 150}]

    async def test_without_versions_each_is_read_before_anything_is_proven(self, house: House) -> None:
        self.names(house, versions=False)
        assert not (await house.run(dry=True))["proof"]["equal"]
        await house.quietly("1002", comments="late")
        told = await house.run()
        assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({}, 0, True)
        assert await house.rows("SELECT count(*) AS n FROM events WHERE kind = 'reconcile'") == [{"n": 12}]
