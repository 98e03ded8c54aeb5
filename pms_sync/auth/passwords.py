"""Passwords: Argon2id beside the event loop, a few at once, and what a new password must not be.

A comparison costs the same whether the account exists or not, and a crowd that signs in waits in line instead of taking
every processor from the doors (RELIABILITY §5.5).
"""

from __future__ import annotations

import asyncio
import base64
import os
import unicodedata
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from pms_sync.auth.common_passwords import is_common
from pms_sync.auth.faults import TooSoon
from pms_sync.domain.errors import ConfigurationFault

T = TypeVar("T")

SHORTEST, LONGEST = 8, 512
_SALT_BYTES, _HASH_BYTES = 16, 32
_REMEDY = "any 8 or more characters that nobody would guess; a few unrelated words are fine"


class Cost(NamedTuple):
    """What one comparison takes; the defaults are the least that OWASP recommends."""

    memory_kib: int = 19_456
    rounds: int = 2
    lanes: int = 1


def _processors_to_spare() -> int:
    """Leave one processor to the event loop."""
    return max(1, (os.cpu_count() or 1) - 1)


class Passwords:
    """Makes and compares password hashes; one object per process."""

    def __init__(
        self,
        random_bytes: Callable[[int], bytes],
        cost: Cost | None = None,
        *,
        at_once: int | None = None,
        in_line: int = 256,
    ) -> None:
        """Let `at_once` threads work and `in_line` callers wait for them."""
        chosen = cost or Cost()
        self._random_bytes, self._in_line = random_bytes, in_line
        self._hasher = PasswordHasher(chosen.rounds, chosen.memory_kib, chosen.lanes, _HASH_BYTES, _SALT_BYTES)
        self._free = asyncio.Semaphore(at_once or _processors_to_spare())
        self._waiting = 0
        self._nobodys = _shaped_like_a_hash(chosen, random_bytes)

    async def hash(self, password: str) -> str:
        """Return the hash of a new password, with its salt and cost."""
        salt = self._random_bytes(_SALT_BYTES)
        return await self._beside(lambda: self._hasher.hash(_bytes(password), salt=salt))

    async def fits(self, password: str, stored: str | None) -> bool:
        """Tell whether the password is the stored one; None takes the same time and never fits. Raises TooSoon."""
        fits = await self._beside(lambda: self._compare(stored or self._nobodys, _bytes(password)))
        return fits and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Tell whether the hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _compare(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._in_line:
            raise TooSoon(1.0)
        self._waiting += 1
        try:
            async with self._free:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def check_new(password: str, *about: str | None) -> None:
    """Refuse a password that is too short, too long, or the first an attacker tries; raises ConfigurationFault.

    `about` are words that belong to the person: the e-mail, the name.
    """
    length = len(unicodedata.normalize("NFKC", password))
    if length < SHORTEST:
        raise ConfigurationFault(f"the password has fewer than {SHORTEST} characters", "password", _REMEDY)
    if length > LONGEST:
        raise ConfigurationFault(f"the password has more than {LONGEST} characters", "password", "choose a shorter one")
    if is_common(password, about):
        raise ConfigurationFault("the password is one that attackers try first", "password", _REMEDY)


def _bytes(password: str) -> bytes:
    """Write a password as one keyboard and another would both mean it."""
    return unicodedata.normalize("NFKC", password[: LONGEST * 4]).encode("utf-8", "surrogatepass")


def _shaped_like_a_hash(cost: Cost, random_bytes: Callable[[int], bytes]) -> str:
    salt, digest = (base64.b64encode(random_bytes(size)).rstrip(b"=").decode() for size in (_SALT_BYTES, _HASH_BYTES))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.rounds},p={cost.lanes}${salt}${digest}"
