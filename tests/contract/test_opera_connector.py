"""The Opera connector on a scripted gateway: what it asks, checked against Oracle's files, and what answers mean."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from connectors.opera import CONNECTOR, SPEC, facts
from connectors.opera.connector import NoQueue, OperaConnector
from connectors.opera.session import NotServed
from mappers.opera import MAPPER
from pms_sync.domain.errors import ConfigurationFault, Disposition, NotBuiltYet, VendorFault
from pms_sync.ports.connector import Missing, Record, VendorRequest, Window
from pms_sync.ports.mapper import MappingContext
from pms_sync.ports.queue import Queue
from tests.contract.opera_wire import LOGIN, NOW, TOKENS, Gateway, connector, problem, rows, swagger, told
from tests.contract.vendor_spec import deviations, unexplained

DAY = timedelta(days=1)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
CONTEXT = MappingContext(property_code="P2", zone="Europe/Madrid", currency="EUR")
Page = Callable[..., httpx.Response]


def window(dimension: str = facts.ARRIVAL, days: int = 30) -> Window:
    """Ask for some days from the first of May."""
    return Window(dimension=dimension, start=MAY, end=MAY + days * DAY)


def search(*refs: int, **said: Any) -> httpx.Response:
    """Answer a search."""
    return httpx.Response(200, json={"reservations": {"reservationInfo": rows(*refs), **said}})


def summary(*refs: int, **said: Any) -> httpx.Response:
    """Answer a summary."""
    listed = {"reservationsInformation": rows(*refs), **said}
    return httpx.Response(200, json={"reservationsSummaryInformation": listed})


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Give a gateway that must have been asked rightly at the end."""
    made = Gateway()
    yield made
    assert unexplained(made.wrong, "opera") == []


def answering(gateway: Gateway, **answers: Any) -> OperaConnector:
    """Connect to the gateway with these answers."""
    gateway.answers = Gateway(**answers).answers
    return connector(gateway)


async def refused(act: Any) -> VendorFault:
    """Return the fault of a call that must fail; nothing secret may stand in it."""
    with pytest.raises(VendorFault) as caught:
        await act
    text = f"{caught.value!s} {caught.value!r}"
    assert not any(LOGIN[name] in text for name in ("client_secret", "app_key"))
    assert "token-" not in text
    return caught.value


# Logging in as vendors/opera.md 1 has it.


async def test_a_token_is_asked_for_once_with_both_keys_and_goes_with_every_call(gateway: Gateway) -> None:
    opera = answering(gateway, reservations=search(1))
    for _ in range(3):
        await opera.pull(facts.RESERVATIONS, window(), None)
    mint, first = gateway.seen[0], gateway.seen[1]
    pair = base64.b64encode(b"client:s3cret").decode()
    assert (mint.headers["authorization"], mint.headers["enterpriseid"]) == (f"Basic {pair}", "ENT")
    assert dict(parse_qsl(mint.content.decode())) == {
        "grant_type": "client_credentials",
        "scope": "urn:opc:hgbu:ws:__myscopes__",
    }
    assert mint.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (first.headers["authorization"], first.headers["x-hotelid"]) == ("Bearer token-1", "SAND01")
    assert first.headers["x-app-key"] == mint.headers["x-app-key"] == LOGIN["app_key"]
    assert gateway.minted == 1


async def test_an_integration_user_logs_in_with_the_password_grant(gateway: Gateway) -> None:
    opera = connector(gateway, LOGIN | {"username": "u", "password": "p"})
    await opera.pull(facts.RESERVATIONS, window(), None)
    form = dict(parse_qsl(gateway.seen[0].content.decode()))
    assert form == {"grant_type": "password", "username": "u", "password": "p"}


async def test_a_token_is_renewed_after_about_fifty_minutes(gateway: Gateway) -> None:
    at = [NOW]
    opera = connector(gateway, now=lambda: at[0])
    for minutes in (0, 49, 51):
        at[0] = NOW + timedelta(minutes=minutes)
        await opera.pull(facts.RESERVATIONS, window(), None)
    assert gateway.minted == 2


async def test_a_dead_token_costs_one_renewal_and_one_repetition(gateway: Gateway) -> None:
    opera = answering(gateway, reservations=[httpx.Response(401), search(1)])
    assert len((await opera.pull(facts.RESERVATIONS, window(), None)).sightings) == 1
    assert (gateway.minted, len(gateway.asked)) == (2, 2)


