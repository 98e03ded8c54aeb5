"""The desk in a real browser: by mouse, by keys, without a script, on a phone, in the dark, and for screen readers."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
import pytest_asyncio

from pms_sync.apply.foreseeing import Foreseen, ForeseenPush
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.chromium import DESKTOP, PHONE, needs_chromium, visiting
from tests.integration.desk_hotel import BOOKER, DATES, NOTES, SHAPE, TEXT, WHO, DeskHotel, row
from tests.integration.served_pages import Site, serving
from tests.integration.signing_in import EMAIL, PASSWORD, Watch, add_person

pytestmark = [pytest.mark.browser, needs_chromium]

RESOLVE, NEXT = "button:text-is('Resolve')", "button:text-is('Resolve and next')"
LOOKS = [("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE), ("dark", PHONE)]


@pytest.fixture
def desk(database: Database, keys: KeyRing, hotel: Any) -> DeskHotel:
    return DeskHotel(database, keys, hotel)


@pytest_asyncio.fixture
async def site(database: Database, keys: KeyRing, desk: DeskHotel) -> AsyncIterator[Site]:
    """Serve the desk for a manager."""
    await add_person(database, desk.hotel.tenant_id, name="Anna")
    watch = Watch()
    watch.time = datetime(2026, 3, 8, 9, tzinfo=UTC)
    async with serving(database, keys, clock=watch, resolver=desk.resolver) as opened:
        yield opened


async def three_fields(desk: DeskHotel) -> uuid.UUID:
    """Open a case with a suggestion for one of its three fields."""
    booked = await desk.booked(room="102", channel="booking_com", channel_reference="4711")
    return await desk.case("same_atom", DATES, WHO, TEXT, reservations=(booked,))


async def test_a_case_is_resolved_with_keys_alone(site: Site, desk: DeskHotel) -> None:
    """UI-06: j to it, enter opens it, a marks what is suggested, enter resolves."""
    await desk.case("mass_change", severity=1, link=False)
    await desk.dates()
    async with visiting() as visit:
        await visit.sign_in(site.address, EMAIL, PASSWORD)
        for key in ("j", "j", "j", "k", "j"):
            await visit.page.keyboard.press(key)
        await visit.page.keyboard.press("Enter")
        await visit.page.wait_for_selector("h1:has-text('changed on both sides')")
        await visit.page.keyboard.press("a")
        await visit.page.keyboard.press("Enter")
        await visit.page.wait_for_selector("text=Resolved")
        assert visit.complaints == []
    assert desk.resolver.choices == [(SHAPE, "there", None)]


async def test_keys_can_be_switched_off_and_typing_is_never_a_command(site: Site, desk: DeskHotel) -> None:
    """WCAG 2.1.4."""
    await desk.dates()
    async with visiting() as visit:
        await visit.sign_in(site.address, EMAIL, PASSWORD)
        focused = "document.activeElement.className"
        await visit.page.keyboard.press("/")
        await visit.page.keyboard.type("jk")
        assert await visit.page.input_value("#q") == "jk"
        await visit.page.click("text=Switch keys off")
        await visit.page.keyboard.press("j")
        assert await visit.page.evaluate(focused) != "title"
        await visit.page.reload()
        await visit.page.keyboard.press("j")
        assert await visit.page.evaluate(focused) != "title"
        await visit.page.click("text=Switch keys on")
        await visit.page.keyboard.press("j")
        assert await visit.page.evaluate(focused) == "title"


async def test_who_types_another_value_means_it(site: Site, desk: DeskHotel) -> None:
    """The mark follows the typing, and what will happen is told as it is chosen."""
    case = await three_fields(desk)
    async with visiting() as visit:
        await visit.sign_in(site.address, EMAIL, PASSWORD)
        await visit.page.goto(f"{site.address}/cases/{case}")
        assert "2 still to choose" in await visit.page.inner_text(".summary")
        await visit.page.click(f"tr[data-path='{NOTES}'] summary")
        await visit.page.fill(f"[name='value.{NOTES}']", "typed")
        assert await visit.page.is_checked(f"[name='choice.{NOTES}'][value='value']")
        await visit.page.click(f"tr[data-path='{BOOKER}'] label.pick >> nth=0")
        assert await visit.page.inner_text(".summary") == "1 as it is here, 1 as it is there, 1 as typed."
        await visit.page.click(RESOLVE)
        await visit.page.wait_for_selector("text=Resolved")
    assert desk.resolver.choices == [(SHAPE, "there", None), (BOOKER, "here", None), (NOTES, "value", "typed")]


async def test_what_was_foreseen_is_shown_only_for_the_choices_it_is_about(site: Site, desk: DeskHotel) -> None:
    """UX, a case, 4: a stale outlook would be worse than none; a button looks at other choices, also without keys."""
    case = await desk.dates()
    push = ForeseenPush(
        account_id=desk.hotel.account_id, vendor="beds24", live=True, kind="modify", paths=(SHAPE,),
        notices=("Beds24 does not send this change on to Booking.com",),
    )  # fmt: skip
    desk.resolver.foreseen = Foreseen(written=(SHAPE,), pushes=(push,))
    async with visiting() as visit:
        await visit.sign_in(site.address, EMAIL, PASSWORD)
        await visit.page.goto(f"{site.address}/cases/{case}")
        assert "does not send this change on" in await visit.page.inner_text(".outlook")
        assert await visit.barriers() == []
        await visit.page.check(f"[name='choice.{SHAPE}'][value='here']")
        assert await visit.page.is_hidden(".outlook")
        await visit.page.check(f"[name='choice.{SHAPE}'][value='there']")
        assert await visit.page.is_visible(".outlook")
        await visit.page.check(f"[name='choice.{SHAPE}'][value='here']")
        await visit.page.click("button:text-is('Show what this does')")
        assert await visit.page.is_visible(".outlook")
        assert await visit.page.is_checked(f"[name='choice.{SHAPE}'][value='here']")
        assert visit.complaints == []
    assert [[one.take for one in choices] for _, _, _, choices in desk.resolver.previewed] == [["there"], ["here"]]
    assert desk.resolver.calls == []


async def test_a_row_of_a_review_is_left_for_later_by_mouse(site: Site, desk: DeskHotel) -> None:
    total = "reservations[1002].total"
    about = {"ref": "1002", "reservation_id": str(await desk.booked())}
    case = await desk.case("link_up", DATES | about, row(total, None, "1.00", "2.00") | about, ref=None)
    async with visiting(PHONE) as visit:
        await visit.sign_in(site.address, EMAIL, PASSWORD)
        await visit.page.goto(f"{site.address}/cases/{case}")
        assert await visit.page.inner_text(".summary") == "1 as it is there, 1 left for later."
        assert (await visit.barriers(), await visit.sideways()) == ([], 0)
        await visit.page.click(RESOLVE)
        await visit.page.wait_for_selector("text=Resolved")
        assert visit.complaints == []
    assert desk.resolver.choices == [(SHAPE, "there", None)]


async def test_without_a_script_everything_works(site: Site, desk: DeskHotel) -> None:
    """UI-01: list, open, type, resolve, and on to the next."""
    case = await three_fields(desk)
    other = await desk.case("mass_change", severity=4, link=False)
    async with visiting(script=False) as visit:
        await visit.sign_in(site.address, EMAIL, PASSWORD)
        await visit.page.click("tr[data-case-id] a.title >> nth=0")
        await visit.page.check(f"[name='choice.{BOOKER}'][value='there']")
        await visit.page.click(f"tr[data-path='{NOTES}'] summary")
        await visit.page.fill(f"[name='value.{NOTES}']", "typed")
        await visit.page.check(f"[name='choice.{NOTES}'][value='value']")
        await visit.page.click(NEXT)
        assert visit.page.url == f"{site.address}/cases/{other}?done={case}"
        await visit.page.click("button:text-is('Mark as settled and next')")
        assert visit.page.url == f"{site.address}/?done={other}"
    assert [len(choices) for _, _, choices, _ in desk.resolver.calls] == [3, 0]


async def test_nothing_is_sent_while_a_field_has_no_choice(site: Site, desk: DeskHotel) -> None:
    case = await three_fields(desk)
    async with visiting() as visit:
        await visit.sign_in(site.address, EMAIL, PASSWORD)
        await visit.page.goto(f"{site.address}/cases/{case}")
        await visit.page.click(RESOLVE)
        assert visit.page.url == f"{site.address}/cases/{case}"
        assert await visit.page.evaluate("document.activeElement.name") == f"choice.{BOOKER}"
    assert desk.resolver.calls == []


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
async def test_no_barrier_is_found_and_nothing_hangs_over_the_edge(
    site: Site, desk: DeskHotel, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    """UI-06, UI-07: WCAG as far as a program can tell, also with names of every script and length."""
    case, name = await three_fields(desk), "مُحَمَّد بن عبد الله 佐藤さくら " + "Wolfeschlegelsteinhausenbergerdorff" * 3
    long = await desk.booked("1005", room="103", channel="expedia", channel_reference="X" * 60, name=name)
    wide = row("comments", "x" * 400, name, "y " * 300)
    pages = ["/", f"/cases/{case}", f"/cases/{await desk.sold_twice()}",
             f"/cases/{await desk.case('same_atom', wide, reservations=(long,))}"]  # fmt: skip
    async with visiting(size, scheme=scheme) as visit:
        await visit.sign_in(site.address, EMAIL, PASSWORD)
        for path in pages:
            await visit.page.goto(site.address + path)
            assert await visit.barriers() == [], path
            assert await visit.sideways() <= 0, path
        await visit.page.goto(site.address + pages[1])
        desk.resolver.refuse((NOTES, "too long"), (SHAPE, "no such day"))
        for path in (BOOKER, NOTES):
            await visit.page.check(f"[name='choice.{path}'][value='here']")
        await visit.page.click(RESOLVE)
        await visit.page.wait_for_selector("text=Nothing was done yet")
        assert await visit.barriers() == []
        assert await visit.sideways() <= 0
        assert [one for one in visit.complaints if "400" not in one] == []
