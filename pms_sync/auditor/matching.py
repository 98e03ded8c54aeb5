"""Matching: every object of a vendor's property found in the store, and every object of the store at the vendor.

I1: nothing the vendor holds is missing without a parked row. I2: what is one reservation there is one here. I4: what
both hold is equal, and what only the store holds is told by a case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from msgspec import UNSET

from pms_sync.auditor import bill, equality
from pms_sync.auditor.books import Books
from pms_sync.auditor.equality import stay_path
from pms_sync.auditor.report import Counts, Difference, difference
from pms_sync.auditor.store import Row
from pms_sync.auditor.truth import Block, Revision, Stay, Watched


class Matched:
    """What comparing one property came to; filled by `match` and read afterwards."""

    def __init__(self, watched: Watched, books: Books) -> None:
        """Begin with nothing found."""
        self.watched, self.account, self.books = watched, watched.account, books
        self.differences: list[Difference] = []
        self.exercised: set[str] = set()
        self.parked = self.vanished = 0
        self.claimants: defaultdict[UUID, list[Revision]] = defaultdict(list)


def match(watched: Watched, books: Books) -> Matched:
    """Compare one property in both directions."""
    matched = Matched(watched, books)
    for revision in watched.revisions:
        if not revision.gone:
            _match_reservation(revision, matched)
    for block in watched.blocks:
        _match_block(block, matched)
    matched.differences.extend(_merged(matched))
    _look_back(matched)
    if watched.revisions or watched.blocks:
        matched.exercised |= {"I1", "I2", "I4"}
    return matched


def stored_counts(watched: Watched, books: Books) -> Counts:
    """Count what the store holds of the property."""
    stays = books.own_stays(watched.account)
    return Counts(
        reservations=len({stay["reservation_id"] for stay in stays}),
        room_stays=len(stays),
        room_nights=sum(len(stay["nights"]) for stay in stays),
        blocks=sum(not block["gone"] for block in books.own_blocks(watched.account)),
    )


def _match_reservation(revision: Revision, matched: Matched) -> None:
    """Find the reservation and its stays, and compare what is there; parked members are counted and excused."""
    books, account = matched.books, matched.account
    found = {stay.ref: books.stays.get((account.account_id, stay.ref)) for stay in revision.room_stays}
    reservation = books.reservation(account, revision.ref)
    if reservation is None and not any(found.values()) and not _parked(revision, matched):
        matched.differences.append(difference("I1", revision.ref, "reservation", there=revision.status))
        return
    if reservation is None and any(found.values()):
        reservation = _home(revision, found, matched)
    if reservation is not None:
        matched.claimants[reservation["id"]].append(revision)
    equal = [_match_stay(revision, stay, found[stay.ref], reservation, matched) for stay in revision.room_stays]
    if reservation is not None and all(equal) and _is_alone(revision, reservation, matched):
        _compare(revision, reservation, matched)


def _parked(revision: Revision, matched: Matched) -> bool:
    """Tell whether the reservation, or any of its stays, waits as a parked row."""
    return matched.books.is_parked(matched.account, revision.ref, *(stay.ref for stay in revision.room_stays))


def _home(revision: Revision, found: dict[str, Row | None], matched: Matched) -> Row | None:
    """Say that the vendor's ref leads nowhere, and go on with the reservation that its stays are in."""
    stay = next(stay for stay in found.values() if stay is not None)
    matched.differences.append(difference("I1", revision.ref, "links", there=revision.ref))
    return matched.books.reservations.get(stay["reservation_id"])


def _match_stay(revision: Revision, stay: Stay, row: Row | None, home: Row | None, matched: Matched) -> bool:
    """Compare one stay; returns whether the reservation as a whole can be compared with it."""
    path = stay_path(stay.ref)
    if row is None:
        found = [difference("I1", revision.ref, path, there=stay.status)]
    else:
        found = list(equality.stay_differences(matched.account, revision, stay, row, matched.books))
    if found and matched.books.is_parked(matched.account, *_names(revision, stay)):
        matched.parked += 1
        return False
    matched.differences.extend(found)
    if row is None or home is None or row["reservation_id"] == home["id"]:
        return row is not None
    if not (matched.books.is_doubted(row["reservation_id"]) and matched.books.is_doubted(home["id"])):
        there, here = f"reservation {home['id']}", f"reservation {row['reservation_id']}"
        matched.differences.append(difference("I2", revision.ref, f"{path}.reservation", there=there, here=here))
    return False