async def test_a_lasting_401_pauses_the_account(gateway: Gateway) -> None:
    fault = await refused(answering(gateway, any=httpx.Response(401)).pull(facts.RESERVATIONS, window(), None))
    assert (fault.disposition, fault.sent, len(gateway.asked)) == (Disposition.PAUSE, False, 2)


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, {"title": "Enterprise ID is required"}), (401, None), (402, {"error": "invalid_grant"}), (403, None)],
)
async def test_a_refused_log_in_pauses_the_account(gateway: Gateway, status: int, body: Any) -> None:
    fault = await refused(
        answering(gateway, tokens=httpx.Response(status, json=body)).pull(facts.RESERVATIONS, window(), None)
    )
    assert (fault.disposition, fault.sent) == (Disposition.PAUSE, False)
    assert "refuses the log-in" in fault.what


async def test_trouble_at_the_token_endpoint_is_no_refusal(gateway: Gateway) -> None:
    fault = await refused(answering(gateway, tokens=httpx.Response(503)).pull(facts.RESERVATIONS, window(), None))
    assert (fault.disposition, fault.counts_against_breaker, fault.sent) == (Disposition.RETRY, True, False)


@pytest.mark.parametrize("lacking", ["client_id", "client_secret", "app_key"])
def test_a_log_in_that_cannot_be_one_is_refused_at_once(lacking: str) -> None:
    with pytest.raises(ConfigurationFault, match=lacking):
        connector(Gateway(), {name: value for name, value in LOGIN.items() if name != lacking})


def test_the_gateway_is_the_setting_or_the_credential_and_never_a_guess() -> None:
    unset: dict[str, Any] = {"base_url": SPEC.default_base_url}
    with pytest.raises(ConfigurationFault, match="gateway"):
        connector(Gateway(), **unset)
    with pytest.raises(ConfigurationFault, match="gateway"):
        connector(Gateway(), LOGIN | {"gateway": "http://plain.example"}, **unset)
    assert connector(Gateway(), LOGIN | {"gateway": "https://t.example"}, **unset).spec is SPEC


@pytest.mark.parametrize("code", ["", "A B", "a/b", "x" * 21, "Ä"])
def test_a_hotel_code_that_cannot_be_one_is_refused_at_once(code: str) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        connector(Gateway(), property_ref=code)
    assert caught.value.where == "property_ref"


# Lists as section 6.1 has them.


async def test_a_search_by_arrival_names_reservations_with_their_versions(gateway: Gateway) -> None:
    opera = answering(gateway, reservations=search(11, 12))
    page = await opera.pull(facts.RESERVATIONS, window(days=31), None)
    assert [(one.ref, one.version) for one in page.sightings] == [(ref, "2026-04-02T11:22:33") for ref in ("11", "12")]
    assert (page.records, page.rejected, page.next) == ((), (), None)
    query = dict(gateway.asked[0].url.params)
    assert query == {
        "arrivalStartDate": "2026-05-01",
        "arrivalEndDate": "2026-05-31",
        "limit": "100",
        "offset": "0",
    }


async def test_nothing_found_is_an_empty_page(gateway: Gateway) -> None:
    """OH-04: 204 without a body is a normal answer."""
    page = await answering(gateway).pull(facts.RESERVATIONS, window(), None)
    assert (page.sightings, page.next) == ((), None)


@pytest.mark.parametrize(
    ("count", "said", "following"),
    [
        (3, {"hasMore": True, "totalResults": 3, "offset": 20}, None),  # the official sample
        (3, {"hasMore": False}, None),
        (3, {}, None),
        (3, {"hasMore": "true", "totalResults": "300"}, "3"),
        (100, {}, "100"),
        (100, {"hasMore": False, "totalResults": 100}, None),
        (100, {"hasMore": False, "totalResults": 1000}, "100"),
        (100, {"hasMore": True, "totalResults": 100}, "100"),
        (0, {"hasMore": True, "totalResults": 900}, None),
    ],
)
async def test_pages_follow_our_own_count(gateway: Gateway, count: int, said: Any, following: str | None) -> None:
    """CUR-15: neither `hasMore` nor the total is believed alone."""
    opera = answering(gateway, reservations=search(*range(1, count + 1), **said))
    assert (await opera.pull(facts.RESERVATIONS, window(), None)).next == following


