"""Attempts: how long to wait after wrong passwords, so that guessing is slow and nobody locks anybody else out.

Failures are counted per account and origin. The origin is the address an attempt comes from or, with a browser that
signed in to this very account before, that browser: a stranger behind the same address, or in front of the same proxy,
then slows only himself. What one address fails at over many accounts slows the address as well. No account is ever
locked as such.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

import msgspec

from pms_sync.auth.faults import TooSoon
from pms_sync.domain.clock import Clock
from pms_sync.store import attempts as stored
from pms_sync.store.database import Connection, Database
from pms_sync.store.sealing import KeyRing

FORGOTTEN_AFTER = timedelta(hours=1)
_MARK_BYTES = 16
_LONGEST_MARK = 200
_NETWORK_BITS = 64
_MOST_DOUBLINGS = 30


class Rule(NamedTuple):
    """So many failures are free; after that the wait doubles from `first_s` to `longest_s`."""

    free: int
    first_s: float
    longest_s: float

    def wait_s(self, failures: int) -> float:
        """Return how long after the last failure the next attempt may come."""
        doublings = min(failures - self.free, _MOST_DOUBLINGS)
        return 0.0 if doublings < 0 else min(self.longest_s, self.first_s * 2.0**doublings)


AT_ONE_ACCOUNT = Rule(free=5, first_s=1.0, longest_s=60.0)
AT_MANY_ACCOUNTS = Rule(free=30, first_s=1.0, longest_s=30.0)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as it is counted; addresses and accounts are keyed digests."""

    account: bytes
    origin: bytes
    address: bytes


class Attempts:
    """The memory of failed attempts, shared by all daemons on one database."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, random_bytes: Callable[[int], bytes]) -> None:
        """Read nothing yet."""
        self._database, self._keys, self._clock, self._random_bytes = database, keys, clock, random_bytes

    def attempt(self, email: str, peer: str, mark: str | None = None) -> Attempt:
        """Describe an attempt; `mark` is what the browser kept from its last success, believed only where it fits."""
        address = self.address(peer)
        trusted = mark is not None and self._is_mark_of(email, mark)
        origin = self._keys.token_digest(f"browser:{mark}") if trusted else address
        return Attempt(account=self._keys.token_digest(f"account:{email!a}"), origin=origin, address=address)

    def address(self, peer: str) -> bytes:
        """Return the digest of where somebody is."""
        return self._keys.token_digest(f"address:{_network(peer)}")

    def mark(self, email: str) -> str:
        """Return what a browser keeps after a success at this account; it proves nothing but that."""
        nonce = self._random_bytes(_MARK_BYTES).hex()
        return f"{nonce}.{self._signature(email, nonce)}"

    async def admit(self, attempt: Attempt) -> None:
        """Raise TooSoon while the attempt would come too soon."""
        now = self._clock.now()
        async with self._database.connection() as connection:
            tally = await stored.tally(connection, attempt.origin, attempt.account, now - FORGOTTEN_AFTER)
        wait_s = max(
            _left(AT_ONE_ACCOUNT.wait_s(tally.failures), tally.last_at, now),
            _left(AT_MANY_ACCOUNTS.wait_s(tally.accounts), tally.last_at_any, now),
        )
        if wait_s > 0:
            raise TooSoon(wait_s)

    async def failed(self, connection: Connection, attempt: Attempt) -> int:
        """Count a failure; returns how many there are."""
        now = self._clock.now()
        return await stored.failed(connection, attempt.origin, attempt.account, now, now - FORGOTTEN_AFTER)

    async def succeeded(self, connection: Connection, attempt: Attempt) -> None:
        """Forget the failures of this origin at this account."""
        await stored.forget(connection, attempt.origin, attempt.account)

    def _is_mark_of(self, email: str, mark: str) -> bool:
        if len(mark) > _LONGEST_MARK or not mark.isascii():
            return False
        nonce, _, signature = mark.partition(".")
        return hmac.compare_digest(signature.encode(), self._signature(email, nonce).encode())

    def _signature(self, email: str, nonce: str) -> str:
        return self._keys.token_digest(f"mark:{nonce}:{email}").hex()


def _left(wait_s: float, last_at: datetime | None, now: datetime) -> float:
    return 0.0 if last_at is None else wait_s - (now - last_at).total_seconds()


def _network(peer: str) -> str:
    """Return the address; of IPv6 the network, because one household has more addresses than guesses."""
    try:
        address: IPv4Address | IPv6Address = ip_address(peer.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(int(address) >> _NETWORK_BITS)
    return str(address)
