"""What a broken wire, a refusal inside 200 and a dead credential are told as; nothing repeats itself."""

from __future__ import annotations

import traceback
from typing import Any

import httpx
import pytest

from pms_sync.domain.errors import Disposition, VendorFault
from tests.contract.cloudbeds_wire import (
    KEY,
    LIST,
    LOGIN,
    NOW,
    PROPERTY,
    Vendor,
    changes,
    connector,
    data,
    failure,
    reservation,
)
from tests.contract.test_cloudbeds_reading import HOUR

RETRY, PAUSE, ABORT = Disposition.RETRY, Disposition.PAUSE, Disposition.ABORT
TODAY = changes(NOW - 2 * HOUR, NOW + HOUR)

TROUBLES: dict[str, tuple[httpx.Response | Exception, Disposition, bool]] = {
    "500": (httpx.Response(500), RETRY, True),
    "502 with a page": (httpx.Response(502, html="<h1>Bad gateway</h1>"), RETRY, True),
    "503": (httpx.Response(503, headers={"Retry-After": "30"}), RETRY, True),
    "no answer": (httpx.ReadTimeout("late"), RETRY, True),
    "connection lost": (httpx.RemoteProtocolError("gone"), RETRY, True),
    "no connection": (httpx.ConnectError("refused"), RETRY, True),
    "429": (httpx.Response(429), RETRY, False),
    "rate limit inside 200": (failure("Rate limit exceeded, slow down"), RETRY, False),
    "a page with 200": (httpx.Response(200, html="<h1>Log in</h1>"), RETRY, False),
    "an empty 200": (httpx.Response(200, content=b""), RETRY, False),
    "half an answer": (httpx.Response(200, content=b'{"success":true,"data":[{"reservationID":"1"'), RETRY, False),
    "a list where an envelope belongs": (httpx.Response(200, json=[]), ABORT, False),
    "no verdict": (httpx.Response(200, json={"data": []}), ABORT, False),
    "a verdict that is no boolean": (httpx.Response(200, json={"success": "true", "data": []}), ABORT, False),
    "success without data": (httpx.Response(200, json={"success": True}), ABORT, False),
    "data that is null": (data(None), ABORT, False),
    "unknown method": (httpx.Response(404, json={"status": False, "error": "Unknown method."}), ABORT, False),
    "404 with a page": (httpx.Response(404, html="<h1>Not found</h1>"), ABORT, False),
    "422": (httpx.Response(422, json={"message": "status"}), ABORT, False),
    "moved": (httpx.Response(302, headers={"Location": "https://elsewhere.example"}), PAUSE, False),
    "401": (httpx.Response(401, json={"error": "access_denied", "message": f"denied {KEY}"}), PAUSE, False),
    "403": (httpx.Response(403), PAUSE, False),
    "scope": (failure("Scope required for this call was not granted by property."), PAUSE, False),
    "consent": (failure("User who approved this connection is not active anymore"), PAUSE, False),
    "closed": (
        failure(
            "Your request could not be fully completed. The property(ies) you are accessing have an invalid status."
            " See details: canceled: 190000"
        ),
        PAUSE,
        False,
    ),
    "not covered": (
        failure("None of the included property id's match the access_token user's property id"),
        PAUSE,
        False,
    ),
    "no property named": (failure('Please specify "propertyID" parameter for this call'), ABORT, False),
    "a parameter lacks": (failure("Parameter reservationID is required"), ABORT, False),
    "anything else": (failure("Invalid roomID"), ABORT, False),
    "no reason": (httpx.Response(200, json={"success": False}), ABORT, False),
}


async def told(vendor: Vendor, **changes_: Any) -> VendorFault:
    """Pull, and return the fault it ends in; no credential may stand in it."""
    with pytest.raises(VendorFault) as fault:
        await connector(vendor, **changes_).pull("reservations", TODAY, None)
    text = "".join([*traceback.format_exception(fault.value), str(fault.value), repr(fault.value)])
    assert KEY not in text
    assert LOGIN["client_secret"] not in text
    assert LOGIN["refresh_token"] not in text
    return fault.value


@pytest.mark.parametrize("name", TROUBLES)
async def test_each_trouble_is_told_as_what_it_is(name: str) -> None:
    """CUR and vendors/cloudbeds.md 4: asked once, with the right disposition, and never as an empty list."""
    answer, disposition, away = TROUBLES[name]
    vendor = Vendor(reservation(), **{LIST: [answer]})
    fault = await told(vendor)

    assert (fault.disposition, fault.counts_against_breaker) == (disposition, away)
    assert len(vendor.calls(LIST)) == 1
    assert fault.remedy


