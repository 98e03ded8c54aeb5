"""Resolving: a person's choices become atoms of ours and of the base, or are refused with path, value and why."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

import pytest

from conflict.atoms import Value
from conflict.cases import as_case, fields_of, subject_of
from conflict.collisions import object_subject
from conflict.decide import decide
from conflict.fields import Names, atom_path, is_personal, public_path
from conflict.resolve import Choice, ChoicesRefused, Resolution, Shown, resolve
from conflict.triple import side_of
from tests.unit.merge_revisions import (
    AGREED,
    DIRECT,
    OTA,
    ROOM,
    SHAPE,
    STATUS,
    judged,
    nights,
    revision,
    shape,
    side,
    stay,
)

NAMES = Names(
    room_type={"55": "DBL", "56": "SGL", "57": "SUI", "58": "SUI"}, room={"55/1": "101", "55/2": "102"}, currency="EUR"
)
OURS, THEIRS = shape("2026-03-13", total="300"), shape("2026-03-14", total="400")
ACCOUNT, LINK = UUID(int=1), object_subject("stay", UUID(int=2))
AT = "room_stays[1001]"
FIRST_NIGHT = {"date": "2026-03-10", "price": "90.00"}
LAST_DAY = f"{AT}.departure"


def take(side_name: Literal["here", "there"], path: str = f"{AT}.shape") -> Choice:
    return Choice(path=path, take=side_name)


def typed(value: Any, path: str = f"{AT}.shape") -> Choice:
    return Choice(path=path, take="value", value=value)


def shown(*fields: str, here: dict[str, Value] | None = None, there: dict[str, Value] | None = None) -> Shown:
    """Show a case about fields; the stay's shape differs unless other trees are given."""
    mine, other = here or {SHAPE: OURS}, there or {SHAPE: THEIRS}
    return Shown(base=AGREED, here={**AGREED, **mine}, there={**AGREED, **other}, fields=fields or (SHAPE,))


def chosen(*choices: Choice, of: Shown | None = None) -> Resolution:
    return resolve(of or shown(), choices, NAMES)


def refusals(*choices: Choice, of: Shown | None = None) -> list[tuple[str, str, str]]:
    with pytest.raises(ChoicesRefused) as refused:
        chosen(*choices, of=of)
    return [tuple(problem) for problem in refused.value.problems]  # type: ignore[misc]


class TestSides:
    """Ours becomes the choice, base what the vendor showed."""

    def test_keeping_ours_makes_the_link_dirty(self) -> None:
        assert chosen(take("here")) == Resolution({SHAPE: OURS}, {SHAPE: THEIRS}, (SHAPE,))

    def test_taking_theirs_leaves_nothing_to_send(self) -> None:
        assert chosen(take("there")) == Resolution({SHAPE: THEIRS}, {SHAPE: THEIRS}, ())

    def test_the_same_difference_is_not_raised_again(self) -> None:
        """BEYOND 68."""
        found = chosen(take("here"))
        after = decide({**AGREED, SHAPE: THEIRS}, side({SHAPE: OURS}), side({SHAPE: THEIRS}), OTA)
        assert (after.contests, after.push) == ((), found.push)

    def test_either_spelling_of_a_field_is_the_field(self) -> None:
        assert chosen(take("there"), of=shown(f"{AT}.shape")) == chosen(take("there"), of=shown(SHAPE))


