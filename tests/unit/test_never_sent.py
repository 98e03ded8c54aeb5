"""Faults that tell that a call never left, so that a write needs no look-up before it is tried again."""

from __future__ import annotations

import pytest

from connectors.kit import rest
from connectors.kit.auth import CredentialsRefused
from pms_sync.domain.errors import VendorFault
from pms_sync.resilience.breaker import VendorAway
from pms_sync.resilience.budget import Budget, BudgetFull, Priority


def test_an_open_breaker_sends_nothing() -> None:
    assert not VendorAway("account", 5.0).sent


async def test_a_full_queue_sends_nothing() -> None:
    """The call never had its turn."""
    budget = Budget(credits=1, window_s=60, max_waiters=0)
    with pytest.raises(BudgetFull) as caught:
        async with budget.slot(Priority.PUSH):
            pass
    assert not caught.value.sent


@pytest.mark.parametrize("fault", [rest.Blocked, rest.Limited, rest.Unauthorized, rest.Forbidden, CredentialsRefused])
def test_being_turned_away_is_not_being_sent(fault: type[rest.CallFault]) -> None:
    assert not fault("turned away").sent


@pytest.mark.parametrize("fault", [rest.Unreachable, rest.ServerTrouble, rest.NotJson, rest.Redirected, rest.TooLarge])
def test_anything_else_may_have_taken_effect(fault: type[rest.CallFault]) -> None:
    """And so may a fault of which nothing is known."""
    assert fault("lost").sent
    assert VendorFault("unknown").sent
