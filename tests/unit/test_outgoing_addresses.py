"""The one way out leads to the open internet only, however an address is written, wrapped or resolved."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.kit.http import is_public
from connectors.kit.posting import WebPoster, check_target
from pms_sync.domain.errors import ConfigurationFault, VendorFault


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_no_vendor_and_no_subscriber_lives_at(address: str) -> None:
    """SEC-10: private, loopback, link-local, multicast, metadata; plain, mapped, compatible, 6to4, NAT64, Teredo."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_the_open_internet_is_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://example.com/hook", "is not https"),
        ("https://127.0.0.1/hook", "private address 127.0.0.1"),
        ("https://[::1]/hook", "private address ::1"),
        ("https://[::ffff:10.0.0.1]/", "private address ::ffff:"),
        ("https://169.254.169.254/latest/meta-data", "private address 169.254.169.254"),
        ("https://user:word@example.com/hook", "carries a password"),
        ("https://example.com/hook#part", "fragment"),
        ("ftp://example.com/", "no web address"),
        ("https://", "no web address"),
        ("https://[::1", "no URL"),
    ],
)
def test_what_can_be_told_from_the_text_is_told_at_once(url: str, what: str) -> None:
    """SEC-10: on saving."""
    with pytest.raises(ConfigurationFault, match=what) as raised:
        check_target(url, allow_private=False)
    assert "word" not in str(raised.value).replace("password", "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "http://localhost/", "https://10.0.0.1/"])
def test_a_private_address_may_be_allowed(url: str) -> None:
    check_target(url, allow_private=True)


class Knocks:
    """A listener on the loopback that counts who connects."""

    def __init__(self) -> None:
        self.count, self.port = 0, 0

    async def knock(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count, and hang up."""
        self.count += 1
        writer.close()


@pytest.fixture
async def knocks() -> AsyncIterator[Knocks]:
    """Listen on a free port."""
    listener = Knocks()
    async with await asyncio.start_server(listener.knock, "127.0.0.1", 0) as server:
        listener.port = server.sockets[0].getsockname()[1]
        yield listener


async def refused(url: str) -> str:
    """Try to post without leave for private addresses; returns why nothing was sent."""
    try:
        poster = WebPoster(url)
    except ConfigurationFault as fault:
        return fault.what
    try:
        with pytest.raises(VendorFault) as raised:
            await poster.post({}, b"{}")
    finally:
        await poster.aclose()
    return raised.value.what


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("localhost", "private address"),
        ("0x7f.1", "private address"),
        ("2130706433", "connection failed"),
        ("127.1", "connection failed"),
        ("0177.0.0.1", "no URL"),
    ],
)
async def test_a_name_or_a_number_that_leads_home_is_blocked_when_connecting(
    knocks: Knocks, host: str, why: str
) -> None:
    """SEC-10, OUT-15: on calling, before a byte is sent; odd numbers are no host to begin with."""
    assert why in await refused(f"https://{host}:{knocks.port}/hook")
    assert knocks.count == 0


@pytest.mark.parametrize("found", ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"])
async def test_a_name_that_was_bound_anew_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, knocks: Knocks, found: str
) -> None:
    """SEC-10, OUT-15: the address that is checked is the one that is connected to, asked for once."""
    asked: list[str] = []

    def resolve(host: str | bytes, port: Any, *_: Any, **__: Any) -> list[Any]:
        asked.append(str(host))
        family = socket.AF_INET6 if ":" in found else socket.AF_INET
        address = (found, port, 0, 0) if ":" in found else (found, port)
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert "private address" in await refused(f"https://hooks.hotel.example:{knocks.port}/")
    assert knocks.count == 0
    assert asked.count("hooks.hotel.example") == 1
