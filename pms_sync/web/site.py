"""The site as a browser sees it: its origins, whether it is reached over https, and the cookies that fit.

The daemon speaks plain HTTP; a proxy in front of it may add TLS. That it does is told by PMS_SYNC_PUBLIC_URL alone,
never by a header that anybody could send (SEC-11). On https a cookie is `Secure` and `__Host-`: no other host, path or
plain connection can set or see it. On a loopback address it goes without, since a browser there would drop it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web

from pms_sync.web.access import is_local, names_loopback

Cookie = Literal["session", "login", "browser"]

_HTTPS = "https"
_USUAL_PORTS = {"http": 80, _HTTPS: 443}
_LONGEST = 300


class Site:
    """Knows under which address the pages are meant to be reached."""

    def __init__(self, public_url: Callable[[], str]) -> None:
        """Ask for the address each time: with port 0 it is known only once the daemon listens."""
        self._public_url = public_url

    def is_https(self, request: web.Request) -> bool:
        """Tell whether the reader's browser speaks https; on the daemon's own machine it need not."""
        return urlsplit(self._public_url()).scheme == _HTTPS and not is_local(request)

    def may_take_passwords(self, request: web.Request) -> bool:
        """Tell whether a password typed here stays off the network in the clear."""
        return self.is_https(request) or names_loopback(request.host)

    def origins(self, request: web.Request) -> frozenset[str]:
        """Return what a browser names as the origin of our own forms."""
        own = {_origin(self._public_url())}
        if names_loopback(request.host):
            own.add(_origin(f"http://{request.host}"))
        return frozenset(own)

    def read(self, request: web.Request, cookie: Cookie) -> str | None:
        """Return a cookie's value, None when there is none or it cannot be one of ours."""
        value = request.cookies.get(self._name(request, cookie))
        return value if value and len(value) <= _LONGEST and value.isascii() else None

    def put(
        self, request: web.Request, response: web.Response, cookie: Cookie, value: str, *, max_age_s: int | None = None
    ) -> None:
        """Give the browser a cookie; without an age it goes when the browser does."""
        https = self.is_https(request)
        response.set_cookie(
            self._name(request, cookie), value, max_age=max_age_s, path="/", secure=https, httponly=True, samesite="Lax"
        )

    def drop(self, request: web.Request, response: web.Response, cookie: Cookie) -> None:
        """Take a cookie back."""
        https = self.is_https(request)
        response.del_cookie(self._name(request, cookie), path="/", secure=https, httponly=True, samesite="Lax")

    def _name(self, request: web.Request, cookie: Cookie) -> str:
        return f"__Host-pms_{cookie}" if self.is_https(request) else f"pms_{cookie}"


def _origin(url: str) -> str:
    """Write the origin of a URL as browsers do: lower case, no usual port."""
    parts = urlsplit(url.lower())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    usual = parts.port in (None, _USUAL_PORTS.get(parts.scheme))
    return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{parts.port}"
