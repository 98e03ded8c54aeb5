"""The one way out: an HTTP client that talks to public HTTPS addresses only, unless told otherwise.

The address is checked when the socket is made, against what the name resolved to, so a name that changes its address
between the check and the call gains nothing (DNS rebinding).
"""

from __future__ import annotations

import socket
import ssl
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from pms_sync.domain.errors import ConfigurationFault

TIMEOUT = httpx.Timeout(connect=5.0, read=25.0, write=25.0, pool=10.0)
CONNECTIONS = 8
KEEP_ALIVE_S = 4.0  # servers hang up after 5 s, and a request must not meet that moment
_DNS_MEMORY_S = 10
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # whatever lies outside is local, reserved, or a costume of IPv4
# Not private by their numbers, yet only ever the cloud's own: metadata and agents of two providers.
_NEVER = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))


class AddressRefused(OSError):
    """A connection to an address where no vendor lives; raised before anything is sent."""


def open_client(
    base_url: str,
    *,
    ca_file: str | None,
    allow_private: bool,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Build the client of one vendor host; close it with `aclose`.

    `ca_file` adds a certificate authority to the public ones. Without `allow_private` plain HTTP and loopback, private,
    link-local and reserved addresses are refused. A `transport` replaces the network in tests. Raises
    ConfigurationFault for a base URL that cannot be meant.
    """
    check_base_url(base_url, allow_private=allow_private)
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport or _transport(trust(ca_file), allow_private=allow_private),
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # accounts share the client, never a session
        headers={"User-Agent": f"pms-sync/{_version()}", "Accept": "application/json"},
    )


def check_base_url(base_url: str, *, allow_private: bool) -> None:
    """Refuse at once what can be told from the text of a base URL; raises ConfigurationFault."""
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError) as error:
        raise _wrong(f"the base URL is no URL ({type(error).__name__})") from None
    if url.scheme not in {"http", "https"} or not url.host:
        what = "the base URL must start with https:// and name a host"
        raise _wrong(what)
    if url.userinfo or url.query or url.fragment:
        what = "the base URL must hold nothing but scheme, host, port and path"
        raise _wrong(what)
    if allow_private:
        return
    if url.scheme != "https":
        what = "the base URL must be https, or tokens would travel in the clear"
        raise _wrong(what)
    if is_literal(url.host) and not is_public(url.host):
        what = f"the base URL names the private address {url.host}"
        raise _wrong(what)


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open internet, whichever way it is written or wrapped."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inner = _wrapped(parsed)
        if inner is not None:
            return is_public(str(inner))
        return parsed in _GLOBAL_UNICAST and parsed.is_global
    return parsed.is_global and not parsed.is_multicast and not any(parsed in network for network in _NEVER)


@lru_cache(maxsize=4)
def trust(ca_file: str | None) -> ssl.SSLContext:
    """Return the TLS settings every client shares: building them costs 20 ms (DEPENDENCIES.md §4)."""
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            what = f"the certificate file cannot be read ({type(error).__name__})"
            raise ConfigurationFault(what, "PMS_SYNC_CA_FILE", "name a PEM file that the service may read") from error
    return context


def _transport(context: ssl.SSLContext, *, allow_private: bool) -> AiohttpTransport:
    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=context,
            limit=CONNECTIONS,
            keepalive_timeout=KEEP_ALIVE_S,
            ttl_dns_cache=_DNS_MEMORY_S,
            socket_factory=None if allow_private else _public_socket,
        )
        opened = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        # Left alone it repeats GET, PUT and DELETE by itself when a kept connection drops: past budget and look-up.
        opened._retry_connection = False  # noqa: SLF001 - the library offers no other switch
        return opened

    return AiohttpTransport(verify=context, client=session)


def _public_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for a resolved address, or refuse to."""
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        message = "the name leads to a private address; the connection was not made"
        raise AddressRefused(message)
    return socket.socket(family=family, type=kind, proto=protocol)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address only carries."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def is_literal(host: str) -> bool:
    """Tell whether a host is written as an IP address, and not as a name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _wrong(what: str) -> ConfigurationFault:
    return ConfigurationFault(what, "PMS_SYNC_<VENDOR>_BASE_URL", "correct the vendor's base URL setting")


@lru_cache(maxsize=1)
def _version() -> str:
    try:
        return version("pms-sync")
    except PackageNotFoundError:
        return "0"
