"""Whatever both sides do, deciding is symmetric, settles, loses nothing and invents nothing (ARCHITECTURE §6, I3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conflict.atoms import Tree, Value, atoms, kind_of, stay_of
from conflict.decide import decide
from conflict.fields import NAMELESS, PARTS, Names, atom_path, public_path, public_value, read_parts, read_value
from conflict.ownership import PARTIES, ChannelClass, Owner, Owners, Taken, ownership
from conflict.pairing import guest_keys
from conflict.resolve import Choice, Shown, resolve
from conflict.revise import copy_atoms, with_atoms
from conflict.triple import Side, divergence, restore, side_of
from conflict.verdicts import CASE, CONVERGED, MERGED, PUSH, TAKE, Decision
from pms_sync.domain.reservation import Guest, Line, Night, Revision, Stay
from pms_sync.domain.status import HoldKind, Status

FIRST = date(2026, 3, 10)
RULES: list[Owner] = ["here", "there", "last_write_wins", "review"]
TAKEN: list[Taken] = ["here", "there"]


def amounts(*texts: str) -> list[Decimal | None]:
    return [Decimal(text) if text else None for text in texts]


def shapes() -> Iterator[dict[str, Any]]:
    """Yield the fields of stays of every length, priced by the night, by a split, or not at all."""
    for start, count, total in product(range(2), range(4), amounts("", "99.90", "200.0")):
        arrival = FIRST + timedelta(days=start)
        dates = [arrival + timedelta(days=day) for day in range(count)]
        for nights in ((), *(tuple(Night(day, Decimal(100), derived) for day in dates) for derived in (True, False))):
            room_type = "55" if start else "56"
            yield {"arrival": arrival, "departure": arrival + timedelta(days=count), "room_type_ref": room_type} | {
                "total": total,
                "nights": nights,
            }


STATUSES = [(status, None) for status in Status] + [(Status.HOLD, kind) for kind in HoldKind]
PERSONS = [
    Guest(ref=ref, first_name=first, last_name="Ruiz", email=email, phone=None, country="ES", language=None)
    for ref, first, email in product([None, "g1", "g2"], ["Ana", "Ben", None], ["a@example.com", None])
]
LINES = [
    Line(ref=ref, kind="charge", amount=amount, currency="EUR")
    for ref, amount in product("12", [Decimal("5.00"), Decimal("7.50")])
]
TEXTS = [None, "late arrival", "quiet room", "late arrival\nVIP"]


@st.composite
def stays(draw: st.DrawFn, ref: str) -> Stay:
    """Draw a stay whose dates, prices and nights fit together."""
    status, hold_kind = draw(st.sampled_from(STATUSES))
    room, adults, children = draw(st.sampled_from(list(product(["55/1", "55/2", None], [1, 2], [0, None]))))
    told: dict[str, Any] = {"room_ref": room, "adults": adults, "children": children, "hold_kind": hold_kind}
    return Stay(ref=ref, status=status, **told, **draw(st.sampled_from(list(shapes()))))


PEOPLE = st.lists(st.sampled_from(PERSONS), max_size=2, unique_by=lambda one: one.ref or msgspec.json.encode(one))
BILLS = st.lists(st.sampled_from(LINES), max_size=2, unique_by=lambda line: line.ref)


@st.composite
def revisions(draw: st.DrawFn) -> Revision:
    """Draw a reservation of one or two stays that its vendor tells whole."""
    rooms = tuple(draw(stays(ref)) for ref in ("1001", "1002")[: draw(st.integers(1, 2))])
    summed = sum((one.total or Decimal(0) for one in rooms), Decimal(0))
    hour = draw(st.integers(0, 2))
    return Revision(
        vendor="vendor",
        ref="1001",
        property_ref="7",
        version="1",
        scope="reservation",
        siblings_complete=True,
        status=rooms[0].status,
        channel=draw(st.sampled_from(["booking_com", "direct"])),
        vendor_channel="x",
        channel_reference="4711",
        currency="EUR",
        total=draw(st.sampled_from([summed, Decimal(300), None])),
        booker=draw(st.sampled_from(PERSONS[:6])),
        guests=tuple(draw(PEOPLE)),
        room_stays=rooms,
        folio_lines=tuple(draw(BILLS)),
        notes=draw(st.sampled_from(TEXTS)),
        comments=draw(st.sampled_from(TEXTS)),
        modified_at=datetime(2026, 3, 1, hour, tzinfo=UTC) if hour else None,
    )


# What often happens to a stay, so that both sides are likely to meet in it.
COMMON_EDITS: list[dict[str, Value]] = [
    {"stays[1001].status": ("cancelled", "")},
    {"stays[1001].status": ("checked_in", "")},
    {"stays[1001].shape": ("2026-03-15", "2026-03-16", "55", "", "80", (), ())},
]


@st.composite
def edited(draw: st.DrawFn, before: Revision) -> Revision:
    """Draw what became of a reservation: some of its atoms are now those of another one, or a line was added."""
    other = draw(revisions())
    refs = {stay.ref for stay in before.room_stays}
    known = sorted({*atoms(before), *(path for path in atoms(other) if stay_of(path) in {*refs, None})})
    mine = set(atoms(other))
    paths = [path for path in known if path in mine or path.endswith("]")]
    changed = draw(st.lists(st.sampled_from(paths), unique=True, max_size=4))
    after = msgspec.structs.replace(copy_atoms(before, other, changed), modified_at=other.modified_at)
    grown = f"{before.notes or 'met'}\n{draw(st.sampled_from(['cot', 'dog']))}"
    return with_atoms(after, draw(st.sampled_from([{}, {"notes": grown}, *COMMON_EDITS])))


class Meeting(msgspec.Struct, frozen=True):
    """What was agreed, and both sides since."""

    base: Tree
    here: Side
    there: Side
    owners: Owners

    def decided(self) -> Decision:
        return decide(self.base, self.here, self.there, self.owners)


@st.composite
def owners(draw: st.DrawFn) -> Owners:
    """Draw any ownership an account can be given."""
    channel: ChannelClass = draw(st.sampled_from(["ota", "direct"]))
    overrides: dict[str, Owner] = draw(
        st.dictionaries(st.sampled_from([f"{channel}.{one}" for one in PARTIES]), st.sampled_from(RULES))
    )
    return getattr(ownership(draw(st.sampled_from(["pms", "channel_manager"])), overrides), channel)  # type: ignore[no-any-return]


@st.composite
def meetings(draw: st.DrawFn) -> Meeting:
    """Draw two sides that went their own ways since they last agreed, or that meet for the first time."""
    agreed = draw(revisions())
    base = atoms(agreed)
    for path in draw(st.just(()) | st.lists(st.sampled_from(sorted(base)), unique=True) | st.just(tuple(base))):
        del base[path]
    return Meeting(base, side_of(draw(edited(agreed))), side_of(draw(edited(agreed))), draw(owners()))


def swapped(one: Owners) -> Owners:
    """Return the owners as seen from the other side."""
    other = {"here": "there", "there": "here"}
    return msgspec.structs.replace(
        one,
        by_class={name: other.get(owner, owner) for name, owner in one.by_class.items()},
        usual={name: other[owner] for name, owner in one.usual.items()},
    )


def with_tree(side: Side, tree: Tree) -> Side:
    return msgspec.structs.replace(side, tree=tree)


def put(tree: Tree, values: Mapping[str, Value | None]) -> dict[str, Value]:
    """Set atoms in a tree; None takes one off."""
    told = {**tree, **values}
    return {path: value for path, value in told.items() if value is not None}


def settled(decision: Decision, there: Tree) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return (base, there) after everything was sent and read back."""
    sent = {path: decision.result.get(path) for path in decision.push}
    return put(decision.base, sent), put(there, sent)


