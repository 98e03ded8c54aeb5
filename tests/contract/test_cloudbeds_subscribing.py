"""Subscriptions at Cloudbeds: exactly one for each event, as forms, beside what others have, read back afterwards."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from connectors.cloudbeds import webhooks
from pms_sync.domain.errors import VendorFault
from tests.contract.cloudbeds_wire import PROPERTY, Vendor, connector, data, failure, hook

URL = "https://hotel.example/webhooks/cloudbeds/door-token"
OLD, NEW = "old-secret-0123456789", "new secret & sign=1"
COUNT = len(webhooks.EVENTS)


def addresses(vendor: Vendor) -> list[str]:
    """Return where the vendor would send, in order."""
    return sorted(one["subscriptionData"]["endpoint"] for one in vendor.hooks)


async def test_every_event_is_subscribed_once() -> None:
    """CB-02 for what we write: forms, and signs that mean something in them come through whole."""
    vendor = Vendor()
    [told] = await connector(vendor).subscribe(URL, NEW)

    assert (told.url, told.manual, told.warning) == (URL, None, None)
    assert addresses(vendor) == [f"{URL}?key={quote(NEW, safe='')}"] * COUNT
    first = vendor.calls("postWebhook")[0]
    assert first.headers["content-type"] == "application/x-www-form-urlencoded"
    assert first.said["propertyID"] == PROPERTY
    assert {(call.said["object"], call.said["action"]) for call in vendor.calls("postWebhook")} == set(webhooks.EVENTS)


async def test_a_second_time_writes_nothing() -> None:
    """Once a day is asked, and nothing needs to be done."""
    vendor = Vendor()
    one = connector(vendor)
    await one.subscribe(URL, OLD)
    before = len(vendor.asked)
    await one.subscribe(URL, OLD)

    assert [(call.verb, call.method) for call in vendor.asked[before:]] == [("GET", "getWebhooks")]


async def test_a_new_secret_replaces_the_old_one_without_a_gap() -> None:
    """The new subscriptions stand before the old ones go; deleting is a query, not a body (section 3)."""
    vendor = Vendor()
    vendor.hooks = [hook("foreign", "reservation/created", "https://other.example/hook")]
    one = connector(vendor)
    await one.subscribe(URL, OLD)
    await one.subscribe(URL, NEW)

    ours = f"{URL}?key={quote(NEW, safe='')}"
    assert addresses(vendor) == sorted([ours] * COUNT + ["https://other.example/hook"])
    dropped = vendor.calls("deleteWebhook")
    assert len(dropped) == COUNT
    assert {call.verb for call in dropped} == {"DELETE"}
    assert all(call.form == [] and call.said["propertyIDs"] == PROPERTY for call in dropped)
    assert vendor.asked.index(dropped[0]) > max(map(vendor.asked.index, vendor.calls("postWebhook")))


async def test_an_event_that_is_not_taken_is_told_and_the_others_stand() -> None:
    """Polling finds what it would have announced."""
    vendor = Vendor(postWebhook=[failure("Unknown event")])
    [told] = await connector(vendor).subscribe(URL, OLD)

    assert told.manual is None
    assert "reservation/created (refused: Unknown event)" in (told.warning or "")
    assert len(vendor.hooks) == COUNT - 1


@pytest.mark.parametrize(
    "answer", [failure("Scope required for this call was not granted by property."), httpx.Response(403)]
)
async def test_without_the_right_to_subscribe_a_person_is_told_how(answer: httpx.Response) -> None:
    """What to enter by hand, without the secret."""
    [told] = await connector(Vendor(postWebhook=[answer])).subscribe(URL, OLD)

    assert f"endpointUrl {URL}?key=<secret of the door>" in (told.manual or "")
    assert OLD not in (told.manual or "")


async def test_subscriptions_that_do_not_show_are_told() -> None:
    """Accepted is not subscribed (section 11.1)."""
    [told] = await connector(Vendor(getWebhooks=[data([]), data([])])).subscribe(URL, OLD)

    assert "does not show them" in (told.manual or "")


async def test_trouble_on_the_way_is_raised() -> None:
    """The engine tries again; a subscription is never counted as there without a look."""
    with pytest.raises(VendorFault):
        await connector(Vendor(getWebhooks=[httpx.Response(500)])).subscribe(URL, OLD)


async def test_the_secret_is_struck_out_of_what_the_vendor_says() -> None:
    """A refusal may repeat the address that it refuses."""
    wanted = webhooks.address(URL, OLD)
    [told] = await connector(Vendor(postWebhook=[failure(f"no such event for {wanted}")])).subscribe(URL, OLD)

    assert OLD not in (told.warning or "")
    assert "no such event for ***" in (told.warning or "")
