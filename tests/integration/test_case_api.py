"""Cases over HTTP: listed, read and resolved with a token, as the OpenAPI document says."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from pms_sync.api.guard import bearer
from pms_sync.api.problems import problems
from pms_sync.api.routes import api_routes
from pms_sync.apply.answering import Answering
from pms_sync.apply.deciding import CaseMoved
from pms_sync.apply.resolving import TooLate
from pms_sync.auth.roles import ROLES
from pms_sync.domain.errors import MappingRejected
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.sealing import KeyRing
from tests.integration.desk_hotel import BOOKER, DATES, NOTES, SHAPE, TEXT, WHO, DeskHotel, row
from tests.integration.served_api import Api, Client, PlainDesk
from tests.integration.served_pages import serving
from tests.integration.signing_in import Watch, audit

CASES = "/api/pms/cases"
COLUMNS = {
    "id", "version", "kind", "severity", "state", "property_code", "reservation_ids", "fields", "opened_at", "due_at",
    "resolved_at", "resolved_by",
}  # fmt: skip


@pytest.fixture
def desk(database: Database, keys: KeyRing, hotel: Any) -> DeskHotel:
    return DeskHotel(database, keys, hotel)


@pytest.fixture
def watch() -> Watch:
    clock = Watch()
    clock.time = datetime(2026, 3, 8, 9, tzinfo=UTC)
    return clock


@pytest_asyncio.fixture
async def api(database: Database, keys: KeyRing, desk: DeskHotel, watch: Watch) -> AsyncIterator[Api]:
    """Serve the API with somebody who follows choices; `changes` counts what was told to wake the outbox."""
    found: list[Api] = []

    def changed() -> None:
        found[0].changes += 1

    answering = Answering(database, desk.resolver, changed)
    async with serving(
        database,
        keys,
        clock=watch,
        extra=lambda people: api_routes(people, new_id, orders=None, answering=answering),
        inside=[lambda _: problems, bearer],
    ) as site:
        found.append(Api(site, database, PlainDesk(keys), watch))
        yield found[0]


@pytest_asyncio.fixture
async def anna(api: Api, hotel: Any) -> Client:
    """Give a manager's client."""
    return await api.person(hotel.tenant_id)


async def resolve(client: Client, case_id: uuid.UUID, version: int = 1, *choices: Any) -> httpx.Response:
    """Send an answer to a case."""
    return await client.post(f"{CASES}/{case_id}/resolve", {"version": version, "choices": list(choices)})


def take(path: str, side: str) -> dict[str, str]:
    """Write the choice of a side."""
    return {"path": path, "take": side}


async def test_cases_have_the_columns_of_the_public_view(api: Api, anna: Client, desk: DeskHotel, watch: Watch) -> None:
    """PUBLIC_SURFACE: Case = the columns of pms_public.cases, with the same values."""
    case = await desk.dates(age=watch.time, due=watch.time + timedelta(hours=4))
    answer = await anna.get(CASES)
    await api.assert_documented(answer)
    [told] = answer.json()["items"]
    assert set(told) == COLUMNS
    assert told["id"] == str(case)
    assert (told["version"], told["kind"], told["severity"], told["state"]) == (1, "same_atom", 2, "open")
    assert (told["opened_at"], told["due_at"]) == ("2026-03-08T09:00:00Z", "2026-03-08T13:00:00Z")
    assert told["fields"] == [DATES]
    async with desk.database.transaction() as connection:
        await connection.execute("SET LOCAL ROLE pms_sync_reader")
        seen = await connection.fetchrow("SELECT * FROM pms_public.cases")
    assert set(seen.keys()) >= COLUMNS
    assert [str(one) for one in seen["reservation_ids"]] == told["reservation_ids"]
    one = await anna.get(f"{CASES}/{case}")
    await api.assert_documented(one)
    assert one.json() == told


async def test_lists_are_filtered_and_paged(api: Api, anna: Client, desk: DeskHotel, watch: Watch) -> None:
    made = [await desk.case("same_atom", TEXT, age=watch.time - timedelta(hours=one)) for one in (3, 2, 1)]
    other = await desk.case("mass_change", severity=4, link=False, due=watch.time - timedelta(1))
    first = await anna.get(CASES, limit=2)
    assert [one["id"] for one in first.json()["items"]] == [str(one) for one in made[:2]]
    second = await anna.get(CASES, limit=2, after=first.json()["next"])
    await api.assert_documented(second)
    assert [one["id"] for one in second.json()["items"]] == [str(made[2]), str(other)]
    assert second.json()["next"] is None
    for query in ({"kind": "mass_change"}, {"severity": 4}, {"overdue": 1}, {"q": str(other)[:13]}):
        found = await anna.get(CASES, **query)
        assert [one["id"] for one in found.json()["items"]] == [str(other)], query
    assert len((await anna.get(CASES, state="all")).json()["items"]) == 4


