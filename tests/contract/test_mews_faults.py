"""What goes wrong on the wire to Mews, told as what must be done next; nothing is repeated, and no token is told."""

from __future__ import annotations

import traceback
from typing import Any

import httpx
import pytest

from connectors.kit import rest
from connectors.kit.auth import CredentialsRefused
from connectors.mews import facts
from connectors.mews.faults import Discontinued, RuleBroken, TokenRefused, TooMuch
from pms_sync.domain.errors import Disposition, VendorFault
from tests.contract.mews_wire import BASE, LOGIN, TODAY, Vendor, connector, failure, stay, uuid

RETRY, PAUSE, ABORT = Disposition.RETRY, Disposition.PAUSE, Disposition.ABORT
HTML = httpx.Response(200, html="<html>maintenance</html>")


async def told(vendor: Vendor, **changes: Any) -> VendorFault:
    """Read a page that must fail, once, and return how that was told."""
    with pytest.raises(VendorFault) as caught:
        await connector(vendor, **changes).pull("reservations", TODAY, None)
    text = "".join([*traceback.format_exception(caught.value), str(caught.value), repr(caught.value)])
    assert "HIDDEN" not in text
    return caught.value


CASES: list[tuple[httpx.Response | Exception, type[VendorFault], Disposition, bool]] = [
    (failure(400, "Invalid UpdatedUtc"), rest.Refused, ABORT, False),
    (failure(403, "The hotel's rules forbid it."), RuleBroken, ABORT, False),
    (failure(404, "Requested resource does not exist."), rest.Refused, ABORT, False),
    (failure(408), TooMuch, RETRY, False),
    (failure(410), Discontinued, ABORT, False),
    (failure(413), TooMuch, RETRY, False),
    (failure(500), rest.ServerTrouble, RETRY, True),
    (failure(503), rest.ServerTrouble, RETRY, True),
    (httpx.Response(502, html="<html>bad gateway</html>"), rest.ServerTrouble, RETRY, True),
    (HTML, rest.NotJson, RETRY, False),
    (httpx.Response(200, content=b'{"Reservations":[{"Id":'), rest.NotJson, RETRY, False),
    (httpx.Response(200, content=b""), rest.NotJson, RETRY, False),
    (httpx.Response(200, json=[]), rest.Refused, ABORT, False),
    (httpx.Response(200, json={"Reservations": 7}), rest.Refused, ABORT, False),
    (httpx.Response(200, json={"Reservations": [], "Cursor": 7}), rest.Refused, ABORT, False),
    (httpx.Response(302, headers={"Location": "https://elsewhere.example"}), rest.Redirected, PAUSE, False),
    (httpx.ConnectError("refused"), rest.Unreachable, RETRY, True),
    (httpx.ReadTimeout("late"), rest.Unreachable, RETRY, True),
    (httpx.RemoteProtocolError("cut"), rest.Unreachable, RETRY, True),
]


@pytest.mark.parametrize(
    ("answer", "kind", "disposition", "away"), CASES, ids=lambda one: getattr(one, "__name__", None)
)
async def test_a_failure_is_told_with_what_must_be_done(
    answer: httpx.Response | Exception, kind: type[VendorFault], disposition: Disposition, away: bool
) -> None:
    """Sections 5 and 6; BRK-06: neither a limit nor a refusal counts as the vendor being away."""
    vendor = Vendor(Reservations=[stay()])
    vendor.planned[facts.STAYS] = [answer]
    fault = await told(vendor)
    assert type(fault) is kind
    assert (fault.disposition, fault.counts_against_breaker) == (disposition, away)
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("operation", [facts.SERVICES, facts.GROUPS, facts.CUSTOMERS, facts.ITEMS])
async def test_a_failure_beside_the_reservations_fails_the_page(operation: str) -> None:
    """A record without a part that could not be read would be a lie."""
    vendor = Vendor(Reservations=[stay()])
    vendor.planned[operation] = [failure(500)]
    assert isinstance(await told(vendor), rest.ServerTrouble)


