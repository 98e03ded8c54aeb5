"""Reservations over HTTP: made, changed, acted upon and read, by whom, and how what cannot be is told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import pytest_asyncio

from conflict.validate import Problem as Finding
from pms_sync.apply.orders import Alternative, Full, OrderRefused
from pms_sync.auth.roles import ROLES, Role
from pms_sync.domain.reservation import Guest, Line
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from pms_sync.web.access import HEADERS
from tests.integration.applied_hotel import House, revision
from tests.integration.kept_rooms import Board, standing
from tests.integration.served_api import RESERVATIONS, Api, Client, add_tenant, serving_api
from tests.integration.signing_in import Watch, audit
from tests.unit.test_orders_in import body, stay

ROOMS = "/api/pms/housekeeping/rooms"

NOBODY = "01890000-0000-7000-8000-000000000000"
ACTS = {"cancel": "cancelled", "check-in": "checked_in", "check-out": "checked_out", "no-show": "no_show"}


@pytest_asyncio.fixture
async def api(database: Database, keys: KeyRing, hotel: Any) -> AsyncIterator[Api]:  # noqa: ARG001 - the hotel stands
    """Serve the API of the small hotel."""
    async with serving_api(database, keys, Watch()) as opened:
        yield opened


@pytest_asyncio.fixture
async def manager(api: Api, hotel: Any) -> Client:
    """Give somebody who may do everything here."""
    return await api.person(hotel.tenant_id)


@pytest.fixture
def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the hotel as its vendor fills it."""
    return House(database, keys, hotel.tenant_id, hotel.account_id)


async def made(client: Client, **changes: Any) -> Any:
    """Make a reservation and return its document."""
    answer = await client.post(RESERVATIONS, body(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


def one(told: Any) -> str:
    """Return the address of a reservation."""
    return f"{RESERVATIONS}/{told['id']}"


# ---- making


async def test_a_reservation_is_made_and_told_with_our_codes(api: Api, manager: Client) -> None:
    """S1.43; PUBLIC_SURFACE: 201 {id, version, …Rev}, ETag."""
    answer = await manager.post(RESERVATIONS, body())
    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == one(told)
    assert (told["version"], told["property"], told["status"], told["channel"]) == (1, "P1", "confirmed", "direct")
    [room] = told["room_stays"]
    assert str(uuid.UUID(room["id"])) == room["id"]
    assert (room["room_type_ref"], room["arrival"], room["departure"], room["ref"]) == (
        "DBL", "2026-03-10", "2026-03-12", None,
    )  # fmt: skip
    assert told["booker"] == {"ref": None, "first_name": "Ann", "last_name": "Example"}
    await api.assert_documented(answer)
    read = await manager.get(one(told))
    assert (read.json(), read.headers["ETag"]) == (told, '"1"')
    await api.assert_documented(read)


async def test_the_desk_is_told_who_asks_and_by_what_it_is_found_again(api: Api, manager: Client) -> None:
    answer = await manager.post(RESERVATIONS, body())
    [(draft, actor)] = api.desk.asked
    assert draft.property_code == "P1"
    assert actor.name.startswith("user:")
    assert actor.correlation_id == answer.headers["X-Correlation-Id"]
    assert api.changes == 1


async def test_a_body_with_faults_reaches_no_desk(api: Api, manager: Client) -> None:
    answer = await manager.post(RESERVATIONS, stay(arrival="x", room_type=5) | {"role": "admin"})
    assert answer.status_code == 400
    assert {wrong["path"] for wrong in answer.json()["errors"]} == {
        "$.role", "$.room_stays[0].arrival", "$.room_stays[0].room_type",
    }  # fmt: skip
    await api.assert_documented(answer)
    assert api.desk.asked == []


async def test_what_the_hotel_does_not_know_is_a_fault_of_the_body(api: Api, manager: Client) -> None:
    answer = await manager.post(RESERVATIONS, body(property="P9"))
    assert answer.status_code == 400
    assert [wrong["path"] for wrong in answer.json()["errors"]] == ["$.property"]
    api.desk.fault = OrderRefused((Finding("room_stays[0].room_type", "TRP", "unknown"), Finding("currency", "", "no")))
    answer = await manager.post(RESERVATIONS, body())
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"path": "$.room_stays[0].room_type", "value": "TRP", "why": "unknown"},
        {"path": "$.currency", "value": "", "why": "no"},
    ]


