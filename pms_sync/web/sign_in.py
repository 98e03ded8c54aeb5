"""The sign-in page: an e-mail and a password become a session, and signing out ends it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import hdrs, web

from pms_sync.auth.desk import Desk
from pms_sync.auth.faults import Refused, TooSoon
from pms_sync.domain.errors import Fault
from pms_sync.web.access import LOGIN, MACHINES, session_of
from pms_sync.web.forms import form_of, login_secret
from pms_sync.web.render import Renderer
from pms_sync.web.said import NotAllowed, Said
from pms_sync.web.site import Site

_BEGIN = "/"
_NONCE_BYTES = 18
_REMEMBERED_S = 180 * 86_400
_NOT_A_PLACE = (LOGIN, "/logout", *MACHINES)
_IN_THE_CLEAR = Said(
    "Signing in needs https",
    "Over this address a password would cross the network in the clear.",
    "Put a proxy with TLS in front of the daemon and name its address in",
    "PMS_SYNC_PUBLIC_URL=https://…",
)


class SignIn:
    """The pages of signing in and out; one object per process."""

    def __init__(
        self,
        desk: Desk,
        site: Site,
        renderer: Renderer,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Take the desk that recognises people."""
        self._desk, self._site, self._renderer, self._random_bytes = desk, site, renderer, random_bytes

    async def show(self, request: web.Request) -> web.Response:
        """Show the form, or lead on whoever is signed in already."""
        wanted = _place(request.query.get("next", ""))
        if session_of(request) is not None:
            raise web.HTTPSeeOther(wanted)
        return self._form(request, wanted)

    async def enter(self, request: web.Request) -> web.Response:
        """Take the form: a new session every time, and back to where the person wanted to go."""
        form = form_of(request)
        email, wanted = form.get("email", ""), _place(form.get("next", ""))
        try:
            token = await self._session_for(request, email, form.get("password", ""))
        except Refused as refused:
            return self._form(request, wanted, email=email, fault=refused, status=HTTPStatus.UNAUTHORIZED)
        except TooSoon as soon:
            answer = self._form(request, wanted, email=email, fault=soon, status=HTTPStatus.TOO_MANY_REQUESTS)
            answer.headers[hdrs.RETRY_AFTER] = str(soon.retry_s)
            return answer
        answer = _led_to(wanted)
        self._site.put(request, answer, "session", token)
        self._site.put(request, answer, "browser", self._desk.attempts.mark(email), max_age_s=_REMEMBERED_S)
        self._site.drop(request, answer, "login")
        return answer

    async def leave(self, request: web.Request) -> web.Response:
        """End the session."""
        await self._end_session(request)
        answer = _led_to(LOGIN)
        self._site.drop(request, answer, "session")
        return answer

    async def _session_for(self, request: web.Request, email: str, password: str) -> str:
        """Prove the person and open a session; the one the browser came with ends, so none can be planted."""
        if not self._site.may_take_passwords(request):
            raise NotAllowed(_IN_THE_CLEAR)
        peer, mark = request.remote or "", self._site.read(request, "browser")
        person = await self._desk.proving.prove(email, password, peer=peer, mark=mark)
        await self._end_session(request)
        token, _ = await self._desk.sessions.open(person, self._desk.attempts.address(peer))
        return token

    async def _end_session(self, request: web.Request) -> None:
        old = self._site.read(request, "session")
        if old is not None:
            await self._desk.sessions.end(old)

    def _form(
        self,
        request: web.Request,
        wanted: str,
        *,
        email: str = "",
        fault: Fault | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> web.Response:
        if not self._site.may_take_passwords(request):
            raise NotAllowed(_IN_THE_CLEAR)
        nonce = self._site.read(request, "login") or self._new_nonce()
        secret = login_secret(self._desk.keys, nonce)
        page = self._renderer.page(
            "login.html", status, csrf=secret, wanted=wanted, email=email, fault=fault, bare=True
        )
        self._site.put(request, page, "login", nonce)
        return page

    def _new_nonce(self) -> str:
        return base64.urlsafe_b64encode(self._random_bytes(_NONCE_BYTES)).decode()


def _led_to(place: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={hdrs.LOCATION: place})


def _place(text: str) -> str:
    """Return a page of ours to go on to, the begin page for anything else (no open redirect)."""
    ours = text.startswith("/") and text[1:2] not in {"/", "\\"} and text.isascii() and text.isprintable()
    return text if ours and not text.startswith(_NOT_A_PLACE) else _BEGIN
