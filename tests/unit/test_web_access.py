"""Who may look at pages that have no sign-in: this machine, speaking for itself, under its own name."""

from __future__ import annotations

from collections.abc import Mapping
from unittest import mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from pms_sync.web.access import HEADERS, is_local, local_only, secure


def request_from(peer: object, headers: Mapping[str, str] | None = None, host: str = "127.0.0.1:8080") -> web.Request:
    """Build a request as it comes from one socket address."""
    transport = mock.Mock()
    transport.get_extra_info = lambda name, default=None: peer if name == "peername" else default
    return make_mocked_request("GET", "/health", headers={"Host": host, **(headers or {})}, transport=transport)


@pytest.mark.parametrize(
    "peer", [("127.0.0.1", 5), ("127.8.0.9", 5), ("::1", 5, 0, 0), ("::ffff:127.0.0.1", 5, 0, 0), ("::1%lo", 5, 0, 1)]
)
def test_a_peer_on_loopback_is_let_in(peer: object) -> None:
    assert is_local(request_from(peer))


@pytest.mark.parametrize(
    "peer", [("10.0.0.7", 5), ("::ffff:10.0.0.7", 5, 0, 0), ("fe80::1%eth0", 5, 0, 2), ("", 5), "", None, ("@", 5)]
)
def test_any_other_peer_is_not(peer: object) -> None:
    """A socket file names nobody, so it lets nobody in."""
    assert not is_local(request_from(peer))


@pytest.mark.parametrize(
    "name",
    ["Forwarded", "forwarded", "X-Forwarded-For", "x-forwarded-host", "X-FORWARDED-PROTO", "X-Forwarded-Anything",
     "X-Forwarded", "Via", "X-Real-IP"],
)  # fmt: skip
def test_a_peer_that_speaks_for_somebody_else_is_not(name: str) -> None:
    """SEC-11, SEC-24: an empty header counts too."""
    for text in ("127.0.0.1", ""):
        assert not is_local(request_from(("127.0.0.1", 5), {name: text}))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080", "a.localhost:1"])
def test_the_machine_may_be_asked_for_by_its_loopback_names(host: str) -> None:
    assert is_local(request_from(("127.0.0.1", 5), host=host))


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.7",
             "[::1", "127.0.0.1@evil.example"],
)  # fmt: skip
def test_a_foreign_name_that_leads_here_opens_nothing(host: str) -> None:
    """A web site may point its own name at loopback and read what answers."""
    assert not is_local(request_from(("127.0.0.1", 5), host=host))


async def test_the_guard_answers_403_without_asking_the_page() -> None:
    asked = []

    async def page(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response()

    with pytest.raises(web.HTTPForbidden):
        await local_only(page)(request_from(("10.0.0.7", 5)))
    assert not asked
    assert (await local_only(page)(request_from(("127.0.0.1", 5)))).status == 200


def test_an_answer_may_set_a_header_itself() -> None:
    response = web.Response(headers={"Cache-Control": "public"})
    secure(response)
    assert response.headers["Cache-Control"] == "public"
    assert set(HEADERS) <= set(response.headers)
