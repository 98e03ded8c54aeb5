"""The simulated Mews lets in, refuses and limits calls as vendors/mews.md says: tokens, transport, errors, paging."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import pytest_asyncio

from connectors.mews.simulator.reading import ReadHabits
from tests.contract.mews_desk import (
    API,
    PLENTY,
    RESERVATIONS,
    STATES,
    Desk,
    Row,
    between,
    running_desk,
)

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one property that takes any number of calls."""
    async with running_desk(**PLENTY) as one:
        yield one


async def test_the_seed_hotel_is_the_one_of_demo_and_tests(desk: Desk) -> None:
    """Hotel Prado, Europe/Madrid, EUR, three doubles 101 to 103; the category's name and rooms stand beside."""
    (place,) = (await desk.truth())["properties"]
    assert (place["name"], place["timezone"], place["currency"]) == ("Hotel Prado", "Europe/Madrid", "EUR")
    (kind,) = place["room_types"]
    assert (kind["units"], [room["name"] for room in kind["rooms"]]) == (3, ["101", "102", "103"])


async def test_the_same_seed_gives_the_same_world_and_another_keeps_the_set_up(desk: Desk) -> None:
    """Bookings and tokens come from the seed; properties, categories and rooms are always the same ones."""
    order = {"seed": 4, "hotels": 2, "rooms": 8, "reservations": 40}
    first, told = await desk.sim("reset", **order), (await desk.truth())["reservations"]
    assert await desk.sim("reset", **order) == first
    assert (await desk.truth())["reservations"] == told
    other = await desk.sim("reset", **{**order, "seed": 5})
    assert other["properties"] == first["properties"]
    assert other["credentials"] != first["credentials"]
    assert (await desk.truth())["reservations"] != told


async def test_generated_stays_never_share_a_room(desk: Desk) -> None:
    """Overbookings are made on purpose only."""
    await desk.sim("reset", seed=2, hotels=1, rooms=13, reservations=300)
    nights: set[tuple[str, str]] = set()
    for one in (await desk.truth())["reservations"]:
        for stay in one["room_stays"]:
            taken = {(stay["room_ref"], night["date"]) for night in stay.get("nights", []) if stay["room_ref"]}
            assert not taken & nights
            nights |= taken


async def test_every_answer_carries_a_request_id_and_errors_repeat_it(desk: Desk) -> None:
    """The error body has a message, the id and nothing a machine could read (3, 6)."""
    right, wrong = await desk.read(RESERVATIONS), await desk.call(RESERVATIONS)
    assert right.headers["Request-Id"] != wrong.headers["Request-Id"]
    assert wrong.json() == {
        "Message": "Invalid Limitation.",
        "RequestId": wrong.headers["Request-Id"],
        "Details": None,
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", RESERVATIONS),
        ("PUT", RESERVATIONS),
        ("POST", f"{RESERVATIONS}/"),
        ("POST", "Reservations/getAll/2023-06-06"),
        ("POST", "reservations/getAll/2023-06-07"),
    ],
)
async def test_only_post_on_the_exact_path_is_known(desk: Desk, method: str, path: str) -> None:
    """Anything else is 404 with the message that was seen (3)."""
    answer = await desk.client.request(method, API + path, json=desk.tokens)
    assert (answer.status_code, answer.json()["Message"]) == (404, "Requested resource does not exist.")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"ClientToken": "nobody"}, 401),
        ({"AccessToken": "nobody"}, 401),
        ({"AccessToken": None}, 401),
        ({"Client": ""}, 400),
        ({"LanguageCode": "en"}, 400),
    ],
)
async def test_tokens_in_the_body_are_checked(desk: Desk, wrong: dict[str, Any], status: int) -> None:
    """A wrong token is 401; a client without a name, or half a language, is a bad request (2, 3)."""
    answer = await desk.read(RESERVATIONS, **wrong)
    assert answer.status_code == status


async def test_a_missing_permission_is_401_for_that_operation_only() -> None:
    """So is an operation that must be asked for; the connection lives on (2, 17)."""
    async with running_desk(**PLENTY, denied=("customers/getAll",)) as desk:
        answers = [
            await desk.read("customers/getAll", CustomerIds=[NOBODY], Extent={}),
            await desk.call("reservations/getChannelManagerDetails", ReservationIds=[NOBODY]),
            await desk.read(RESERVATIONS),
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 200]


async def test_a_disabled_integration_is_refused_until_it_is_enabled_again() -> None:
    """MW-28: the other property goes on, and the token is still the same afterwards."""
    async with running_desk(**PLENTY, hotels=2) as desk:
        other = desk.simulator.backend.places[1].id
        first, second = [desk.simulator.backend.access.integration(one) for one in (desk.home, other)]
        assert first is not None
        assert second is not None
        statuses = []
        for action in ("IntegrationDisabled", "IntegrationEnabled"):
            await desk.change("modify", ref=desk.home, vendor={"Action": action})
            answers = [await desk.read(RESERVATIONS, AccessToken=one.token) for one in (first, second)]
            statuses += [answer.status_code for answer in answers]
    assert statuses == [401, 200, 200, 200]


