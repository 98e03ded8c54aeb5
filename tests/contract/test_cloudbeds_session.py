"""How the Cloudbeds connector talks: keys and tokens, one refresh, a host of its own for each connection, forms."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from connectors.cloudbeds.session import api_root
from connectors.kit.conformance.bench import MemoryTokens
from pms_sync.domain.errors import Disposition, VendorFault
from tests.contract.cloudbeds_wire import (
    BASE,
    ISLAND,
    KEY,
    LIST,
    LOGIN,
    NOW,
    PROPERTY,
    Vendor,
    changes,
    connector,
    reservation,
)
from tests.contract.test_cloudbeds_reading import HOUR

TODAY = changes(NOW - 2 * HOUR, NOW + HOUR)
CODE = {
    "client_id": "client-1",
    "client_secret": "hidden-secret",
    "code": "once",
    "redirect_uri": "https://us.example/",
}


async def pulled(vendor: Vendor, **changes_: Any) -> int:
    """Pull once, and return how many records came."""
    return len((await connector(vendor, **changes_).pull("reservations", TODAY, None)).records)


async def test_an_api_key_goes_into_its_header() -> None:
    """Section 2.1; and the property is named in every call, in header and parameter."""
    vendor = Vendor(reservation())
    assert await pulled(vendor) == 1

    assert {call.headers["x-api-key"] for call in vendor.asked} == {KEY}
    assert {call.headers["x-property-id"] for call in vendor.asked} == {PROPERTY}
    assert vendor.calls(LIST)[0].said["propertyID"] == PROPERTY
    assert vendor.calls("getHotels")[0].said["propertyIDs"] == PROPERTY
    assert not any("authorization" in call.headers for call in vendor.asked)


async def test_a_refresh_token_is_exchanged_by_form_and_kept() -> None:
    """Section 2.2: whatever refresh token comes back is stored before the access token is used."""
    vendor, tokens = Vendor(reservation()), MemoryTokens()
    assert await pulled(vendor, credentials=LOGIN, tokens=tokens) == 1

    [minted] = vendor.calls("access_token")
    assert minted.said == {
        "client_id": "client-1",
        "client_secret": "hidden-secret",
        "grant_type": "refresh_token",
        "refresh_token": "refresh-0",
    }
    assert minted.headers["content-type"] == "application/x-www-form-urlencoded"
    assert vendor.calls(LIST)[0].headers["authorization"] == "Bearer access-1"
    held = await tokens.load()
    assert (held["access_token"], held["refresh_token"]) == ("access-1", "refresh-1")
    assert held[f"api_url:{PROPERTY}"] == ISLAND


async def test_a_dead_token_costs_one_refresh_and_one_repeat() -> None:
    """Section 4: after 401 refresh once and repeat once."""
    vendor, tokens = Vendor(reservation()), MemoryTokens()
    one = connector(vendor, credentials=LOGIN, tokens=tokens)
    await one.pull("reservations", TODAY, None)
    vendor.tokens = set()
    before = len(vendor.asked)
    assert len((await one.pull("reservations", TODAY, None)).records) == 1

    assert [call.method for call in vendor.asked[before:]] == [LIST, "access_token", LIST]
    assert vendor.calls("access_token")[1].said["refresh_token"] == "refresh-1"


async def test_many_callers_cost_one_refresh() -> None:
    """Two refreshes at once can invalidate each other (section 2.2)."""
    vendor = Vendor(reservation())
    one = connector(vendor, credentials=LOGIN)
    await asyncio.gather(*(one.fetch("reservations", ["9000000001"]) for _ in range(8)))

    assert vendor.minted == 1


async def test_a_refresh_token_that_is_refused_asks_for_a_person() -> None:
    """Section 4: 400 or 401, and no secret in what is told."""
    vendor = Vendor(reservation())
    with pytest.raises(VendorFault, match="refuses the refresh token") as fault:
        await pulled(vendor, credentials=LOGIN | {"refresh_token": "dead"})

    assert fault.value.disposition is Disposition.PAUSE
    assert not fault.value.sent
    assert "hidden-secret" not in repr(fault.value)


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.ReadTimeout("late"), httpx.Response(404, html="x")])
async def test_trouble_at_the_token_endpoint_is_not_the_credentials_fault(answer: httpx.Response | Exception) -> None:
    """A network error is not an auth failure (ARCHITECTURE 7)."""
    vendor = Vendor(reservation(), access_token=[answer])
    one = connector(vendor, credentials=LOGIN)
    with pytest.raises(VendorFault) as fault:
        await one.pull("reservations", TODAY, None)
    assert fault.value.disposition is not Disposition.PAUSE

    assert len((await one.pull("reservations", TODAY, None)).records) == 1


async def test_no_secret_of_a_form_is_repeated() -> None:
    """The token endpoint may say back what it was sent."""
    told = httpx.Response(500, json={"message": "hidden-secret and refresh-0 are odd"})
    with pytest.raises(VendorFault) as fault:
        await pulled(Vendor(access_token=[told]), credentials=LOGIN)

    assert fault.value.what == "HTTP 500: *** and *** are odd"


async def test_a_401_that_stays_pauses_after_few_calls() -> None:
    """Also with a fresh token: one refresh, one repeat, no more."""
    vendor = Vendor(reservation(), **{LIST: [httpx.Response(401), httpx.Response(401)]})
    one = connector(vendor, credentials=LOGIN)
    with pytest.raises(VendorFault) as fault:
        await one.fetch("reservations", ["1"])

    assert fault.value.disposition is Disposition.PAUSE
    assert len(vendor.calls(LIST)) == 2


async def test_a_code_becomes_an_api_key() -> None:
    """Section 2.2: the automatic delivery, which certification prefers."""
    vendor, tokens = Vendor(reservation()), MemoryTokens()
    assert await pulled(vendor, credentials=CODE, tokens=tokens) == 1

    [minted] = vendor.calls("access_token")
    assert minted.said["grant_type"] == "urn:ietf:params:oauth:grant-type:api-key"
    assert (minted.said["code"], minted.said["redirect_uri"]) == ("once", "https://us.example/")
    assert vendor.calls(LIST)[0].headers["x-api-key"] == "cbat_granted"
    again = Vendor(reservation())
    again.tokens.add("cbat_granted")
    assert await pulled(again, credentials=CODE, tokens=tokens) == 1
    assert not again.calls("access_token")


async def test_a_key_is_never_refreshed_even_where_a_login_is_at_hand() -> None:
    """Section 2.2: refreshing the old login after the migration kills the new key."""
    vendor = Vendor(reservation())
    vendor.tokens = set()
    with pytest.raises(VendorFault):
        await pulled(vendor, credentials=LOGIN | {"api_key": KEY})

    assert not vendor.calls("access_token")


async def test_no_credentials_at_all_are_told() -> None:
    """Nothing is sent."""
    vendor = Vendor()
    with pytest.raises(VendorFault, match="no credentials"):
        await pulled(vendor, credentials={"client_id": "client-1"})
    assert vendor.asked == []


async def test_the_host_of_the_connection_is_asked_for_once_and_kept() -> None:
    """Section 1: properties live on islands, and the host belongs to the connection."""
    vendor, tokens = Vendor(reservation()), MemoryTokens()
    assert await pulled(vendor, tokens=tokens) == 1
    assert vendor.calls("oauth/metadata")[0].host == "api.cloudbeds.com"
    assert vendor.calls(LIST)[0].host == "island-2.cloudbeds.com"

    later = Vendor(reservation())
    assert await pulled(later, tokens=tokens) == 1
    assert not later.calls("oauth/metadata")
    assert {call.host for call in later.asked} == {"island-2.cloudbeds.com"}


async def test_a_check_asks_for_the_host_again() -> None:
    """A property may have been moved to another island."""
    vendor, tokens = Vendor(), MemoryTokens()
    await tokens.save({f"api_url:{PROPERTY}": "https://island-1.cloudbeds.com", "kept": "x"})
    await connector(vendor, tokens=tokens).check()

    assert (await tokens.load()) == {f"api_url:{PROPERTY}": ISLAND, "kept": "x"}
    assert vendor.calls("getHotels")[0].host == "island-2.cloudbeds.com"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "http://island-2.cloudbeds.com",
        "https://cloudbeds.com.evil.example",
        "https://evilcloudbeds.com",
        "https://island-2.cloudbeds.com@evil.example",
        "file:///etc/passwd",
        "//evil.example",
        "\u0000",
    ],
)
async def test_a_foreign_host_is_never_called(url: str) -> None:
    """Section 1: a manipulated answer must not send our credentials elsewhere."""
    vendor = Vendor(reservation())
    vendor.api_url = url
    with pytest.raises(VendorFault) as fault:
        await pulled(vendor)

    assert fault.value.disposition is Disposition.PAUSE
    assert {call.host for call in vendor.asked} == {"api.cloudbeds.com"}


async def test_a_foreign_host_in_the_store_is_not_called_either() -> None:
    """Whoever wrote it there."""
    vendor, tokens = Vendor(reservation()), MemoryTokens()
    await tokens.save({f"api_url:{PROPERTY}": "https://evil.example"})
    with pytest.raises(VendorFault):
        await pulled(vendor, tokens=tokens)
    assert vendor.asked == []


@pytest.mark.parametrize("url", [None, ""])
async def test_where_nobody_tells_the_host_the_configured_one_serves(url: str | None) -> None:
    """An installation without the call, or without an answer in it."""
    vendor = Vendor(reservation())
    vendor.api_url = url
    assert await pulled(vendor) == 1
    assert {call.host for call in vendor.asked} == {"api.cloudbeds.com"}


async def test_trouble_while_asking_for_the_host_is_told() -> None:
    """It is no reason to call the wrong island."""
    vendor = Vendor(reservation(), **{"oauth/metadata": [httpx.Response(503)]})
    with pytest.raises(VendorFault) as fault:
        await pulled(vendor)
    assert fault.value.disposition is Disposition.RETRY


async def test_the_host_that_the_operator_configured_may_answer_on_another_port() -> None:
    """So a simulated island can stand beside the first."""
    vendor = Vendor(reservation())
    vendor.api_url = "http://127.0.0.1:9999"
    assert await pulled(vendor, base_url="http://127.0.0.1:9026") == 1


@pytest.mark.parametrize(
    ("given", "root"),
    [
        (BASE, f"{BASE}/api/v1.3"),
        (f"{BASE}/", f"{BASE}/api/v1.3"),
        ("https://hotels.cloudbeds.com/api/v1.2", "https://hotels.cloudbeds.com/api/v1.2"),
        ("http://127.0.0.1:9026", "http://127.0.0.1:9026/api/v1.3"),
    ],
)
def test_a_base_url_may_name_the_version_or_not(given: str, root: str) -> None:
    """A setting is taken as it is meant."""
    assert api_root(given) == root


async def test_closing_lets_a_refresh_end_and_may_happen_twice() -> None:
    """Tokens that were handed out are not lost."""
    one = connector(Vendor(), credentials=LOGIN)
    await one.aclose()
    await one.aclose()
