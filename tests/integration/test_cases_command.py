"""`cases` as an operator types it: listed, shown and resolved, with what follows really written and planned."""

from __future__ import annotations

import asyncio
import uuid
from datetime import date
from typing import Any

import pytest

from pms_sync.cli.cases import _setting
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.command_line import ID, Machine, Told
from tests.integration.desk_hotel import TEXT, DeskHotel
from tests.integration.test_reviews import FIRST, SECOND, met

COLUMNS = {
    "id", "version", "kind", "severity", "state", "property_code", "reservation_ids", "fields", "opened_at", "due_at",
    "resolved_at", "resolved_by",
}  # fmt: skip


@pytest.fixture
def desk(database: Database, keys: KeyRing, hotel: Any) -> DeskHotel:
    return DeskHotel(database, keys, hotel)


async def cases(machine: Machine, *words: str) -> Told:
    """Run `pms-sync cases …` beside the test's own event loop."""
    return await asyncio.to_thread(machine.invoke, "cases", *words)


async def stay_of(desk: DeskHotel) -> tuple[date, date]:
    """Return the dates of the one stay."""
    [stay] = await desk.house.rows("SELECT arrival, departure FROM room_stays")
    return stay["arrival"], stay["departure"]


@pytest.mark.usefixtures("hotel")
async def test_an_empty_list_is_no_finding(machine: Machine) -> None:
    """PUBLIC_SURFACE: lists never exit 1."""
    told = await cases(machine, "list", "--json")
    assert (told.code, told.document) == (0, {"items": []})
    assert (await cases(machine, "list")).stdout == "No cases.\n"


async def test_cases_are_listed_worst_first_with_the_columns_of_the_view(machine: Machine, desk: DeskHotel) -> None:
    mild = await desk.case("mass_change", severity=4, link=False)
    bad = await desk.case("same_atom", TEXT, severity=1)
    told = await cases(machine, "list", "--json")
    assert told.code == 0
    assert [one["id"] for one in told.document["items"]] == [str(bad), str(mild)]
    assert set(told.document["items"][0]) == COLUMNS
    for state, number in (("open", 2), ("resolved", 0), ("withdrawn", 0), ("all", 2)):
        found = await cases(machine, "list", "--state", state, "--json")
        assert len(found.document["items"]) == number, state
    plain = await cases(machine, "list")
    assert plain.stdout.splitlines()[1].startswith(f"{bad}\t1\tsame_atom\t1\topen\tP1\t")


async def test_every_tenants_cases_are_the_operators(
    machine: Machine, desk: DeskHotel, database: Database, keys: KeyRing
) -> None:
    case = await desk.case("same_atom", TEXT)
    async with database.transaction() as connection:
        other = uuid.uuid4()
        await connection.execute("INSERT INTO tenants VALUES ($1, 't0')", other)
        await keys.ensure(connection, other)
    told = await cases(machine, "show", str(case), "--json")
    assert told.document["id"] == str(case)


async def test_personal_values_stay_hidden(machine: Machine, desk: DeskHotel) -> None:
    """PRV: as `explain` does; only that they differ is told."""
    case = await desk.case("same_atom", TEXT)
    for words in (("show", str(case)), ("show", str(case), "--json"), ("list", "--json")):
        told = await cases(machine, *words)
        assert told.code == 0
        assert "late arrival" not in told.stdout
    assert "(personal)" in (await cases(machine, "show", str(case))).stdout


async def test_taking_their_side_writes_it_here_and_plans_nothing(machine: Machine, desk: DeskHotel) -> None:
    case = await desk.stored(await desk.contested())
    planned = "SELECT intent_id, state, paths, held_until FROM intents"
    before = await desk.house.rows(planned)
    told = await cases(machine, "resolve", str(case["case_id"]), "--version", "1", "--take", "there", "--json")
    assert told.code == 0, told
    assert set(told.document) == COLUMNS
    assert told.document["state"] == "resolved"
    assert told.document["resolved_by"].startswith("cli:")
    assert await stay_of(desk) == (date(2026, 3, 9), date(2026, 3, 12))
    assert await desk.house.rows(planned) == before


async def test_a_side_with_another_value_over_it_is_written_and_planned_after_the_undo_window(
    machine: Machine, desk: DeskHotel
) -> None:
    case = await desk.stored(await desk.contested())
    told = await cases(
        machine, "resolve", str(case["case_id"]), "--version", "1", "--take", "there",
        "--set", "room_stays[1001].departure=2026-03-14", "--json",
    )  # fmt: skip
    assert told.code == 0, told
    assert await stay_of(desk) == (date(2026, 3, 9), date(2026, 3, 14))
    [planned] = await desk.house.rows("SELECT paths, held_until > now() AS held FROM intents WHERE state = 'planned'")
    assert planned["held"]
    assert [path for path in planned["paths"] if path.endswith(".shape")]


async def test_an_older_version_is_refused_and_nothing_written(machine: Machine, desk: DeskHotel) -> None:
    """CON-05: with the version that stands now, and what to do."""
    case = await desk.stored(await desk.contested())
    before = await stay_of(desk)
    told = await cases(machine, "resolve", str(case["case_id"]), "--version", "7", "--take", "there", "--json")
    assert told.code == 2
    assert "version 1" in told.error["what"]
    assert await stay_of(desk) == before
    assert (await desk.stored(case["case_id"]))["state"] == "open"