class TestTypedValues:
    """A third value, whole or in parts."""

    def test_a_whole_value_in_our_codes(self) -> None:
        told = {"arrival": "2026-03-10", "departure": "2026-03-11", "room_type_ref": "SGL", "rate_plan_ref": None}
        found = chosen(typed({**told, "total": "90.00", "nights": [{"date": "2026-03-10", "price": "90.00"}]}))
        wanted = ("2026-03-10", "2026-03-11", "56", "", "90", (("2026-03-10", "90"),), ())
        assert found == Resolution({SHAPE: wanted}, {SHAPE: THEIRS}, (SHAPE,))

    def test_a_part_laid_over_the_chosen_side(self) -> None:
        found = chosen(take("there"), typed("2026-03-15", LAST_DAY))
        assert found.here[SHAPE] == shape("2026-03-15", total="400")

    def test_a_part_laid_over_the_suggested_side(self) -> None:
        case = shown()
        case = Shown(base=case.base, here=case.here, there=case.there, fields=case.fields, suggested={SHAPE: "here"})
        found = chosen(typed("2026-03-15", f"{AT}.shape.departure"), of=case)
        assert found.here[SHAPE] == shape("2026-03-15", total="300")

    def test_each_part_from_its_side(self) -> None:
        found = chosen(take("here"), take("there", f"{AT}.total"))
        assert found.here[SHAPE] == shape("2026-03-13", total="400")

    def test_a_split_total_is_split_again_over_the_new_nights(self) -> None:
        split = side_of(revision(stay(nights=nights(2)))).tree[SHAPE]
        found = chosen(take("here"), typed("2026-03-13", LAST_DAY), of=shown(here={SHAPE: split}))
        dates = ("2026-03-10", "2026-03-11", "2026-03-12")
        prices = tuple(zip(dates, ("66.67", "66.67", "66.66"), strict=True))
        assert found.here[SHAPE] == ("2026-03-10", "2026-03-13", "55", "", "200", prices, dates)

    def test_given_prices_are_cut_with_the_stay_and_their_sum_with_them(self) -> None:
        given = side_of(revision(stay(nights=nights(2, derived=False)))).tree[SHAPE]
        found = chosen(take("here"), typed("2026-03-11", LAST_DAY), of=shown(here={SHAPE: given}))
        assert found.here[SHAPE] == ("2026-03-10", "2026-03-11", "55", "", "100", (("2026-03-10", "100"),), ())

    def test_a_longer_stay_needs_prices_where_prices_are_given(self) -> None:
        given = side_of(revision(stay(nights=nights(2, derived=False)))).tree[SHAPE]
        ((path, _, why),) = refusals(take("here"), typed("2026-03-13", LAST_DAY), of=shown(here={SHAPE: given}))
        assert path == f"{AT}.shape"
        assert why == "name a price for each of the nights 2026-03-10, 2026-03-11, 2026-03-12"

    @pytest.mark.parametrize(
        ("field", "value", "atom"),
        [
            ("room", "102", "55/2"),
            ("room", None, ""),
            ("status", "hold option", ("hold", "option")),
            ("occupancy", {"adults": "3", "children": None}, (3, "")),
        ],
    )
    def test_the_other_atoms_of_a_stay(self, field: str, value: Any, atom: Value) -> None:
        base, path = {**AGREED, STATUS: ("hold", "request")}, f"stays[1001].{field}"
        case = Shown(base=base, here=base, there=base, fields=(path,))
        assert chosen(typed(value, f"{AT}.{field}"), of=case).here == {path: atom}

    def test_a_guest_may_be_taken_off_and_a_total_may_be_the_sum(self) -> None:
        person: Value = ("77", "Ben", "", "", "", "", "")
        case = shown("guests[77]", "total", here={"guests[77]": person, "total": "215"}, there={"guests[77]": person})
        found = chosen(typed(None, "guests[77]"), typed("sum of the stays", "total"), of=case)
        assert found.here == {"guests[77]": None, "total": "sum"}
        assert found.push == ("guests[77]",)

    def test_typed_prices_make_the_total(self) -> None:
        prices = {"2026-03-10": "90", "2026-03-11": "95.5", "2026-03-12": "100"}
        told = [{"date": day, "price": price} for day, price in prices.items()]
        found = chosen(take("here"), typed(told, f"{AT}.nights"))
        assert found.here[SHAPE] == (*OURS[:4], "285.5", tuple(prices.items()), ())

    def test_a_part_of_a_side_that_has_none_cannot_be_taken(self) -> None:
        case = shown("guests[77]", here={"guests[77]": ("77", "Ben", "", "", "", "", "")})
        choices = take("here", "guests[77]"), take("there", "guests[77].email")
        assert refusals(*choices, of=case)[0][2] == "nothing to take: there has no such value"