async def test_an_offset_that_is_ignored_is_noticed(gateway: Gateway) -> None:
    """CUR-15."""
    opera = answering(gateway, reservations=search(*range(1, 101)))
    first = await opera.pull(facts.RESERVATIONS, window(), None)
    fault = await refused(opera.pull(facts.RESERVATIONS, window(), first.next))
    assert fault.disposition is Disposition.ABORT


async def test_rows_of_another_hotel_are_left_out_and_odd_ones_are_parked_alone(gateway: Gateway) -> None:
    found = [*rows(1), *rows(2, hotel="SAND02"), {"hotelId": "SAND01"}, 7, *rows(3, version="2026-04-02")]
    opera = answering(gateway, reservations=httpx.Response(200, json={"reservations": {"reservationInfo": found}}))
    page = await opera.pull(facts.RESERVATIONS, window(), None)
    assert [(one.ref, one.version) for one in page.sightings] == [("1", "2026-04-02T11:22:33"), ("3", "")]
    assert [row.path for row in page.rejected] == ["$.reservationIdList", "$"]


@pytest.mark.parametrize(("dimension", "filter_"), [("created", "createDateTime"), ("cancelled", "cancelledOn")])
async def test_a_sweep_by_days_asks_for_each_day_until_it_is_through(
    gateway: Gateway, dimension: str, filter_: str
) -> None:
    full = summary(*range(1, 201))
    opera = answering(gateway, summary=[full, summary(201), httpx.Response(204), summary(301)])
    tokens: list[str | None] = [None]
    refs: list[str] = []
    while not refs or tokens[-1] is not None:
        page = await opera.pull(facts.RESERVATIONS, window(dimension, days=3), tokens[-1])
        refs += [one.ref for one in page.sightings]
        tokens.append(page.next)
    assert tokens == [None, "2026-05-01/200", "2026-05-02/0", "2026-05-03/0", None]
    assert [(one.url.params[filter_], one.url.params["offset"]) for one in gateway.asked] == [
        ("2026-05-01", "0"),
        ("2026-05-01", "200"),
        ("2026-05-02", "0"),
        ("2026-05-03", "0"),
    ]
    assert len(refs) == 202


@pytest.mark.parametrize("token", ["x", "-1", "1.5", "2026-05-01/0", "99999999", "\u0661"])
async def test_a_foreign_page_token_is_a_fault(gateway: Gateway, token: str) -> None:
    """CUR-10."""
    fault = await refused(answering(gateway).pull(facts.RESERVATIONS, window(), token))
    assert (fault.disposition, gateway.seen) == (Disposition.ABORT, [])


@pytest.mark.parametrize("token", ["0", "2026-13-01/0", "2026-06-01/0", "2026-05-01/x"])
async def test_a_foreign_page_token_of_days_is_a_fault(gateway: Gateway, token: str) -> None:
    fault = await refused(answering(gateway).pull(facts.RESERVATIONS, window("created"), token))
    assert fault.disposition is Disposition.ABORT


# One reservation as section 6.2 has it.


def one(name: str = "reserved") -> httpx.Response:
    """Answer a single read."""
    return httpx.Response(200, json=told(name))


async def test_a_reservation_is_read_whole_and_kept_as_it_came(gateway: Gateway) -> None:
    opera = answering(gateway, **{"41231": one()})
    found = (await opera.fetch(facts.RESERVATIONS, ["41231"]))["41231"]
    assert isinstance(found, Record)
    assert (found.ref, found.property_ref, found.version) == ("41231", "SAND01", "2026-04-02T11:22:33")
    assert json.loads(found.body) == told("reserved")["reservations"]["reservation"][0]
    assert gateway.asked[0].url.params.multi_items() == [
        ("fetchInstructions", "Reservation"),
        ("fetchInstructions", "Comments"),
    ]


async def test_a_listed_version_is_the_one_that_the_mapper_finds(gateway: Gateway) -> None:
    """A sweep reads again only what changed."""
    opera = answering(gateway, reservations=search(41231), **{"41231": one()})
    [seen] = (await opera.pull(facts.RESERVATIONS, window(), None)).sightings
    found = (await opera.fetch(facts.RESERVATIONS, [seen.ref]))[seen.ref]
    assert isinstance(found, Record)
    [revision] = MAPPER.to_revisions(facts.RESERVATIONS, found.body, CONTEXT).revisions
    assert seen.version == found.version == revision.version