@pytest.mark.parametrize("name", TROUBLES)
async def test_trouble_that_is_over_is_forgotten(name: str) -> None:
    """The next read brings what the first one should have."""
    vendor = Vendor(reservation(), **{LIST: [TROUBLES[name][0]]})
    one = connector(vendor)
    with pytest.raises(VendorFault):
        await one.pull("reservations", TODAY, None)

    assert len((await one.pull("reservations", TODAY, None)).records) == 1


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (httpx.Response(429), 60.0),
        (httpx.Response(429, headers={"Retry-After": "137"}), 137.0),
        (failure("You have reached the rate limit"), 60.0),
        (failure("rate limit", **{"Retry-After": "7"}), 7.0),
    ],
)
async def test_a_limit_tells_how_long_to_wait(answer: httpx.Response, wait: float) -> None:
    """Section 5: no header is documented; one that comes is honoured, else a minute."""
    fault = await told(Vendor(**{LIST: [answer]}))

    assert fault.retry_after == wait


async def test_the_request_id_of_the_vendor_is_named() -> None:
    """Section 3: support asks for it."""
    refused = failure("Invalid roomID", **{"X-Request-ID": "req-77"})
    fault = await told(Vendor(**{LIST: [refused]}))

    assert fault.where == f"GET {LIST} (X-Request-ID req-77)"
    assert fault.what == "refused: Invalid roomID"


async def test_a_request_id_that_is_no_id_is_not_repeated() -> None:
    """Whatever a header holds, it does not get into a log."""
    fault = await told(Vendor(**{LIST: [failure("x", **{"X-Request-ID": "a b<script>"})]}))

    assert fault.where == f"GET {LIST}"


async def test_a_credential_is_struck_out_of_the_vendors_words() -> None:
    """Some answers repeat what was sent."""
    fault = await told(Vendor(**{LIST: [failure(f"key {KEY} may not do that")]}))
    assert fault.what == "refused: key *** may not do that"

    vendor = Vendor(**{LIST: [failure("token access-1 may not do that")]})
    assert "access-1" not in str(await told(vendor, credentials=LOGIN))


async def test_a_refused_key_asks_for_a_person() -> None:
    """Section 2.1: nothing heals a key; one call, and the likely reasons."""
    vendor = Vendor(reservation())
    vendor.tokens.clear()
    fault = await told(vendor, tokens=_Located())

    assert fault.disposition is PAUSE
    assert "not used for 30 days" in fault.what
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("stream", ["blocks", "guests"])
@pytest.mark.parametrize(
    "answer", [failure("Scope required for this call was not granted by property."), httpx.Response(403)]
)
async def test_a_stream_without_its_scope_does_not_stop_the_account(stream: str, answer: httpx.Response) -> None:
    """CB-04: the run of that stream ends with a clear word, the account goes on."""
    method = {"blocks": "getRoomBlocks", "guests": "getGuestsModified"}[stream]
    vendor = Vendor(reservation(), **{method: [answer]})
    one = connector(vendor)
    with pytest.raises(VendorFault) as fault:
        await one.pull(stream, TODAY, None)

    assert fault.value.disposition is ABORT
    assert "scope" in fault.value.remedy
    assert (await one.pull("reservations", TODAY, None)).records


async def test_a_closed_property_stops_every_stream() -> None:
    """That is no matter of one scope."""
    closed = failure("The property(ies) you are accessing have an invalid status. See details: canceled: 190000")
    with pytest.raises(VendorFault) as fault:
        await connector(Vendor(getRoomBlocks=[closed])).pull("blocks", TODAY, None)

    assert fault.value.disposition is PAUSE
    assert "no longer uses" in fault.value.remedy


async def test_an_odd_row_of_a_small_list_is_told() -> None:
    """A catalogue with a hole would unmap rooms."""
    vendor = Vendor()
    vendor.rooms.append({"roomID": {"a": 1}})
    with pytest.raises(VendorFault, match="another shape"):
        await connector(vendor).catalogue()


class _Located:
    """Tokens of a connection whose host is known already."""

    async def load(self) -> dict[str, str]:
        """Return what was stored."""
        return {f"api_url:{PROPERTY}": "https://island-2.cloudbeds.com"}