class TestRefusals:
    """All that is wrong is told at once."""

    def test_every_field_wants_a_choice_and_nothing_else_is_one(self) -> None:
        assert refusals(take("here", "notes"), take("here", "nowhere"), of=shown(SHAPE, ROOM)) == [
            ("notes", "here", "not a field of this case"),
            ("nowhere", "here", "not a field of this case"),
            (f"{AT}.shape", "", "no choice for this field"),
            (f"{AT}.room", "", "no choice for this field"),
        ]

    @pytest.mark.parametrize(
        ("choices", "why"),
        [
            ([take("here"), take("there")], "chosen more than once"),
            ([typed("2026-03-15", LAST_DAY)], "choose here or there for the rest of it"),
            ([typed({"arrival": "2026-03-10"})], "choose here or there for the rest of it"),
            (
                [take("here"), typed("2026-03-01", LAST_DAY)],
                "departure 2026-03-01 lies before arrival 2026-03-10",
            ),
            ([take("here"), typed("March", LAST_DAY)], "Invalid isoformat string: 'March'"),
            (
                [take("here"), typed("TRP", f"{AT}.room_type_ref")],
                "room_type_ref: no such room type; known are DBL, SGL, SUI",
            ),
            ([take("here"), typed(12, f"{AT}.total")], "total: not text"),
            ([take("here"), typed("1.999", f"{AT}.total")], "total: 1.999 is finer than the minor unit of EUR"),
            ([take("here"), typed([{"date": "2026-03-10"}], f"{AT}.nights")], "nights: 'price'"),
            ([typed("x")], "not an object with arrival, departure, room_type_ref, rate_plan_ref, total, nights"),
            ([typed({"price": 1})], "no such part: price"),
            ([take("here"), typed([FIRST_NIGHT, FIRST_NIGHT], f"{AT}.nights")], "nights: a night stands there twice"),
        ],
    )
    def test_a_value_that_cannot_be(self, choices: list[Choice], why: str) -> None:
        assert [(path, told) for path, _, told in refusals(*choices)] == [(f"{AT}.shape", why)]

    @pytest.mark.parametrize(
        ("field", "value", "why"),
        [
            ("status", "departed", "not one of hold, confirmed, checked_in, checked_out, cancelled, no_show"),
            ("status", "confirmed option", "only a hold has a kind"),
            ("status", "hold", "a stay that is confirmed cannot become hold"),
            ("occupancy", {"adults": -1, "children": 0}, "persons are counted from 0 to 99"),
            ("occupancy", {"adults": True, "children": 0}, "adults: not a number"),
            ("room", 101, "not text"),
        ],
    )
    def test_a_value_no_stay_can_have(self, field: str, value: Any, why: str) -> None:
        case = shown(f"stays[1001].{field}")
        assert refusals(typed(value, f"{AT}.{field}"), of=case)[0][2] == why

    def test_choices_that_cannot_stand_together(self) -> None:
        moved = shape("2026-03-14", arrival="2026-03-12")
        case = shown(SHAPE, STATUS, here={STATUS: ("checked_in", "")}, there={SHAPE: moved})
        assert refusals(take("there"), take("here", f"{AT}.status"), of=case) == [
            (f"{AT}.shape", "2026-03-12", "the arrival was 2026-03-10 when the stay became checked_in")
        ]
        assert chosen(take("here"), take("here", f"{AT}.status"), of=case).push == (SHAPE, STATUS)

    def test_the_fault_says_the_first_and_keeps_all(self) -> None:
        fault = ChoicesRefused([*resolve_problems()])
        assert (
            str(fault)
            == f"{AT}.shape: no choice for this field; {AT}.shape; choose here, there or a value for every field"
        )


def resolve_problems() -> list[Any]:
    with pytest.raises(ChoicesRefused) as refused:
        chosen()
    return list(refused.value.problems)


class TestStaysThatWentMissing:
    """Absence is never a deletion: a person keeps the stay, or cancels it."""

    pair = side_of(revision(stay(), stay(ref="1002", room_ref="55/2"))).tree
    gone = "room_stays[1002]"

    def resolved(self, side_name: Literal["here", "there"]) -> tuple[dict[str, Value], dict[str, Value]]:
        case = Shown(base=self.pair, here=self.pair, there=AGREED, fields=(self.gone,))
        found = chosen(take(side_name, self.gone), of=case)
        return tuple(  # type: ignore[return-value]
            {path: value for path, value in {**self.pair, **changed}.items() if value is not None}
            for changed in (found.here, found.base)
        )

    def test_there_cancels_it_and_the_case_is_closed(self) -> None:
        here, base = self.resolved("there")
        assert here["stays[1002].status"] == ("cancelled", "")
        after = decide(base, side(here), side(), DIRECT)
        assert (after.contests, after.push) == ((), ())

    def test_here_keeps_it_and_makes_it_there_again(self) -> None:
        here, base = self.resolved("here")
        after = decide(base, side(here), side(), DIRECT)
        assert after.contests == ()
        assert set(after.push) == {f"stays[1002].{name}" for name in ("shape", "room", "status", "occupancy")}

    def test_a_value_is_no_answer(self) -> None:
        case = Shown(base=self.pair, here=self.pair, there=AGREED, fields=(self.gone,))
        assert refusals(typed("x", self.gone), of=case)[0][2] == "choose here to keep the stay, or there to cancel it"


