"""What a write does to the simulated Beds24 beyond its fields: groups, moves, stock, OTA, deletion, scopes, cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from connectors.beds24.simulator.auth import DEFAULT_SCOPES
from connectors.beds24.simulator.backend import Beds24Backend, Options
from connectors.beds24.simulator.consequences import WriteHabits
from connectors.kit.simulator.contract import ChangeOrder
from tests.contract.beds24_desk import SIX, STAY, Desk, running_desk

NEW = {"roomId": 55, **STAY}


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one empty hotel with a token that may also delete; two properties, 55 and 1055 among the room types."""
    scopes = (*DEFAULT_SCOPES, "delete:bookings")
    async with running_desk(credits=1000, webhook_delay=0.02, scopes=scopes, hotels=2, reservations=0) as one:
        await one.mint()
        yield one


@pytest.mark.parametrize(
    ("channel", "there"), [("booking_com", "confirmed"), ("airbnb", "confirmed"), ("vrbo", "cancelled")]
)
async def test_a_cancel_by_api_reaches_only_vrbo(desk: Desk, channel: str, there: str) -> None:
    """Here it is cancelled; what the OTA still holds stands beside it (7)."""
    booked = {**STAY, "channel": channel, "channel_reference": "AB1"}
    ref = (await desk.sim("change", op="create", set=booked, silent=True))["ref"]
    assert (await desk.write({"id": int(ref), "status": "cancelled"}))[0]["success"] is True
    told = await desk.reservation(ref)
    assert (told["status"], told["channel_status"]) == ("cancelled", there)
    await desk.sim("change", op="cancel", ref=ref)
    assert (await desk.reservation(ref))["channel_status"] == "cancelled"


async def test_the_channel_agrees_again_when_the_status_is_set_back_or_the_hotel_changes_it(desk: Desk) -> None:
    """An order of the control plane plays both sides at once; a direct booking has no channel that could differ."""
    ref = (await desk.sim("change", op="create", set={**STAY, "channel": "booking_com"}, silent=True))["ref"]
    seen = []
    for status in ("cancelled", "confirmed", "cancelled"):
        await desk.write({"id": int(ref), "status": status})
        seen.append((await desk.reservation(ref))["channel_status"])
    await desk.sim("change", op="modify", ref=ref, set={"status": "hold"})
    assert [*seen, (await desk.reservation(ref))["channel_status"]] == ["confirmed"] * 3 + ["hold"]
    assert (await desk.reservation(str(await desk.made())))["channel_status"] is None


async def test_new_items_that_ask_for_it_become_a_group(desk: Desk) -> None:
    """The first one made is the master and has no master itself; a refused one is passed over."""
    group = {"actions": {"makeGroup": True}}
    verdicts = await desk.write({**NEW, **group, "roomId": 0}, {**NEW, **group}, NEW, {**NEW, **group})
    master, alone, member = (one["new"]["id"] for one in verdicts[1:])
    assert [one["new"]["masterId"] for one in verdicts[1:]] == [None, None, master]
    assert (await desk.row(member))["bookingGroup"] == {"master": master, "ids": [master, member]}
    assert (await desk.row(alone))["bookingGroup"] is None
    stays = (await desk.reservation(str(master)))["room_stays"]
    assert [stay["ref"] for stay in stays] == [str(master), str(member)]


async def test_a_group_is_joined_through_any_member_and_left_by_null(desk: Desk) -> None:
    """`masterId` of a member means its master."""
    master, member = await desk.made(), await desk.made()
    await desk.write({"id": member, "masterId": master})
    third = await desk.made(masterId=member)
    assert (await desk.row(third))["masterId"] == master
    await desk.write({"id": third, "masterId": None})
    assert (await desk.row(third))["bookingGroup"] is None


