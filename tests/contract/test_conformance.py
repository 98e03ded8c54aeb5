"""The conformance kit: what ships passes it, and it catches every bug planted into what ships (BEYOND 27 and 28)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from connectors.beds24 import CONNECTOR, DOOR, webhooks, wire
from connectors.beds24.simulator import create
from connectors.kit.conformance import RULES, Evidence, certify
from connectors.kit.http import open_client
from mappers.beds24 import MAPPER
from pms_sync.ports.connector import (
    Connector,
    ConnectorContext,
    Page,
    Window,
)
from tests.contract.planted_bugs import (
    CallsAtOnce,
    CountingDoor,
    DiesOnNonsense,
    DoorBug,
    DropsTies,
    FetchesOneByOne,
    ForeignIsAbsent,
    ForgetfulDoor,
    FragileDoor,
    GuessesStatus,
    HtmlIsEmpty,
    IgnoresAbsent,
    LimitIsAway,
    LosesRooms,
    MapperBug,
    OpenDoor,
    ProvesAnything,
    ReadsForwardOnly,
    RefusedIsRetried,
    RepeatsByItself,
    SkipsLastPage,
    SloppyDoor,
    TellsSecrets,
    TroubleIsAbsence,
    Wrapped,
    WrongNameDoor,
    bend_revisions,
    bend_stays,
)


def client(base_url: str) -> httpx.AsyncClient:
    """Open the product's own client, allowed to reach loopback."""
    return open_client(base_url, ca_file=None, allow_private=True)


async def certified(*rules: str, plugin: Any = CONNECTOR, door: Any = DOOR, mapper: Any = MAPPER) -> Evidence:
    """Certify Beds24 with some of its parts exchanged."""
    return await certify(plugin, door, mapper, create, open_client=client, only=rules or None)


async def test_beds24_passes_every_rule() -> None:
    """And its evidence can be handed on as JSON."""
    evidence = await certified()
    assert [(item.rule, item.detail) for item in evidence.items if not item.ok] == []
    assert evidence.ok
    document = msgspec.json.decode(msgspec.json.encode(evidence.document()))
    assert (document["vendor"], document["rules"], document["failed"]) == ("beds24", len(RULES), 0)
    assert document["items"][0].keys() == {"rule", "ok", "detail"}
    assert [item["rule"] for item in document["items"]] == list(RULES)


def _with(make: Callable[[Connector], Connector] | Any) -> Any:
    return msgspec.structs.replace(CONNECTOR, connect=lambda context: make(CONNECTOR.connect(context)))


def _telling_secrets() -> Any:
    return msgspec.structs.replace(CONNECTOR, connect=lambda context: TellsSecrets(CONNECTOR.connect(context), context))


def _without_reports() -> Any:
    def connect(context: ConnectorContext) -> Connector:
        return CONNECTOR.connect(msgspec.structs.replace(context, report=lambda _facts: None))

    return msgspec.structs.replace(CONNECTOR, connect=connect)


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        (SkipsLastPage, "paging.to_the_end"),
        (DropsTies, "paging.ties"),
        (ReadsForwardOnly, "paging.late_commits"),
        (ReadsForwardOnly, "paging.equal_second_read"),
        (RepeatsByItself, "faults.500"),
        (RepeatsByItself, "limits.retry_after"),
        (CallsAtOnce, "calls.serial"),
        (HtmlIsEmpty, "faults.html_200"),
        (HtmlIsEmpty, "faults.truncated"),
        (TroubleIsAbsence, "faults.dropped_after"),
        (TroubleIsAbsence, "faults.timeout"),
        (IgnoresAbsent, "fetch.absent"),
        (ForeignIsAbsent, "fetch.not_ours"),
        (FetchesOneByOne, "fetch.batches"),
        (LimitIsAway, "limits.no_word"),
        (RefusedIsRetried, "auth.refused_for_ever"),
        (ProvesAnything, "paging.calibration"),
        (LosesRooms, "catalogue.complete"),
    ],
)
async def test_a_bug_in_a_connector_is_caught(planted: type[Wrapped], rule: str) -> None:
    """One planted bug, one rule that must see it."""
    evidence = await certified(rule, plugin=_with(planted))
    assert evidence.failed == (rule,)


async def test_a_fault_that_repeats_a_credential_is_caught() -> None:
    """Faults are logged and shown."""
    assert (await certified("faults.500", plugin=_telling_secrets())).failed == ("faults.500",)


async def test_a_connector_that_hides_the_budget_is_caught() -> None:
    """The vendor told a cost."""
    assert (await certified("calls.budget_facts", plugin=_without_reports())).failed == ("calls.budget_facts",)