async def test_an_ended_operation_answers_410(desk: Desk) -> None:
    """The 2017 list is gone by policy (16)."""
    assert (await desk.read("reservations/getAll")).status_code == 410


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'{"a":1,}', b"\xff", b'{"a":' * 5000])
async def test_what_is_no_json_object_is_invalid_json(desk: Desk, body: bytes) -> None:
    """JSON is parsed strictly (3)."""
    answer = await desk.client.post(API + RESERVATIONS, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["Message"]) == (400, "Invalid JSON")


async def test_unknown_fields_are_passed_over(desk: Desk) -> None:
    """As the vendor was seen to do (3)."""
    assert (await desk.read(RESERVATIONS, Oddity=1)).status_code == 200


@pytest.mark.parametrize(
    ("path", "said", "message"),
    [
        (RESERVATIONS, {"Limitation": {"Count": 0}}, "Invalid Count."),
        (RESERVATIONS, {"Limitation": {"Count": 1001}}, "Invalid Count."),
        (RESERVATIONS, {"Limitation": {"Count": 5, "Cursor": NOBODY}}, "Invalid Cursor."),
        (RESERVATIONS, {"ReservationIds": []}, "Invalid ReservationIds."),
        (RESERVATIONS, {"ReservationIds": ["7"]}, "Invalid ReservationIds."),
        (RESERVATIONS, {"ReservationIds": [NOBODY] * 1001}, "Invalid ReservationIds."),
        (RESERVATIONS, {"ChannelNumbers": ["a"] * 101}, "Invalid ChannelNumbers."),
        (RESERVATIONS, {"States": ["Cancelled"]}, "Invalid States."),
        (RESERVATIONS, {"UpdatedUtc": {"StartUtc": "2026-01-01T00:00:00Z"}}, "Invalid UpdatedUtc."),
        (RESERVATIONS, {"UpdatedUtc": between("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")}, "Invalid UpdatedUtc."),
        (RESERVATIONS, {"UpdatedUtc": between("2026-01-01", "2026-01-02")}, "Invalid UpdatedUtc."),
        ("rates/getAll", {}, "Invalid ServiceIds."),
        ("products/getAll", {}, "Invalid ServiceIds."),
        ("resourceCategories/getAll", {}, "Invalid ServiceIds."),
        ("resourceCategoryAssignments/getAll", {}, "Invalid ResourceCategoryIds."),
        ("serviceOrderNotes/getAll", {}, "Invalid ServiceOrderIds."),
        ("resources/getAll", {}, "Invalid Extent."),
        ("companionships/getAll", {"ReservationIds": [NOBODY]}, "Invalid Extent."),
        ("companionships/getAll", {"Extent": {}}, "Invalid CompanionshipIds."),
        ("customers/getAll", {"Extent": {}}, "Invalid CustomerIds."),
        (
            "customers/getAll",
            {"CustomerIds": [NOBODY], "Extent": {}, "EnterpriseIds": [NOBODY]},
            "Invalid EnterpriseIds.",
        ),
        ("orderItems/getAll", {}, "Invalid OrderItemIds."),
        ("orderItems/getAll", {"AccountIds": [NOBODY]}, "Invalid OrderItemIds."),
        ("payments/getAll", {}, "Invalid PaymentIds."),
        ("reservationGroups/getAll", {}, "Invalid ReservationGroupIds."),
    ],
)
async def test_a_bad_request_names_the_parameter(desk: Desk, path: str, said: dict[str, Any], message: str) -> None:
    """Ill-formed values, empty lists, and what an operation demands (4, 6, 10, 17)."""
    answer = await desk.call(path, **{"Limitation": {"Count": 10}, **said})
    assert (answer.status_code, answer.json()["Message"]) == (400, message)


