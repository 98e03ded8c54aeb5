"""The webhook settings of a property: our line once, every foreign line as it was."""

from __future__ import annotations

import pytest

from connectors.beds24 import webhooks
from connectors.beds24.wire import Webhooks

URL = "https://sync.hotel.example/webhooks/beds24/TOKEN"
FOREIGN = "https://crm.example/webhooks/beds24/OTHER"


def lines(*found: str) -> list[str]:
    """Subscribe where these lines are found, and return what is written."""
    wanted = webhooks.desired(Webhooks(url="\r\n".join(found)), URL, "secret")
    return (wanted.url or "").split("\r\n")


@pytest.mark.parametrize(
    "dead",
    [
        "http://127.0.0.1:8401/webhooks/beds24/TOKEN",
        "https://old.hotel.example/pms/webhooks/beds24/TOKEN",
        "https://sync.hotel.example:8443/webhooks/beds24/TOKEN/",
        "https://sync.hotel.example/webhooks/beds24/OLDER",
    ],
)
def test_a_line_this_daemon_left_under_another_address_goes(dead: str) -> None:
    assert lines(FOREIGN, dead) == [FOREIGN, URL]


@pytest.mark.parametrize(
    "foreign",
    [
        FOREIGN,
        "https://crm.example/webhooks/beds24/XTOKEN",
        "https://crm.example/TOKEN",
        "https://crm.example/hook?next=/webhooks/beds24/TOKEN",
        "http://[::1",
    ],
)
def test_a_foreign_line_stays(foreign: str) -> None:
    assert lines(foreign, URL) == [foreign, URL]
