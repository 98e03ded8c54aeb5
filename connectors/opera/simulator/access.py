"""Applications, tokens and the headers of every call (vendors/opera.md 1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.contract import Row
from connectors.opera.simulator.refusals import NO_HOTEL, NO_HUB, VendorRefusal

Mode = Literal["ocim", "ssd"]
"""OCIM environments take client credentials, older SSD ones the password of an integration user."""
SCOPE = "urn:opc:hgbu:ws:__myscopes__"
ENTERPRISE = "DEMOCHN"
_APP_KEY = re.compile(r"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89aAbB][a-f0-9]{3}-[a-f0-9]{12}\Z")
_ENTERPRISE = re.compile(r"[A-Z0-9]{1,8}\Z")
_GRANTS: Mapping[Mode, str] = {"ocim": "client_credentials", "ssd": "password"}
_USER = "PMSSYNC"
_PASSWORD_STATUS = 402


@dataclass(frozen=True)
class Application:
    """What the hotel hands over to an integration."""

    client_id: str
    client_secret: str
    app_key: str
    password: str


class Access:
    """Mints tokens and checks them; there is one application and one environment."""

    def __init__(self, clock: SimulatedClock, seed: int, mode: Mode, life: int) -> None:
        """Begin without tokens; `life` is in seconds."""
        self._clock, self._seed, self._mode, self._life = clock, seed, mode, life
        key = _hex("app key", seed, 32)
        app_key = f"{key[:8]}-{key[8:12]}-4{key[13:16]}-a{key[17:20]}-{key[20:]}"
        self.application = Application(
            f"client_{_hex('client', seed, 12)}", _hex("secret", seed, 40), app_key, _hex("password", seed, 20)
        )
        self._tokens: dict[str, datetime] = {}
        self._made = 0

    def credentials(self, external_system: str) -> dict[str, str]:
        """Return what an account needs; the user only where the environment asks for one."""
        mine = self.application
        told = {"client_id": mine.client_id, "client_secret": mine.client_secret, "app_key": mine.app_key}
        told |= {"external_system": external_system}
        if self._mode == "ocim":
            return told | {"enterprise_id": ENTERPRISE, "scope": SCOPE}
        return told | {"username": _USER, "password": mine.password}

    def mint(self, headers: Mapping[str, str], form: Mapping[str, str]) -> Row:
        """Answer POST /oauth/v1/tokens; raises VendorRefusal."""
        if not _APP_KEY.match(headers.get("x-app-key", "")):
            raise VendorRefusal(401)
        if form.get("grant_type") not in _GRANTS.values():
            raise VendorRefusal(401)
        if self._mode == "ocim" and form["grant_type"] == "client_credentials":
            self._check_enterprise(headers.get("enterpriseId", ""))
        if not self._is_client(headers) or headers.get("x-app-key") != self.application.app_key:
            raise VendorRefusal(401)
        if form["grant_type"] != _GRANTS[self._mode]:
            raise VendorRefusal(403)  # credentials of the other kind of environment
        self._check_grant(headers, form)
        self._made += 1
        token = f"eyJ{_hex('token', self._seed, 60)}.{_hex(f'token {self._made}', self._seed, 60)}"
        self._tokens[token] = self._clock.now() + timedelta(seconds=self._life)
        told = {"access_token": token, "expires_in": self._life, "token_type": "Bearer"}
        return {**told, "oracle_tk_context": "user_assertion"}

    def expire(self) -> None:
        """Make all tokens worthless."""
        self._tokens.clear()

    def check(self, headers: Mapping[str, str]) -> None:
        """Let a call pass the gateway; raises VendorRefusal 401, without a body, for a bad token or app key."""
        kind, _, token = headers.get("Authorization", "").partition(" ")
        until = self._tokens.get(token) if kind.lower() == "bearer" else None
        if until is None or until <= self._clock.now() or headers.get("x-app-key") != self.application.app_key:
            raise VendorRefusal(401)

    def _check_enterprise(self, told: str) -> None:
        if not told:
            raise VendorRefusal(400, "Enterprise ID is required")
        if not _ENTERPRISE.match(told):
            raise VendorRefusal(400, "Enterprise ID is invalid")

    def _is_client(self, headers: Mapping[str, str]) -> bool:
        kind, _, pair = headers.get("Authorization", "").partition(" ")
        try:
            told = base64.b64decode(pair, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return kind.lower() == "basic" and told == f"{self.application.client_id}:{self.application.client_secret}"

    def _check_grant(self, headers: Mapping[str, str], form: Mapping[str, str]) -> None:
        if self._mode == "ssd":
            if (form.get("username"), form.get("password")) != (_USER, self.application.password):
                raise VendorRefusal(_PASSWORD_STATUS, "invalid_grant: [Wrong Password]")
        elif form.get("scope") != SCOPE or headers.get("enterpriseId") != ENTERPRISE:
            raise VendorRefusal(401)


def check_hotels(headers: Mapping[str, str], path_hotels: Collection[str], known: Collection[str]) -> None:
    """Refuse a hotel that the application may not see, in the header or in the path; raises VendorRefusal 403."""
    if "x-hubid" in headers:
        raise VendorRefusal(403, "User is not authorized to access data for hub", NO_HUB)
    if any(code not in known for code in (headers.get("x-hotelid", ""), *path_hotels)):
        raise VendorRefusal(403, "User is not authorized to access data for resort", NO_HOTEL)


def _hex(what: str, seed: int, length: int) -> str:
    text = ""
    for part in range(1 + length // 64):
        text += hashlib.sha256(f"opera {seed} {what} {part}".encode()).hexdigest()
    return text[:length]