def asked(decision: Decision) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.kind, one.about, tuple(each.path for each in one.judgements)) for one in decision.contests]


@given(meetings())
def test_swapping_sides_and_owners_swaps_the_verdict(meeting: Meeting) -> None:
    one = meeting.decided()
    other = decide(meeting.base, meeting.there, meeting.here, swapped(meeting.owners))
    mirror = {TAKE: PUSH, PUSH: TAKE, CONVERGED: CONVERGED, MERGED: MERGED, CASE: CASE}
    assert [
        (each.path, mirror[each.verdict], each.loser, each.case) for each in one.judgements if not removal(each)
    ] == [(each.path, each.verdict, each.loser, each.case) for each in other.judgements if not removal(each)]
    for mine, theirs in zip(one.judgements, other.judgements, strict=True):
        if mine.verdict is MERGED:
            assert sorted(str(mine.result).split("\n")) == sorted(str(theirs.result).split("\n"))
        elif mine.verdict is TAKE:
            assert mine.result == theirs.result


def removal(judgement: Any) -> bool:
    """Tell a guest or line taken off: who is removed is kept as a loser on the side that had them."""
    return "" in {judgement.here, judgement.there} and judgement.path.endswith("]")


@given(meetings())
def test_a_second_pass_takes_nothing_more_and_asks_nothing_new(meeting: Meeting) -> None:
    once = meeting.decided()
    twice = decide(once.base, with_tree(meeting.here, once.result), meeting.there, meeting.owners)
    assert twice.taken == ()
    assert (twice.result, twice.base, twice.push) == (once.result, once.base, once.push)
    assert asked(twice) == asked(once)