@pytest.mark.parametrize(
    "query",
    [
        {"state": "x"}, {"severity": 0}, {"severity": "1 OR 1=1"}, {"reservation": "x"}, {"limit": 0}, {"limit": 201},
        {"limit": "1e3"}, {"after": "x"}, {"after": "WzEsMl0"}, {"page": 2}, {"tenant_id": str(uuid.UUID(int=1))},
        {"q": "\0"}, {"q": ""}, {"overdue": "maybe"}, {"property": "x" * 500},
    ],
)  # fmt: skip
async def test_a_list_that_cannot_be_is_refused(api: Api, anna: Client, query: dict[str, Any]) -> None:
    """SEC-09, SEC-27: unknown and wrong parameters are told, not ignored."""
    answer = await anna.get(CASES, **query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    await api.assert_documented(answer)


async def test_choices_are_followed_and_the_case_answered_as_it_is_then(
    api: Api, anna: Client, desk: DeskHotel
) -> None:
    booked = await desk.booked(room="102")
    case = await desk.case("same_atom", DATES, TEXT, reservations=(booked,))
    typed = {"path": f"{SHAPE}.departure", "take": "value", "value": "2026-03-14"}
    answer = await resolve(anna, case, 1, take(SHAPE, "there"), typed, take(NOTES, "here"))
    assert answer.status_code == 200
    await api.assert_documented(answer)
    told = answer.json()
    assert (told["state"], told["version"]) == ("resolved", 2)
    assert told["resolved_by"].startswith("user:")
    assert desk.resolver.choices == [
        (SHAPE, "there", None), (f"{SHAPE}.departure", "value", "2026-03-14"), (NOTES, "here", None),
    ]  # fmt: skip
    assert api.changes == 1


async def test_a_value_may_be_null_or_a_document(anna: Client, desk: DeskHotel) -> None:
    case = await desk.case("same_atom", TEXT, WHO)
    given = [
        {"path": NOTES, "take": "value", "value": None},
        {"path": BOOKER, "take": "value", "value": {"phone": "1"}},
    ]
    assert (await resolve(anna, case, 1, *given)).status_code == 200
    assert desk.resolver.choices == [(NOTES, "value", None), (BOOKER, "value", {"phone": "1"})]


async def test_a_case_that_moved_comes_back_fresh(api: Api, anna: Client, desk: DeskHotel) -> None:
    """CON-05, CON-06: 409 carries the case as it is now, and nothing was done."""
    case = await desk.case("same_atom", TEXT)
    await desk.moves(case, row("total", "1.00", "2.00", "9.00"))
    stale = await resolve(anna, case, 1, take(NOTES, "here"))
    assert stale.status_code == 409
    await api.assert_documented(stale)
    fresh = stale.json()["case"]
    assert (fresh["id"], fresh["version"], fresh["state"]) == (str(case), 2, "open")
    assert fresh["fields"][0]["there"] == "9.00"
    assert (await resolve(anna, case, 2, take("total", "here"))).status_code == 200
    again = await resolve(anna, case, 3, take("total", "there"))
    assert (again.status_code, again.json()["case"]["state"]) == (409, "resolved")
    assert api.changes == 1


async def test_refused_choices_name_each_field_and_why(api: Api, anna: Client, desk: DeskHotel) -> None:
    case = await desk.case("same_atom", TEXT)
    desk.resolver.refuse((NOTES, "too long"), ("total", "not a field of this case"))
    answer = await resolve(anna, case, 1, take(NOTES, "here"))
    assert answer.status_code == 400
    await api.assert_documented(answer)
    told = {one["path"]: one["why"] for one in answer.json()["errors"]}
    assert told == {NOTES: "too long", "total": "not a field of this case"}
    desk.resolver.fault = MappingRejected("notes", "x", "longer than it can be")
    answer = await resolve(anna, case, 1, take(NOTES, "here"))
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "notes")
    assert api.changes == 0


@pytest.mark.parametrize(
    "body",
    [
        {}, {"version": "1", "choices": []}, {"version": 1, "choices": [{"path": "notes"}]},
        {"version": 1, "choices": [{"path": "notes", "take": "ours"}]}, {"version": 1, "choices": {}},
        {"version": 1, "choices": [{"path": "notes", "take": "here", "value": "x"}]},
        {"version": 1, "choices": [{"path": "notes", "take": "value"}]},
        {"version": 1, "choices": [], "state": "resolved"}, {"version": 1, "choices": [], "tenant_id": "x"},
        {"version": 1, "choices": [{"path": "notes", "take": "here", "actor": "x"}]}, [], "x",
    ],
)  # fmt: skip
async def test_a_body_of_another_shape_is_refused(api: Api, anna: Client, desk: DeskHotel, body: Any) -> None:
    """SEC-27: nobody gives themselves a state, a tenant or an actor."""
    case = await desk.case("same_atom", TEXT)
    answer = await anna.ask("POST", f"{CASES}/{case}/resolve", json=body)
    assert answer.status_code == 400
    await api.assert_documented(answer)
    assert desk.resolver.calls == []