async def test_a_full_house_says_what_is_free_instead(api: Api, manager: Client, hotel: Any) -> None:
    """INV: a local booking that does not fit is refused with alternatives, and nothing of it stays."""
    free = Alternative(room_type="DBL", room="102", arrival=date(2026, 3, 10), departure=date(2026, 3, 12))
    api.desk.fault = Full("101 is taken", "room_stays[0]", (free,))
    answer = await manager.post(RESERVATIONS, body())
    assert answer.status_code == 409
    assert answer.json()["alternatives"] == [
        {"room_type": "DBL", "room": "102", "arrival": "2026-03-10", "departure": "2026-03-12"}
    ]
    assert [wrong["path"] for wrong in answer.json()["errors"]] == ["$.room_stays[0]"]
    await api.assert_documented(answer)
    assert await api.count(hotel.tenant_id) == 0
    assert api.changes == 0


async def test_a_defect_of_ours_leaves_nothing_behind(api: Api, manager: Client, hotel: Any) -> None:
    api.desk.fault = RuntimeError("Zebedee")
    answer = await manager.post(RESERVATIONS, body())
    assert answer.status_code == 500
    assert "Zebedee" not in answer.text
    assert await api.count(hotel.tenant_id) == 0


# ---- changing


async def test_a_change_names_the_version_it_was_made_for(api: Api, manager: Client) -> None:
    """S1.44, S1.55: If-Match, or expectedVersion."""
    told = await made(manager)
    patch = {"room_stays": [{"id": told["room_stays"][0]["id"], "departure": "2026-03-13"}]}
    answer = await manager.patch(one(told), patch, If_Match='"1"')
    assert (answer.status_code, answer.headers["ETag"], answer.json()["version"]) == (200, '"2"', 2)
    assert answer.json()["room_stays"][0]["departure"] == "2026-03-13"
    await api.assert_documented(answer)
    answer = await manager.patch(one(told), {"expectedVersion": 2, "notes": "x"})
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    edits = [asked[0] for asked in api.desk.asked[1:]]
    assert [edit.notes for edit in edits] == [msgspec.UNSET, "x"]
    answer = await manager.ask(
        "PATCH",
        one(told),
        content=b'{"expectedVersion":3}',
        headers={"Content-Type": "application/merge-patch+json", "If-Match": '"3"'},
    )
    assert answer.status_code == 200


VERSIONS: tuple[tuple[dict[str, str], dict[str, Any], int], ...] = (
    ({}, {}, 428),
    ({"If_Match": "*"}, {}, 428),
    ({"If_Match": '"7"'}, {}, 412),
    ({"If_Match": 'W/"1"'}, {}, 412),
    ({"If_Match": '"abc"'}, {}, 412),
    ({"If_Match": '"01"'}, {}, 412),
    ({"If_Match": '"99999999999999999999"'}, {}, 412),
    ({}, {"expectedVersion": 0}, 412),
    ({}, {"expectedVersion": 2**40}, 412),
    ({"If_Match": '"1", "2"'}, {}, 400),
    ({"If_Match": '"1'}, {}, 400),
    ({"If_Match": "-1"}, {}, 400),
    ({"If_Match": '"1"'}, {"expectedVersion": 2}, 400),
    ({}, {"expectedVersion": "1"}, 400),
    ({}, {"expectedVersion": True}, 400),
    ({}, {"version": 1}, 400),
)


async def test_a_version_that_does_not_stand_changes_nothing(api: Api, manager: Client) -> None:
    """S1.54, S1.55."""
    told = await made(manager)
    for headers, patch, status in VERSIONS:
        answer = await manager.patch(one(told), patch, **headers)
        assert answer.status_code == status, (headers, patch, answer.text)
        await api.assert_documented(answer)
        if status == 412:
            assert (answer.json()["version"], answer.headers["ETag"]) == (1, '"1"')
    assert (await manager.get(one(told))).json()["version"] == 1


async def test_a_version_may_be_named_in_three_ways(manager: Client) -> None:
    told = await made(manager)
    for number, (patch, headers) in enumerate(
        [({}, {"If_Match": '"1"'}), ({}, {"If_Match": "2"}), ({"expectedVersion": 3}, {"If_Match": '"3"'})], 2
    ):
        answer = await manager.patch(one(told), patch, **headers)
        assert (answer.status_code, answer.json()["version"]) == (200, number)