@given(meetings())
def test_when_all_is_sent_only_questions_are_left(meeting: Meeting) -> None:
    once = meeting.decided()
    base, there = settled(once, meeting.there.tree)
    after = decide(base, with_tree(meeting.here, once.result), with_tree(meeting.there, there), meeting.owners)
    assert {each.verdict for each in after.judgements} <= {CASE}
    assert asked(after) == asked(once)
    left = {each.path for each in after.judgements}
    ours, theirs = plain(once.result), plain(there)
    assert {path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path)} <= left


def plain(tree: Tree) -> dict[str, Value]:
    """Leave out who worked the price of a night out, which makes no difference."""
    return {path: value[:-1] if kind_of(path) == "shape" else value for path, value in tree.items()}


@given(meetings(), st.booleans(), st.sets(st.sampled_from(["1001", "1002"])))
def test_no_input_yields_a_delete(meeting: Meeting, gone: bool, dropped: set[str]) -> None:
    """CON, BEYOND 30: a stay or an object is never deleted; who is taken off a whole list is kept as a loser."""
    left = {path: value for path, value in meeting.there.tree.items() if stay_of(path) not in dropped}
    there = msgspec.structs.replace(meeting.there, tree=left, gone=gone)
    decision = decide(meeting.base, meeting.here, there, meeting.owners)
    lost = set(meeting.here.tree) - set(decision.result)
    assert all(kind_of(path) in {"guests", "lines"} and path not in left and not gone for path in lost)
    kept = {each.path: each.loser for each in decision.judgements}
    assert all(kept[path] == meeting.here.tree[path] for path in lost)
    assert not any(stay_of(path) in dropped and path in meeting.base for path in decision.push)


@given(meetings())
def test_a_merged_atom_is_base_ours_or_theirs(meeting: Meeting) -> None:
    """Only notes grow together, and then every line is one that somebody wrote."""
    decision = meeting.decided()
    trees = (meeting.base, meeting.here.tree, meeting.there.tree)
    grown = {each.path for each in decision.judgements if each.verdict is MERGED}
    for path, value in decision.result.items():
        known = [tree[path] for tree in trees if path in tree]
        if path in grown:
            assert kind_of(path) in {"notes", "comments"}
            assert set(str(value).split("\n")) <= {line for text in known for line in str(text).split("\n")}
        else:
            assert value in known