async def test_what_a_gateway_refuses_to_be_asked_for_is_not_asked_again(gateway: Gateway) -> None:
    """One unsupported fetch instruction fails the whole call."""
    refusal = problem(400, "OPERAWS-GEN01346", "Invalid value for fetchInstructions")
    opera = answering(gateway, **{"41231": [refusal, one(), one()]})
    for _ in range(2):
        found = await opera.fetch(facts.RESERVATIONS, ["41231"])
        assert isinstance(found["41231"], Record)
    asked = [call.url.params.get_list("fetchInstructions") for call in gateway.asked]
    assert asked == [["Reservation", "Comments"], ["Reservation"], ["Reservation"]]


async def test_a_value_that_is_refused_either_way_is_told(gateway: Gateway) -> None:
    opera = answering(gateway, **{"41231": problem(400, "GEN01346", "Bad value")})
    fault = await refused(opera.fetch(facts.RESERVATIONS, ["41231"]))
    assert (fault.disposition, fault.what) == (Disposition.ABORT, "HTTP 400 GEN01346 (Bad value)")


@pytest.mark.parametrize("gone", [httpx.Response(404), httpx.Response(204)])
async def test_what_is_not_there_is_absent(gateway: Gateway, gone: httpx.Response) -> None:
    found = await answering(gateway, **{"41231": gone}).fetch(facts.RESERVATIONS, ["41231"])
    assert found == {"41231": Missing("absent")}


async def test_a_reservation_that_moved_to_another_hotel_is_not_ours(gateway: Gateway) -> None:
    elsewhere = httpx.Response(200, json={"reservations": {"reservationInfo": rows(41231, hotel="SAND02")}})
    opera = answering(gateway, reservations=elsewhere, **{"41231": httpx.Response(404)})
    found = await opera.fetch(facts.RESERVATIONS, ["41231"])
    assert found == {"41231": Missing("not_ours", "SAND02")}


@pytest.mark.parametrize("answer", [problem(403, "GEN01265"), problem(400, "GEN01346"), httpx.Response(404)])
async def test_a_log_in_that_sees_this_hotel_alone_finds_absent_what_is_not_in_it(
    gateway: Gateway, answer: httpx.Response
) -> None:
    opera = answering(gateway, reservations=answer, **{"41231": httpx.Response(404)})
    assert await opera.fetch(facts.RESERVATIONS, ["41231"]) == {"41231": Missing("absent")}


async def test_absence_is_never_concluded_from_a_gateway_that_reads_no_reservations(gateway: Gateway) -> None:
    """A path that is not served answers 404 for every reservation there is."""
    opera = answering(gateway, any=httpx.Response(404))
    fault = await refused(opera.fetch(facts.RESERVATIONS, ["41231"]))
    assert fault.what == "HTTP 404"


async def test_a_vendor_that_contradicts_itself_is_not_believed(gateway: Gateway) -> None:
    listed = httpx.Response(200, json={"reservations": {"reservationInfo": rows(41231)}})
    opera = answering(gateway, reservations=listed, **{"41231": httpx.Response(404)})
    fault = await refused(opera.fetch(facts.RESERVATIONS, ["41231"]))
    assert fault.disposition is Disposition.ABORT


@pytest.mark.parametrize("ref", ["", "0", "no such ref", "' OR 1=1", "9" * 40, "a&b=c", "\u0661", "41231/2"])
async def test_what_is_no_id_of_operas_is_never_sent(gateway: Gateway, ref: str) -> None:
    assert await answering(gateway).fetch(facts.RESERVATIONS, [ref]) == {ref: Missing("absent")}
    assert gateway.seen == []


async def test_a_fetch_takes_one_ref_of_a_known_stream(gateway: Gateway) -> None:
    opera = answering(gateway)
    for stream, refs in ((facts.RESERVATIONS, ["1", "2"]), ("folio", ["1"])):
        with pytest.raises(ValueError, match="at most 1 refs"):
            await opera.fetch(stream, refs)
    with pytest.raises(LookupError):
        await opera.pull("folio", window(), None)
    assert gateway.seen == []


# Faults as section 3 has them.


