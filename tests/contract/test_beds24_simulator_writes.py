"""The simulated Beds24 takes writes as vendors/beds24.md 4.2 and 7 say: 201 always, and one verdict per item."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.beds24_desk import EVER, SIX, STAY, Desk, running_desk

NEW = {"roomId": 55, **STAY}


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one empty hotel with a token."""
    async with running_desk(credits=1000, reservations=0) as one:
        await one.mint()
        yield one


async def test_a_create_answers_201_with_the_stored_item_and_the_news(desk: Desk) -> None:
    """The row is a direct one made by API, whatever the request says of its origin."""
    sent = {**NEW, "lastName": "Doe", "price": 99.5, "reference": "token-1", "channel": "booking", "bookingTime": "x"}
    verdict = (await desk.write(sent))[0]
    row = await desk.row(verdict["new"]["id"])
    assert verdict.keys() == {"success", "new", "info"}
    assert verdict["info"] == [{"action": "new booking", "id": row["id"], "message": "added new booking"}]
    assert (row["channel"], row["referer"], row["apiSourceId"], row["propertyId"]) == ("direct", "API", 0, 7)
    assert (row["lastName"], row["price"], row["reference"], row["unitId"]) == ("Doe", 99.5, "token-1", 0)
    assert row["bookingTime"] == row["modifiedTime"] != "x"


async def test_verdicts_come_in_the_order_of_the_items_and_a_refused_one_harms_no_other(desk: Desk) -> None:
    """Three items, the middle one refused."""
    verdicts = await desk.write({**NEW, "lastName": "A"}, {**NEW, "arrival": "1.3.2030"}, {**NEW, "lastName": "C"})
    assert [one["success"] for one in verdicts] == [True, False, True]
    assert verdicts[1] == {
        "success": False,
        "errors": [{"action": "new booking", "field": "arrival", "message": "invalid"}],
    }
    assert [row["lastName"] for row in await desk.rows(EVER)] == ["C", "A"]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"arrival": "2030-03-01", "departure": "2030-03-04"}, "roomId"),
        ({"roomId": 55, "arrival": "2030-03-01"}, "departure"),
        ({**NEW, "roomId": 99}, "roomId"),
        ({**NEW, "roomId": "55"}, "roomId"),
        ({**NEW, "arrival": "2030-02-30"}, "arrival"),
        ({**NEW, "departure": "2030-03-01"}, "departure"),
        ({"id": 404, "status": "cancelled"}, "id"),
        ({"id": True, "status": "cancelled"}, "id"),
        ("booking", ""),
    ],
)
async def test_what_is_wrong_with_a_required_field_is_fatal_for_the_item(desk: Desk, item: object, field: str) -> None:
    """Refused with errors, and nothing is stored."""
    verdict = (await desk.write(item))[0]
    assert (verdict["success"], [one["field"] for one in verdict["errors"]]) == (False, [field])
    assert await desk.rows(EVER, *SIX) == []


@pytest.mark.parametrize(
    ("raw", "text"), [(b'{"id": 1}', "Request body must be an array"), (b"[{", "Invalid data"), (b"", "Invalid data")]
)
async def test_a_body_that_is_no_array_is_400_and_costs_nothing(desk: Desk, raw: bytes, text: str) -> None:
    """The answer is an object; the balance does not move."""
    answer = await desk.client.post("/bookings", content=raw, headers={"token": desk.token})
    assert (answer.status_code, answer.json()["error"], answer.json()["success"]) == (400, text, False)
    assert "x-request-cost" not in answer.headers
    assert ("type" in answer.json()) is (text == "Invalid data")


async def test_too_many_items_or_bytes_are_refused_whole(desk: Desk) -> None:
    """About 1 MB and 10,000 items at most; the call log goes on counting."""
    many, large = await desk.post([{}] * 10_001), await desk.post([{"notes": "x" * 1_100_000}])
    assert (many.status_code, large.status_code) == (400, 400)
    assert (await desk.post([{"notes": "x" * 5_000_000}])).status_code == 413
    await desk.read()
    assert (await desk.client.get("/_sim/calls")).json()["items"][-1]["in_flight"] == 1