async def test_the_vendors_words_and_its_request_id_stand_in_the_fault() -> None:
    """Section 15: give the id to support; the tokens are struck out of whatever is repeated."""
    vendor = Vendor()
    vendor.planned[facts.STAYS] = [failure(400, "Invalid\n token HIDDEN-ACCESS-TOKEN")]
    fault = await told(vendor)
    assert "Invalid token ***" in fault.what
    assert "Request-Id req-42" in fault.where


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"Retry-After": "137"}, 137.0),
        ({"Retry-After": "Mon, 02 Mar 2026 12:00:40 GMT", "Date": "Mon, 02 Mar 2026 12:00:00 GMT"}, 40.0),
        ({"Retry-After": "0"}, 1.0),
        ({}, 30.0),
    ],
)
async def test_a_full_budget_waits_as_long_as_the_vendor_says(headers: dict[str, str], waits: float) -> None:
    """MW-27: seconds or a date; a whole window where nothing is said (section 5)."""
    vendor = Vendor()
    vendor.planned[facts.STAYS] = [failure(429, "Too many requests.", **headers)]
    fault = await told(vendor)
    assert (type(fault), fault.retry_after) == (rest.Limited, waits)
    assert not fault.counts_against_breaker


async def test_without_a_word_the_wait_grows_until_a_call_succeeds() -> None:
    """Section 5: a fixed pause is "never recommended"."""
    vendor = Vendor(Reservations=[stay()])
    one, waits = connector(vendor), []
    for answers in ([failure(429)], [failure(429)], [failure(429)], [], [failure(429)]):
        vendor.planned[facts.STAYS] = list(answers)
        if not answers:
            await one.pull("reservations", TODAY, None)
            continue
        with pytest.raises(rest.Limited) as limited:
            await one.pull("reservations", TODAY, None)
        waits.append(limited.value.retry_after)
    assert waits == [30.0, 60.0, 120.0, 30.0]


async def test_a_dead_token_pauses_the_account_after_two_calls() -> None:
    """MW-28: the hotel took the access away; the others go on, and this one is not hammered."""
    vendor = Vendor(Reservations=[stay()])
    vendor.check = lambda _asked: failure(401, "Invalid AccessToken HIDDEN-ACCESS-TOKEN")
    fault = await told(vendor)
    assert (type(fault), fault.disposition) == (TokenRefused, PAUSE)
    assert not fault.counts_against_breaker
    assert [one.operation for one in vendor.asked] == [facts.STAYS, facts.CONFIGURATION]
    with pytest.raises(TokenRefused):
        await connector(vendor).check()


async def test_a_401_that_cannot_be_understood_is_told_as_what_stood_in_the_way() -> None:
    """The question what a 401 means may itself meet a broken server: then nobody knows, and nobody is paused."""
    vendor = Vendor(Reservations=[stay()])
    vendor.planned[facts.STAYS] = [failure(401)]
    vendor.planned[facts.CONFIGURATION] = [failure(503)]
    assert (await told(vendor)).disposition is RETRY


@pytest.mark.parametrize(
    "credentials",
    [{}, LOGIN | {"access_token": ""}, LOGIN | {"client_token": "two\nlines"}, LOGIN | {"access_token": "\u0661" * 9}],
)
async def test_without_tokens_nothing_is_sent(credentials: dict[str, str]) -> None:
    vendor = Vendor()
    fault = await told(vendor, credentials=credentials)
    assert (type(fault), fault.sent) == (CredentialsRefused, False)
    assert not vendor.asked


async def test_every_call_carries_the_tokens_and_a_name_of_our_own() -> None:
    """Section 2: Mews tells its clients apart by the name, and demands it before going live."""
    vendor = Vendor(Reservations=[stay()])
    await connector(vendor, credentials=LOGIN | {"client": ""}).pull("reservations", TODAY, None)
    for asked in vendor.asked:
        assert asked.body["AccessToken"] == LOGIN["access_token"]
        assert asked.body["ClientToken"] == LOGIN["client_token"]
        assert asked.body["Client"].startswith("PmsSync ")
        assert asked.path == f"/api/connector/v1/{asked.operation}"
    assert connector(vendor, base_url=f"{BASE}/") is not None


async def test_no_content_is_an_empty_page() -> None:
    """Section 3: accept 204, though we never ask for it."""
    vendor = Vendor()
    vendor.planned[facts.STAYS] = [httpx.Response(204)]
    page = await connector(vendor).pull("reservations", TODAY, None)
    assert (page.records, page.next) == ((), None)


async def test_a_fetch_fails_as_a_list_does() -> None:
    vendor = Vendor(Reservations=[stay()])
    vendor.planned[facts.STAYS] = [failure(500)]
    with pytest.raises(rest.ServerTrouble):
        await connector(vendor).fetch("reservations", [uuid(7, 1)])