@pytest.mark.parametrize("rule", ["meaning.seeded_truth", "meaning.changed_truth"])
async def test_a_connector_that_forgets_cancelled_bookings_is_caught(
    monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    """Beds24 leaves them out unless every status is named (vendors/beds24.md 5.1)."""
    monkeypatch.setattr(wire, "STATUSES", tuple(pair for pair in wire.STATUSES if pair[1] != "cancelled"))
    evidence = await certified(rule)
    assert evidence.failed == (rule,)
    assert "was not listed" in evidence.items[0].detail


async def test_subscribing_over_a_foreign_receiver_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another product's line is not ours to drop."""
    real = webhooks.desired
    monkeypatch.setattr(webhooks, "desired", lambda _found, url, secret: real(wire.Webhooks(), url, secret))
    assert (await certified("door.subscribes_once")).failed == ("door.subscribes_once",)


MAPPERS: dict[str, tuple[Any, str]] = {
    "guesses an unknown status": (GuessesStatus(), "meaning.unknown_word"),
    "dies on nonsense": (DiesOnNonsense(lambda mapped: mapped), "meaning.total_and_pure"),
    "wrong room of the stay": (
        MapperBug(bend_stays(room_ref=lambda stay: stay.room_ref and f"{stay.room_ref[:-1]}9")),
        "meaning.seeded_truth",
    ),
    "a day too long": (
        MapperBug(bend_stays(departure=lambda stay: stay.departure + timedelta(days=1))),
        "meaning.seeded_truth",
    ),
    "nights without prices": (
        MapperBug(bend_stays(nights=lambda stay: stay.nights[:-1])),
        "meaning.changed_truth",
    ),
    "forgets the guest": (MapperBug(bend_revisions(booker=msgspec.UNSET)), "meaning.seeded_truth"),
    "forgets the bill": (MapperBug(bend_revisions(folio_lines=())), "meaning.changed_truth"),
    "calls a part the whole": (MapperBug(bend_revisions(siblings_complete=True)), "meaning.changed_truth"),
    "loses blocks": (
        MapperBug(lambda mapped: msgspec.structs.replace(mapped, blocks=())),
        "meaning.seeded_truth",
    ),
    "hides unmapped codes": (
        MapperBug(lambda mapped: msgspec.structs.replace(mapped, unmapped=())),
        "meaning.crosswalk",
    ),
    "one version for ever": (MapperBug(bend_revisions(version="1")), "meaning.versions_grow"),
}


@pytest.mark.parametrize("bug", MAPPERS)
async def test_a_bug_in_a_mapper_is_caught(bug: str) -> None:
    """One planted bug, one rule that must see it."""
    mapper, rule = MAPPERS[bug]
    assert (await certified(rule, mapper=mapper)).failed == (rule,)


@pytest.mark.parametrize(
    ("door", "rule"),
    [
        (OpenDoor, "door.keeps_out"),
        (SloppyDoor, "door.keeps_out"),
        (ForgetfulDoor, "door.lets_in"),
        (FragileDoor, "door.nonsense"),
        (WrongNameDoor, "door.knows_the_object"),
        (CountingDoor, "door.duplicates"),
    ],
)
async def test_a_bug_in_a_door_is_caught(door: type[DoorBug], rule: str) -> None:
    """One planted bug, one rule that must see it."""
    assert (await certified(rule, door=door())).failed == (rule,)


async def test_a_simulator_whose_truth_lies_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth is tried as much as the mapper."""
    truth = "connectors.beds24.simulator.truth.revisions"
    real: Callable[[Any], list[dict[str, Any]]] = __import__(
        "connectors.beds24.simulator.truth", fromlist=["revisions"]
    ).revisions
    monkeypatch.setattr(truth, lambda hotel: [one | {"notes": "never said"} for one in real(hotel)])
    assert (await certified("meaning.seeded_truth")).failed == ("meaning.seeded_truth",)


async def test_a_plugin_without_webhooks_is_not_blamed_for_having_none() -> None:
    """A capability that is not claimed is not tried."""
    spec = msgspec.structs.replace(CONNECTOR.spec, capabilities=CONNECTOR.spec.capabilities - {"webhooks"})
    silent = msgspec.structs.replace(CONNECTOR, spec=spec)
    evidence = await certified("door.subscribes_once", "door.keeps_out", plugin=silent)
    assert {item.detail for item in evidence.items} == {"not declared: webhooks"}
    assert evidence.ok


async def test_whatever_a_plugin_raises_becomes_a_finding() -> None:
    """A certification always ends in evidence."""

    class Explodes(Wrapped):
        async def pull(self, stream: str, window: Window, page: str | None) -> Page:
            message = f"{stream}, {window}, {page}"
            raise ZeroDivisionError(message)

    evidence = await certified("paging.ties", "faults.500", plugin=_with(Explodes))
    assert evidence.failed == ("faults.500", "paging.ties")
    assert "ZeroDivisionError" in evidence.items[0].detail


async def test_a_rule_that_does_not_exist_is_the_callers_mistake() -> None:
    """Otherwise a misspelt rule would count as kept."""
    with pytest.raises(KeyError, match="no_such_rule"):
        await certified("no_such_rule")