async def test_a_move_takes_the_property_along_and_leaves_the_unit_behind(desk: Desk) -> None:
    """A unit counts only together with its room type; a transfer is written on top of the notes (14)."""
    made = await desk.made(unitId=2, notes="quiet")
    verdict = (await desk.write({"id": made, "roomId": 1055}))[0]
    row = await desk.row(made)
    assert (row["roomId"], row["propertyId"], row["unitId"]) == (1055, 8, 0)
    assert verdict["modified"].keys() == {"roomId", "propertyId", "unitId", "notes"}
    line, kept = row["notes"].split("\n")
    assert line.startswith("Transferred from Hotel Prado para Hotel Retiro at ")
    assert kept == "quiet"
    assert (await desk.reservation(str(made)))["property_ref"] == "8"


async def test_a_unit_move_is_taken_even_when_somebody_is_in_it(desk: Desk) -> None:
    """BEYOND 47: two stays share a unit number while the type has room."""
    first, second = await desk.made(unitId=1), await desk.made(unitId=2)
    assert (await desk.write({"id": second, "unitId": 1}))[0]["modified"] == {"unitId": 1}
    assert {row["unitId"] for row in await desk.rows(("id", first), ("id", second))} == {1}


async def test_a_create_overbooks_in_silence_unless_it_asks_to_check(desk: Desk) -> None:
    """Three units, three guests, one more; a day of departure is free again."""
    for _ in range(3):
        await desk.made()
    asking = {"actions": {"checkAvailability": True}}
    refused = (await desk.write({**NEW, **asking}))[0]
    assert (refused["success"], "new" in refused, refused["errors"][0]["field"]) == (False, False, "roomId")
    later = {**NEW, **asking, "arrival": STAY["departure"], "departure": "2030-03-05"}
    verdicts = await desk.write(NEW, later)
    assert [one["success"] for one in verdicts] == [True, True]
    assert len(await desk.rows(("arrival", STAY["arrival"]))) == 4


async def test_a_unit_is_assigned_only_when_asked_for(desk: Desk) -> None:
    """`assignBooking` takes the first free unit, and none when the type is full."""
    asking = {**NEW, "actions": {"assignBooking": True}}
    verdicts = await desk.write({**NEW, "unitId": 1}, asking, asking, asking)
    assert [one["new"]["unitId"] for one in verdicts] == [1, 2, 3, 0]


async def test_one_charge_is_made_from_the_price_and_an_invoice_is_removed_on_request(desk: Desk) -> None:
    """The description is template text that nobody expands."""
    made = await desk.made(price=90, actions={"autoInvoiceItemCharge": True})
    line = (await desk.row(made))["invoiceItems"][0]
    assert (line["lineTotal"], line["description"]) == (90, "[ROOMNAME1] [FIRSTNIGHT] - [LEAVINGDAY]")
    await desk.write({"id": made, "actions": {"deleteInvoice": True}})
    assert (await desk.row(made))["invoiceItems"] == []


async def test_accepting_an_airbnb_booking_rounds_commission_and_lines_to_whole_units(desk: Desk) -> None:
    """Decimals are not stable (6.6, 14)."""
    line = {"kind": "charge", "text": "Stay", "amount": "120.40"}
    booked = {**STAY, "channel": "airbnb", "total": "120.40", "folio_lines": [line]}
    raw = {"status": "new", "commission": 18.55}
    ref = (await desk.sim("change", op="create", set=booked, vendor=raw, silent=True))["ref"]
    verdict = (await desk.write({"id": int(ref), "status": "confirmed"}))[0]
    assert (verdict["modified"]["commission"], verdict["modified"]["invoiceItems"][0]["amount"]) == (19, 120)
    assert (await desk.row(ref))["price"] == 120.4


async def test_a_deleted_booking_vanishes_and_a_misspelt_filter_deletes_nothing(desk: Desk) -> None:
    """No tombstone in any read (5.3); bracketed ids are ignored, so no booking is named."""
    first, second = await desk.made(), await desk.made()
    header = {"token": desk.token}
    nothing = await desk.client.delete("/bookings", params=[("id[]", first)], headers=header)
    assert (nothing.status_code, nothing.json()) == (201, [])
    answer = await desk.client.delete("/bookings", params=[("id", first), ("id", 404)], headers=header)
    assert [one["success"] for one in answer.json()] == [True, False]
    assert await desk.rows(("id", first), *SIX) == []
    assert [one["ref"] for one in (await desk.truth())["reservations"]] == [str(second)]