async def test_a_modify_changes_only_what_is_sent_and_tells_only_what_changed(desk: Desk) -> None:
    """Partial update; unchanged and unknown fields are not in `modified`, and neither is the id."""
    made = await desk.made(lastName="Doe", notes="quiet", price=10)
    before = await desk.row(made)
    await desk.sim("clock", advance_s=10)
    verdict = (await desk.write({"id": made, "lastName": "Doe", "notes": "loud", "comment": "no such field"}))[0]
    after = await desk.row(made)
    assert verdict == {"success": True, "modified": {"notes": "loud"}}
    assert after["modifiedTime"] > before["modifiedTime"]
    assert {name for name in after if after[name] != before[name]} == {"notes", "modifiedTime"}


@pytest.mark.parametrize("item", [{"comment": "x"}, {"lastName": "Doe"}, {"channel": "booking", "cancelTime": "x"}])
async def test_a_write_without_effect_succeeds_and_leaves_the_version(desk: Desk, item: dict[str, Any]) -> None:
    """Unknown, equal and server-set fields: success, no `modified`."""
    made = await desk.made(lastName="Doe")
    before = await desk.row(made)
    await desk.sim("clock", advance_s=10)
    assert await desk.write({"id": made, **item}) == [{"success": True}]
    assert await desk.row(made) == before


async def test_a_bad_optional_field_is_dropped_with_a_warning(desk: Desk) -> None:
    """The rest of the item is written; a create falls back to the vendor's default."""
    made = await desk.made(lastName="Doe")
    verdict = (await desk.write({"id": made, "email": "nobody", "lastName": "Roe", "numAdult": "2"}))[0]
    assert (verdict["success"], verdict["modified"]) == (True, {"lastName": "Roe"})
    assert [one["field"] for one in verdict["warnings"]] == ["email", "numAdult"]
    strange = (await desk.write({**NEW, "status": "checkedin", "price": "80.00"}))[0]
    assert (strange["success"], strange["new"]["status"], strange["new"]["price"]) == (True, "confirmed", 360)


async def test_when_nothing_else_is_left_the_warnings_are_a_refusal(desk: Desk) -> None:
    """`success` is false and there are no errors."""
    made = await desk.made()
    verdict = (await desk.write({"id": made, "status": "checkedin"}))[0]
    assert verdict == {
        "success": False,
        "warnings": [{"action": "modify booking", "field": "status", "message": "invalid"}],
    }


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"numAdult": 120}, {"numAdult": 99}),
        ({"price": -5}, {"price": 0}),
        ({"flagText": "x" * 40}, {"flagText": "x" * 32}),
        ({"notes": "n" * 2001}, {"notes": "n" * 2000}),
    ],
)
async def test_a_value_beyond_its_limit_is_clamped_with_a_warning(
    desk: Desk, sent: dict[str, Any], stored: dict[str, Any]
) -> None:
    """Success, yet what is stored differs from what was sent."""
    made = await desk.made(price=10)
    verdict = (await desk.write({"id": made, **sent}))[0]
    assert (verdict["success"], verdict["modified"]) == (True, stored)
    assert [one["field"] for one in verdict["warnings"]] == list(sent)
    assert stored.items() <= (await desk.row(made)).items()


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"price": 100.005}, {"price": 100.01}),
        ({"price": 80.0}, {"price": 80}),
        ({"mobile": 123456789}, {"mobile": "123456789"}),
        ({"country2": "es"}, {"country2": "ES"}),
        ({"groupNote": None}, {"groupNote": None}),
        (
            {"allowCancellation": {"type": "never", "daysBeforeArrivalValue": 3}},
            {"allowCancellation": {"type": "never"}},
        ),
    ],
)
async def test_some_values_are_stored_in_the_vendors_own_way(
    desk: Desk, sent: dict[str, Any], stored: dict[str, Any]
) -> None:
    """Cents, texts sent as numbers, the country selector."""
    assert (await desk.write({"id": await desk.made(price=1), **sent}))[0] == {"success": True, "modified": stored}


@pytest.mark.parametrize(
    "sent", [{"lastName": None}, {"lang": "eng"}, {"flagColor": "red"}, {"unitId": 4}, {"masterId": 9}]
)
async def test_a_value_that_does_not_fit_changes_nothing(desk: Desk, sent: dict[str, Any]) -> None:
    """Null is no empty text, and a unit or group must exist."""
    made = await desk.made(lastName="Doe")
    before = await desk.row(made)
    assert [one["field"] for one in (await desk.write({"id": made, **sent}))[0]["warnings"]] == list(sent)
    assert await desk.row(made) == before


