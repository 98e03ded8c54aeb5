"""Invite codes, refresh tokens and access tokens (vendors/beds24.md 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.beds24.simulator.refusals import VendorRefusal
from connectors.kit.simulator.clock import SimulatedClock, stamp
from connectors.kit.simulator.contract import Row

DEFAULT_SCOPES = (
    "read:bookings",
    "write:bookings",
    "read:bookings-personal",
    "write:bookings-personal",
    "read:bookings-financial",
    "write:bookings-financial",
    "read:inventory",
    "write:inventory",
    "read:properties",
    "write:properties",
    "read:accounts",
)
OWNER = 4711
_INVITE_LIFE = timedelta(hours=24)
_REFRESH_UNUSED = timedelta(days=30)
_ACCESS_LENGTH, _REFRESH_LENGTH = 172, 128


@dataclass
class Refresh:
    """One refresh token: dies 30 days after its last use."""

    scopes: tuple[str, ...]
    device: str
    made: datetime
    used: datetime
    lasting: bool = False
    """The account's own token lives on however far a test moves the clock."""


@dataclass(frozen=True)
class Access:
    """One access token, valid until an instant."""

    refresh: str
    scopes: tuple[str, ...]
    device: str
    made: datetime
    until: datetime

    def may(self, scope: str) -> bool:
        """Tell whether the token opens a scope such as `read:bookings`."""
        return scope in self.scopes or f"all:{scope.partition(':')[2]}" in self.scopes


class Tokens:
    """Hands out and checks tokens; every bad access token gets the same text, whatever is wrong with it."""

    def __init__(self, clock: SimulatedClock, seed: int, *, life: int = 86400, rotate: bool = False) -> None:
        """Begin with nothing; `life` in seconds, `rotate` = a new refresh token with every access token."""
        self._clock, self._seed, self._life, self._rotate = clock, seed, life, rotate
        self._refresh: dict[str, Refresh] = {}
        self._access: dict[str, Access] = {}
        self._invites: dict[str, tuple[datetime, tuple[str, ...]]] = {}
        self._made = 0
        self.current = ""

    def invite(self, scopes: Iterable[str] = DEFAULT_SCOPES) -> str:
        """Make an invite code: one use, 24 hours."""
        code = self._secret("invite", 64)
        self._invites[code] = (self._clock.now() + _INVITE_LIFE, tuple(scopes))
        return code

    def issue(self, scopes: Iterable[str], device: str = "simulator", *, lasting: bool = False) -> str:
        """Make a refresh token without an invite code, as the one given out in the credentials."""
        value, now = self._secret("refresh", _REFRESH_LENGTH), self._clock.now()
        self._refresh[value] = Refresh(tuple(scopes), device, now, now, lasting)
        return value

    def issue_current(self, scopes: Iterable[str]) -> None:
        """Make the refresh token that the credentials show."""
        self.current = self.issue(scopes, lasting=True)

    def setup(self, code: str | None, device: str | None) -> Row:
        """Turn an invite code into a refresh token and a first access token; raises VendorRefusal."""
        until, scopes = self._invites.pop(code or "", (None, ()))
        if until is None or until < self._clock.now():
            raise VendorRefusal(401)
        refresh = self.issue(scopes, device or "")
        return {**self._minted(refresh), "refreshToken": refresh}

    def mint(self, refresh: str | None) -> Row:
        """Make an access token; with rotation the old refresh token dies at once; raises VendorRefusal."""
        known = self._living(refresh)
        if not self._rotate:
            return self._minted(str(refresh))
        answer = self._minted(str(refresh))
        del self._refresh[str(refresh)]
        fresh = self.issue(known.scopes, known.device, lasting=known.lasting)
        self.current = fresh if self.current == refresh else self.current
        return {**answer, "refreshToken": fresh}

    def revoke(self, refresh: str | None) -> None:
        """Delete a refresh token; raises VendorRefusal."""
        self._living(refresh)
        del self._refresh[str(refresh)]

    def check(self, token: str | None, scope: str) -> Access:
        """Return the living access token that opens the scope; raises VendorRefusal."""
        if not token:
            raise VendorRefusal(401, "Token is missing")
        access = self._access.get(token)
        if access is None or access.until <= self._clock.now() or (scope and not access.may(scope)):
            raise VendorRefusal(401)
        return access

    def expire(self) -> None:
        """Make all access tokens worthless."""
        self._access.clear()

    def details(self, token: str | None, address: str) -> Row:
        """Describe a token, valid or not; raises VendorRefusal when none was sent."""
        if not token:
            raise VendorRefusal(401, "Token is missing")
        access = self._access.get(token)
        now = self._clock.now()
        if access is None or access.until <= now:
            return {"validToken": False, "diagnostics": {"requestIp": address}}
        told = {
            "ownerId": OWNER,
            "expiresIn": int((access.until - now).total_seconds()),
            "created": stamp(access.made),
            "scopes": list(access.scopes),
            "deviceName": access.device,
            "linkedProperties": False,
            "onlyPropertyId": None,
            "whiteListOnly": False,
            "whiteList": [""],
        }
        return {"validToken": True, "token": told, "diagnostics": {"requestIp": address}}

    def _living(self, refresh: str | None) -> Refresh:
        if not refresh:
            raise VendorRefusal(401, "Token is missing")
        known, now = self._refresh.get(refresh), self._clock.now()
        if known is None or (now - known.used > _REFRESH_UNUSED and not known.lasting):
            raise VendorRefusal(401)
        known.used = now
        return known

    def _minted(self, refresh: str) -> Row:
        known, now, value = self._refresh[refresh], self._clock.now(), self._secret("access", _ACCESS_LENGTH)
        until = now + timedelta(seconds=self._life)
        self._access[value] = Access(refresh, known.scopes, known.device, now, until)
        return {"token": value, "expiresIn": self._life}

    def _secret(self, kind: str, length: int) -> str:
        self._made += 1
        text = hashlib.shake_256(f"{kind}/{self._seed}/{self._made}".encode()).hexdigest(length)
        return text[:length]
