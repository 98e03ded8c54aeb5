"""The simulated Beds24 behaves as vendors/beds24.md says: tokens, credits, reads, groups, truth."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.contract.beds24_desk import EVER, SIX, STAY, Desk, Inbox, running_desk, running_inbox


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one simulator with eager webhooks and a token."""
    async with running_desk(credits=1000, webhook_delay=0.02, webhook_retry_after=(0.05, 0.05)) as one:
        await one.mint()
        yield one


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """Listen for webhooks."""
    async with running_inbox() as box:
        yield box


async def test_the_seed_hotel_is_the_one_of_demo_and_tests(desk: Desk) -> None:
    """Property 7, Hotel Prado, Europe/Madrid, EUR, room type 55 with three units."""
    assert (await desk.truth())["properties"] == [
        {
            "ref": "7",
            "name": "Hotel Prado",
            "timezone": "Europe/Madrid",
            "currency": "EUR",
            "room_types": [{"ref": "55", "units": 3}],
        }
    ]


async def test_the_same_seed_gives_the_same_world_and_credentials(desk: Desk) -> None:
    """Reset is repeatable, and another seed gives another world."""
    order = {"seed": 4, "hotels": 2, "rooms": 8, "reservations": 40}
    first, told = await desk.sim("reset", **order), (await desk.truth())["reservations"]
    assert await desk.sim("reset", **order) == first
    assert (await desk.truth())["reservations"] == told
    assert [one["ref"] for one in first["properties"]] == ["7", "8"]
    assert (await desk.sim("reset", **{**order, "seed": 5}))["credentials"] != first["credentials"]


async def test_generated_stays_never_share_a_unit(desk: Desk) -> None:
    """Overbookings are made on purpose only."""
    await desk.sim("reset", seed=2, hotels=1, rooms=13, reservations=300)
    await desk.mint()
    nights: set[tuple[int, int, str]] = set()
    stays = [one for one in (await desk.truth())["reservations"] if one["status"] != "cancelled"]
    for stay in (stay for one in stays for stay in one["room_stays"]):
        for night in stay["nights"]:
            key = (stay["room_type_ref"], stay["room_ref"], night["date"])
            assert key not in nights
            nights.add(key)


async def test_cancelled_bookings_are_hidden_unless_all_six_statuses_are_repeated(desk: Desk) -> None:
    """The default of vendors/beds24.md 5.1 holds with modifiedFrom too."""
    assert "cancelled" not in {row["status"] for row in await desk.rows(EVER)}
    assert "cancelled" in {row["status"] for row in await desk.rows(EVER, *SIX)}


async def test_without_dates_only_upcoming_bookings_are_shown_but_an_id_reads_any(desk: Desk) -> None:
    """A past, cancelled booking is found by its id."""
    past = {"arrival": "2020-01-01", "departure": "2020-01-03", "status": "cancelled"}
    ref = int((await desk.sim("change", op="create", set=past, silent=True))["ref"])
    assert ref not in {row["id"] for row in await desk.rows(*SIX)}
    assert [row["id"] for row in await desk.rows(("id", ref))] == [ref]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (("status", "new,confirmed"), "Parameter status"),
        (("status", "bogus"), "Parameter status"),
        (("id", "1,2"), "Parameter id"),
        (("arrivalFrom", "1.3.2026"), "Parameter arrivalFrom is in an invalid format. Expected format: YYYY-MM-DD"),
    ],
)
async def test_a_bad_value_is_400_names_the_parameter_and_costs_nothing(
    desk: Desk, query: tuple[str, str], text: str
) -> None:
    """Section 1.1; a 400 carries no meter."""
    answer = await desk.read(query)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert text in answer.json()["error"]
    assert "x-request-cost" not in answer.headers


async def test_unknown_and_bracketed_parameters_are_ignored(desk: Desk) -> None:
    """The filter vanishes and everything comes back."""
    everything = await desk.rows()
    assert await desk.rows(("includeCancelled", "true"), ("id[]", "1001")) == everything


async def test_pages_hold_a_hundred_rows_in_descending_id_and_name_the_next(desk: Desk) -> None:
    """Walking the pages gives every booking once."""
    await desk.sim("reset", seed=3, hotels=1, rooms=13, reservations=250)
    await desk.mint()
    pages = [(await desk.read(EVER, *SIX, ("page", number))).json() for number in (1, 2, 3)]
    ids = [row["id"] for page in pages for row in page["data"]]
    assert [page["count"] for page in pages] == [100, 100, 50]
    assert ids == sorted(set(ids), reverse=True)
    assert [page["pages"]["nextPageExists"] for page in pages] == [True, True, False]
    assert pages[0]["pages"]["nextPageLink"].startswith("http://127.0.0.1:")
    assert "page=2" in pages[0]["pages"]["nextPageLink"]
    assert pages[2]["pages"]["nextPageLink"] is None


