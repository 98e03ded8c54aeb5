"""The conflict desk on a real socket: what a person sees, chooses and types, and what nobody else may."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import httpx
import pytest
import pytest_asyncio

from pms_sync.apply.deciding import CaseMoved
from pms_sync.apply.foreseeing import Foreseen, ForeseenPush
from pms_sync.apply.resolving import Resolver
from pms_sync.auth.roles import ROLES
from pms_sync.domain.errors import MappingRejected
from pms_sync.store import decisions
from pms_sync.store.database import Database, use_tenant
from pms_sync.store.decisions import NewDecision
from pms_sync.store.sealing import KeyRing
from pms_sync.web.access import HEADERS
from tests.integration.desk_hotel import (
    BOOKER,
    DATES,
    NOTES,
    SHAPE,
    STATUS,
    TEXT,
    WHO,
    DeskHotel,
    row,
)  # fmt: skip
from tests.integration.served_pages import Site, serving
from tests.integration.signing_in import Browser, Watch, add_person, audit, browser, csrf_in
from tests.integration.test_reviews import FIRST, SECOND, met

HOSTILE = "<script>alert('x')</script>\"&"


@pytest.fixture
def desk(database: Database, keys: KeyRing, hotel: Any) -> DeskHotel:
    return DeskHotel(database, keys, hotel)


@pytest.fixture
def watch() -> Watch:
    """Give a clock two days before the stays of the tests' bookings."""
    clock = Watch()
    clock.time = datetime(2026, 3, 8, 9, tzinfo=UTC)
    return clock


@pytest_asyncio.fixture
async def site(database: Database, keys: KeyRing, desk: DeskHotel, watch: Watch) -> AsyncIterator[Site]:
    """Serve the desk with somebody who follows choices, for a manager named Anna."""
    await add_person(database, desk.hotel.tenant_id, name="Anna")
    async with serving(database, keys, clock=watch, resolver=desk.resolver) as opened:
        yield opened


@pytest_asyncio.fixture
async def anna(site: Site) -> AsyncIterator[Browser]:
    """Give a browser in which the manager is signed in."""
    async with browser(site) as someone:
        await someone.sign_in()
        yield someone


@asynccontextmanager
async def signed_in_as(site: Site, database: Database, tenant_id: uuid.UUID, role: str) -> AsyncIterator[Browser]:
    """Give a browser of somebody with a role."""
    email = f"{role}-{tenant_id.hex[:6]}@example.org"
    await add_person(database, tenant_id, email, role)
    async with browser(site) as someone:
        await someone.sign_in(email)
        yield someone


def ids_in(page: httpx.Response) -> list[str]:
    """Return the ids of the cases on a page of the queue, from top to bottom."""
    return re.findall(r'data-case-id="([^"]+)"', page.text)


def line_of(page: httpx.Response, path: str) -> str:
    """Return the row of one field."""
    found = re.search(rf'data-path="{re.escape(path)}".*?</tr>', page.text, re.DOTALL)
    assert found, path
    return found[0]


def text_of(html: str) -> str:
    """Return what a person reads of a piece of a page."""
    return re.sub(r" (?=[.,:;])", "", " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split()))


def marked(page: httpx.Response, path: str) -> list[str]:
    """Return which choice of a field is marked."""
    return re.findall(r'value="(here|there|value)"[^>]*? checked', line_of(page, path))


async def answered(someone: Browser, case_id: uuid.UUID, **fields: str) -> httpx.Response:
    """Open a case and send its form with these fields over its own."""
    page = await someone.get(f"/cases/{case_id}")
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version
    given = {"csrf": csrf_in(page), "version": version[1], **fields}
    return await someone.post(f"/cases/{case_id}/resolve", **given)


# ---- the queue


async def test_the_queue_names_each_case_in_a_line(anna: Browser, desk: DeskHotel, watch: Watch) -> None:
    """UX: the kind in words, property, guest, dates, channel, who disagrees, age against its due time, suggestion."""
    case = await desk.dates(age=watch.time - timedelta(hours=3), due=watch.time + timedelta(hours=5))
    page = await anna.get("/")
    assert ids_in(page) == [str(case)]
    told = text_of(page.text)
    for words in (
        "1 case waits for a person", "Dates, room type or price changed on both sides", "Hotel One", "Ann Example",
        "Booking.com 4711", "Tue 10 Mar 2026", "Thu 12 Mar 2026", "arrives in 2 days", "200.00 EUR", "beds24",
        "take beds24's", "3 h", "due in 5 h", "high",
    ):  # fmt: skip
        assert words in told, words


async def test_the_worst_case_stands_first(anna: Browser, desk: DeskHotel, watch: Watch) -> None:
    """Severity, then the arrival, then the money, then the age; an arrival that is over counts last."""
    when = {"near": date(2026, 3, 9), "far": date(2026, 4, 9), "over": date(2026, 3, 1)}
    booked = {
        name: await desk.booked(str(number), room=None, arrival=day, departure=day + timedelta(days=2))
        for number, (name, day) in enumerate(when.items(), 1)
    }
    dear = await desk.booked("9", room=None, arrival=when["far"], departure=date(2026, 4, 11), total=Decimal(900))
    old = watch.time - timedelta(days=1)
    far = await desk.case("same_atom", DATES, reservations=(booked["far"],), age=watch.time)
    older = await desk.case("same_atom", DATES, reservations=(booked["far"],), age=old)
    over = await desk.case("same_atom", DATES, reservations=(booked["over"],), age=old)
    mild = await desk.case("same_atom", DATES, reservations=(booked["near"],), severity=3)
    near = await desk.case("same_atom", DATES, reservations=(booked["near"],), age=watch.time)
    costly = await desk.case("same_atom", DATES, reservations=(dear,), age=watch.time)
    bad = await desk.case("same_atom", DATES, reservations=(booked["over"],), severity=1)
    page = await anna.get("/")
    assert ids_in(page) == [str(one) for one in (bad, near, costly, older, far, over, mild)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"dates", "who", "twice"}), ("?kind=room_double_booked", {"twice"}), ("?severity=3", {"who"}),
        ("?severity=9", {"dates", "who", "twice"}), ("?property=P1", {"dates", "who", "twice"}),
        ("?property=P2", set()),
        ("?vendor=beds24", {"dates", "who", "twice"}), ("?vendor=none", set()), ("?overdue=1", {"who"}),
        ("?q=4711", {"dates"}), ("?q=47", {"dates", "twice"}), ("?q=BK-", {"who"}), ("?q=bk-9", {"who"}),
        ("?q=1005", {"who"}), ("?q=%25", set()), ("?q=_", set()), ("?q='%20OR%201=1", set()), ("?q=%00", {"all"}),
        ("?state=resolved", set()), ("?state=nonsense", {"dates", "who", "twice"}),
        ("?kind=same_atom&severity=2", {"dates"}), ("?after=nonsense", {"dates", "who", "twice"}),
    ],
)  # fmt: skip
async def test_the_queue_is_filtered_by_its_address(
    anna: Browser, desk: DeskHotel, watch: Watch, query: str, found: set[str]
) -> None:
    """SEC-09: whatever is typed is a value, never a statement or a pattern."""
    who = await desk.booked("1005", channel="expedia", channel_reference="BK-99", room="103")
    made = {
        "dates": await desk.dates(),
        "who": await desk.case(
            "same_atom", WHO, reservations=(who,), severity=3, ref="1005", due=watch.time - timedelta(hours=1)
        ),
        "twice": await desk.sold_twice(),
    }
    shown = set(ids_in(await anna.get(f"/{query}")))
    if found != {"all"}:
        assert {name for name, case in made.items() if str(case) in shown} == found
    else:
        assert {str(one) for one in made.values()} <= shown