async def test_a_decision_is_taken_back_and_refused_once_its_time_is_over(machine: Machine, desk: DeskHotel) -> None:
    case = str((await desk.stored(await desk.contested()))["case_id"])
    before = await stay_of(desk)
    assert (await cases(machine, "resolve", case, "--version", "1", "--take", "there")).code == 0
    assert await stay_of(desk) != before
    assert (await cases(machine, "undo", case, "--version", "1", "--json")).code == 2
    told = await cases(machine, "undo", case, "--version", "2", "--json")
    assert (told.code, told.document["state"], told.document["version"]) == (0, "open", 3)
    assert await stay_of(desk) == before
    assert (await cases(machine, "resolve", case, "--version", "3", "--take", "there")).code == 0
    await desk.house.rows("UPDATE cases SET resolved_at = now() - interval '1 h' RETURNING case_id")
    late = await cases(machine, "undo", case, "--version", "4", "--json")
    assert late.code == 2
    assert "may have been sent" in late.error["what"]


async def test_a_review_is_resolved_in_part_and_then_whole(
    machine: Machine, database: Database, keys: KeyRing, hotel: Any
) -> None:
    """One review an account: what is set alone is decided alone, and the rest stays open."""
    meeting = await met(database, keys, hotel)
    case = str((await meeting.both())["case_id"])
    part = f"{FIRST.removesuffix('shape')}departure=2026-03-15"
    told = await cases(machine, "resolve", case, "--version", "2", "--set", part, "--json")
    assert (told.code, told.document["state"]) == (0, "open"), told
    assert [one["path"] for one in told.document["fields"]] == [SECOND]
    assert set(told.document["fields"][0]) == {"path", "base", "here", "there", "suggested", "rule"}
    told = await cases(machine, "resolve", case, "--version", "3", "--take", "there", "--json")
    assert (told.code, told.document["state"]) == (0, "resolved")
    assert await meeting.departures() == [15, 13]
    wrong = await cases(
        machine, "resolve", case, "--version", "4", "--set", "reservations[a=b].folio_lines[1].text=x=y"
    )
    assert wrong.code == 2


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("notes=[a]=b", "notes", "[a]=b"),
        ("room_stays[a=b].arrival=2026-03-10", "room_stays[a=b].arrival", "2026-03-10"),
        ("reservations[a=b].folio_lines[c=d].text=x=y", "reservations[a=b].folio_lines[c=d].text", "x=y"),
    ],
)  # fmt: skip
def test_what_is_set_is_parted_from_where(text: str, path: str, value: str) -> None:
    """A vendor's ref may hold an equals sign."""
    assert _setting(text) == (path, value)


async def test_what_is_wrong_with_the_values_is_said(machine: Machine, desk: DeskHotel) -> None:
    case = str((await desk.stored(await desk.contested()))["case_id"])
    given = ("resolve", case, "--version", "1", "--json")
    for words in ((), ("--set", "room_stays[1001].departure=yesterday", "--take", "here"),
                  ("--take", "here", "--set", "total=1")):  # fmt: skip
        told = await cases(machine, *given, *words)
        assert told.code == 2, words
        assert told.error["where"], words
    assert (await desk.stored(uuid.UUID(case)))["state"] == "open"


async def test_a_room_sold_twice_is_settled_without_choices(machine: Machine, desk: DeskHotel) -> None:
    case = await desk.sold_twice()
    told = await cases(machine, "resolve", str(case), "--version", "1", "--json")
    assert (told.code, told.document["state"]) == (0, "resolved")
    again = await cases(machine, "resolve", str(case), "--version", "2", "--json")
    assert again.code == 2


@pytest.mark.parametrize("case", [ID, "x", "'; DROP TABLE cases --"])
@pytest.mark.usefixtures("hotel")
async def test_an_unknown_case_is_said(machine: Machine, case: str) -> None:
    for words in (
        ("show", case), ("resolve", case, "--version", "1", "--take", "here"), ("undo", case, "--version", "1"),
    ):  # fmt: skip
        told = await cases(machine, *words, "--json")
        assert told.code == 2
        assert told.error["what"].startswith("there is no case")


@pytest.mark.parametrize(
    "words",
    [("list", "--state", "x"), ("resolve", ID), ("undo", ID), ("resolve", ID, "--version", "x"), ("show",),
     ("resolve", ID, "--version", "1", "--take", "both"), ("resolve", ID, "--version", "1", "--set", "notes"),
     ("resolve", ID, "--version", "1", "--set", "=x")],
)  # fmt: skip
async def test_a_command_that_cannot_be_is_a_usage_error(machine: Machine, words: tuple[str, ...]) -> None:
    assert (await cases(machine, *words)).code == 2


async def test_without_a_database_the_answer_is_3(machine: Machine) -> None:
    told = await asyncio.to_thread(
        machine.invoke, "cases", "list", "--json", DATABASE_URL="postgresql://a@127.0.0.1:1/x"
    )
    assert told.code == 3
