"""The site as browsers see it: its cookies and origins follow the address it is told to have, never a header."""

from __future__ import annotations

import pytest
from aiohttp import web

from pms_sync.web.site import Site
from tests.unit.test_web_access import request_from

PUBLIC = "https://pms.example"
FAR = ("10.0.0.7", 5)
NEAR = ("127.0.0.1", 5)


def cookie_of(site: Site, request: web.Request) -> str:
    """Return the header that gives the session cookie."""
    response = web.Response()
    site.put(request, response, "session", "x" * 43)
    return response.cookies.output(header="").strip()


def test_on_https_a_cookie_is_bound_to_its_host() -> None:
    """SEC-05, ASVS 3.3: __Host-, Secure, HttpOnly, SameSite, no Domain."""
    told = cookie_of(Site(lambda: PUBLIC), request_from(FAR, host="pms.example"))
    assert told.startswith("__Host-pms_session=")
    for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert word in told
    assert "Domain" not in told


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", PUBLIC])
def test_on_the_machine_itself_a_cookie_is_plain(url: str) -> None:
    """A browser drops a Secure cookie that comes by plain http."""
    told = cookie_of(Site(lambda: url), request_from(NEAR))
    assert told.startswith("pms_session=")
    assert "HttpOnly" in told
    assert "SameSite=Lax" in told
    assert "Secure" not in told


def test_a_proxy_on_the_machine_serves_https() -> None:
    request = request_from(NEAR, {"X-Forwarded-For": "203.0.113.9"}, host="pms.example")
    assert Site(lambda: PUBLIC).is_https(request)


def test_a_forwarded_header_alone_makes_no_https() -> None:
    """SEC-11: anybody can send it."""
    request = request_from(FAR, {"X-Forwarded-Proto": "https", "Forwarded": "proto=https"}, host="pms.example")
    site = Site(lambda: "http://pms.example:8080")
    assert not site.is_https(request)
    assert not site.may_take_passwords(request)


def test_passwords_are_taken_on_https_and_on_loopback_names() -> None:
    plain, secure = Site(lambda: "http://10.0.0.5:8080"), Site(lambda: PUBLIC)
    assert secure.may_take_passwords(request_from(FAR, host="pms.example"))
    assert plain.may_take_passwords(request_from(NEAR))
    assert plain.may_take_passwords(request_from(("172.17.0.1", 5), host="localhost:8080"))
    assert not plain.may_take_passwords(request_from(FAR, host="10.0.0.5:8080"))


@pytest.mark.parametrize(
    ("url", "host", "origins"),
    [
        ("https://PMS.example:443/base", "pms.example", {"https://pms.example"}),
        ("https://pms.example:8443", "pms.example:8443", {"https://pms.example:8443"}),
        ("http://127.0.0.1:8080", "localhost:8080", {"http://127.0.0.1:8080", "http://localhost:8080"}),
        ("http://[::1]:8080", "[::1]:8080", {"http://[::1]:8080"}),
        (PUBLIC, "evil.example", {PUBLIC}),
    ],
)
def test_our_origins_are_the_public_address_and_the_loopback_name_that_was_asked(
    url: str, host: str, origins: set[str]
) -> None:
    assert Site(lambda: url).origins(request_from(NEAR, host=host)) == origins


def test_a_cookie_that_cannot_be_ours_is_not_read() -> None:
    site = Site(lambda: "http://127.0.0.1:8080")
    for value, found in (("x" * 43, "x" * 43), ("x" * 301, None), ("", None), ("\u00e9", None)):
        assert site.read(request_from(NEAR, {"Cookie": f"pms_session={value}"}), "session") == found


def test_on_https_a_cookie_that_any_neighbour_could_plant_is_not_read() -> None:
    request = request_from(FAR, {"Cookie": "pms_session=planted"}, host="pms.example")
    assert Site(lambda: PUBLIC).read(request, "session") is None