async def test_an_act_needs_no_body_and_takes_a_version(api: Api, manager: Client) -> None:
    """S1.45-S1.48."""
    for act, status in ACTS.items():
        told = await made(manager)
        answer = await manager.post(f"{one(told)}/{act}")
        assert (answer.status_code, answer.json()["status"], answer.headers["ETag"]) == (200, status, '"2"')
        await api.assert_documented(answer)
        assert api.desk.asked[-1][0] == act
        assert (await manager.post(f"{one(told)}/{act}", {"expectedVersion": 1})).status_code == 412
        assert (await manager.post(f"{one(told)}/{act}", {}, If_Match='"2"')).status_code == 200
        assert (await manager.post(f"{one(told)}/{act}", {"force": True})).status_code == 400


async def test_an_act_that_the_state_forbids_is_a_conflict(api: Api, manager: Client) -> None:
    """S1.27, S1.28."""
    told = await made(manager)
    api.desk.fault = OrderRefused((Finding("room_stays[x].status", "checked_out", "a confirmed stay cannot"),))
    answer = await manager.post(f"{one(told)}/check-out")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["why"] == "a confirmed stay cannot"
    await api.assert_documented(answer)
    assert (await manager.get(one(told))).json()["version"] == 1


async def test_what_is_not_there_is_404(api: Api, manager: Client) -> None:
    """SEC-09 on ids."""
    for lost in (NOBODY, "x", "%00", "1; DROP TABLE reservations", "a" * 3_000, "é", f"{{{NOBODY}}}"):
        for answer in (
            await manager.get(f"{RESERVATIONS}/{lost}"),
            await manager.patch(f"{RESERVATIONS}/{lost}", {"expectedVersion": 1}),
            await manager.post(f"{RESERVATIONS}/{lost}/cancel"),
        ):
            assert answer.status_code == 404, lost
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert not [name for name in HEADERS if name not in answer.headers]
    assert api.changes == 0


# ---- bodies that nobody can read