async def test_scheduled_and_actual_start_exclude_each_other(desk: Desk) -> None:
    """One or the other (10.6)."""
    day = between("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    answer = await desk.read(RESERVATIONS, ScheduledStartUtc=day, ActualStartUtc=day)
    assert answer.json()["Message"] == "Invalid ActualStartUtc."


@pytest.mark.parametrize(
    ("end", "status"), [("2026-05-01T00:00:00Z", 200), ("2026-05-01T00:00:01Z", 400), ("2027-01-31T00:00:00Z", 400)]
)
async def test_an_interval_is_at_most_three_months_and_a_day(desk: Desk, end: str, status: int) -> None:
    """CUR-13's vendor: months are counted from the start, the message is the vendor's own (5)."""
    answer = await desk.read(RESERVATIONS, UpdatedUtc=between("2026-01-31T00:00:00Z", end))
    assert answer.status_code == status
    assert status == 200 or answer.json()["Message"] == "The interval must not exceed 3M1D."


async def test_so_many_calls_per_token_within_a_window_that_slides() -> None:
    """MW-27: the refusal tells when to come back, and another token has its own window (5)."""
    async with running_desk(now=datetime(2026, 3, 1, tzinfo=UTC), hotels=2, limit=5) as desk:
        for _ in range(5):
            assert (await desk.read(RESERVATIONS)).status_code == 200
        limited = await desk.read(RESERVATIONS)
        assert limited.status_code == 429
        assert 1 <= int(limited.headers["Retry-After"]) <= 30
        other = desk.simulator.backend.access.integration(desk.home)
        assert other is not None
        assert (await desk.read(RESERVATIONS, AccessToken=other.token)).status_code == 200
        await desk.sim("clock", advance_s=30)
        assert (await desk.read(RESERVATIONS)).status_code == 200


@pytest.mark.parametrize("kind", ["date", "none"])
async def test_a_limit_may_tell_a_date_or_nothing(kind: str) -> None:
    """The form of Retry-After is not stated, and it may be missing (5)."""
    async with running_desk(limit=1, retry_after=kind) as desk:
        await desk.read(RESERVATIONS)
        limited = await desk.read(RESERVATIONS)
        told = limited.headers.get("Retry-After")
        now = datetime.fromisoformat((await desk.truth())["now"])
    assert limited.status_code == 429
    assert told is None if kind == "none" else 0 <= (parsedate_to_datetime(str(told)) - now).total_seconds() <= 31


async def test_the_usual_limit_is_that_of_the_vendor() -> None:
    """200 calls in 30 seconds (5)."""
    async with running_desk() as desk:
        options = desk.simulator.backend.options
    assert (options.limit, options.limit_seconds) == (200, 30)


async def test_pages_come_newest_first_and_only_an_empty_one_has_no_cursor(desk: Desk) -> None:
    """CUR-11: a cursor is the id of its page's last row, and what is made while paging is not on older pages (7)."""
    made = [await desk.booked() for _ in range(6)]
    asked: Row = {"ScheduledStartUtc": between("2030-03-01T00:00:00Z", "2030-03-02T00:00:00Z")}
    pages = [(await desk.read(RESERVATIONS, count=3, **asked)).json()]
    await desk.booked()
    for _ in range(2):
        pages.append((await desk.read(RESERVATIONS, count=3, cursor=pages[-1]["Cursor"], **asked)).json())
    assert [len(page["Reservations"]) for page in pages] == [3, 3, 0]
    assert [row["GroupId"] for page in pages for row in page["Reservations"]] == made[::-1]
    assert [page["Cursor"] for page in pages] == [*(page["Reservations"][-1]["Id"] for page in pages[:2]), None]


async def test_a_row_that_changes_while_paging_leaves_the_window_for_the_next_one(desk: Desk) -> None:
    """There is no snapshot (7)."""
    await desk.sim("clock", now="2029-01-01T00:00:00Z")
    made = [await desk.booked() for _ in range(4)]
    asked: Row = {"UpdatedUtc": between("2029-01-01T00:00:00Z", "2029-01-01T00:05:00Z")}
    first = (await desk.read(RESERVATIONS, count=2, **asked)).json()
    await desk.sim("clock", advance_s=600)
    await desk.change("modify", ref=made[0], set={"adults": 1})
    rest = (await desk.read(RESERVATIONS, count=2, cursor=first["Cursor"], **asked)).json()
    assert [row["GroupId"] for row in rest["Reservations"]] == [made[1]]
    later = await desk.stays(UpdatedUtc=between("2029-01-01T00:05:00Z", "2029-01-01T00:20:00Z"))
    assert [row["GroupId"] for row in later] == [made[0]]


async def test_a_cursor_may_repeat_for_ever_on_demand() -> None:
    """CUR-15: the last page comes again with its own cursor (7)."""
    async with running_desk(**PLENTY, reads=ReadHabits(repeating_cursor=(RESERVATIONS,))) as desk:
        everything: Row = {"States": STATES, "ReservationGroupIds": [await desk.booked() for _ in range(4)]}
        pages = [(await desk.read(RESERVATIONS, count=2, **everything)).json()]
        for _ in range(3):
            pages.append((await desk.read(RESERVATIONS, count=2, cursor=pages[-1]["Cursor"], **everything)).json())
    assert pages[1] == pages[2] == pages[3]
    assert pages[1] != pages[0]


async def test_pages_of_resources_follow_no_order_that_a_reader_could_know(desk: Desk) -> None:
    """Captured pages were ordered by nothing known, and every row comes once (7)."""
    await desk.sim("reset", rooms=12, reservations=0)
    asked = {"Extent": {"Resources": True}}
    rows: list[Any] = []
    cursor = None
    while True:
        page = (await desk.read("resources/getAll", count=5, cursor=cursor, **asked)).json()
        rows += page["Resources"]
        cursor = page["Cursor"]
        if cursor is None:
            break
    names = [row["Name"] for row in rows]
    assert len(names) == len(set(names)) == 13
    assert names not in (sorted(names), sorted(names, reverse=True))


async def test_without_its_extent_an_operation_tells_only_the_cursor(desk: Desk) -> None:
    """No rows, but the id at which they would end (7)."""
    page = (await desk.read("resources/getAll", count=2, Extent={})).json()
    assert page["Resources"] == []
    assert page["Cursor"] is not None


async def test_an_empty_page_may_be_left_out_when_the_caller_prefers_it(desk: Desk) -> None:
    """204 without a body, and only then (3)."""
    body = {**desk.tokens, "Limitation": {"Count": 1}, "ReservationIds": [NOBODY]}
    minimal = {"Prefer": "return=minimal"}
    bare = await desk.client.post(API + RESERVATIONS, json=body, headers=minimal)
    plain = await desk.client.post(API + RESERVATIONS, json=body)
    assert (bare.status_code, bare.content) == (204, b"")
    assert plain.json() == {"Reservations": [], "Cursor": None}


async def test_a_wide_question_takes_too_long_on_demand() -> None:
    """MW-27: by days or by rows; a narrower one is answered (5)."""
    wide, narrow = (between("2029-12-01T00:00:00Z", end) for end in ("2030-02-01T00:00:00Z", "2029-12-08T00:00:00Z"))
    async with running_desk(**PLENTY, reads=ReadHabits(slow_days=7, slow_rows=2)) as desk:
        few = [await desk.booked() for _ in range(3)]
        statuses = [
            (await desk.read(RESERVATIONS, **asked)).status_code
            for asked in (
                {"UpdatedUtc": wide},
                {"UpdatedUtc": narrow},
                {"ReservationGroupIds": few},
                {"ReservationGroupIds": few[:2]},
            )
        ]
    assert statuses == [408, 200, 408, 200]


async def test_a_write_may_be_seen_late_on_demand() -> None:
    """Reservations, order items and payments are read behind writes, guests are not (14.2)."""
    async with running_desk(**PLENTY, reads=ReadHabits(read_lag=5)) as desk:
        ref = await desk.booked(booker={"last_name": "Late"})
        told = (await desk.reservation(ref))["booker"]["ref"]
        soon = [await desk.stays(ReservationGroupIds=[ref])]
        guests = await desk.rows("customers/getAll", CustomerIds=[told], Extent={"Customers": True})
        await desk.sim("clock", advance_s=6)
        soon.append(await desk.stays(ReservationGroupIds=[ref]))
    assert [len(rows) for rows in soon] == [0, 1]
    assert guests[0]["LastName"] == "Late"


async def test_a_portfolio_reads_all_its_properties_and_is_scoped_by_name() -> None:
    """Leaving the filter out returns everything; the set-up of one is read by naming it (2)."""
    async with running_desk(**PLENTY, hotels=2, reservations=0) as desk:
        other = desk.simulator.backend.places[1].id
        refs = [await desk.booked(property_ref=one) for one in (desk.home, other)]
        seen = [{row["GroupId"] for row in await desk.stays(**asked)} for asked in ({}, {"EnterpriseIds": [other]})]
        listed = await desk.rows("enterprises/getAll")
        dummy, named = [
            (await desk.call("configuration/get", **asked)).json() for asked in ({}, {"EnterpriseId": other})
        ]
    assert seen == [set(refs), {refs[1]}]
    assert {row["Id"] for row in listed} == {desk.home, other}
    assert dummy["Enterprise"]["IsPortfolio"] is True
    assert dummy["Enterprise"]["Id"] not in {desk.home, other}
    told = named["Enterprise"]
    assert (told["TimeZoneIdentifier"], told["Currencies"][0]["Currency"], told["Pricing"]) == (
        "America/New_York",
        "USD",
        "Net",
    )


async def test_a_single_property_reads_its_own_configuration_with_the_vendors_clock(desk: Desk) -> None:
    """NowUtc measures the skew (10.1)."""
    await desk.sim("clock", now="2029-05-01T10:00:00Z")
    told = (await desk.call("configuration/get")).json()
    assert told["NowUtc"].startswith("2029-05-01T10:00:0")
    assert told["Enterprise"]["Id"] == desk.home
