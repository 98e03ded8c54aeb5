"""The drawing of a room sold twice: whose bars, on which days, and which rooms are free."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest

from conflict import collisions
from pms_sync.store.case_rooms import Holder, RoomLine
from pms_sync.web.tape import Place, Tape, draw, place_of
from tests.unit.test_case_words import head

NIGHT = date(2026, 3, 10)
ONE, TWO, THREE = (uuid.UUID(int=number) for number in (1, 2, 3))


def stay(stay_id: uuid.UUID, arrival: date, departure: date, **facts: Any) -> dict[str, Any]:
    """Build a row of a stay in room 101."""
    return {
        "stay_id": stay_id, "reservation_id": stay_id, "arrival": arrival, "departure": departure, "room": "101",
        "room_ref": "55/1", "status": "confirmed", "vendor_ref": str(stay_id.int), "claim_state": "claimed",
    } | facts  # fmt: skip


def holder(holder_id: uuid.UUID, arrival: date, departure: date, **facts: Any) -> Holder:
    told: dict[str, Any] = {"reservation_id": holder_id, "status": "confirmed", "vendor_ref": "9"} | facts
    return Holder(holder_id=holder_id, arrival=arrival, departure=departure, **told)


def room(code: str, *holders: Holder) -> RoomLine:
    return RoomLine(room_id=uuid.uuid4(), code=code, holders=holders)


STAYS = [
    stay(ONE, date(2026, 3, 9), date(2026, 3, 12)),
    stay(TWO, NIGHT, date(2026, 3, 13), claim_state="refused"),
]
CASE = collisions.double_booked(ONE, "101", NIGHT, [ONE, TWO], NIGHT, holder="1", refused="2")


def place(stays: Any = STAYS) -> Place:
    found = place_of(head(CASE.kind, *CASE.fields), stays)
    assert found is not None
    return found


def drawn(*rooms: RoomLine, stays: Any = STAYS) -> Tape:
    return draw(place(stays), rooms, stays, {})


def test_the_days_of_both_stays_are_drawn_with_some_around() -> None:
    found = place()
    assert (found.room, found.night) == ("101", NIGHT)
    assert found.days == (date(2026, 3, 6), date(2026, 3, 16))


def test_a_stay_of_months_is_cut_and_still_counts_whole() -> None:
    long = stay(TWO, date(2026, 2, 1), date(2026, 6, 1), claim_state="refused")
    found = place([STAYS[0], long])
    assert found.days == (date(2026, 3, 5), date(2026, 3, 24))
    assert found.whole == (date(2026, 1, 29), date(2026, 6, 4))
    later = holder(THREE, date(2026, 5, 1), date(2026, 5, 3))
    tape = drawn(room("101"), room("102", later), stays=[STAYS[0], long])
    assert tape.free == []
    for bar in tape.bars:
        assert tape.gutter <= bar.x <= bar.x + bar.width <= tape.width


@pytest.mark.parametrize("kind", ["type_oversold", "same_atom", "mapping_missing"])
def test_nothing_is_drawn_of_other_kinds(kind: str) -> None:
    assert place_of(head(kind, *CASE.fields), STAYS) is None


@pytest.mark.parametrize(
    "fields", [[], [{"path": "room", "here": "101"}], [{"path": "room", "here": "1"}, {"path": "date", "here": "x"}]]
)
def test_nothing_is_drawn_where_room_or_night_is_not_told(fields: list[dict[str, Any]]) -> None:
    assert place_of(head("room_double_booked", *fields), STAYS) is None


def test_the_contested_room_has_a_lane_for_each_stay_and_stands_first() -> None:
    tape = drawn(room("100"), room("101", holder(ONE, date(2026, 3, 9), date(2026, 3, 12))), room("102"))
    assert [(line.code, line.contested) for line in tape.lines] == [("101", True), ("100", False), ("102", False)]
    looks = {bar.look: bar for bar in tape.bars}
    assert set(looks) == {"held", "refused"}
    assert looks["held"].y != looks["refused"].y
    assert tape.lines[0].height > tape.lines[1].height


def test_a_night_begins_in_the_middle_of_its_day_and_ends_in_the_middle_of_the_next() -> None:
    tape = drawn(room("101", holder(ONE, date(2026, 3, 9), date(2026, 3, 12))))
    [held] = [bar for bar in tape.bars if bar.look == "held"]
    day = tape.band[1]
    assert tape.band[0] - held.x == pytest.approx(day, abs=0.2)
    assert held.width == pytest.approx(3 * day, abs=0.2)


def test_a_room_is_free_only_for_the_whole_of_the_refused_stay() -> None:
    """Same-day turnover is free: somebody leaves on the day the other arrives."""
    before = holder(THREE, date(2026, 3, 8), NIGHT)
    inside = holder(THREE, date(2026, 3, 12), date(2026, 3, 14))
    after = holder(THREE, date(2026, 3, 13), date(2026, 3, 14))
    tape = drawn(room("101"), room("102", before, after), room("103", inside), room("104"))
    assert tape.free == ["102", "104"]
    assert [line.code for line in tape.lines] == ["101", "102", "104", "103"]
    assert "free for the whole of it: 102, 104" in tape.says


def test_a_block_is_drawn_as_one_and_keeps_a_room_from_being_free() -> None:
    block = holder(THREE, NIGHT, date(2026, 3, 12), reservation_id=None, status="out_of_order")
    tape = drawn(room("101"), room("102", block))
    assert tape.free == []
    assert [(bar.look, bar.label) for bar in tape.bars if bar.look == "block"] == [("block", "out of order")]
    assert "no other room of the type is free for it" in tape.says


def test_a_cancelled_party_wants_nothing_any_more() -> None:
    gone = [STAYS[0], STAYS[1] | {"status": "cancelled"}]
    tape = drawn(room("101", holder(ONE, date(2026, 3, 9), date(2026, 3, 12))), room("102"), stays=gone)
    assert tape.free == []
    assert {bar.look for bar in tape.bars} == {"held"}


def test_many_rooms_are_told_by_number() -> None:
    tape = drawn(room("101"), *(room(str(number)) for number in range(200, 240)))
    assert (len(tape.lines), tape.more, len(tape.free)) == (8, 33, 40)


def test_a_name_that_does_not_fit_is_cut_and_stands_whole_in_the_title() -> None:
    name = "Maximilian Alexander von und zu Hohenstein"
    tape = drawn(room("101"), room("102", holder(THREE, NIGHT, date(2026, 3, 11), guest=name)))
    [bar] = [one for one in tape.bars if one.look == "other"]
    assert bar.label.endswith("…")
    assert name.startswith(bar.label[:-1])
    assert bar.title == f"{name}, Tue 10 Mar to Wed 11 Mar 2026"


def test_day_use_has_a_bar_too() -> None:
    tape = drawn(room("101"), room("102", holder(THREE, NIGHT, NIGHT)))
    [bar] = [one for one in tape.bars if one.look == "other"]
    assert bar.width > 4
