"""Deciding: the table of ARCHITECTURE §6, row by row, and the cases of the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from conflict.atoms import Value, atoms
from conflict.decide import decide
from conflict.explain import explain
from conflict.ownership import Owners, ownership
from conflict.pairing import guest_keys
from conflict.triple import side_of
from conflict.verdicts import Decision, Verdict
from pms_sync.domain.reservation import Guest
from pms_sync.domain.status import Status
from tests.unit.merge_revisions import (
    AGREED,
    DIRECT,
    OCCUPANCY,
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

REVIEW = ownership("channel_manager", {"direct.shape": "review", "direct.notes": "review"}).direct
LAST = ownership("channel_manager", {"direct.occupancy": "last_write_wins"}).direct
LATER, EARLIER = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


def verdicts(decision: Decision) -> dict[str, str]:
    return {one.path: str(one.verdict) for one in decision.judgements}


def cases(decision: Decision) -> list[tuple[str, str]]:
    return [(one.kind, one.about) for one in decision.contests]


class TestTheTable:
    """ours vs base | remote vs base | verdict."""

    def test_unchanged_and_unchanged_is_nothing(self) -> None:
        assert judged({}, {}) == Decision(result=AGREED, base=AGREED)

    def test_changed_there_is_taken_and_base_follows(self) -> None:
        decision = judged({}, {OCCUPANCY: (3, 0)})
        assert verdicts(decision) == {OCCUPANCY: "take"}
        assert decision.result == decision.base == {**AGREED, OCCUPANCY: (3, 0)}
        assert (decision.taken, decision.push) == ((OCCUPANCY,), ())

    def test_changed_here_is_to_be_sent_and_base_waits_for_the_settle(self) -> None:
        decision = judged({OCCUPANCY: (3, 0)}, {})
        assert verdicts(decision) == {OCCUPANCY: "push"}
        assert (decision.base, decision.push, decision.taken) == (AGREED, (OCCUPANCY,), ())

    def test_changed_alike_has_converged(self) -> None:
        """CON-07: our own change that comes home needs nothing."""
        decision = judged({OCCUPANCY: (3, 0)}, {OCCUPANCY: (3, 0)})
        assert verdicts(decision) == {OCCUPANCY: "converged"}
        assert decision.base == decision.result == {**AGREED, OCCUPANCY: (3, 0)}
        assert decision.push == ()

    def test_changes_to_other_atoms_are_merged(self) -> None:
        """CON-03, BEYOND 69 and 70: a note here, a phone number there."""
        booker = (None, "Ana", "Ruiz", "ana@example.com", "+34 699", "ES", None)
        decision = judged({"notes": "late arrival\ncot"}, {"booker": booker})
        assert verdicts(decision) == {"booker": "take", "notes": "push"}
        assert decision.result == {**AGREED, "booker": booker, "notes": "late arrival\ncot"}
        assert decision.base == {**AGREED, "booker": booker}

    def test_an_ota_booking_follows_the_vendor_and_keeps_our_value(self) -> None:
        """CON-01."""
        decision = judged({SHAPE: shape("2026-03-13")}, {SHAPE: shape("2026-03-14")})
        (one,) = decision.judgements
        assert (one.verdict, one.rule, one.loser) == (Verdict.TAKE, "ota.shape", shape("2026-03-13"))
        assert decision.result[SHAPE] == decision.base[SHAPE] == shape("2026-03-14")
        assert (decision.push, decision.contests) == ((), ())

    def test_a_direct_booking_stays_as_it_is_here_and_the_vendor_is_corrected(self) -> None:
        """CON-02: base := remote, so that the link is dirty."""
        decision = judged({SHAPE: shape("2026-03-13")}, {SHAPE: shape("2026-03-14")}, DIRECT)
        (one,) = decision.judgements
        assert (one.verdict, one.rule, one.loser) == (Verdict.PUSH, "direct.shape", shape("2026-03-14"))
        assert decision.result[SHAPE] == shape("2026-03-13")
        assert decision.base[SHAPE] == shape("2026-03-14")
        assert decision.push == (SHAPE,)

    def test_without_an_owner_a_person_decides_and_nothing_moves(self) -> None:
        """S0.43."""
        decision = judged({SHAPE: shape("2026-03-13")}, {SHAPE: shape("2026-03-14"), "comments": "hi"}, REVIEW)
        assert cases(decision) == [("same_atom", SHAPE)]
        asked = decision.contests[0].judgements[0]
        assert (asked.base, asked.here, asked.there) == (AGREED[SHAPE], shape("2026-03-13"), shape("2026-03-14"))
        assert asked.suggested == "here"
        assert decision.result == {**AGREED, SHAPE: shape("2026-03-13"), "comments": "hi"}
        assert decision.base == {**AGREED, "comments": "hi"}
        assert decision.push == ()

    def test_an_object_that_is_gone_is_a_case_and_never_a_deletion(self) -> None:
        decision = decide(AGREED, side({"notes": "ours"}), side(gone=True), OTA)
        assert cases(decision) == [("vanished", "")]
        assert (decision.result, decision.base, decision.push) == ({**AGREED, "notes": "ours"}, AGREED, ())

    def test_an_object_that_is_over_here_may_go(self) -> None:
        over: dict[str, Value] = {STATUS: ("cancelled", "")}
        assert decide(AGREED, side(over), side(gone=True), OTA).contests == ()


class TestCancelAgainstEdit:
    """Cancelled on one side, edited on the other: a case, whoever owns it."""

    @pytest.mark.parametrize("owners", [OTA, DIRECT])
    @pytest.mark.parametrize("edit", [{SHAPE: shape("2026-03-14")}, {OCCUPANCY: (3, 0)}, {STATUS: ("checked_in", "")}])
    def test_in_either_direction(self, edit: dict[str, Value], owners: Owners) -> None:
        """CIO-07 among them: check-in here while the guest cancels there."""
        cancel: dict[str, Value] = {STATUS: ("cancelled", "")}
        for here, there in ((cancel, edit), (edit, cancel)):
            decision = judged(here, there, owners)
            assert cases(decision) == [("cancel_against_edit", "stays[1001]")]
            assert {one.path for one in decision.contests[0].judgements} == {STATUS, *edit}
            assert (decision.result, decision.base, decision.push) == ({**AGREED, **here}, AGREED, ())

    def test_the_price_that_falls_with_a_cancellation_is_not_an_edit(self) -> None:
        decision = judged({}, {STATUS: ("cancelled", ""), SHAPE: shape(total="0")})
        assert verdicts(decision) == {SHAPE: "take", STATUS: "take"}

    def test_a_room_moves_without_anybody_wanting_the_stay_changed(self) -> None:
        decision = judged({ROOM: "55/2"}, {STATUS: ("cancelled", "")})
        assert verdicts(decision) == {ROOM: "push", STATUS: "take"}

    def test_an_edit_that_both_made_contradicts_nothing(self) -> None:
        edit: dict[str, Value] = {OCCUPANCY: (3, 0)}
        decision = judged({STATUS: ("cancelled", ""), **edit}, edit)
        assert verdicts(decision) == {OCCUPANCY: "converged", STATUS: "push"}

    def test_an_atom_that_was_never_agreed_is_asked_with_the_rest(self) -> None:
        """Settled by its owner, it would look like an edit in the next pass, and be asked after all."""
        base = {path: value for path, value in AGREED.items() if path != OCCUPANCY}
        cancelled, edited = side({STATUS: ("cancelled", "")}), side({STATUS: ("checked_in", ""), OCCUPANCY: (3, 0)})
        (contest,) = decide(base, cancelled, edited, DIRECT).contests
        assert [one.path for one in contest.judgements] == [OCCUPANCY, STATUS]

    def test_both_cancelled_is_agreement(self) -> None:
        cancel: dict[str, Value] = {STATUS: ("cancelled", "")}
        assert verdicts(judged(cancel, {**cancel, OCCUPANCY: (1, 0)})) == {OCCUPANCY: "take", STATUS: "converged"}

    def test_a_reinstated_stay_is_taken_like_any_change(self) -> None:
        """BEYOND 35."""
        base = {**AGREED, STATUS: ("cancelled", "")}
        decision = decide(base, side({STATUS: ("cancelled", "")}), side(), OTA)
        assert verdicts(decision) == {STATUS: "take"}


class TestFirstContact:
    """No base: equal atoms become base, and what differs is owned, or reviewed where it is dates, status or money."""

    def test_what_is_equal_is_agreed(self) -> None:
        decision = decide({}, side(), side(), OTA)
        assert (decision.base, decision.result, decision.push, decision.contests) == (AGREED, AGREED, (), ())
        assert set(verdicts(decision).values()) == {"converged"}

    def test_the_rest_follows_ownership_and_dates_status_and_money_form_one_review(self) -> None:
        ours: dict[str, Value] = {SHAPE: shape("2026-03-13"), STATUS: ("checked_in", ""), "total": "215", ROOM: "55/2"}
        decision = decide({}, side(ours), side({"comments": "hi"}), OTA)
        assert cases(decision) == [("link_up", "")]
        asked = {one.path: one.suggested for one in decision.contests[0].judgements}
        assert asked == {SHAPE: "there", STATUS: "here", "total": "there"}
        told = {one.path: (str(one.verdict), one.rule, one.loser) for one in decision.judgements}
        assert told[ROOM] == ("push", "ota.room", "55/1")
        assert told["comments"] == ("take", "ota.comments", "")
        assert not {SHAPE, STATUS, "total"} & set(decision.base)
        assert decision.push == (ROOM,)

    def test_what_a_person_has_yet_to_decide_is_not_held_against_the_rest(self) -> None:
        ours: dict[str, Value] = {STATUS: ("cancelled", ""), ROOM: "55/2"}
        decision = decide({}, side(ours), side({STATUS: ("checked_in", ""), OCCUPANCY: (3, 0)}), OTA)
        assert cases(decision) == [("link_up", "")]
        assert {path: verdicts(decision)[path] for path in (ROOM, OCCUPANCY)} == {ROOM: "push", OCCUPANCY: "take"}


class TestSilence:
    """Unobserved fields leave remote and base untouched (MAP-07)."""

    def test_an_atom_the_vendor_left_out_is_as_it_was_agreed(self) -> None:
        quiet = msgspec.structs.replace(side(), tree={path: one for path, one in AGREED.items() if path != "notes"})
        assert decide(AGREED, side(), quiet, OTA).judgements == ()
        assert decide(AGREED, side({"notes": "ours"}), quiet, OTA).push == ("notes",)

    def test_what_the_vendor_never_said_is_not_overwritten_unseen(self) -> None:
        silent = {path: one for path, one in AGREED.items() if path != "notes"}
        decision = decide(silent, side({"notes": "ours"}), msgspec.structs.replace(side(), tree=silent), OTA)
        assert (decision.push, decision.result["notes"]) == ((), "ours")

    def test_what_we_never_knew_is_taken(self) -> None:
        known = {path: one for path, one in AGREED.items() if path != "notes"}
        decision = decide(known, msgspec.structs.replace(side(), tree=known), side(), OTA)
        assert (decision.result, decision.base) == (AGREED, AGREED)

    def test_a_part_that_was_not_said_is_as_it_was_agreed(self) -> None:
        silent = (None, "Ana", None, None, None, None, None)
        decision = judged({}, {"booker": silent, OCCUPANCY: (None, 1)})
        assert verdicts(decision) == {OCCUPANCY: "take"}
        assert decision.result == {**AGREED, OCCUPANCY: (2, 1)}

    def test_who_worked_a_nights_price_out_makes_no_difference(self) -> None:
        given = side_of(revision(stay(nights=nights(2, derived=False))))
        decision = decide(AGREED, side(), given, OTA)
        assert (decision.judgements, decision.result, decision.base[SHAPE]) == ((), AGREED, given.tree[SHAPE])
        assert decide({}, side(), given, OTA).contests == ()

    def test_another_price_of_one_night_does(self) -> None:
        dearer = side_of(revision(stay(nights=nights(2, "110.00", derived=False))))
        assert verdicts(decide(AGREED, side(), dearer, OTA)) == {SHAPE: "take"}


class TestNotes:
    """Notes append."""

    @pytest.mark.parametrize(
        ("here", "there", "merged"),
        [
            ("late arrival\ncot", "late arrival\ndog", "late arrival\ndog\ncot"),
            ("late arrival\ncot", "moved to 102\nlate arrival", "moved to 102\nlate arrival\ncot"),
            ("x\nlate arrival\ncot", "y\nlate arrival\ncot", "x\ny\nlate arrival\ncot"),
            ("seen\nlate arrival", "late arrival\nseen", "seen\nlate arrival\nseen"),
            ("late arrival\ncot", "late arrival\ncot\ndog", "late arrival\ncot\ndog"),
            ("late arrival\ncot\ndog", "late arrival\ncot", "late arrival\ncot\ndog"),
        ],
    )
    def test_two_additions_both_stay(self, here: str, there: str, merged: str) -> None:
        decision = judged({"notes": here}, {"notes": there}, REVIEW)
        assert (decision.result["notes"], decision.base["notes"], decision.push) == (merged, there, ("notes",))
        assert verdicts(decision) == {"notes": "merged"}

    def test_two_notes_where_there_was_none_both_stay(self) -> None:
        base = {**AGREED, "notes": ""}
        decision = decide(base, side({"notes": "cot"}), side({"notes": "dog"}), REVIEW)
        assert decision.result["notes"] == "dog\ncot"

    @pytest.mark.parametrize("there", ["early arrival", "late arrival!", ""])
    def test_a_rewrite_against_anything_is_a_conflict(self, there: str) -> None:
        assert cases(judged({"notes": "late arrival\ncot"}, {"notes": there}, REVIEW)) == [("same_atom", "notes")]

    def test_two_rewrites_follow_the_owner(self) -> None:
        decision = judged({"notes": "ours"}, {"notes": "theirs"})
        assert (decision.result["notes"], decision.judgements[0].loser) == ("ours", "theirs")


class TestPeopleAndLines:
    """Guests pair by strong key, lines by id; a list told whole may leave somebody out."""

    ana = Guest(first_name="Ana", last_name="Ruiz", email="ana@example.com")
    ben = Guest(ref="77", first_name="Ben", last_name="Ott")

    def test_each_side_may_bring_a_guest(self) -> None:
        decision = decide(AGREED, side_of(revision(guests=(self.ana,))), side_of(revision(guests=(self.ben,))), OTA)
        key = f"guests[{guest_keys([self.ana])[0]}]"
        assert verdicts(decision) == {"guests[77]": "take", key: "push"}
        assert {key, "guests[77]"} <= set(decision.result)

    def test_who_was_taken_off_there_is_kept_as_a_loser(self) -> None:
        known = side_of(revision(guests=(self.ben,)))
        decision = decide(known.tree, known, side(), OTA)
        assert decision.result == decision.base == AGREED
        assert decision.judgements[0].loser == known.tree["guests[77]"]

    def test_a_list_nobody_asked_for_takes_nobody_off(self) -> None:
        known = side_of(revision(guests=(self.ben,)))
        decision = decide(known.tree, known, side_of(revision(guests=msgspec.UNSET)), OTA)
        assert decision.judgements == ()

    def test_a_list_we_never_had_takes_nobody_off_there(self) -> None:
        known = side_of(revision(guests=(self.ben,)))
        decision = decide(known.tree, side_of(revision(guests=msgspec.UNSET)), known, OTA)
        assert (decision.push, decision.base) == ((), known.tree)

    def test_an_extra_on_each_side_stays(self) -> None:
        mine: dict[str, Value] = {"lines[1]": ("charge", "Parking", "5", "EUR")}
        other: dict[str, Value] = {"lines[2]": ("charge", "Breakfast", "12.5", "EUR")}
        assert judged(mine, other).result == {**AGREED, **mine, **other}


class TestStays:
    """A stay is paired by ref; one that is missing was not taken away."""

    second = stay(ref="1002", room_ref="55/2")
    pair = side_of(revision(stay(), second, total=400))

    def test_a_room_left_out_of_a_whole_group_is_a_case(self) -> None:
        """BEYOND 38."""
        decision = decide(self.pair.tree, self.pair, side(), OTA)
        assert cases(decision) == [("group_member_dropped", "stays[1002]")]
        assert (decision.result, decision.push) == (self.pair.tree, ())

    def test_a_room_left_out_of_a_part_of_a_group_means_nothing(self) -> None:
        part = side_of(revision(siblings_complete=False))
        assert decide(self.pair.tree, self.pair, part, OTA).judgements == ()

    def test_a_room_that_is_over_here_may_be_left_out(self) -> None:
        over = msgspec.structs.replace(self.second, status=Status.CANCELLED)
        known = side_of(revision(stay(), over, total=400))
        assert decide(known.tree, known, side(), OTA).contests == ()

    def test_each_side_may_bring_a_room(self) -> None:
        theirs = side_of(revision(stay(), msgspec.structs.replace(self.second, ref="1003"), total=400))
        decision = decide(AGREED, self.pair, theirs, OTA)
        assert {path for path in decision.push if path.endswith("room")} == {"stays[1002].room"}
        assert {path for path in decision.taken if path.endswith("room")} == {"stays[1003].room"}
        assert decision.contests == ()
        assert {path for path in decision.base if path.endswith("room")} == {ROOM, "stays[1003].room"}

    def test_rooms_repriced_on_either_side_are_no_quarrel_about_the_total(self) -> None:
        pair = (stay(), self.second)
        base = side_of(revision(*pair, total=400))
        dearer = [msgspec.structs.replace(one, total=one.total + 10) for one in pair]  # type: ignore[operator]
        here = side_of(revision(dearer[0], pair[1], total=410))
        there = side_of(revision(pair[0], dearer[1], total=410))
        decision = decide(base.tree, here, there, REVIEW)
        assert verdicts(decision) == {SHAPE: "push", "stays[1002].shape": "take"}


class TestMergedResults:
    """The merged result is validated, and an invalid one is a case instead of a write."""

    def invalid(
        self, here: dict[str, Value], there: dict[str, Value], base: tuple[str, Value] = ("notes", "")
    ) -> Decision:
        agreed = {**AGREED, **dict([base])}
        decision = decide(agreed, side({**agreed, **here}), side({**agreed, **there}), OTA)
        assert cases(decision) == [("invalid_merge", "stays[1001]")]
        assert (decision.base, decision.push, decision.taken) == (agreed, (), ())
        assert all(one.result == one.here and one.loser is None for one in decision.judgements)
        return decision

    def test_an_arrival_that_moves_away_under_a_guest_who_has_arrived(self) -> None:
        moved = shape("2026-03-14", arrival="2026-03-12")
        decision = self.invalid({STATUS: ("checked_in", "")}, {SHAPE: moved})
        assert "arrival was 2026-03-10" in decision.judgements[0].rule

    def test_a_room_that_is_taken_from_a_guest_who_sleeps_in_it(self) -> None:
        self.invalid({STATUS: ("checked_in", "")}, {ROOM: ""})

    def test_a_jump_that_no_life_of_a_stay_allows(self) -> None:
        """I15: checked out there, back to a hold is no way for what we changed besides."""
        self.invalid({OCCUPANCY: (3, 0)}, {STATUS: ("hold", "")}, (STATUS, ("checked_out", "")))

    def test_a_vendors_own_jump_is_a_fact(self) -> None:
        base: dict[str, Value] = {STATUS: ("checked_out", "")}
        decision = decide({**AGREED, **base}, side(base), side({STATUS: ("hold", "")}), OTA)
        assert verdicts(decision) == {STATUS: "take"}

    def test_an_arrival_both_know_of_may_be_corrected(self) -> None:
        base: dict[str, Value] = {**AGREED, STATUS: ("checked_in", "")}
        moved = shape(arrival="2026-03-09")
        decision = decide(base, side({**base, ROOM: "55/2"}), side({**base, SHAPE: moved}), OTA)
        assert verdicts(decision) == {ROOM: "push", SHAPE: "take"}

    def test_what_fits_together_is_merged(self) -> None:
        decision = judged({STATUS: ("checked_in", "")}, {SHAPE: shape("2026-03-14")})
        assert verdicts(decision) == {SHAPE: "take", STATUS: "push"}


class TestLastWriteWins:
    """S0.40: only where it is configured, and never by arrival."""

    def decided(self, ours: datetime | None, theirs: datetime | None) -> Decision:
        here, there = side({OCCUPANCY: (3, 0)}, modified_at=ours), side({OCCUPANCY: (4, 0)}, modified_at=theirs)
        return decide(AGREED, here, there, LAST)

    def test_the_later_change_stands(self) -> None:
        assert self.decided(LATER, EARLIER).result[OCCUPANCY] == (3, 0)
        assert self.decided(EARLIER, LATER).result[OCCUPANCY] == (4, 0)

    @pytest.mark.parametrize("times", [(LATER, LATER), (None, LATER), (LATER, None)])
    def test_nobody_guesses_who_was_later(self, times: tuple[datetime | None, datetime | None]) -> None:
        assert cases(self.decided(*times)) == [("same_atom", OCCUPANCY)]


def test_a_change_and_its_return_are_two_changes() -> None:
    """DUP-03: A, B, A."""
    there = judged({}, {OCCUPANCY: (3, 0)})
    back = decide(there.base, side(dict(there.result)), side(), OTA)
    assert (back.result, back.taken) == (AGREED, (OCCUPANCY,))


def test_three_systems_come_to_one_state() -> None:
    """CON-11: edits in two systems; each link has its own base, and a change taken from one is sent to the other."""
    first, second = decide(AGREED, side(), side({OCCUPANCY: (3, 0)}), OTA), None
    ours = dict(first.result)
    second = decide(AGREED, side(ours), side({"comments": "hi"}), OTA)
    ours = dict(second.result)
    assert second.push == (OCCUPANCY,)
    again = decide(first.base, side(ours), side({OCCUPANCY: (3, 0)}), OTA)
    assert again.push == ("comments",)
    assert ours == {**AGREED, OCCUPANCY: (3, 0), "comments": "hi"}


OWNED_THERE = "differs on both sides and belongs there by {}; their value was taken and ours is kept aside"
SENTENCES: list[tuple[Any, str]] = [
    (judged({}, {OCCUPANCY: (3, 0)}), "Number of persons of stay 1001: changed only there; their value was taken."),
    (judged({"notes": "x"}, {}), "Notes: changed only here; our value is to be sent."),
    (
        judged({OCCUPANCY: (3, 0)}, {OCCUPANCY: (4, 0)}),
        f"Number of persons of stay 1001: {OWNED_THERE.format('ota.occupancy')}.",
    ),
    (
        judged({"notes": "x"}, {"notes": "y"}, REVIEW),
        "Notes: both sides changed it to different values, and direct.notes lets a person decide.",
    ),
    (
        decide(AGREED, side(), side(gone=True), OTA),
        "Room stay 1001: the vendor no longer shows it; absence is never a deletion, so a person decides.",
    ),
    (
        judged({"lines[9]": ("charge", "", "5", "EUR")}, {}),
        "A line of the bill (9): changed only here; our value is to be sent.",
    ),
]


@pytest.mark.parametrize(("decision", "sentence"), SENTENCES)
def test_every_verdict_is_told_in_one_sentence(decision: Decision, sentence: str) -> None:
    assert explain(decision.judgements[0]) == sentence


def test_the_agreed_booking_is_what_its_revision_says() -> None:
    assert atoms(revision()) == AGREED