async def test_a_price_left_out_is_the_calendars_and_a_zero_must_be_sent(desk: Desk) -> None:
    """Three nights at the usual price, or nothing."""
    assert (await desk.row(await desk.made()))["price"] == 360
    assert (await desk.row(await desk.made(price=0)))["price"] == 0


async def test_a_cancel_by_api_leaves_the_cancel_time_null_and_keeps_price_and_lines(desk: Desk) -> None:
    """Status and version move, nothing else (7, 14)."""
    made = await desk.made(price=100, invoiceItems=[{"type": "charge", "amount": 100}])
    before = await desk.row(made)
    await desk.sim("clock", advance_s=10)
    assert (await desk.write({"id": made, "status": "cancelled"}))[0]["modified"] == {"status": "cancelled"}
    after = await desk.row(made)
    assert {name for name in after if after[name] != before[name]} == {"status", "modifiedTime"}
    assert (after["cancelTime"], (await desk.reservation(str(made)))["status"]) == (None, "cancelled")


async def test_info_items_are_added_changed_and_deleted_by_their_id(desk: Desk) -> None:
    """Without id = add, with id and fields = change, with only the id = delete."""
    made = await desk.made(infoItems=[{"code": "PMSSYNC", "text": "one"}, {"code": "PMSSYNC", "text": "two"}])
    first, second = (await desk.row(made))["infoItems"]
    assert (first["bookingId"], first["code"], first["text"]) == (made, "PMSSYNC", "one")
    change = {"id": made, "infoItems": [{"id": first["id"], "text": "three"}, {"id": second["id"]}]}
    verdict = (await desk.write(change))[0]
    assert (await desk.row(made))["infoItems"] == [{**first, "text": "three"}]
    assert verdict["modified"] == {"infoItems": [{**first, "text": "three"}, {"id": second["id"]}]}


async def test_invoice_items_keep_the_price_apart_and_payments_count_against(desk: Desk) -> None:
    """Price and lines are independent; a payment has neither qty nor vatRate (6.6)."""
    lines = [
        {"type": "charge", "qty": 3, "amount": 33.335, "vatRate": 10, "description": "Room"},
        {"type": "payment", "amount": 50, "qty": 9},
    ]
    made = await desk.made(price=77, invoiceItems=lines)
    row = await desk.row(made)
    charge, payment = row["invoiceItems"]
    assert (charge["qty"], charge["amount"], charge["lineTotal"], charge["subType"]) == (3, 33.34, 100.02, 7)
    assert (payment["amount"], payment["lineTotal"], payment["subType"]) == (50, -50, 204)
    assert not {"qty", "vatRate"} & payment.keys()
    await desk.write({"id": made, "invoiceItems": [{"id": charge["id"], "qty": 2}, {"id": payment["id"]}]})
    changed = await desk.row(made)
    assert [line["lineTotal"] for line in changed["invoiceItems"]] == [66.68]
    assert changed["price"] == 77


@pytest.mark.parametrize(
    ("part", "action", "field"),
    [
        ({"infoItems": [{"text": "no code"}]}, "new info item", "code"),
        ({"infoItems": [{"id": 5}]}, "delete info item", "id"),
        ({"infoItems": [{"id": 5, "text": "x"}]}, "modify info item", "id"),
        ({"invoiceItems": [{"type": "gift", "amount": 1}]}, "new invoice item", "type"),
        ({"invoiceItems": [{"type": "charge", "amount": "1"}]}, "new invoice item", "amount"),
    ],
)
async def test_a_bad_sub_item_fails_the_verdict_though_the_booking_is_written(
    desk: Desk, part: dict[str, Any], action: str, field: str
) -> None:
    """Partial success: `success` is false, `new` is there all the same."""
    verdict = (await desk.write({**NEW, "lastName": "Doe", **part}))[0]
    assert (verdict["success"], verdict["new"]["lastName"]) == (False, "Doe")
    assert verdict["errors"] == [{"action": action, "field": field, "message": verdict["errors"][0]["message"]}]
    changed = (await desk.write({"id": verdict["new"]["id"], "lastName": "Roe", **part}))[0]
    assert (changed["success"], changed["modified"]) == (False, {"lastName": "Roe"})