def _names(revision: Revision, stay: Stay) -> set[str]:
    """Return the refs whose parked row speaks for the stay: its own, and the reservation's where no stay has it too."""
    return {stay.ref} | ({revision.ref} - {one.ref for one in revision.room_stays})


def _is_alone(revision: Revision, reservation: Row, matched: Matched) -> bool:
    """Tell whether the store's reservation holds of this account exactly what the vendor's does."""
    own = [row for row in matched.books.stays_of[reservation["id"]] if row["account_id"] == matched.account.account_id]
    return {row["vendor_ref"] for row in own} == {stay.ref for stay in revision.room_stays}


def _compare(revision: Revision, reservation: Row, matched: Matched) -> None:
    books, account = matched.books, matched.account
    found = list(equality.reservation_differences(account, revision, reservation, books))
    seen = books.version(account, [stay.ref for stay in revision.room_stays])
    found.extend(equality.behind(revision, seen))
    lines = books.lines_of.get(reservation["id"], [])
    found.extend(bill.bill_differences(revision, lines))
    matched.exercised |= {"I3"} if seen is not None else set()
    matched.exercised |= {"I7"} if lines or revision.folio_lines else set()
    if found and _parked(revision, matched):
        matched.parked += 1
        return
    matched.differences.extend(found)


def _match_block(block: Block, matched: Matched) -> None:
    books, account = matched.books, matched.account
    row = books.blocks.get((account.account_id, block.ref))
    if row is None:
        found = [] if block.gone else [difference("I1", block.ref, "block", there=block.kind)]
    else:
        found = list(equality.block_differences(account, block, row, books))
    if found and books.is_parked(account, block.ref):
        matched.parked += 1
    else:
        matched.differences.extend(found)


def _merged(matched: Matched) -> Iterator[Difference]:
    """Find reservations of ours that stand for several of the vendor's; one OTA number is the only good reason."""
    for revisions in matched.claimants.values():
        numbers = {_number(one) for one in revisions}
        if len(revisions) > 1 and len(numbers) > 1:
            for one in revisions[1:]:
                yield difference("I2", one.ref, "reservation", there=one.ref, here=f"also {revisions[0].ref}")


def _number(revision: Revision) -> tuple[object, ...]:
    """Name the OTA's number; "other" is many OTAs, which the vendor's word tells apart, and without one it is none."""
    if revision.channel != "other" or revision.vendor_channel is UNSET:
        return revision.channel, revision.channel_reference or revision.ref
    word = (revision.vendor_channel or "").strip().lower()
    return "other", word, (word and revision.channel_reference) or revision.ref


def _look_back(matched: Matched) -> None:
    """Look for what the vendor no longer shows: a case must tell of it, never silence."""
    books, account, watched = matched.books, matched.account, matched.watched
    shown = {stay.ref for one in watched.revisions if not one.gone for stay in one.room_stays}
    buried = {stay.ref for one in watched.revisions if one.gone for stay in one.room_stays} - shown
    for row in books.own_stays(account):
        settled = row["vendor_ref"] in buried and row["status"] == "cancelled"
        if row["vendor_ref"] in shown or settled:
            continue
        gone = books.is_told_gone(row["id"], row["reservation_id"], row["vendor_ref"])
        _tell_extra(row["vendor_ref"], stay_path(row["vendor_ref"]), row["status"], matched, gone=gone)
    blocks = {block.ref for block in watched.blocks}
    for row in books.own_blocks(account):
        if row["vendor_ref"] not in blocks and not row["gone"]:
            gone = books.is_told_gone(row["id"], None, row["vendor_ref"])
            _tell_extra(row["vendor_ref"], "block", row["kind"], matched, gone=gone)


def _tell_extra(ref: str, path: str, state: str, matched: Matched, *, gone: bool) -> None:
    if gone:
        matched.vanished += 1
    elif not matched.books.is_parked(matched.account, ref):
        matched.differences.append(difference("I4", ref, path, here=state))