async def test_a_missing_token_and_a_bad_one_are_told_apart_by_text_only(desk: Desk) -> None:
    """Wrong scope, expired and unknown all say the same."""
    missing = await desk.client.get("/bookings")
    wrong = await desk.client.get("/api/v2/bookings", headers={"token": "x"})
    assert (missing.status_code, missing.json()["error"]) == (401, "Token is missing")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "Token not valid")
    await desk.sim("clock", advance_s=86401)
    assert (await desk.read()).json() == wrong.json()


async def test_a_token_without_a_scope_gets_the_same_401_and_loses_fields(desk: Desk) -> None:
    """Personal and financial fields are missing, not empty (2.3)."""
    code = desk.simulator.backend.invite(["read:bookings"])
    told = (await desk.client.get("/authentication/setup", headers={"code": code})).json()
    desk.token = told["token"]
    row = (await desk.rows(EVER))[0]
    assert not {"email", "lastName", "price", "commission"} & row.keys()
    assert (await desk.read(path="/properties")).json()["error"] == "Token not valid"
    assert (await desk.client.get("/authentication/setup", headers={"code": code})).status_code == 401


async def test_a_rotating_account_kills_the_old_refresh_token_at_once() -> None:
    """The switch of checklist item 2."""
    async with running_desk(rotate_refresh=True) as desk:
        old = desk.simulator.credentials["refresh_token"]
        first = await desk.client.get("/authentication/token", headers={"refreshToken": old})
        again = await desk.client.get("/authentication/token", headers={"refreshToken": old})
    assert first.json()["refreshToken"] != old
    assert again.status_code == 401


async def test_an_unused_refresh_token_dies_after_thirty_days(desk: Desk) -> None:
    """One made by invite code does; the account's own lives on, so that a test may move the clock."""
    code = {"code": desk.simulator.backend.invite()}
    made = (await desk.client.get("/authentication/setup", headers=code)).json()["refreshToken"]
    await desk.sim("clock", advance_s=31 * 86400)
    refused = await desk.client.get("/authentication/token", headers={"refreshToken": made})
    assert (refused.status_code, (await desk.mint()).status_code) == (401, 200)


async def test_credits_run_down_in_one_window_and_come_back_with_the_next() -> None:
    """Three wire headers, decimals, 429 when the window is used up; details are free of it."""
    async with running_desk(credits=2.2) as desk:
        assert (await desk.mint()).headers["x-five-min-limit-remaining"] == "1.2"
        read = await desk.read(("includeGuests", "true"), ("includeInvoiceItems", "true"))
        assert (read.headers["x-request-cost"], read.headers["x-five-min-limit-remaining"]) == ("1.2", "0")
        limited = await desk.read()
        assert (limited.status_code, limited.json()["code"]) == (429, 429)
        assert 0 < int(limited.headers["x-five-min-limit-resets-in"]) <= 300
        details = await desk.client.get("/authentication/details", headers={"token": desk.token})
        assert details.status_code == 200
        assert "x-request-cost" not in details.headers
        await desk.sim("clock", advance_s=300)
        assert (await desk.read()).status_code == 200


async def test_two_rooms_make_a_group_whose_master_has_no_master(desk: Desk) -> None:
    """One reservation in the truth, two rows on the wire (6.1)."""
    made = await desk.sim("change", op="create", set={"room_stays": [STAY, STAY], "total": "100.01"})
    rows = {row["id"]: row for row in await desk.rows(EVER, ("includeBookingGroup", "true"), ("arrival", "2030-03-01"))}
    master, member = sorted(rows)
    assert rows[master]["masterId"] is None
    assert rows[member]["masterId"] == master
    assert rows[master]["bookingGroup"] == rows[member]["bookingGroup"] == {"master": master, "ids": [master, member]}
    told = await desk.reservation(made["ref"])
    assert (told["ref"], told["total"]) == (str(master), "100.01")
    assert [stay["total"] for stay in told["room_stays"]] == ["50.01", "50.00"]
    assert [stay["room_ref"] for stay in told["room_stays"]] == ["55/1", "55/2"]


async def test_nights_split_the_price_to_the_cent_with_the_surplus_first(desk: Desk) -> None:
    """Largest remainder; the sum is exact."""
    made = await desk.sim("change", op="create", set={**STAY, "total": "100.01"})
    stay = (await desk.reservation(made["ref"]))["room_stays"][0]
    assert [night["price"] for night in stay["nights"]] == ["33.34", "33.34", "33.33"]
    assert {night["derived"] for night in stay["nights"]} == {True}