JSON = {"Content-Type": "application/json"}
UNREADABLE: tuple[tuple[bytes, dict[str, str], int], ...] = (
    (b"{}", {}, 415),
    (b"{}", {"Content-Type": "text/plain"}, 415),
    (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    (b"{}", {**JSON, "Content-Encoding": "gzip"}, 415),
    (b'{"notes":"' + b"x" * 300_000 + b'"}', JSON, 413),
    (b"[" * 200_000, JSON, 400),
    (b'{"notes":"\\u0000"}', JSON, 400),
    (b'{"notes":"\xe9"}', {"Content-Type": "application/json; charset=latin-1"}, 400),
    (b" ", JSON, 400),
    (b'{"expectedVersion":1e400}', JSON, 400),
)


async def test_a_senders_mistake_is_never_ours(api: Api, manager: Client) -> None:
    """SEC-04 among them: no simple content type of a form is taken."""
    told = await made(manager)
    for content, headers, status in UNREADABLE:
        for method, path in (("POST", RESERVATIONS), ("PATCH", one(told)), ("POST", f"{one(told)}/cancel")):
            answer = await manager.ask(method, path, content=content, headers=headers)
            assert answer.status_code == status, (method, path, content[:30], answer.text[:200])
            await api.assert_documented(answer)
    assert len(api.desk.asked) == 1


# ---- who may


async def test_each_role_may_what_the_matrix_says(api: Api, hotel: Any) -> None:
    """S0.62, SEC-01: C, R and U of reservations, R of sync; each denial is in the audit log."""
    allowed: dict[str, set[Role]] = {
        "POST": {"super_admin", "admin", "manager", "front_desk"},
        "PATCH": {"super_admin", "admin", "manager", "front_desk"},
        "GET": set(ROLES),
        "sync": {"super_admin", "admin", "manager", "viewer"},
        "rooms": set(ROLES),
    }
    told = await made(await api.person(hotel.tenant_id, name="first"))
    denied = 0
    for role in ROLES:
        someone = await api.person(hotel.tenant_id, role)
        answers = {
            "POST": [await someone.post(RESERVATIONS, body())],
            "PATCH": [
                await someone.patch(one(told), {"expectedVersion": -1}),
                *[await someone.post(f"{one(told)}/{act}", {"expectedVersion": -1}) for act in ACTS],
            ],
            "GET": [await someone.get(RESERVATIONS), await someone.get(one(told))],
            "sync": [await someone.get("/api/pms/sync/health")],
            "rooms": [await someone.get(ROOMS)],
        }
        for kind, given in answers.items():
            for answer in given:
                assert (answer.status_code != 403) == (role in allowed[kind]), (role, kind, answer.text)
                denied += answer.status_code == 403
    assert len(await audit(api.database, hotel.tenant_id, "auth.denied")) == denied > 0


async def test_without_a_token_nothing_is_told(api: Api, manager: Client) -> None:
    """Every documented address answers; those of the hotel with 401."""
    told = await made(manager)
    document = (await api.site.browser.get("/api/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            address = path.replace("{id}", told["id"])
            answer = await api.site.browser.request(method.upper(), address)
            if "security" in operation:
                assert answer.status_code == 401, (method, path)
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            else:
                assert answer.status_code == (200 if method == "get" else 415), (method, path)


async def test_other_methods_are_refused_by_name(manager: Client) -> None:
    """No input yields a delete."""
    told = await made(manager)
    for method, path in (("DELETE", one(told)), ("PUT", one(told)), ("GET", f"{one(told)}/cancel")):
        answer = await manager.ask(method, path)
        assert answer.status_code == 405
        assert answer.headers["Allow"]
    assert (await manager.get(one(told))).json() == told


async def test_a_tenant_never_meets_anothers(api: Api, keys: KeyRing, manager: Client, hotel: Any) -> None:
    """ASVS 8.4.1, I10: not by id, list, filter or change; and what is not theirs looks like what is not there."""
    told = await made(manager)
    other = await add_tenant(api.database, keys)
    stranger = await api.person(other)
    lost = (await stranger.get(f"{RESERVATIONS}/{NOBODY}")).json()
    assert (await stranger.get(one(told))).json() == lost
    for answer in (
        await stranger.patch(one(told), {"notes": "mine"}, If_Match='"1"'),
        await stranger.post(f"{one(told)}/cancel"),
    ):
        assert answer.status_code == 404
    assert (await stranger.get(RESERVATIONS)).json()["items"] == []
    assert (await stranger.get("/api/pms/sync/health")).json()["items"] == []
    await Board(api.database, keys, hotel).take(standing())
    assert (await stranger.get(ROOMS)).json()["items"] == []
    assert len((await manager.get(ROOMS)).json()["items"]) == 1
    own = await made(stranger)
    assert [item["id"] for item in (await stranger.get(RESERVATIONS, property="P1")).json()["items"]] == [own["id"]]
    assert [item["id"] for item in (await manager.get(RESERVATIONS)).json()["items"]] == [told["id"]]
    assert (await manager.get(one(told))).json()["version"] == 1
    assert await api.count(hotel.tenant_id) == 1


# ---- what a vendor told


async def test_a_vendors_reservation_is_told_whole(api: Api, manager: Client, house: House, hotel: Any) -> None:
    """Our codes, our ids, its refs; the bill as it stands, and the people."""
    line = Line(ref="9", kind="charge", text="Minibar", amount=Decimal("12.50"), currency="EUR")
    companion = Guest(ref="g2", first_name="Quentin", phone="+34600123456")
    await house.apply(msgspec.structs.replace(revision(lines=(line,)), guests=(companion,)))
    await house.apply(
        msgspec.structs.replace(
            revision(version="2026-03-02T10:00:00Z", lines=(msgspec.structs.replace(line, amount=Decimal(13)),)),
            guests=(companion,),
        )
    )
    answer = await manager.get(RESERVATIONS)
    await api.assert_documented(answer)
    [told] = answer.json()["items"]
    assert (told["ref"], told["vendor"], told["total"], told["notes"]) == (
        "1001",
        hotel.vendor,
        "200.00",
        "late arrival",
    )
    assert told["links"] == [{"vendor": hotel.vendor, "account_id": str(hotel.account_id), "ref": "1001"}]
    assert told["folio_lines"] == [{"ref": "9", "kind": "charge", "text": "Minibar", "amount": "13", "currency": "EUR"}]
    assert told["guests"] == [{"ref": "g2", "first_name": "Quentin", "phone": "+34600123456"}]
    assert told["booker"]["email"] == "a@example.org"
    [room] = told["room_stays"]
    assert (room["ref"], room["room_type_ref"], room["room_ref"], room["claim_state"]) == (
        "1001",
        "DBL",
        "101",
        "claimed",
    )
    assert room["nights"] == [
        {"date": "2026-03-10", "price": "100.00", "derived": True},
        {"date": "2026-03-11", "price": "100.00", "derived": True},
    ]
    assert told["masked"] is False


async def test_who_may_not_see_guests_sees_letters(api: Api, manager: Client, house: House, hotel: Any) -> None:
    """S0.62: housekeeping and maintenance read reservations, neither guests nor invoices; a viewer reads all."""
    line = Line(ref="9", kind="charge", text="Champagne for Ann", amount=Decimal(12), currency="EUR")
    await house.apply(revision(name="Zebedee", lines=(line,)))
    seen = (await manager.get(RESERVATIONS)).json()["items"]
    viewer = await api.person(hotel.tenant_id, "viewer")
    assert (await viewer.get(RESERVATIONS)).json()["items"] == seen
    for role in ("housekeeping", "maintenance"):
        someone = await api.person(hotel.tenant_id, role)
        answer = await someone.get(RESERVATIONS)
        await api.assert_documented(answer)
        [told] = answer.json()["items"]
        assert told["masked"] is True
        assert (told["booker"]["first_name"], told["booker"]["email"], told["notes"]) == ("Z•••", "a•••", "l•••")
        assert told["booker"]["country"] == "ES"
        assert "folio_lines" not in told
        assert not [
            word for word in ("Zebedee", "Example", "a@example.org", "late arrival", "Ann") if word in answer.text
        ]
        assert told["room_stays"] == seen[0]["room_stays"]


async def test_a_guest_who_was_erased_stays_erased(api: Api, manager: Client, house: House, hotel: Any) -> None:
    await house.apply(revision())
    async with api.database.transaction(hotel.tenant_id) as connection:
        await connection.execute("UPDATE guests SET erased = true, contact = NULL")
    [told] = (await manager.get(RESERVATIONS)).json()["items"]
    assert (told["booker"]["last_name"], told["booker"]["email"], told["booker"]["country"]) == (None, None, "ES")


# ---- lists


async def test_a_list_is_read_page_by_page_newest_first(api: Api, manager: Client) -> None:
    """S0.70: no page is missed or told twice."""
    made_ = [(await made(manager))["id"] for _ in range(7)]
    found: list[str] = []
    after: dict[str, Any] = {}
    for _ in range(4):
        answer = await manager.get(RESERVATIONS, limit=2, **after)
        await api.assert_documented(answer)
        found += [item["id"] for item in answer.json()["items"]]
        after = {"after": answer.json()["next"]}
    assert after == {"after": None}
    assert found == list(reversed(made_))
    assert (await manager.get(RESERVATIONS, limit=7)).json()["next"] is None


async def test_a_list_is_narrowed_by_what_is_asked(manager: Client, house: House) -> None:
    airbnb, other = {"channel": "airbnb", "channel_reference": "HM1"}, {"channel": "other", "channel_reference": "HM2"}
    for number, (arrival, facts) in enumerate([(10, airbnb), (11, other), (12, {})]):
        await house.apply(
            revision(
                str(number), group=str(number), room=f"10{number + 1}", arrival=date(2026, 3, arrival),
                departure=date(2026, 3, arrival + 2), **facts,
            )
        )  # fmt: skip
    cancelled = await made(manager)
    await manager.post(f"{one(cancelled)}/cancel")

    async def refs(**query: Any) -> list[str | None]:
        answer = await manager.get(RESERVATIONS, **query)
        assert answer.status_code == 200, answer.text
        return sorted(item["ref"] or "own" for item in answer.json()["items"])

    assert await refs() == ["0", "1", "2", "own"]
    assert await refs(property="P1") == ["0", "1", "2", "own"]
    assert await refs(property="P2") == []
    assert await refs(status="cancelled") == ["own"]
    assert await refs(status=["cancelled", "confirmed"]) == ["0", "1", "2", "own"]
    assert await refs(arrival_from="2026-03-11") == ["1", "2"]
    assert await refs(arrival_to="2026-03-11") == ["0", "1", "own"]
    assert await refs(arrival_from="2026-03-10", arrival_to="2026-03-10", status="confirmed") == ["0"]
    assert await refs(q="HM2") == ["1"]
    assert await refs(q="HM") == []
    assert await refs(q="HM1", property="P1", status="confirmed", arrival_from="2026-03-01") == ["0"]
    assert await refs(q="' OR 1=1 --") == []


async def test_a_query_that_cannot_be_is_told_where(api: Api, manager: Client) -> None:
    """SEC-09: sorting is ours alone."""
    for query in (
        "limit=0",
        "limit=201",
        "limit=x",
        "sort=id",
        "q=%00",
        "status=x",
        "after=..",
        "property=A&property=B",
    ):
        answer = await manager.ask("GET", f"{RESERVATIONS}?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["errors"][0]["path"].startswith(f"?{query.partition('=')[0]}")
        await api.assert_documented(answer)


# ---- sync


async def test_sync_health_tells_each_stream_of_the_tenant(api: Api, manager: Client, hotel: Any) -> None:
    async with api.database.transaction(hotel.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO cursors (tenant_id, account_id, stream, phase, last_success_at, next_due_at) "
            "VALUES ($1, $2, 'reservations', 'delta', now() - interval '1 minute', now())",
            hotel.tenant_id,
            hotel.account_id,
        )
    answer = await manager.get("/api/pms/sync/health")
    assert answer.status_code == 200
    await api.assert_documented(answer)
    [stream] = answer.json()["items"]
    assert (stream["property_code"], stream["account_id"], stream["stream"], stream["mode"]) == (
        "P1", str(hotel.account_id), "reservations", "shadow",
    )  # fmt: skip
    assert 59 < stream["freshness_s"] < 120
    assert answer.json()["totals"]["waiting"] == 0


# ---- rooms


async def test_rooms_tell_how_they_stand_now(api: Api, keys: KeyRing, manager: Client, hotel: Any) -> None:
    """S1.52; a room that is not mapped shows the vendor's name."""
    await Board(api.database, keys, hotel).take(standing("55/2", condition="dirty"), standing("9"))
    answer = await manager.get(ROOMS)
    assert answer.status_code == 200
    await api.assert_documented(answer)
    mapped, unmapped = answer.json()["items"]
    assert mapped | {"since": None, "age_s": None} == {
        "property": "P1",
        "room": "102",
        "room_type": "DBL",
        "condition": "dirty",
        "service": "in_service",
        "occupied": False,
        "vendor": "beds24",
        "account_id": str(hotel.account_id),
        "vendor_room": "55/2",
        "vendor_word": "Clean",
        "changed_at": None,
        "changed_on": None,
        "since": None,
        "age_s": None,
    }
    assert (unmapped["room"], unmapped["vendor_room"]) == (None, "9")


async def test_rooms_are_known_of_today_and_of_one_property_where_it_is_named(
    api: Api, keys: KeyRing, manager: Client, hotel: Any
) -> None:
    await Board(api.database, keys, hotel).take(standing())
    today = datetime.now(ZoneInfo("Europe/Madrid")).date().isoformat()
    asked = [({"date": today}, 1), ({"date": "2020-01-01"}, 0), ({"property": "P1"}, 1), ({"property": "P9"}, 0)]
    for query, number in asked:
        assert len((await manager.get(ROOMS, **query)).json()["items"]) == number, query
    for wrong in ({"date": "soon"}, {"floor": "1"}):
        answer = await manager.get(ROOMS, **wrong)
        assert answer.status_code == 400
        await api.assert_documented(answer)


# ---- documents


async def test_the_documentation_is_open_and_carries_every_header(api: Api) -> None:
    for path, kind in (("/api/openapi.json", "application/json"), ("/api/docs", "text/html")):
        answer = await api.site.browser.get(path)
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, kind)
        assert not [name for name in HEADERS if name not in answer.headers]
    policy = answer.headers["Content-Security-Policy"]
    assert "style-src 'sha256-" in policy
    assert "script-src" not in policy


async def test_of_many_who_change_one_version_one_wins(api: Api, manager: Client) -> None:
    """S1.8, I3: no lost update."""
    told = await made(manager)
    answers = await asyncio.gather(*(manager.patch(one(told), {"notes": "x"}, If_Match='"1"') for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]
    assert (await manager.get(one(told))).json()["version"] == 2
    assert len(api.desk.asked) == 7