class TestFields:
    """Cases carry the public words (PUBLIC_SURFACE, UX "A case")."""

    def test_a_case_shows_what_was_agreed_and_what_each_side_says(self) -> None:
        decision = judged({SHAPE: OURS, STATUS: ("cancelled", "")}, {SHAPE: THEIRS})
        (contest,) = decision.contests
        case = as_case(
            contest,
            subject_of(contest, LINK, ACCOUNT),
            property_id=UUID(int=3),
            reservation_id=UUID(int=4),
            arrival=date(2026, 3, 10),
            today=date(2026, 3, 1),
            names=NAMES,
        )
        assert (case.kind, case.severity, case.subject) == ("cancel_against_edit", 2, f"{LINK}:{AT}")
        sold = {"arrival": "2026-03-10", "room_type_ref": "DBL", "rate_plan_ref": None}
        split = [{"date": f"2026-03-{day}", "price": "100.00", "derived": True} for day in (10, 11)]
        assert case.fields[0] == {
            "path": f"{AT}.shape",
            "base": {**sold, "departure": "2026-03-12", "total": "200.00", "nights": split},
            "here": {**sold, "departure": "2026-03-13", "total": "300.00", "nights": []},
            "there": {**sold, "departure": "2026-03-14", "total": "400.00", "nights": []},
            "suggested": "there",
            "rule": "cancelled on one side, edited on the other",
        }
        assert [one["here"] for one in case.fields[1:]] == ["cancelled"]

    def test_a_subject_is_an_atom_a_stay_a_link_or_an_account(self) -> None:
        first = decide({}, side({SHAPE: OURS}), side({SHAPE: THEIRS}), OTA)
        gone = decide(AGREED, side(), side(gone=True), OTA)
        assert [subject_of(one, LINK, ACCOUNT) for one in (*first.contests, *gone.contests)] == [str(ACCOUNT), LINK]

    def test_a_code_of_ours_stands_only_where_it_leads_back(self) -> None:
        assert [NAMES.ours("room_type", ref) for ref in ("55", "57", "99")] == ["DBL", "57", "99"]
        assert NAMES.theirs("room_type", "57") == "57"
        with pytest.raises(ValueError, match="no such room type"):
            NAMES.theirs("room_type", "SUI")

    @pytest.mark.parametrize(
        ("public", "atom", "part"),
        [
            ("room_stays[1.2].shape", "stays[1.2].shape", None),
            ("room_stays[1].arrival", "stays[1].shape", "arrival"),
            ("room_stays[1].room_ref", "stays[1].room", None),
            ("room_stays[1].occupancy.adults", "stays[1].occupancy", "adults"),
            ("guests[~ab].email", "guests[~ab]", "email"),
            ("folio_lines[7].amount", "lines[7]", "amount"),
            ("booker.phone", "booker", "phone"),
        ],
    )
    def test_paths_are_read_in_the_public_words(self, public: str, atom: str, part: str | None) -> None:
        assert atom_path(public) == (atom, part)

    @pytest.mark.parametrize("path", ["rooms[1]", "room_stays[1].colour", "booker.age", "guests[1].age", "notes.1", ""])
    def test_any_other_path_is_none(self, path: str) -> None:
        with pytest.raises(ValueError, match="no such field"):
            atom_path(path)

    def test_personal_values_are_known_as_such(self) -> None:
        assert [path for path in (*AGREED, "guests[1]") if is_personal(path)] == [
            "booker",
            "notes",
            "comments",
            "guests[1]",
        ]

    def test_lines_and_channels_are_told_in_parts(self) -> None:
        decision = judged({"lines[7]": ("charge", "", "5", "EUR"), "channel": ("airbnb", None, "9")}, {})
        told = {one["path"]: one["here"] for one in fields_of(decision.judgements, NAMES)}
        assert told == {
            public_path("lines[7]"): {"kind": "charge", "text": None, "amount": "5.00", "currency": "EUR"},
            "channel": {"channel": "airbnb", "vendor_channel": "booking", "channel_reference": "9"},
        }
