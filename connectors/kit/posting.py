"""Posting to addresses that hotels name for themselves: the one way out, with its guard, and a capped answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import aiohttp
import httpx

from connectors.kit.http import is_literal, is_public, open_client
from connectors.kit.rest import retry_after, transport_fault
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ports.posting import Posted

TIMEOUT_S = 20.0
MOST_BYTES = 16 * 1024
_DRAIN_S = 1.0
_WHERE = "subscriber"
_LOST = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError, TimeoutError)


class WebPoster:
    """One client for one address (ports.posting.Poster)."""

    def __init__(
        self,
        url: str,
        *,
        ca_file: str | None = None,
        allow_private: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Send nothing yet; raises ConfigurationFault for an address that nothing may be sent to."""
        check_target(url, allow_private=allow_private)
        target = httpx.URL(url)
        origin = str(target.copy_with(path="/", query=None))
        self._client = open_client(origin, ca_file=ca_file, allow_private=allow_private, transport=transport)
        self._url, self._timeout_s = target, timeout_s

    async def post(self, headers: Mapping[str, str], body: bytes) -> Posted:
        """Send once and return what the head of the answer says; raises VendorFault when there is none."""
        plain = {"Content-Type": "application/json", "Accept-Encoding": "identity", **headers}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", self._url, headers=plain, content=body) as response,
            ):
                await _drain(response)
                return Posted(status=response.status_code, retry_after=retry_after(response.headers))
        except _LOST as error:
            raise transport_fault(error, _WHERE) from None  # the chain would carry the request's headers

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _drain(response: httpx.Response) -> None:
    """Read a short answer to its end, so that the connection serves again; nobody needs a long one, or a whole one."""
    size = 0
    with suppress(*_LOST):
        async with asyncio.timeout(_DRAIN_S):
            async for part in response.aiter_raw():
                size += len(part)
                if size > MOST_BYTES:
                    return


def check_target(url: str, *, allow_private: bool) -> None:
    """Refuse at once what can be told from the text of an address; raises ConfigurationFault.

    A name that leads somewhere private is found when the connection is made, and at every one again.
    """
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise _wrong(f"is no URL ({type(error).__name__})", "begin it with https://") from None
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise _wrong("is no web address", "begin it with https://")
    if parts.userinfo or parts.fragment:
        raise _wrong("carries a password or a fragment", "leave out everything before @ and after #")
    if allow_private:
        return
    if parts.scheme != "https":
        raise _wrong("is not https, so anybody on the way could read it", "begin it with https://")
    if is_literal(parts.host) and not is_public(parts.host):
        raise _wrong(f"names the private address {parts.host}", "name a host of the open internet")


def _wrong(what: str, remedy: str) -> ConfigurationFault:
    return ConfigurationFault(f"the subscriber's address {what}", "url", remedy)