@given(st.data())
def test_the_order_of_independent_changes_does_not_matter(data: st.DataObject) -> None:
    agreed, rule = data.draw(revisions()), data.draw(owners())
    whole, mine, other = side_of(agreed), atoms(data.draw(edited(agreed))), atoms(data.draw(edited(agreed)))
    ours = {path: value for path, value in mine.items() if value != whole.tree.get(path)}
    theirs = {path: value for path, value in other.items() if value != whole.tree.get(path) and path not in ours}
    there = with_tree(whole, put(whole.tree, theirs))
    together = decide(whole.tree, with_tree(whole, put(whole.tree, ours)), there, rule)
    assume(not together.contests)
    first = decide(whole.tree, whole, there, rule)
    later = decide(first.base, with_tree(whole, put(first.result, ours)), there, rule)
    assert (together.result, together.base, together.push) == (later.result, later.base, later.push)


@given(st.data())
def test_there_and_back_again_is_two_changes_more(data: st.DataObject) -> None:
    """DUP-03: A, B, A are three states, and the second A is not swallowed; what we changed besides stays."""
    first = data.draw(revisions())
    second = data.draw(edited(first))
    rule = data.draw(owners())
    a, b = side_of(first), side_of(second)
    assume(plain(a.tree) != plain(b.tree))
    there = decide(a.tree, a, b, rule)
    assert plain(there.result) == plain(b.tree)
    back = decide(there.base, with_tree(a, there.result), a, rule)
    assert plain(back.result) == plain(a.tree)
    assert [each.verdict for each in (*there.judgements, *back.judgements)] == [TAKE] * 2 * len(there.judgements)


@given(meetings(), st.data())
def test_what_the_vendor_did_not_say_is_untouched(meeting: Meeting, data: st.DataObject) -> None:
    """MAP-07: silence leaves ours and the base as they are."""
    sayable = sorted(path for path in meeting.there.tree if kind_of(path) not in {"shape", "status"})
    silent = set(data.draw(st.lists(st.sampled_from(sayable), unique=True)))
    there = msgspec.structs.replace(
        meeting.there,
        tree={path: value for path, value in meeting.there.tree.items() if path not in silent},
        complete=frozenset({"stays"}),
    )
    decision = decide(meeting.base, meeting.here, there, meeting.owners)
    for path in silent:
        assert decision.base.get(path) == meeting.base.get(path)
        if path in meeting.here.tree:
            assert decision.result[path] == meeting.here.tree[path]
        assert (path in decision.push) <= (path in meeting.base)


@given(meetings())
def test_what_a_link_remembers_gives_the_trees_back(meeting: Meeting) -> None:
    here, there = meeting.here.tree, meeting.there.tree
    kept = divergence(meeting.base, here, there)
    assert restore(there, kept) == (meeting.base, here)
    assert restore(there, msgspec.json.decode(msgspec.json.encode(kept))) == (meeting.base, here)
    assert not divergence(there, there, there)


@given(revisions(), revisions())
def test_atoms_set_are_the_atoms_read(one: Revision, other: Revision) -> None:
    assert with_atoms(one, atoms(one)) == one
    assert copy_atoms(one, one, atoms(one)) == one
    wanted = atoms(other)
    off = {path: "" for path in atoms(one) if path not in wanted and kind_of(path) in {"guests", "lines"}}
    for became in (with_atoms(one, {**wanted, **off}), copy_atoms(one, other, [*wanted, *off])):
        found = atoms(became)
        assert {path: unspelt(path, value) for path, value in found.items() if path in wanted} == {
            path: unspelt(path, value) for path, value in wanted.items()
        }
        assert all(stay_of(path) is not None for path in set(found) - set(wanted))


def unspelt(path: str, value: Value) -> Value:
    """Leave a total out that only adds up once the stays are all told."""
    return "" if path == "total" else value


@given(revisions(), st.randoms())
def test_the_place_of_a_guest_in_a_list_is_no_identity(revision: Revision, random: Any) -> None:
    """BEYOND 44: a change of order never swaps two guests."""
    assert not isinstance(revision.guests, msgspec.UnsetType)
    shuffled = list(revision.guests)
    random.shuffle(shuffled)
    assert atoms(msgspec.structs.replace(revision, guests=tuple(shuffled))) == atoms(revision)
    assert len(set(guest_keys(shuffled))) == len(shuffled)