@pytest.mark.parametrize(
    ("answer", "disposition", "away", "sent"),
    [
        (httpx.Response(500), Disposition.RETRY, True, True),
        (httpx.Response(502), Disposition.RETRY, True, True),
        (httpx.Response(504), Disposition.RETRY, True, True),
        (httpx.Response(429), Disposition.RETRY, False, False),
        (httpx.Response(200, text="<html>maintenance</html>"), Disposition.RETRY, False, True),
        (httpx.Response(200, text='{"reservations":'), Disposition.RETRY, False, True),
        (httpx.Response(403), Disposition.PAUSE, False, False),
        (httpx.Response(406), Disposition.ABORT, False, False),
        (httpx.Response(302, headers={"location": "https://x"}), Disposition.PAUSE, False, True),
        (httpx.ReadTimeout("late"), Disposition.RETRY, True, True),
        (httpx.ConnectError("no"), Disposition.RETRY, True, False),
    ],
)
async def test_trouble_is_told_as_what_it_is(
    gateway: Gateway, answer: Any, disposition: Disposition, away: bool, sent: bool
) -> None:
    fault = await refused(answering(gateway, reservations=answer).pull(facts.RESERVATIONS, window(), None))
    assert (fault.disposition, fault.counts_against_breaker, fault.sent) == (disposition, away, sent)
    assert len(gateway.asked) == 1


@pytest.mark.parametrize(("headers", "wait"), [({}, 5.0), ({"retry-after": "137"}, 137.0)])
async def test_a_limit_tells_how_long_to_wait(gateway: Gateway, headers: dict[str, str], wait: float) -> None:
    """2: nothing is documented, so a few seconds unless it is told."""
    opera = answering(gateway, reservations=httpx.Response(429, headers=headers))
    assert (await refused(opera.pull(facts.RESERVATIONS, window(), None))).retry_after == wait


async def test_a_hotel_that_may_not_be_read_says_so_in_our_words(gateway: Gateway) -> None:
    """A body of a 403 may echo what was sent, so only its code is told."""
    refusal = problem(403, "OPERAWS-GEN01244", f"User of {LOGIN['app_key']} is not authorized")
    fault = await refused(answering(gateway, reservations=refusal).pull(facts.RESERVATIONS, window(), None))
    assert fault.what == "HTTP 403 GEN01244 (not authorised for this hotel, or no hotel of this code)"


# The hotel as section 7 has it.


async def test_rooms_are_grouped_under_their_types_without_posting_masters(gateway: Gateway) -> None:
    rooms = [
        {"roomId": "101", "roomType": {"roomType": "DBL", "shortDescription": "Double"}},
        {"roomId": "102", "roomType": {"roomType": "DBL"}},
        {"roomId": "201", "roomType": {"roomType": "SUI"}},
        {"roomId": "9001", "roomType": {"roomType": "PM", "pseudoRoom": True}},
        {"roomId": "S1", "roomType": {"roomType": "MTG"}, "meetingRoom": True},
    ]
    overview = {"housekeepingRoomInfo": {"housekeepingRooms": {"room": rooms}, "hasMore": False}}
    plans = [
        {"ratePlanCode": "BAR", "primaryDetails": {"description": {"defaultText": "Best"}}},
        {"ratePlanCode": "AAA"},
    ]
    opera = answering(
        gateway,
        housekeepingOverview=httpx.Response(200, json=overview),
        ratePlans=httpx.Response(200, json={"ratePlans": plans}),
    )
    found = await opera.catalogue()
    assert [(one.ref, one.name, one.units) for one in found.room_types] == [("DBL", "Double", 2), ("SUI", None, 1)]
    assert [room.ref for room in found.room_types[0].rooms] == ["101", "102"]
    assert [(plan.ref, plan.name) for plan in found.rate_plans] == [("AAA", None), ("BAR", "Best")]


async def test_rooms_are_looked_for_where_a_gateway_serves_them(gateway: Gateway) -> None:
    """1: not every gateway serves every module."""
    rooms = {"rooms": [{"room": [{"roomId": "101", "roomType": {"roomType": "DBL", "pseudo": False}}]}]}

    def third(request: httpx.Request) -> httpx.Response:
        configured = request.url.path.startswith("/rm/config")
        return httpx.Response(200, json=rooms) if configured else httpx.Response(404)

    opera = answering(gateway, housekeepingOverview=httpx.Response(403), rooms=third, ratePlans=httpx.Response(403))
    found = await opera.catalogue()
    assert ([one.ref for one in found.room_types], found.rate_plans) == (["DBL"], ())