async def test_a_case_is_found_by_its_own_id_and_its_reservations(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.dates()
    [booked] = (await desk.stored(case))["reservation_ids"]
    await desk.case("same_atom", TEXT)
    for text in (str(case), str(booked), str(booked).upper()[:13]):
        assert ids_in(await anna.get(f"/?q={text}")) == [str(case)], text


async def test_chips_lead_to_filtered_queues_and_back(anna: Browser, desk: DeskHotel) -> None:
    await desk.dates()
    await desk.case("mass_change", severity=4, link=False)
    page = await anna.get("/?severity=4&q=a")
    chips = {
        text_of(label): unescape(href)
        for href, label in re.findall(r'class="chip" href="([^"]+)".*?>(.*?)</a>', page.text)
    }
    assert chips["high 1"] == "/?severity=2&q=a"
    [on] = [label for label in chips if label.startswith("low 1 (on; press to take off)")]
    assert chips[on] == "/?q=a"
    assert chips["Too much at once 1"] == "/?severity=4&q=a&kind=mass_change"


async def test_long_queues_are_read_on_from_a_place_that_new_cases_do_not_move(
    anna: Browser, desk: DeskHotel, watch: Watch
) -> None:
    """UI-02: keyset paging."""
    booked = await desk.booked(total=Decimal("200.00"))
    made = [
        await desk.case("same_atom", DATES, reservations=(booked,), age=watch.time - timedelta(minutes=number))
        for number in range(60)
    ]
    first = await anna.get("/")
    onward = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert onward
    worse = await desk.case("same_atom", DATES, severity=1)
    second = await anna.get(unescape(onward[1]))
    assert [*ids_in(first), *ids_in(second)] == [str(one) for one in reversed(made)]
    assert str(worse) not in ids_in(second)
    assert 'rel="next"' not in second.text


async def test_what_is_over_is_shown_newest_first(anna: Browser, desk: DeskHotel, watch: Watch) -> None:
    made = [await desk.case("same_atom", DATES, age=watch.time - timedelta(days=one)) for one in (3, 1, 2)]
    async with desk.database.transaction(desk.hotel.tenant_id) as connection:
        await connection.execute("UPDATE cases SET state = 'resolved'")
    assert ids_in(await anna.get("/?state=resolved")) == [str(made[place]) for place in (1, 2, 0)]
    assert ids_in(await anna.get("/")) == []


async def test_an_empty_queue_says_how_far_everything_is_known(
    anna: Browser, desk: DeskHotel, database: Database
) -> None:
    page = text_of((await anna.get("/")).text)
    assert "Nothing waits for a person. Hotel One: still being read for the first time. Not proved equal yet." in page
    async with database.transaction(desk.hotel.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO cursors (tenant_id, account_id, stream, phase, last_success_at) "
            "VALUES ($1, $2, 'reservations', 'delta', '2026-03-08T08:30:00Z')",
            desk.hotel.tenant_id,
            desk.hotel.account_id,
        )
    assert "changes read until Sun 8 Mar 2026, 09:30:00 CET" in text_of((await anna.get("/")).text)
    assert "No case fits." in (await anna.get("/?kind=vanished")).text


async def test_ten_thousand_cases_are_listed_within_the_time_of_a_page(
    anna: Browser, desk: DeskHotel, database: Database
) -> None:
    """UI-02; generous, since machines that run tests are busy: the benchmark has the figure."""
    booked = await desk.booked()
    async with database.transaction(desk.hotel.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO cases (tenant_id, case_id, kind, subject, severity, property_id, reservation_ids, fields) "
            "SELECT $1, gen_random_uuid(), 'same_atom', n::text, 1 + n % 4, $2, ARRAY[$3::uuid], '[]' "
            "FROM generate_series(1, 10000) n",
            desk.hotel.tenant_id,
            desk.hotel.property_id,
            booked,
        )
    await anna.get("/")
    took = (await anna.get("/")).elapsed
    assert took < timedelta(seconds=2)
    assert "10000 cases wait for a person" in (await anna.get("/")).text


# ---- one case


async def test_a_case_says_what_is_wrong_and_what_happens_if_nobody_acts(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.dates()
    page = await anna.get(f"/cases/{case}")
    told = text_of(page.text)
    assert "Dates, room type or price of this booking changed here and at beds24, to different values." in told
    assert "If nobody acts: The guest comes for one stay, and the house is ready for another." in told
    assert "The account is in shadow mode" not in told
    assert "beds24 hears nothing of it" in told
    assert "Reservation created" in told


async def test_a_field_shows_three_values_and_the_rule_that_marked_one(anna: Browser, desk: DeskHotel) -> None:
    """UI-03: every part that differs, what is alike told once, dates with weekday, money with currency."""
    page = await anna.get(f"/cases/{await desk.dates()}")
    told = text_of(line_of(page, SHAPE))
    for words in (
        "stay 1001", "same on both: room type DBL", "Thu 12 Mar 2026", "Wed 11 Mar 2026", "Fri 13 Mar 2026",
        "300.00 EUR", "3 x 100.00 EUR (our split)", "Suggested by the rule ota.shape",
    ):  # fmt: skip
        assert words in told, words
    assert marked(page, SHAPE) == ["there"]


async def test_what_leaves_the_house_is_told_before(anna: Browser, desk: DeskHotel, database: Database) -> None:
    case = await desk.dates()
    assert "but is not sent to beds24: the account is in shadow mode" in (await anna.get(f"/cases/{case}")).text
    async with database.transaction(desk.hotel.tenant_id) as connection:
        await connection.execute("UPDATE accounts SET mode = 'live'")
    assert "Ours stays and is sent to beds24." in (await anna.get(f"/cases/{case}")).text
    async with database.transaction(desk.hotel.tenant_id) as connection:
        await connection.execute("""UPDATE accounts SET mirror = '{"reservations": "none"}'""")
    assert "the account exports no changes" in (await anna.get(f"/cases/{case}")).text


async def test_a_room_sold_twice_is_drawn_with_its_neighbours(anna: Browser, desk: DeskHotel) -> None:
    """Both stays, who has the room and who wants it, and the rooms the second would fit into."""
    await desk.booked("3", room="102", name="Neighbour")
    page = await anna.get(f"/cases/{await desk.sold_twice()}")
    told = text_of(page.text)
    assert (
        "Room 101 is sold twice on the night of Tue 10 Mar 2026: booking 1 has it, and booking 2 wants it too." in told
    )
    assert "Free for the whole of the refused stay: 103." in told
    drawn = {look: text_of(inside) for look, inside in re.findall(r'<g class="stay (\w+)">(.*?)</g>', page.text)}
    assert {look: words.partition(",")[0] for look, words in drawn.items()} == {
        "held": "Zebedee Example", "refused": "Quentin Example", "other": "Neighbour Example",
    }  # fmt: skip
    assert re.search(
        r'<svg class="tape"[^>]*aria-label="Room 101 on the night of Tue 10 Mar: [^"]+free[^"]+103', page.text
    )
    assert "Mark as settled" in page.text
    assert 'type="radio"' not in page.text


async def test_a_room_sold_twice_in_a_full_house_says_that_nothing_is_free(anna: Browser, desk: DeskHotel) -> None:
    for ref, room in (("3", "102"), ("4", "103")):
        await desk.booked(ref, room=room)
    page = await anna.get(f"/cases/{await desk.sold_twice()}")
    assert "No other room of this type is free for the whole of the refused stay." in page.text


async def test_whatever_somebody_wrote_stays_text(
    anna: Browser, desk: DeskHotel, database: Database, hotel: Any
) -> None:
    """A guest's name, a note, a path, a rule, a code and a property may hold anything."""
    booked = await desk.booked(name=HOSTILE, channel="other", channel_reference=HOSTILE, room="102")
    odd = f"room_stays[{HOSTILE}].room"
    case = await desk.case(
        "same_atom", row(NOTES, HOSTILE, HOSTILE + "1", HOSTILE + "2", rule=HOSTILE), row(odd, "1", HOSTILE, "3"),
        reservations=(booked,),
    )  # fmt: skip
    twice = await desk.sold_twice()
    async with database.transaction() as connection:
        await use_tenant(connection, hotel.tenant_id)
        await connection.execute("UPDATE properties SET name = $1", HOSTILE)
        await connection.execute("UPDATE rooms SET code = $1 WHERE code = '103'", HOSTILE)
    await desk.case("mapping_missing", row("crosswalk.room_type", None, None, HOSTILE), link=False)
    for path in ("/", f"/?q={HOSTILE}", f"/cases/{case}", f"/cases/{twice}"):
        page = await anna.get(path)
        assert page.status_code == 200, path
        assert "<script>" not in page.text, path
        assert "alert(&#39;x&#39;)" in page.text, path
    refused = await answered(anna, case, **{"choice.notes": f"value:{HOSTILE}"})
    assert refused.status_code == 303
    desk.resolver.calls.clear()


async def test_pages_hold_nothing_that_their_policy_would_stop(anna: Browser, desk: DeskHotel) -> None:
    """SEC-13: no inline script or style, no handler attributes, nothing from elsewhere."""
    pages = ("/", f"/cases/{await desk.dates()}", f"/cases/{await desk.sold_twice()}", f"/cases/{uuid.uuid4()}")
    for path in pages:
        page = await anna.get(path)
        assert not [name for name in HEADERS if name not in page.headers], path
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|(?:src|href)=\"(?![/#])", page.text), path
        assert not re.search(r'<script(?! type="module" src="/static/desk\.js\?v=[0-9a-f]{12}"></script>)', page.text)


async def test_an_unknown_or_impossible_case_is_a_page_that_helps(anna: Browser) -> None:
    for wrong in (str(uuid.UUID(int=7)), "x", "..%2f..", "%00", "0" * 3_000):
        page = await anna.get(f"/cases/{wrong}")
        assert page.status_code == 404, wrong
        assert "There is no such case" in page.text


# ---- resolving


async def test_choosing_a_side_resolves_the_case(anna: Browser, desk: DeskHotel) -> None:
    """UI-01: a plain form does it."""
    case = await desk.dates()
    answer = await answered(anna, case, **{f"choice.{SHAPE}": "there"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/cases/{case}?done={case}")
    assert desk.resolver.choices == [(SHAPE, "there", None)]
    [(called, version, _, actor)] = desk.resolver.calls
    assert (called, version) == (case, 1)
    assert re.fullmatch(r"user:[0-9a-f-]{36}", actor.name)
    assert actor.correlation_id
    page = text_of((await anna.get(answer.headers["Location"])).text)
    assert re.search(r"Resolved Sun 8 Mar|Resolved \w{3} \d+ \w{3} \d{4}, [\d:]+ CET by Anna", page)
    assert "Resolve and next" not in page


async def test_a_typed_part_is_laid_over_the_side_it_began_with(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.dates()
    own = {f"value.{SHAPE}.arrival": "2026-03-10", f"value.{SHAPE}.departure": "2026-03-14"}
    await answered(anna, case, **{f"choice.{SHAPE}": "value"}, **own)
    assert desk.resolver.choices == [(SHAPE, "there", None), (f"{SHAPE}.departure", "value", "2026-03-14")]


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({"choice.notes": "here"}, [("notes", "here", None)]),
        ({"choice.notes": "value:both"}, [("notes", "value", "both")]),
        ({"choice.notes": "value", "value.notes": "one\r\ntwo"}, [("notes", "value", "one\ntwo")]),
        ({"choice.notes": "value", "value.notes": ""}, [("notes", "value", "")]),
        ({"value.notes": "typed and not marked"}, [("notes", "value", "typed and not marked")]),
        ({"choice.notes": "here", "value.notes": "late arrival, cot"}, [("notes", "here", None)]),
        ({"choice.notes": "there", "choice.total": "here"}, [("notes", "there", None), ("total", "here", None)]),
        ({}, []),
    ],
)  # fmt: skip
async def test_a_form_is_read_as_it_was_meant(
    anna: Browser, desk: DeskHotel, fields: dict[str, str], chosen: list[Any]
) -> None:
    case = await desk.case("same_atom", TEXT)
    await answered(anna, case, **fields)
    assert desk.resolver.choices == chosen


@pytest.mark.parametrize(
    "fields", [{"choice.notes": "here", "value.notes": "something else"}, {"choice.notes": "value"}]
)
async def test_a_form_that_contradicts_itself_is_asked_about(
    anna: Browser, desk: DeskHotel, fields: dict[str, str]
) -> None:
    """What was typed is never dropped without a word."""
    case = await desk.case("same_atom", TEXT)
    page = await answered(anna, case, **fields)
    assert page.status_code == 400
    assert desk.resolver.calls == []
    assert re.search("another value was typed here|no other value was given", text_of(line_of(page, NOTES)))
    assert fields.get("value.notes", "") in page.text


async def test_resolve_and_next_leads_to_the_worst_of_what_is_left(anna: Browser, desk: DeskHotel) -> None:
    case, other = await desk.dates(), await desk.case("same_atom", TEXT, severity=3)
    answer = await answered(anna, case, next="1", **{f"choice.{SHAPE}": "here"})
    assert answer.headers["Location"] == f"/cases/{other}?done={case}"
    assert f'href="/cases/{case}"' in (await anna.get(answer.headers["Location"])).text
    last = await answered(anna, other, next="1", **{"choice.notes": "here"})
    assert last.headers["Location"] == f"/?done={other}"
    assert "See what became of it" in (await anna.get(last.headers["Location"])).text


async def test_a_case_about_facts_is_settled_without_choices(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.sold_twice()
    assert (await answered(anna, case)).status_code == 303
    assert desk.resolver.choices == []


async def test_refused_choices_stand_at_their_fields_with_all_that_was_typed(anna: Browser, desk: DeskHotel) -> None:
    booked = await desk.booked(room="102")
    case = await desk.case("same_atom", DATES, WHO, TEXT, reservations=(booked,))
    desk.resolver.refuse(
        (f"{SHAPE}.departure", "before the arrival"), (NOTES, "too long"), ("total", "would not add up")
    )
    typed = {
        f"choice.{SHAPE}": "value", f"value.{SHAPE}.departure": "2026-03-09", f"choice.{BOOKER}": "there",
        f"choice.{NOTES}": "value", f"value.{NOTES}": f"{HOSTILE} and more",
    }  # fmt: skip
    page = await answered(anna, case, **typed)
    assert page.status_code == 400
    assert "before the arrival" in text_of(line_of(page, SHAPE))
    assert "too long" in text_of(line_of(page, NOTES))
    assert "Total: would not add up" in text_of(page.text)
    assert 'value="2026-03-09"' in line_of(page, SHAPE)
    assert "alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp; and more</textarea>" in line_of(page, NOTES)
    assert (marked(page, SHAPE), marked(page, BOOKER), marked(page, NOTES)) == (["value"], ["there"], ["value"])
    assert (await desk.stored(case))["state"] == "open"


async def test_what_the_vendor_cannot_be_told_is_refused_with_the_reason(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.case("same_atom", TEXT)
    desk.resolver.fault = MappingRejected("notes", "x", "longer than it can be")
    page = await answered(anna, case, **{"choice.notes": "here"})
    assert page.status_code == 400
    assert "the vendor cannot be told: longer than it can be" in text_of(line_of(page, NOTES))


async def test_a_lost_race_shows_the_fresh_difference_and_keeps_what_was_typed(anna: Browser, desk: DeskHotel) -> None:
    """CON-05, UI-04: 409, nothing done, the new value there, and the text still in its field."""
    case = await desk.case("same_atom", TEXT, row("total", "1.00", "2.00", "3.00"))
    page = await anna.get(f"/cases/{case}")
    form = {
        "csrf": csrf_in(page), "version": "1", "choice.notes": "value", "value.notes": "typed for long",
        "choice.total": "here",
        **dict(re.findall(r'name="(seen\.[^"]+)" value="([^"]+)"', page.text)),
    }  # fmt: skip
    await desk.moves(case, row("comments", "a", "b", "c"), row("total", "1.00", "2.00", "9.00"))
    fresh = await anna.post(f"/cases/{case}/resolve", **form)
    assert fresh.status_code == 409
    assert "The case changed while you looked at it" in fresh.text
    assert "9.00 EUR" in text_of(line_of(fresh, "total"))
    assert "new since you looked" in text_of(line_of(fresh, "total"))
    assert marked(fresh, "total") == ["here"]
    assert 'name="version" value="2"' in fresh.text
    assert desk.resolver.calls == []


async def test_what_was_typed_survives_a_change_of_another_field(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.case("same_atom", row("total", "1.00", "2.00", "3.00"), row("room_stays[1].room", "1", "2", "3"))
    page = await anna.get(f"/cases/{case}")
    form = {"csrf": csrf_in(page), "version": "1", "choice.total": "value", "value.total": "7.77"}
    await desk.moves(case, row("total", "1.00", "2.00", "3.00"), row("room_stays[1].room", "1", "2", "4"))
    fresh = await anna.post(f"/cases/{case}/resolve", **form)
    assert fresh.status_code == 409
    assert 'value="7.77"' in line_of(fresh, "total")
    assert marked(fresh, "total") == ["value"]


async def test_the_second_of_two_admins_is_told_who_was_faster(
    anna: Browser, site: Site, desk: DeskHotel, database: Database
) -> None:
    """CON-06, UI-05: one succeeds; the other, also by the back button, gets a clear 409 with what they had typed."""
    case = await desk.case("same_atom", TEXT)
    async with signed_in_as(site, database, desk.hotel.tenant_id, "front_desk") as ben:
        page = await ben.get(f"/cases/{case}")
        form = {"csrf": csrf_in(page), "version": "1", "choice.notes": "value", "value.notes": "typed by the second"}
        assert (await answered(anna, case, **{"choice.notes": "here"})).status_code == 303
        for _ in range(2):
            late = await ben.post(f"/cases/{case}/resolve", **form)
            assert late.status_code == 409
            told = text_of(late.text)
            assert "Somebody was faster" in told
            assert "by Anna" in told
            assert "typed by the second" in told
    assert len(desk.resolver.calls) == 1


async def test_a_race_lost_inside_the_transaction_is_the_same_page(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.case("same_atom", TEXT)
    desk.resolver.fault = CaseMoved(2)
    page = await answered(anna, case, **{"choice.notes": "value", "value.notes": "kept"})
    assert page.status_code == 409
    assert ">\nkept</textarea>" in page.text


async def test_a_form_without_a_readable_version_changes_nothing(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.dates()
    for version in ("", "x", "-1", "99999999999999999999", "1.0", "\u0661"):
        answer = await answered(anna, case, version=version, **{f"choice.{SHAPE}": "here"})
        assert answer.status_code == 409, version
    assert desk.resolver.calls == []


# ---- who may


async def test_nobody_resolves_without_the_secret_of_an_open_page(anna: Browser, desk: DeskHotel) -> None:
    """SEC-04: no token, another's token, another site, another type of body, and reading it."""
    case = await desk.dates()
    path, good = f"/cases/{case}/resolve", {"version": "1", f"choice.{SHAPE}": "here"}
    secret = csrf_in(await anna.get(f"/cases/{case}"))
    tries = [
        await anna.post(path, **good),
        await anna.post(path, csrf="x", **good),
        await anna.post(path, {"Origin": "https://evil.example"}, csrf=secret, **good),
        await anna.post(path, {"Sec-Fetch-Site": "cross-site"}, csrf=secret, **good),
        await anna.client.post(path, json={"csrf": secret, **good}),
        await anna.client.post(path, content=f"csrf={secret}&version=1", headers={"Content-Type": "text/plain"}),
    ]
    assert [one.status_code for one in tries] == [403] * len(tries)
    assert (await anna.client.get(path)).status_code == 405
    assert desk.resolver.calls == []


async def test_the_desk_is_for_people_who_signed_in(site: Site, desk: DeskHotel) -> None:
    """Not for the daemon's own machine either."""
    case = await desk.dates()
    for path, place in (
        ("/", "/login"),
        (f"/cases/{case}", f"/login?next=/cases/{case}"),
        ("/?q=1", "/login?next=/?q%3D1"),
    ):
        answer = await site.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, place)
    posted = await site.browser.post(f"/cases/{case}/resolve", data={"csrf": "x"})
    assert posted.status_code == 401


async def test_every_role_looks_and_those_who_may_change_reservations_resolve(
    site: Site, desk: DeskHotel, database: Database
) -> None:
    """SEC-01, UI-09: the viewer sees and cannot act; a denial is in the audit log."""
    case = await desk.dates()
    found: dict[str, tuple[int, bool, int]] = {}
    for role in ROLES:
        async with signed_in_as(site, database, desk.hotel.tenant_id, role) as someone:
            page = await someone.get(f"/cases/{case}")
            secret = csrf_in(page)
            sent = await someone.post(f"/cases/{case}/resolve", csrf=secret, version="0", **{f"choice.{SHAPE}": "here"})
            found[role] = (page.status_code, "Resolve and next" in page.text, sent.status_code)
    can, cannot = (200, True, 409), (200, False, 403)
    resolvers = ("super_admin", "admin", "manager", "front_desk")
    assert found == dict.fromkeys(resolvers, can) | dict.fromkeys(set(ROLES) - set(resolvers), cannot)
    denied = await audit(database, desk.hotel.tenant_id, "auth.denied")
    assert {row_["entity_id"] for row_ in denied} == {"/cases/{id}/resolve"}
    assert len(denied) == 3


async def test_who_guests_are_is_seen_by_those_who_may_read_guests(
    site: Site, desk: DeskHotel, database: Database
) -> None:
    """PRV: a name opened for the reception, its first letters for housekeeping; sealed fields likewise."""
    booked = await desk.booked(name="Zebedee")
    case = await desk.case("same_atom", WHO, row("folio_lines[7]", None, {"text": "Minibar", "amount": "9.00"}, None),
                           reservations=(booked,))  # fmt: skip
    for role, sees in (("front_desk", True), ("viewer", True), ("housekeeping", False), ("maintenance", False)):
        async with signed_in_as(site, database, desk.hotel.tenant_id, role) as someone:
            for page in (await someone.get("/"), await someone.get(f"/cases/{case}")):
                assert ("Zebedee" in page.text) is sees, role
                assert ("Z•••" in page.text) is not sees, role
            page = await someone.get(f"/cases/{case}")
            assert ("Exemplar" in page.text) is sees, role
            assert ("+34600000002" in page.text) is sees, role
            assert ("Minibar" in page.text) is sees, role
            assert ("Some values are hidden from your role." in page.text) is not sees, role


async def test_colleagues_are_named_and_their_addresses_shown_to_those_who_may_read_users(
    site: Site, desk: DeskHotel, database: Database
) -> None:
    case = await desk.case("same_atom", TEXT)
    async with signed_in_as(site, database, desk.hotel.tenant_id, "admin") as nameless:
        await answered(nameless, case, **{"choice.notes": "here"})
    for role, words in (("front_desk", "by admin-"), ("housekeeping", "by a colleague")):
        async with signed_in_as(site, database, desk.hotel.tenant_id, role) as someone:
            assert words in text_of((await someone.get(f"/cases/{case}")).text), role


async def test_no_name_stands_in_a_title(anna: Browser, desk: DeskHotel) -> None:
    """UI-11: titles end up in histories."""
    await desk.booked("5", name="Zebedee", room="103")
    for case in (await desk.sold_twice(), await desk.case("same_atom", WHO)):
        page = await anna.get(f"/cases/{case}")
        found = re.search(r"<title>(.*?)</title>", page.text)
        assert found
        assert not re.search("Zebedee|Quentin|Example|Ann ", found[1])


async def test_two_tenants_never_see_each_others_cases(
    site: Site, anna: Browser, desk: DeskHotel, database: Database, keys: KeyRing
) -> None:
    """8.4.1: neither in the queue, nor by address, nor by search, nor by resolving."""
    case = await desk.dates()
    [booked] = (await desk.stored(case))["reservation_ids"]
    other = uuid.uuid4()
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't2')", other)
        await keys.ensure(connection, other)
    async with signed_in_as(site, database, other, "super_admin") as stranger:
        for path in ("/", "/?state=all", f"/?q={case}", f"/?q={booked}", "/?q=4711"):
            page = await stranger.get(path)
            assert page.status_code == 200
            assert ids_in(page) == []
            assert "Ann Example" not in page.text
        assert (await stranger.get(f"/cases/{case}")).status_code == 404
        secret = csrf_in(await stranger.get("/"))
        sent = await stranger.post(f"/cases/{case}/resolve", csrf=secret, version="1", **{f"choice.{SHAPE}": "here"})
        assert sent.status_code == 404
    assert desk.resolver.calls == []
    assert ids_in(await anna.get("/")) == [str(case)]


async def test_the_pages_lead_from_the_board_and_the_booking_to_the_case(
    anna: Browser, site: Site, desk: DeskHotel, database: Database
) -> None:
    case = await desk.dates()
    [booked] = (await desk.stored(case))["reservation_ids"]
    assert f'href="/cases/{case}"' in (await anna.get(f"/reservations/{booked}")).text
    assert f'href="/reservations/{booked}"' in (await anna.get(f"/cases/{case}")).text
    assert '<a href="/health">Health</a>' in (await anna.get("/")).text
    async with signed_in_as(site, database, desk.hotel.tenant_id, "front_desk") as ben:
        assert "/health" not in (await ben.get("/")).text


async def test_a_status_is_chosen_from_a_list(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.case("cancel_against_edit", row(STATUS, "confirmed", "confirmed", "cancelled", "there"))
    page = await anna.get(f"/cases/{case}")
    options = re.findall(r'<option value="([^"]+)"', line_of(page, STATUS))
    assert {"confirmed", "cancelled", "checked_in", "hold option"} <= set(options)
    assert "beds24 cancelled this stay, and it was changed here meanwhile." in page.text


async def test_a_stay_that_went_missing_is_kept_or_cancelled(anna: Browser, desk: DeskHotel) -> None:
    path = "room_stays[1001]"
    case = await desk.case("group_member_dropped", row(path, "confirmed", "confirmed", None))
    page = await anna.get(f"/cases/{case}")
    told = text_of(line_of(page, path))
    assert "keep the stay" in told
    assert "no longer shown cancel it here" in told
    assert "Another value" not in told
    await answered(anna, case, **{f"choice.{path}": "there"})
    assert desk.resolver.choices == [(path, "there", None)]


# ---- with the one who really follows


async def test_what_was_chosen_is_written_told_and_on_its_way(
    database: Database, keys: KeyRing, desk: DeskHotel, watch: Watch
) -> None:
    """CON-05 from the form to the outbox: ours stays, the push waits out the undo window, the story says who."""
    case = await desk.contested()
    await add_person(database, desk.hotel.tenant_id, name="Anna")
    resolver = Resolver(desk.house.applier, 30)
    async with serving(database, keys, clock=watch, resolver=resolver) as site, browser(site) as anna:
        await anna.sign_in()
        page = await anna.get(f"/cases/{case}")
        told = text_of(line_of(page, SHAPE))
        assert "Mon 9 Mar 2026" in told
        assert "Fri 13 Mar 2026" in told
        assert re.search(r"Fri 13 Mar 2026.*? since \w{3} \d+ \w{3} \d{4}, [\d:]+ CES?T, cli:x", told)
        answer = await answered(anna, case, **{f"choice.{SHAPE}": "here"})
        assert answer.status_code == 303, answer.text
        after = text_of((await anna.get(f"/cases/{case}")).text)
        late = await anna.post(
            f"/cases/{case}/resolve", csrf=csrf_in(page), version="1", **{f"choice.{SHAPE}": "there"}
        )
    assert late.status_code == 409
    assert re.search(r"Case resolved Anna Dates, type and price ours", after)
    assert re.search(r"modify beds24 planned leaves \w{3} \d+ \w{3} \d{4}", after)
    [stay] = await desk.house.rows("SELECT arrival, departure FROM room_stays")
    assert (stay["arrival"], stay["departure"]) == (date(2026, 3, 10), date(2026, 3, 13))


async def test_what_rules_settled_stands_folded_with_what_was_passed_over(anna: Browser, desk: DeskHotel) -> None:
    """UX: fields that merged by themselves; the loser is kept, and one command brings it back."""
    booked = await desk.contested("here")
    case = await desk.case("same_atom", TEXT, reservations=(booked,))
    page = await anna.get(f"/cases/{case}")
    told = text_of(page.text)
    assert "1 difference settled by rules" in told
    assert re.search(r"stay 1001 ours Arrival Tue 10 Mar 2026.*? Arrival Mon 9 Mar 2026.*? direct\.shape", told)
    assert re.search(r"pms-sync decisions bring-back \d+", told)


async def test_what_rules_settled_about_people_is_hidden_like_the_rest(
    site: Site, desk: DeskHotel, database: Database, keys: KeyRing
) -> None:
    booked = await desk.booked()
    case = await desk.case("same_atom", TEXT, reservations=(booked,))
    decision = NewDecision(
        reservation_id=booked, account_id=desk.hotel.account_id, vendor_ref="1001", path="notes", verdict="push",
        rule="direct.notes", values={"result": "stands in the clear", "loser": "passed over"}, actor="x",
        correlation_id="c",
    )  # fmt: skip
    async with database.transaction(desk.hotel.tenant_id) as connection:
        await decisions.add(connection, keys, desk.hotel.tenant_id, [decision])
    for role, sees in (("front_desk", True), ("housekeeping", False)):
        async with signed_in_as(site, database, desk.hotel.tenant_id, role) as someone:
            page = await someone.get(f"/cases/{case}")
            assert ("stands in the clear" in page.text) is sees, role
            assert ("passed over" in page.text) is sees, role
            assert "settled by rules" in page.text


# ---- taken back


async def resolved_here(someone: Browser, case: uuid.UUID) -> httpx.Response:
    """Let our side stand, and return the page of the case as it is then."""
    answer = await answered(someone, case, **{f"choice.{SHAPE}": "here"})
    assert answer.status_code == 303, answer.text
    return await someone.get(f"/cases/{case}")


async def taken_back(someone: Browser, page: httpx.Response, case: uuid.UUID) -> httpx.Response:
    """Press the button of a page."""
    found = re.search(rf'action="/cases/{case}/undo">.*?name="version" value="(\d+)"', page.text, re.DOTALL)
    assert found
    return await someone.post(f"/cases/{case}/undo", csrf=csrf_in(page), version=found[1])


async def test_a_decision_is_taken_back_by_one_button_while_nothing_has_left(
    database: Database, keys: KeyRing, desk: DeskHotel, watch: Watch
) -> None:
    """UX, a case, 5: undo for 30 seconds; the case is open again, and a second press finds nothing to take back."""
    case = await desk.contested()
    await add_person(database, desk.hotel.tenant_id, name="Anna")
    resolver = Resolver(desk.house.applier, 30)
    async with serving(database, keys, clock=watch, resolver=resolver) as site, browser(site) as anna:
        await anna.sign_in()
        assert "Take it back" not in (await anna.get(f"/cases/{case}")).text
        page = await resolved_here(anna, case)
        assert "Take it back" in page.text
        answer = await taken_back(anna, page, case)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/cases/{case}?back=1")
        open_again = await anna.get(answer.headers["Location"])
        twice = await taken_back(anna, page, case)
        later = await anna.get(f"/cases/{case}")
    assert "Taken back." in open_again.text
    assert "Take it back" not in open_again.text
    assert "Case reopened Anna" in text_of(later.text)
    assert twice.status_code == 409
    assert "Nothing was taken back" in twice.text
    stored = await desk.stored(case)
    assert (stored["state"], stored["resolved_by"]) == ("open", None)


async def test_after_the_window_the_page_says_plainly_that_the_decision_stands(
    database: Database, keys: KeyRing, desk: DeskHotel, watch: Watch
) -> None:
    case = await desk.contested()
    await add_person(database, desk.hotel.tenant_id, name="Anna")
    resolver = Resolver(desk.house.applier, 30)
    async with serving(database, keys, clock=watch, resolver=resolver) as site, browser(site) as anna:
        await anna.sign_in()
        page = await resolved_here(anna, case)
        await desk.house.rows("UPDATE cases SET resolved_at = now() - interval '31 s' RETURNING case_id")
        answer = await taken_back(anna, page, case)
        resolver.undo_s = 0
        closed = await anna.get(f"/cases/{case}")
    assert answer.status_code == 409
    assert "Too late to take back What was decided may have been sent by now" in text_of(answer.text)
    assert "Take it back" not in closed.text
    assert (await desk.stored(case))["state"] == "resolved"


async def test_nothing_is_taken_back_without_the_secret_or_the_right(
    site: Site, anna: Browser, desk: DeskHotel, database: Database
) -> None:
    """SEC-01, SEC-04."""
    case = await desk.case("same_atom", TEXT)
    await answered(anna, case, **{f"choice.{NOTES}": "here"})
    page = await anna.get("/")
    assert (await anna.post(f"/cases/{case}/undo", csrf="x", version="2")).status_code == 403
    for wrong in ("", "x", "-1", "9" * 40):
        assert (await anna.post(f"/cases/{case}/undo", csrf=csrf_in(page), version=wrong)).status_code == 409
    assert (await anna.post(f"/cases/{uuid.uuid4()}/undo", csrf=csrf_in(page), version="2")).status_code == 404
    async with signed_in_as(site, database, desk.hotel.tenant_id, "viewer") as someone:
        page = await someone.get("/")
        assert (await someone.post(f"/cases/{case}/undo", csrf=csrf_in(page), version="2")).status_code == 403
    assert (await desk.stored(case))["state"] == "resolved"


# ---- what will happen


def outlook_of(page: httpx.Response) -> str:
    """Return what a page says that the marked choices would do."""
    found = re.search(r'<div class="outlook">.*?</div>', page.text, re.DOTALL)
    return text_of(found[0]) if found else ""


async def test_what_the_marked_choices_do_is_told_before_with_what_the_vendor_will_not_do(
    database: Database, keys: KeyRing, desk: DeskHotel, watch: Watch
) -> None:
    """UX, a case, 4: exact writes and pushes, vendor limits before and not after; looking changes nothing."""
    case = await desk.contested()
    await desk.house.rows("UPDATE cases SET fields = jsonb_set(fields, '{0,suggested}', '\"here\"') RETURNING case_id")
    await add_person(database, desk.hotel.tenant_id, name="Anna")
    resolver = Resolver(desk.house.applier, 30)
    state = "SELECT (SELECT count(*) FROM intents) AS sent, (SELECT max(version) FROM cases) AS case_version"
    before = await desk.house.rows(state)
    async with serving(database, keys, clock=watch, resolver=resolver) as site, browser(site) as anna:
        await anna.sign_in()
        suggested = await anna.get(f"/cases/{case}")
        form = {"csrf": csrf_in(suggested), "version": "1"}
        theirs = await anna.post(f"/cases/{case}/preview", **form, **{f"choice.{SHAPE}": "there"})
        part = {f"choice.{SHAPE}": "value", f"value.{SHAPE}.departure": "2026-03-14"}
        typed = await anna.post(f"/cases/{case}/preview", **form, **part)
        part[f"value.{SHAPE}.departure"] = "2026-03-01"
        wrong = await anna.post(f"/cases/{case}/preview", **form, **part)
        stale = await anna.post(f"/cases/{case}/preview", csrf=form["csrf"], version="9", **{f"choice.{SHAPE}": "here"})
    assert outlook_of(suggested) == (
        "As marked Nothing changes here. Sent to beds24: Dates, type and price of stay 1001."
    )
    assert outlook_of(theirs) == (
        "As marked Written here: Dates, type and price of stay 1001. Nothing is sent to any vendor."
    )
    assert (theirs.status_code, marked(theirs, SHAPE)) == (200, ["there"])
    assert "Written here: Dates, type and price of stay 1001. Sent to beds24" in outlook_of(typed)
    assert 'value="2026-03-14"' in typed.text
    assert "This cannot be followed. Dates, type and price of stay 1001: " in outlook_of(wrong)
    assert (stale.status_code, "The case changed while you looked at it" in stale.text) == (409, True)
    assert outlook_of(stale) == outlook_of(suggested)
    assert await desk.house.rows(state) == before


async def test_what_cannot_be_sent_is_not_told_as_sent(
    database: Database, keys: KeyRing, desk: DeskHotel, watch: Watch
) -> None:
    case = await desk.contested()
    await desk.house.rows("UPDATE accounts SET mode = 'shadow' RETURNING account_id")
    await add_person(database, desk.hotel.tenant_id, name="Anna")
    async with (
        serving(database, keys, clock=watch, resolver=Resolver(desk.house.applier, 30)) as site,
        browser(site) as anna,
    ):
        await anna.sign_in()
        page = await anna.get(f"/cases/{case}")
        told = await anna.post(f"/cases/{case}/preview", csrf=csrf_in(page), version="1", **{f"choice.{SHAPE}": "here"})
    assert "Not sent to beds24, since the account is in shadow mode" in outlook_of(told)


async def test_what_the_vendor_will_not_do_stands_at_the_push_it_is_about(anna: Browser, desk: DeskHotel) -> None:
    """UX: "Beds24 does not send this change on to Booking.com" is told before, not after."""
    case = await desk.dates()
    push = ForeseenPush(
        account_id=desk.hotel.account_id, vendor="beds24", live=True, kind="cancel", paths=(STATUS,),
        notices=(f"Booking.com is not told: {HOSTILE}",),
    )  # fmt: skip
    desk.resolver.foreseen = Foreseen(written=(STATUS,), pushes=(push,))
    page = await anna.get(f"/cases/{case}")
    assert HOSTILE not in page.text
    assert outlook_of(page) == (
        "As marked Written here: Status of stay 1001. Sent to beds24: the cancellation. "
        f"Booking.com is not told: {HOSTILE}"
    )


async def test_nothing_is_foreseen_before_every_field_has_its_choice(anna: Browser, desk: DeskHotel) -> None:
    open_one = await desk.case("same_atom", DATES, TEXT)
    page = await anna.get(f"/cases/{open_one}")
    assert outlook_of(page) == ""
    form = {"csrf": csrf_in(page), "version": "1", f"choice.{SHAPE}": "there"}
    assert outlook_of(await anna.post(f"/cases/{open_one}/preview", **form)) == ""
    assert desk.resolver.previewed == []
    await anna.post(f"/cases/{open_one}/preview", **form, **{f"choice.{NOTES}": "here"})
    [(_, case, version, choices)] = desk.resolver.previewed
    assert (case, version, [(one.path, one.take) for one in choices]) == (
        open_one, 1, [(SHAPE, "there"), (NOTES, "here")],
    )  # fmt: skip


async def test_after_a_refused_answer_what_was_chosen_is_foreseen(anna: Browser, desk: DeskHotel) -> None:
    case = await desk.dates()
    desk.resolver.refuse((SHAPE, "the stay is closed"))
    answer = await answered(anna, case, **{f"choice.{SHAPE}": "here"})
    assert answer.status_code == 400
    assert [(one.path, one.take) for one in desk.resolver.previewed[-1][3]] == [(SHAPE, "here")]
    assert "Nothing changes here." in outlook_of(answer)


async def test_who_may_not_decide_is_not_told_what_deciding_would_do(
    site: Site, desk: DeskHotel, database: Database
) -> None:
    case = await desk.dates()
    async with signed_in_as(site, database, desk.hotel.tenant_id, "viewer") as someone:
        page = await someone.get(f"/cases/{case}")
        assert outlook_of(page) == ""
        form = {"csrf": csrf_in(await someone.get("/")), "version": "1"}
        assert (await someone.post(f"/cases/{case}/preview", **form)).status_code == 403
    assert desk.resolver.previewed == []


# ---- a review of many links


async def test_a_review_is_answered_in_part_and_says_what_is_left(anna: Browser, desk: DeskHotel) -> None:
    """ARCHITECTURE §6: one review an account; a row may be left for later without a word about it."""
    booked = await desk.booked()
    bill = "reservations[1002].total"
    about = {"ref": "1001", "reservation_id": str(booked)}
    case = await desk.case(
        "link_up", DATES | about, row(bill, None, "1.00", "2.00") | about, reservations=(booked, uuid.uuid4()), ref=None
    )
    page = await anna.get(f"/cases/{case}")
    told = text_of(page.text)
    assert "When beds24 was connected, 2 bookings stood there and here with different values." in told
    assert "What you leave for later stays open." in told
    assert "Total booking 1002" in text_of(line_of(page, bill))
    assert " required" not in line_of(page, bill)
    assert (marked(page, SHAPE), "decide later" in line_of(page, SHAPE)) == (["there"], True)
    later = {f"choice.{SHAPE}": "here", f"choice.{bill}": "later"}
    assert (await answered(anna, case, **later)).status_code == 303
    assert desk.resolver.choices == [(SHAPE, "here", None)]


async def test_an_open_review_that_was_answered_in_part_can_be_taken_back(
    database: Database, keys: KeyRing, desk: DeskHotel, watch: Watch
) -> None:
    meeting = await met(database, keys, desk.hotel)
    case = await meeting.both()
    await add_person(database, desk.hotel.tenant_id, name="Anna")
    resolver = Resolver(desk.house.applier, 30)
    async with serving(database, keys, clock=watch, resolver=resolver) as site, browser(site) as anna:
        await anna.sign_in()
        answer = await answered(anna, case["case_id"], **{f"choice.{FIRST}": "there", f"choice.{SECOND}": "later"})
        page = await anna.get(answer.headers["Location"])
        assert "Done. What was left for later stays open below." in page.text
        assert FIRST not in page.text
        back = await taken_back(anna, page, case["case_id"])
        again = await anna.get(back.headers["Location"])
    assert "Taken back." in again.text
    assert FIRST in again.text
    assert await meeting.departures() == [12, 12]
