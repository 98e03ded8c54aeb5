"""Passwords: what they cost to compare, what a new one must not be, and that a crowd waits in line."""

from __future__ import annotations

import asyncio
import threading
from secrets import token_bytes

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from pms_sync.auth.faults import TooSoon
from pms_sync.auth.passwords import Cost, Passwords, check_new
from pms_sync.domain.errors import ConfigurationFault

CHEAP = Cost(memory_kib=64, rounds=1)


class Slow(Passwords):
    """Comparisons that last until they are let go, with the most there were at once."""

    def __init__(self, at_once: int, in_line: int = 256) -> None:
        """Begin with the gate closed."""
        super().__init__(token_bytes, CHEAP, at_once=at_once, in_line=in_line)
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)
        self._lock = threading.Lock()
        self.working, self.most = 0, 0

    def _compare(self, stored: str, password: bytes) -> bool:
        with self._lock:
            self.working += 1
            self.most = max(self.most, self.working)
        self.begun.release()
        assert self.gate.wait(20)
        with self._lock:
            self.working -= 1
        return bool(stored and password)


async def test_a_hash_is_argon2id_at_the_cost_that_owasp_asks_for() -> None:
    """RELIABILITY 5.5: m = 19 MiB, t = 2, p = 1."""
    told = extract_parameters(await Passwords(token_bytes).hash("quite-long-words"))
    assert (told.type, told.memory_cost, told.time_cost, told.parallelism) == (Type.ID, 19_456, 2, 1)
    assert (told.salt_len, told.hash_len) == (16, 32)


async def test_only_the_password_fits_its_hash() -> None:
    passwords = Passwords(token_bytes, CHEAP)
    stored = await passwords.hash("quite-long-words")
    assert "quite" not in stored
    assert await passwords.hash("quite-long-words") != stored
    assert await passwords.fits("quite-long-words", stored)
    for wrong in ("quite-long-word", "Quite-long-words", "", "quite-long-words "):
        assert not await passwords.fits(wrong, stored)


async def test_nobody_has_no_password_and_costs_as_much() -> None:
    """SEC-06: an unknown account is compared too, with a hash of the same cost that nothing fits."""
    passwords = Passwords(token_bytes)
    compared = []
    compare = passwords._compare

    def counted(stored: str, password: bytes) -> bool:
        compared.append(extract_parameters(stored))
        return compare(stored, password)

    passwords._compare = counted  # type: ignore[method-assign]
    assert not await passwords.fits("", None)
    assert not await passwords.fits("quite-long-words", None)
    assert not await passwords.fits("quite-long-words", await passwords.hash("other"))
    assert len(compared) == 3
    assert len({str(one) for one in compared}) == 1


async def test_a_stored_text_that_is_no_hash_fits_nothing() -> None:
    assert not await Passwords(token_bytes, CHEAP).fits("x", "$argon2id$broken")


async def test_one_keyboard_and_another_write_the_same_password() -> None:
    passwords = Passwords(token_bytes, CHEAP)
    assert await passwords.fits("Cafe\u0301-Noe\u0308l-7", await passwords.hash("Caf\u00e9-No\u00ebl-7"))


async def test_a_hash_of_another_cost_is_told() -> None:
    old = await Passwords(token_bytes, CHEAP).hash("quite-long-words")
    assert Passwords(token_bytes).is_outdated(old)
    assert not Passwords(token_bytes, CHEAP).is_outdated(old)


async def test_a_crowd_waits_in_line_and_the_loop_stays_free() -> None:
    """RELIABILITY 5.5: 64 parallel sign-ins must not stall webhooks."""
    passwords = Slow(at_once=2)
    crowd = [asyncio.create_task(passwords.fits("x", "y")) for _ in range(64)]
    assert await asyncio.to_thread(passwords.begun.acquire, timeout=20)
    assert await asyncio.to_thread(passwords.begun.acquire, timeout=20)
    assert not any(one.done() for one in crowd)
    passwords.gate.set()
    assert all(await asyncio.gather(*crowd))
    assert passwords.most == 2


async def test_a_line_that_is_too_long_sends_people_away() -> None:
    passwords = Slow(at_once=1, in_line=3)
    crowd = [asyncio.create_task(passwords.fits("x", "y")) for _ in range(3)]
    assert await asyncio.to_thread(passwords.begun.acquire, timeout=20)
    with pytest.raises(TooSoon) as soon:
        await passwords.fits("x", "y")
    assert soon.value.retry_s == 1
    passwords.gate.set()
    assert all(await asyncio.gather(*crowd))
    assert await passwords.fits("x", "y")


@pytest.mark.parametrize(
    "password",
    ["password", "Password123!", "P@ssw0rd2026", "12345678", "87654321", "qwertyuiop", "aaaaaaaa", "abcabcabc",
     "1q2w3e4r", "Summer2026!", "letmein1", "Frontdesk#1", "hotel2026", "pms-sync-1", "ANNA.SMITH1",
     "anna.smith@example.org", "Miller!!99"],
)  # fmt: skip
def test_what_attackers_try_first_is_refused(password: str) -> None:
    """ASVS 6.2.4, 6.2.11: common ones under their usual disguises, and words about the person."""
    with pytest.raises(ConfigurationFault) as refused:
        check_new(password, "anna.smith@example.org", "Anna Miller")
    assert "attackers try first" in refused.value.what


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "8301947562", "zwölf-Boxkämpfer", "mews kittens 9", "  spaces count  ",
     "w" * 3 + "xy" * 30, "x9" + "lang" * 20, "\N{GRINNING FACE}" * 2 + "abstrus"],
)  # fmt: skip
def test_any_other_eight_characters_will_do(password: str) -> None:
    """ASVS 6.2.1, 6.2.5, 6.2.9: no rules of composition, at least 64 characters allowed."""
    check_new(password, "anna.smith@example.org", None)


@pytest.mark.parametrize("password", ["", "seven-7", "x" * 513 + "y"])
def test_too_short_and_too_long_are_refused(password: str) -> None:
    with pytest.raises(ConfigurationFault):
        check_new(password)