@given(revisions(), st.booleans())
def test_what_people_see_reads_back_as_it_was(revision: Revision, named: bool) -> None:
    names = (
        Names(room_type={"55": "DBL", "56": "SGL"}, room={"55/1": "101", "55/2": "102"}, currency="EUR")
        if named
        else NAMELESS
    )
    for path, value in atoms(revision).items():
        shown = msgspec.json.decode(msgspec.json.encode(public_value(path, value, names)))
        assert atom_path(public_path(path)) == (path, None)
        if kind_of(path) in PARTS:
            parts = read_parts(path, shown, names)
            assert [parts.get(place) for place in range(len(value))] == list(value)
        else:
            assert read_value(path, shown, names) == value


# Both sides did something of their own to a stay that was confirmed for the nights of 10 and 11 March.
MOVED, CANCELLED, ARRIVED = (next(iter(edit.items())) for edit in (COMMON_EDITS[2], COMMON_EDITS[0], COMMON_EDITS[1]))
LONGER = ("stays[1001].shape", ("2026-03-10", "2026-03-13", "55", "", "300", (), ()))
QUARRELS = [(MOVED, LONGER), (LONGER, CANCELLED), (CANCELLED, ARRIVED), (ARRIVED, MOVED), (MOVED, ARRIVED)]


@given(st.sampled_from(QUARRELS), st.booleans(), st.booleans(), st.data())
def test_what_a_person_chose_stands_and_is_not_asked_again(
    quarrel: tuple[tuple[str, Value], tuple[str, Value]], first_contact: bool, turned: bool, data: st.DataObject
) -> None:
    """BEYOND 68: ours is the choice, base what the vendor showed; the next identical poll is silent."""
    agreed = with_atoms(data.draw(revisions()), {"stays[1001].status": ("confirmed", ""), LONGER[0]: MOVED[1]})
    agreed = with_atoms(agreed, {LONGER[0]: ("2026-03-10", "2026-03-12", "55", "", "200", (), ())})
    ours, theirs = (with_atoms(agreed, dict([edit])) for edit in quarrel)
    rules: dict[str, Owner] = {f"direct.{one}": "review" for one in PARTIES}
    meeting = Meeting(
        {} if first_contact else atoms(agreed), side_of(ours), side_of(theirs), ownership("pms", rules).direct
    )
    if turned:
        meeting = Meeting(meeting.base, meeting.there, meeting.here, meeting.owners)
    decision = meeting.decided()
    contest = data.draw(st.sampled_from(decision.contests))
    both = st.sampled_from(TAKEN)
    whole = data.draw(both)  # a guest who has arrived cannot be left under an arrival that moves away
    sides = {each.path: whole if ARRIVED in quarrel else data.draw(both) for each in contest.judgements}
    shown = Shown(base=decision.base, here=decision.result, there=meeting.there.tree, fields=tuple(sides))
    found = resolve(shown, [Choice(path=public_path(path), take=take) for path, take in sides.items()])
    here, base = put(decision.result, found.here), put(decision.base, found.base)
    after = decide(base, with_tree(meeting.here, here), meeting.there, meeting.owners)
    trees = {"here": meeting.here.tree, "there": meeting.there.tree}
    assert all(after.result.get(path) == trees[take].get(path) for path, take in sides.items())
    assert not {path for _, _, paths in asked(after) for path in paths} & set(sides)
    assert set(found.push) == set(sides) & set(after.push)


def test_the_examples_reach_every_verdict_and_every_question() -> None:
    """A property over examples that never meet would hold of anything."""
    seen: set[str] = set()

    @settings(max_examples=300, derandomize=True)
    @given(meetings())
    def look(meeting: Meeting) -> None:
        decision = meeting.decided()
        seen.update(str(each.verdict) for each in decision.judgements)
        seen.update(one.kind for one in decision.contests)

    look()
    assert {
        "take",
        "push",
        "converged",
        "merged",
        "same_atom",
        "link_up",
        "cancel_against_edit",
        "invalid_merge",
    } <= seen
