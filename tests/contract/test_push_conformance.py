"""The rules of writing: what ships keeps them, and they catch every bug planted into what ships (BEYOND 27 and 28)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from connectors.beds24 import CONNECTOR, DOOR, pushing
from connectors.beds24.simulator import create
from connectors.kit.conformance import RULES, Evidence, certify
from connectors.kit.http import open_client
from mappers.beds24 import MAPPER
from tests.contract.planted_bugs import Wrapped
from tests.contract.planted_push_bugs import (
    AlwaysSent,
    DropsTheRef,
    FindsEverything,
    FindsNothing,
    ForgetsItsMark,
    ForgetsTheNewRef,
    NeverSent,
    OneForAll,
    ProjectsItsOwnWord,
    PushesAtOnce,
    PushesTwice,
    TakesHttpForTheVerdict,
    TakesTheFirst,
    UnsureIsAbsent,
    WriterBug,
    WritesEverything,
)

PUSH_RULES = [name for name in RULES if name.startswith("push.")]


def client(base_url: str) -> httpx.AsyncClient:
    """Open the product's own client, allowed to reach loopback."""
    return open_client(base_url, ca_file=None, allow_private=True)


async def certified(*rules: str, plugin: Any = CONNECTOR, mapper: Any = MAPPER) -> Evidence:
    """Certify Beds24 with some of its parts exchanged."""
    return await certify(plugin, DOOR, mapper, create, open_client=client, only=rules)


async def test_beds24_keeps_every_rule_of_writing() -> None:
    """OUT-06, OUT-08: and the evidence says what was seen."""
    evidence = await certified(*PUSH_RULES)
    assert [(item.rule, item.detail) for item in evidence.items if not item.ok] == []
    assert all(item.detail for item in evidence.items)


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        (PushesTwice, "push.no_retry"),
        (PushesTwice, "push.turned_away"),
        (PushesAtOnce, "push.order"),
        (PushesAtOnce, "push.per_item_verdict"),
        (TakesHttpForTheVerdict, "push.per_item_verdict"),
        (OneForAll, "push.per_item_verdict"),
        (ForgetsTheNewRef, "push.order"),
        (NeverSent, "push.no_retry"),
        (AlwaysSent, "push.turned_away"),
        (FindsNothing, "push.create_found_by_token"),
        (FindsNothing, "push.unknown_outcome_looked_up"),
        (FindsEverything, "push.unknown_outcome_looked_up"),
        (FindsEverything, "push.two_are_unsure"),
        (TakesTheFirst, "push.two_are_unsure"),
        (UnsureIsAbsent, "push.two_are_unsure"),
    ],
)
async def test_a_bug_in_a_connector_that_writes_is_caught(planted: type[Wrapped], rule: str) -> None:
    """One planted bug, one rule that must see it."""
    wrapped = msgspec.structs.replace(CONNECTOR, connect=lambda context: planted(CONNECTOR.connect(context)))
    assert (await certified(rule, plugin=wrapped)).failed == (rule,)


def _without(*names: str) -> Any:
    return lambda item: {name: value for name, value in item.items() if name not in names}


WRITERS: dict[str, tuple[Any, str]] = {
    "loses the price": (WriterBug(_without("price")), "push.readback_equals"),
    "loses the room": (WriterBug(_without("unitId")), "push.readback_equals"),
    "loses the guest's name": (WriterBug(_without("lastName", "firstName")), "push.readback_equals"),
    "leaves no mark": (WriterBug(_without("infoItems")), "push.create_found_by_token"),
    "does not read its mark": (ForgetsItsMark(), "push.create_found_by_token"),
    "writes the whole booking": (WritesEverything(), "push.only_what_was_named"),
    "makes a second booking of a change": (DropsTheRef(), "push.only_what_was_named"),
    "cancels nothing": (WriterBug(_without("status")), "push.cancels"),
    "has its own word for what stands": (ProjectsItsOwnWord(), "push.held_as_it_is"),
}


@pytest.mark.parametrize("bug", WRITERS)
async def test_a_bug_in_a_mapper_that_writes_is_caught(bug: str) -> None:
    """One planted bug, one rule that must see it."""
    mapper, rule = WRITERS[bug]
    assert (await certified(rule, mapper=mapper)).failed == (rule,)


async def test_a_look_up_that_does_not_know_its_own_mark_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every lost create would be made again."""
    monkeypatch.setattr(pushing, "is_marked", lambda _row, _sent: False)
    monkeypatch.setattr(pushing, "is_alike", lambda _row, _sent, _since: False)
    assert (await certified("push.create_found_by_token")).failed == ("push.create_found_by_token",)


async def test_a_vendor_that_lags_and_says_so_is_not_blamed() -> None:
    """Its connector declares how long a write takes to show."""
    spec = msgspec.structs.replace(CONNECTOR.spec, read_lag=timedelta(seconds=2))
    evidence = await certified("push.read_lag", "push.cancels", plugin=msgspec.structs.replace(CONNECTOR, spec=spec))
    assert evidence.ok


async def test_a_plugin_that_only_reads_is_not_blamed_for_not_writing() -> None:
    """A capability that is not claimed is not tried."""
    spec = msgspec.structs.replace(CONNECTOR.spec, capabilities=CONNECTOR.spec.capabilities - {"push"})
    evidence = await certified(*PUSH_RULES, plugin=msgspec.structs.replace(CONNECTOR, spec=spec))
    assert {item.detail for item in evidence.items} == {"not declared: push"}
    assert evidence.ok