async def test_a_hotel_without_any_list_of_rooms_does_not_stop_the_account(gateway: Gateway) -> None:
    fault = await refused(answering(gateway, any=httpx.Response(403)).catalogue())
    assert isinstance(fault, NotServed)
    assert fault.disposition is Disposition.ABORT


async def test_every_page_of_rooms_is_read(gateway: Gateway) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["offset"])
        rooms = [
            {"roomId": f"{number}", "roomType": {"roomType": "DBL"}} for number in range(start, min(start + 200, 450))
        ]
        return httpx.Response(200, json={"housekeepingRoomInfo": {"housekeepingRooms": {"room": rooms}}})

    opera = answering(gateway, housekeepingOverview=page)
    assert (await opera.catalogue()).room_types[0].units == 450


async def test_repairs_become_records_of_one_stretch_each(gateway: Gateway) -> None:
    opera = answering(gateway, outOfOrderRooms=httpx.Response(200, json=told("out_of_order")))
    page = await opera.pull(facts.BLOCKS, window(facts.DAY, days=90), None)
    assert [one.ref for one in page.records] == ["102/9101", "103/9102", "104/9103"]
    [block] = MAPPER.to_revisions(facts.BLOCKS, page.records[0].body, CONTEXT).blocks
    assert (block.ref, block.property_ref, str(block.arrival)) == ("102/9101", "SAND01", "2026-05-04")
    assert [call.url.params["endDate"] for call in gateway.asked] == ["2026-07-29"] * 2


async def test_a_hotel_without_housekeeping_keeps_its_reservations(gateway: Gateway) -> None:
    """A module that is not served never pauses the account."""
    opera = answering(gateway, outOfOrderRooms=httpx.Response(403))
    fault = await refused(opera.pull(facts.BLOCKS, window(facts.DAY), None))
    assert fault.disposition is Disposition.ABORT


async def test_one_repair_is_found_by_its_room(gateway: Gateway) -> None:
    opera = answering(gateway, outOfOrderRooms=httpx.Response(200, json=told("out_of_order")))
    found = await opera.fetch(facts.BLOCKS, ["103/9102"])
    assert isinstance(found["103/9102"], Record)
    assert gateway.asked[0].url.params["roomId"] == "103"
    absent = await answering(gateway).fetch(facts.BLOCKS, ["103/9102"])
    assert absent == {"103/9102": Missing("absent")}


async def test_a_check_tells_the_business_date_and_what_is_not_served(gateway: Gateway) -> None:
    """TIM-08: the hotel's own today is told as the vendor gives it."""
    day = {"hotels": [{"hotelId": "SAND01", "businessDate": "2026-04-30"}]}
    opera = answering(gateway, businessDate=httpx.Response(200, json=day), ratePlans=httpx.Response(403))
    told_ = await opera.check()
    assert told_.property_refs == ("SAND01",)
    assert told_.detail == "business date 2026-04-30; not served for this hotel: rate plans"


async def test_a_check_without_the_right_to_read_reservations_fails(gateway: Gateway) -> None:
    fault = await refused(answering(gateway, summary=problem(403, "GEN01244")).check())
    assert fault.disposition is Disposition.PAUSE


# The queue as section 8 has it.


async def test_a_body_of_the_queue_comes_as_it_was_sent(gateway: Gateway) -> None:
    body = b'{ "businessEventData": [ ] , "x": 1.50 }'
    opera = answering(gateway, businessEvents=[httpx.Response(200, content=body), httpx.Response(204)])
    assert isinstance(opera, Queue)
    assert [await opera.drain(facts.EVENTS), await opera.drain(facts.EVENTS)] == [body, None]
    assert gateway.asked[0].url.path == "/int/v1/externalSystem/PMSSYNC/hotels/SAND01/businessEvents"
    assert dict(gateway.asked[0].url.params) == {"limit": "20"}