@pytest.mark.parametrize(
    ("method", "scopes"),
    [("POST", ["read:bookings"]), ("DELETE", DEFAULT_SCOPES), ("DELETE", ["write:bookings"])],
)
async def test_a_write_without_its_scope_is_refused_like_a_bad_token(
    desk: Desk, method: str, scopes: tuple[str, ...]
) -> None:
    """The same text as an unknown token; deleting whole bookings needs `delete` (2.3)."""
    made = await desk.made()
    code = desk.simulator.backend.invite(scopes)
    token = (await desk.client.get("/authentication/setup", headers={"code": code})).json()["token"]
    answer = await desk.client.request(
        method, "/bookings", params={"id": made}, json=[{"id": made}], headers={"token": token}
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "Token not valid")
    assert len(await desk.rows(("id", made))) == 1


async def test_personal_and_financial_fields_need_their_own_write_scope(desk: Desk) -> None:
    """Without it they are passed over in silence, and not shown in the answer."""
    code = desk.simulator.backend.invite(["read:bookings", "write:bookings"])
    setup = await desk.client.get("/authentication/setup", headers={"code": code})
    mine, desk.token = desk.token, setup.json()["token"]
    sent = {**NEW, "lastName": "Doe", "price": 5, "notes": "n", "invoiceItems": [{"type": "charge", "amount": 5}]}
    verdict = (await desk.write(sent))[0]
    desk.token = mine
    row = await desk.row(verdict["new"]["id"])
    assert not {"lastName", "price", "invoiceItems"} & verdict["new"].keys()
    assert (row["lastName"], row["price"], row["notes"], row["invoiceItems"]) == ("", 360, "n", [])


async def test_a_write_costs_as_measured_and_an_empty_window_refuses_it() -> None:
    """1.1 for one booking, also when it is refused; nothing is written once the window is used up."""
    async with running_desk(credits=4.2, reservations=0) as desk:
        await desk.mint()
        bodies: list[list[dict[str, Any]]] = [[{}], [NEW]]
        costs = [(await desk.post(body)).headers["x-request-cost"] for body in bodies]
        assert costs == ["1.1", "1.1"]
        assert (await desk.post([NEW, NEW])).headers["x-five-min-limit-remaining"] == "0"
        refused = await desk.post([NEW])
        assert (refused.status_code, len((await desk.truth())["reservations"])) == (429, 3)


@pytest.mark.parametrize(
    ("habits", "item", "told"),
    [
        (WriteHabits(create_ignores=("reference",)), {"reference": "t"}, {"reference": ""}),
        (WriteHabits(auto_allocate=True), {}, {"unitId": 1}),
        (WriteHabits(horizon_days=1), {}, {}),
    ],
)
async def test_what_the_vendor_leaves_open_can_be_switched(
    habits: WriteHabits, item: dict[str, Any], told: dict[str, Any]
) -> None:
    """Fields a create may not take, units allocated by themselves, a horizon that refuses with a warning only."""
    async with running_desk(reservations=0, writes=habits) as desk:
        await desk.mint()
        verdict = (await desk.write({**NEW, **item}))[0]
    assert told.items() <= verdict.get("new", {}).items()
    assert ("new" in verdict, verdict["success"]) == ((False, False) if habits.horizon_days else (True, True))
    if habits.horizon_days:
        warning = {"action": "new booking", "field": "departure", "message": "invalid dates"}
        assert verdict == {"success": False, "warnings": [warning]}


def test_several_writes_of_one_request_are_one_version() -> None:
    """The state before the request is still known after twenty writes to one booking."""
    backend = Beds24Backend(1, Options(reservations=0))
    token = backend.tokens.mint(backend.tokens.current)["token"]
    access = backend.tokens.check(token, "write:bookings")
    ref = int(backend.change(ChangeOrder("create", set={**STAY, "notes": "old"}, silent=True))["ref"])
    before = backend.hotel.revision
    backend.write([{"id": ref, "notes": f"note {number}"} for number in range(20)], access)
    assert backend.hotel.revision == before + 1
    assert [one.row["notes"] for one in backend.hotel.as_of(before)] == ["old"]
