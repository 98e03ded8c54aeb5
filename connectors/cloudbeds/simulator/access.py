"""Credentials: API keys that die when unused, OAuth tokens of eight hours, codes of ten minutes (cloudbeds.md 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors.cloudbeds.simulator.refusals import Refused, denied
from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.contract import Row

_ENTITIES = """
allotmentBlock appPropertySettings communication currency customFields dashboard group guest hotel houseAccount
housekeeping item package payment rate reservation room roomblock taxesAndFees user
""".split()
READ_SCOPES = tuple(f"read:{name}" for name in _ENTITIES)
_KEY_IDLE = timedelta(days=30)
_CODE_LIFE = timedelta(minutes=10)
_REFRESH_LIFE = timedelta(days=365)
_API_KEY_GRANT = "urn:ietf:params:oauth:grant-type:api-key"
_CODE_REFUSED = {
    "error": "server_error",
    "error_description": "The authorization code is invalid or has expired.",
}
_REFRESH_REFUSED = {"error": "invalid_request", "message": "The refresh token is invalid."}


@dataclass(frozen=True)
class Credential:
    """What a caller may see: one property, or several as a group ("association")."""

    token: str
    property_ids: tuple[str, ...]
    scopes: frozenset[str]
    last_used: datetime
    expires: datetime | None = None
    alive: bool = True

    @property
    def is_group(self) -> bool:
        """Tell whether a call must name its property."""
        return len(self.property_ids) > 1


@dataclass(frozen=True)
class AccessHabits:
    """The switches of the token endpoint; `refused_refresh` is 400 or 401, nobody knows."""

    oauth: bool = False
    scopes: tuple[str, ...] = READ_SCOPES
    token_life: int = 28800
    rotate_refresh: bool = False
    refused_refresh: int = 400


@dataclass
class Access:
    """The credentials of one client at its properties."""

    clock: SimulatedClock
    seed: int
    property_ids: Sequence[str]
    habits: AccessHabits
    _known: dict[str, Credential] = field(default_factory=dict)
    _codes: dict[str, datetime] = field(default_factory=dict)
    _refresh: dict[str, datetime] = field(default_factory=dict)
    _made: int = 0
    _exchanged: str = ""

    def __post_init__(self) -> None:
        """Hand out the first key, or the first refresh token."""
        self.client_id, self.client_secret = self._text("live1_"), self._text("secret_")
        self.api_key = self._issue("cbat_", None)
        self.refresh_token = self._text("rt_")
        self._refresh[self.refresh_token] = self.clock.now()

    def credentials(self) -> dict[str, str]:
        """Return what a connection is made with: a key, or the client with a refresh token."""
        if not self.habits.oauth:
            return {"api_key": self.api_key}
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }

    def check(self, headers: Mapping[str, str]) -> Credential:
        """Return the living credential of a request and note its use; raises Refused 401."""
        bearer = headers.get("Authorization", "")
        token = headers.get("x-api-key") or bearer.removeprefix("Bearer ").strip()
        found, now = self._known.get(token), self.clock.now()
        if found is None or not found.alive or (found.expires is not None and now >= found.expires):
            raise denied()
        if found.expires is None and now - found.last_used > _KEY_IDLE:
            raise denied()
        self._known[token] = replace(found, last_used=now)
        return found

    def code(self) -> str:
        """Return an authorization code, as the browser brings it after consent."""
        fresh = self._text("code_")
        self._codes[fresh] = self.clock.now()
        return fresh

    def grant(self, form: Row) -> Row:
        """Answer POST access_token, which has no `success` wrapper; raises Refused."""
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            raise denied()
        kind = form.get("grant_type")
        if kind == "authorization_code":
            self._use_code(form.get("code"))
            return self._tokens(self._fresh_refresh())
        if kind == _API_KEY_GRANT:
            self._use_code(form.get("code"))
            return {"access_token": self._issue("cbat_", None)}
        if kind == "refresh_token":
            return self._refreshed(str(form.get("refresh_token", "")))
        if kind == "refresh_token_exchange":
            self._use_refresh(str(form.get("refresh_token", "")))
            self._exchanged = self._issue("cbat_", None)
            return {"access_token": self._exchanged}
        raise Refused(400, {"error": "unsupported_grant_type", "message": "The grant type is not supported."})

    def expire_tokens(self) -> None:
        """Make every OAuth access token worthless; keys do not expire."""
        self._known = {token: one for token, one in self._known.items() if one.expires is None}

    def revoke(self) -> None:
        """End all access, as a disconnect does."""
        self._known = {token: replace(one, alive=False) for token, one in self._known.items()}
        self._refresh.clear()

    def _refreshed(self, token: str) -> Row:
        self._use_refresh(token)
        if self._exchanged:  # refreshing after the exchange kills the new key (2.2)
            self._known.pop(self._exchanged, None)
        if not self.habits.rotate_refresh:
            return self._tokens(token)
        del self._refresh[token]  # of two refreshes at once the second finds its token gone
        self.expire_tokens()
        return self._tokens(self._fresh_refresh())

    def _use_code(self, code: object) -> None:
        made = self._codes.pop(str(code), None)
        if made is None or self.clock.now() - made > _CODE_LIFE:
            raise Refused(401, _CODE_REFUSED)

    def _use_refresh(self, token: str) -> None:
        used = self._refresh.get(token)
        if used is None or self.clock.now() - used > _REFRESH_LIFE:
            raise Refused(self.habits.refused_refresh, _REFRESH_REFUSED)
        self._refresh[token] = self.clock.now()

    def _fresh_refresh(self) -> str:
        self.refresh_token = self._text("rt_")
        self._refresh[self.refresh_token] = self.clock.now()
        return self.refresh_token

    def _tokens(self, refresh: str) -> Row:
        kind = "association" if len(self.property_ids) > 1 else "property"
        ends = self.clock.now() + timedelta(seconds=self.habits.token_life)
        return {
            "access_token": self._issue("at_", ends),
            "token_type": "Bearer",
            "expires_in": self.habits.token_life,
            "refresh_token": refresh,
            "resources": [{"type": kind, "id": one} for one in self.property_ids],
        }

    def _issue(self, prefix: str, expires: datetime | None) -> str:
        token, now = self._text(prefix), self.clock.now()
        scopes = frozenset(self.habits.scopes)
        self._known[token] = Credential(token, tuple(self.property_ids), scopes, now, expires)
        return token

    def _text(self, prefix: str) -> str:
        self._made += 1
        return prefix + hashlib.sha256(f"{self.seed}/{prefix}/{self._made}".encode()).hexdigest()[:40]