@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (httpx.ReadTimeout("late"), True),
        (httpx.RemoteProtocolError("cut"), True),
        (httpx.Response(502), True),
        (httpx.Response(200, text="<html>"), True),
        (httpx.ConnectError("no"), False),
        (httpx.Response(429), False),
        (httpx.Response(403), False),
        (httpx.Response(404), False),
    ],
)
async def test_a_lost_answer_is_told_and_never_asked_for_again(gateway: Gateway, answer: Any, lost: bool) -> None:
    """8.3: what a dropped answer held is gone; a refusal took nothing out."""
    opera = answering(gateway, businessEvents=answer)
    fault = await refused(opera.drain(facts.EVENTS))
    assert (fault.sent, len(gateway.asked)) == (lost, 1)
    assert fault.disposition is not Disposition.PAUSE


async def test_without_an_external_system_nothing_is_drained(gateway: Gateway) -> None:
    opera = connector(gateway, {name: value for name, value in LOGIN.items() if name != "external_system"})
    fault = await refused(opera.drain(facts.EVENTS))
    assert isinstance(fault, NoQueue)
    assert (fault.disposition, fault.sent, gateway.seen) == (Disposition.ABORT, False, [])
    [told_] = await opera.subscribe("https://us.example/webhooks/x", "secret")
    assert "external system" in str(told_.manual)


# What this version does not do.


async def test_writing_is_refused_loudly(gateway: Gateway) -> None:
    opera = answering(gateway)
    request = VendorRequest(kind="modify", ref="41231", body=b"{}", token="t")
    with pytest.raises(NotBuiltYet):
        await opera.push([request])
    with pytest.raises(NotBuiltYet):
        await opera.look_up(request, NOW)
    assert "push" not in SPEC.capabilities
    assert not await opera.calibrate(facts.RESERVATIONS, Record(stream="", ref="1", property_ref="", body=b""))
    assert gateway.seen == []


async def test_a_connector_is_made_in_silence_and_closed_twice() -> None:
    gateway = Gateway()
    opera = connector(gateway)
    await opera.aclose()
    await opera.aclose()
    assert gateway.seen == []
    assert CONNECTOR.queue is OperaConnector.queue


# Our own fixtures against the vendor's files.


_ONE = "/rsv/v1/hotels/SAND01/reservations/41231"
_GOLDEN = {
    "reserved": _ONE,
    "group_of_guests": _ONE,
    "three_rooms_not_yet_split": _ONE,
    "share_not_primary": _ONE,
    "cancelled_with_reason": _ONE,
    "official_sample_numbers_as_text": _ONE,
    "search_page": "/rsv/v1/hotels/SAND01/reservations",
    "out_of_order": "/hsk/v1/hotels/SAND01/rooms/outOfOrderRooms",
    "business_events": "/int/v1/externalSystem/PMSSYNC/hotels/SAND01/businessEvents",
}


@pytest.mark.parametrize(("name", "path"), _GOLDEN.items())
def test_golden_answers_are_answers_of_the_vendors(name: str, path: str) -> None:
    """But for what the document says of the wire and the file does not."""
    assert unexplained(swagger().check_answer("GET", path, 200, told(name)), "opera") == []


def test_every_listed_deviation_is_one() -> None:
    found = [error for name, path in _GOLDEN.items() for error in swagger().check_answer("GET", path, 200, told(name))]
    assert [one for one in deviations("opera") if not any(fnmatchcase(error, one) for error in found)] == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ([("arrivalDate", "2026-05-01")], "query arrivalDate: unknown to the vendor, who would ignore it"),
        ([("arrivalStartDate", "1 May")], "query arrivalStartDate: '1 May' is no date"),
        ([("limit", "many")], "query limit: 'many' is no integer"),
        ([("fetchInstructions", "Comments")], "query fetchInstructions: 'Comments' is not one of the enum"),
        ([("limit", "1"), ("limit", "2")], "query limit: sent 2 times, takes one value"),
    ],
)
def test_a_wrong_request_would_be_seen(query: list[tuple[str, str]], error: str) -> None:
    path = "/rsv/v1/hotels/SAND01/reservations"
    told_ = swagger().check_request("GET", path, query, {"authorization": "", "x-app-key": "", "x-hotelid": ""})
    assert f"GET {path} {error}" in told_
    assert f"GET {path} header x-hotelid: required and missing" in swagger().check_request("GET", path, query)


def test_the_token_endpoint_is_where_the_file_says() -> None:
    assert swagger().operation("POST", TOKENS) is not None