@pytest.mark.parametrize(
    ("raw", "status", "hold_kind", "blocks"),
    [
        ({"status": "new"}, "confirmed", None, True),
        ({"status": "confirmed"}, "confirmed", None, True),
        ({"status": "request"}, "hold", "request", True),
        ({"status": "inquiry"}, "hold", "inquiry", False),
        ({"status": "cancelled"}, "cancelled", None, False),
        ({"status": "confirmed", "subStatus": "noShow"}, "no_show", None, False),
    ],
)
async def test_every_vendor_status_has_its_public_word(
    desk: Desk, raw: dict[str, str], status: str, hold_kind: str | None, *, blocks: bool
) -> None:
    """Section 6.3 in public words."""
    made = await desk.sim("change", op="create", set=STAY, vendor=raw)
    told = await desk.reservation(made["ref"])
    assert (told["status"], told["vendor_status"]) == (status, raw["status"])
    assert (told["hold_kind"], told["blocks_inventory"]) == (hold_kind, blocks)


async def test_a_black_booking_is_a_block_and_its_cancelling_makes_it_gone(desk: Desk) -> None:
    """It is never a reservation."""
    made = await desk.sim("change", op="create", set={**STAY, "kind": "owner", "room_ref": "55/2"})
    block = next(one for one in (await desk.truth())["blocks"] if one["ref"] == made["ref"])
    assert (block["room_ref"], block["kind"], block["gone"]) == ("55/2", "owner", False)
    await desk.sim("change", op="cancel", ref=made["ref"])
    told = await desk.truth()
    assert next(one for one in told["blocks"] if one["ref"] == made["ref"])["gone"] is True
    assert made["ref"] not in {one["ref"] for one in told["reservations"]}


async def test_folio_lines_show_payments_positive_and_refunds_negative(desk: Desk) -> None:
    """On the wire a payment has a negative line total and neither qty nor vatRate (6.6)."""
    lines = [
        {"kind": "charge", "text": "Room", "amount": "120.00"},
        {"kind": "payment", "text": "Card", "amount": "50.00"},
        {"kind": "payment", "text": "Back", "amount": "-10.00"},
    ]
    made = await desk.sim("change", op="create", set={**STAY, "folio_lines": lines})
    told = await desk.reservation(made["ref"])
    assert [(line["kind"], line["amount"]) for line in told["folio_lines"]] == [
        ("charge", "120.00"),
        ("payment", "50.00"),
        ("payment", "-10.00"),
    ]
    paid = (await desk.rows(("id", made["ref"]), ("includeInvoiceItems", "true")))[0]["invoiceItems"][1]
    assert (paid["amount"], paid["lineTotal"]) == (50, -50)
    assert not {"qty", "vatRate"} & paid.keys()


async def test_vendor_fields_are_written_verbatim_and_move_the_version(desk: Desk) -> None:
    """Raw fields need no translation; an unknown value stays as it is."""
    made = await desk.sim("change", op="create", set=STAY)
    await desk.sim("clock", advance_s=10)
    changed = await desk.sim("change", op="modify", ref=made["ref"], vendor={"flagText": "in house", "oddity": 1})
    row = (await desk.rows(("id", made["ref"])))[0]
    assert (row["flagText"], row["oddity"], row["modifiedTime"]) == ("in house", 1, changed["version"])
    assert changed["version"] > made["version"]


async def test_a_message_alone_does_not_move_the_version(desk: Desk, inbox: Inbox) -> None:
    """It comes by webhook only (5.2)."""
    made = await desk.sim("change", op="create", set=STAY, silent=True)
    await desk.sim("change", op="webhook_target", property_ref="7", url=inbox.url)
    await desk.sim("clock", advance_s=10)
    said = {"id": 1, "message": "Hello", "source": "guest"}
    changed = await desk.sim("change", op="modify", ref=made["ref"], vendor={"messages": [said]})
    await inbox.wait(1)
    assert changed["version"] == made["version"]
    assert inbox.bodies[0]["messages"] == [said]


async def test_a_deleted_booking_vanishes_without_a_trace(desk: Desk) -> None:
    """Nothing in reads, nothing in the truth (5.3)."""
    made = await desk.sim("change", op="create", set=STAY)
    await desk.sim("change", op="delete", ref=made["ref"])
    assert await desk.rows(("id", made["ref"])) == []
    assert made["ref"] not in {one["ref"] for one in (await desk.truth())["reservations"]}


async def test_overbooking_turns_the_calendar_negative_and_merges_equal_days(desk: Desk) -> None:
    """Ranges are inclusive on both ends (10.1)."""
    await desk.sim("clock", now="2030-02-20T12:00:00Z")
    await desk.sim("reset", reservations=0)
    await desk.mint()
    await desk.sim("change", op="create", set={"room_stays": [STAY] * 4})
    asked = [("startDate", "2030-02-28"), ("endDate", "2030-03-05"), ("includeNumAvail", "true")]
    answer = (await desk.read(*asked, path="/inventory/rooms/calendar")).json()
    assert answer["data"][0]["calendar"] == [
        {"from": "2030-02-28", "to": "2030-02-28", "numAvail": 3},
        {"from": "2030-03-01", "to": "2030-03-03", "numAvail": -1},
        {"from": "2030-03-04", "to": "2030-03-05", "numAvail": 3},
    ]