async def test_what_is_no_case_is_404(api: Api, anna: Client) -> None:
    for wrong in (str(uuid.uuid4()), "x", "0" * 300):
        for answer in (await anna.get(f"{CASES}/{wrong}"), await resolve(anna, wrong)):  # type: ignore[arg-type]
            assert answer.status_code == 404, wrong
            await api.assert_documented(answer)


async def test_every_role_reads_and_those_who_may_change_reservations_resolve(
    api: Api, desk: DeskHotel, database: Database, hotel: Any
) -> None:
    """SEC-01; personal values and bills as each role may see them."""
    case = await desk.case("same_atom", WHO, row("folio_lines[7]", None, {"amount": "9.00"}, None))
    found = {}
    for role in ROLES:
        client = await api.person(hotel.tenant_id, role)
        told = await client.get(f"{CASES}/{case}")
        phone, bill = told.json()["fields"][0]["here"], told.json()["fields"][1]["here"]
        sent = await resolve(client, case, 9)
        found[role] = (told.status_code, sent.status_code, phone != "(personal)", bill != "(hidden)")
        await api.assert_documented(sent)
    resolvers = ("super_admin", "admin", "manager", "front_desk")
    assert found == {
        **dict.fromkeys(resolvers, (200, 409, True, True)),
        "viewer": (200, 403, True, True),
        "housekeeping": (200, 403, False, False),
        "maintenance": (200, 403, False, False),
    }
    assert len(await audit(database, hotel.tenant_id, "auth.denied")) == 3
    assert (await api.site.browser.get(CASES)).status_code == 401


async def test_tenants_are_apart(api: Api, desk: DeskHotel, database: Database, keys: KeyRing) -> None:
    case = await desk.dates()
    other = uuid.uuid4()
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't2')", other)
        await keys.ensure(connection, other)
    stranger = await api.person(other, "super_admin")
    assert (await stranger.get(CASES, state="all")).json()["items"] == []
    assert (await stranger.get(f"{CASES}/{case}")).status_code == 404
    assert (await resolve(stranger, case, 1, take(SHAPE, "here"))).status_code == 404
    assert (await desk.stored(case))["state"] == "open"


async def test_a_race_lost_inside_the_transaction_is_409(anna: Client, desk: DeskHotel) -> None:
    case = await desk.case("same_atom", TEXT)
    desk.resolver.fault = CaseMoved(2)
    answer = await resolve(anna, case, 1, take(NOTES, "here"))
    assert (answer.status_code, answer.json()["case"]["version"]) == (409, 1)


async def test_a_decision_is_taken_back_at_its_version_and_the_outbox_told(
    api: Api, anna: Client, desk: DeskHotel
) -> None:
    case = await desk.case("same_atom", TEXT)
    assert (await resolve(anna, case, 1, take(NOTES, "here"))).status_code == 200
    stale = await anna.post(f"{CASES}/{case}/undo", {"version": 1})
    assert (stale.status_code, stale.json()["case"]["version"]) == (409, 2)
    await api.assert_documented(stale)
    answer = await anna.post(f"{CASES}/{case}/undo", {"version": 2})
    assert answer.status_code == 200
    await api.assert_documented(answer)
    assert (answer.json()["state"], answer.json()["version"]) == ("open", 3)
    assert api.changes == 2


async def test_what_may_have_left_is_not_taken_back(api: Api, anna: Client, desk: DeskHotel) -> None:
    case = await desk.case("same_atom", TEXT)
    await resolve(anna, case, 1, take(NOTES, "here"))
    desk.resolver.fault = TooLate("what was decided may have been sent by now")
    answer = await anna.post(f"{CASES}/{case}/undo", {"version": 2})
    assert answer.status_code == 409
    await api.assert_documented(answer)
    assert answer.json()["detail"] == "too late to take back: what was decided may have been sent by now"
    assert answer.json()["case"]["state"] == "resolved"
    for wrong in ({}, {"version": "2"}, {"version": 2, "state": "open"}):
        refused = await anna.post(f"{CASES}/{case}/undo", wrong)
        assert refused.status_code == 400
        await api.assert_documented(refused)
    viewer = await api.person(desk.hotel.tenant_id, "viewer")
    assert (await viewer.post(f"{CASES}/{case}/undo", {"version": 2})).status_code == 403
    assert (await anna.post(f"{CASES}/{uuid.uuid4()}/undo", {"version": 2})).status_code == 404
