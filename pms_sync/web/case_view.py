"""One case as its page shows it, put together from what was read; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from pms_sync.auth.roles import Person, may
from pms_sync.store.case_bookings import Booking, Row
from pms_sync.store.case_desk import CaseHead
from pms_sync.store.case_file import CaseFile
from pms_sync.store.explain import Story
from pms_sync.store.reservation_documents import Shown
from pms_sync.web import case_words
from pms_sync.web.case_fields import FieldLine
from pms_sync.web.case_outlook import Outlook
from pms_sync.web.case_settled import Settled, settled
from pms_sync.web.case_sources import Source, sources
from pms_sync.web.case_values import label_of
from pms_sync.web.case_words import Told
from pms_sync.web.queue import SEVERITIES, TONES
from pms_sync.web.tape import Tape
from pms_sync.web.timeline import Change, Moment, timeline

_MOMENTS = 12
_EXPORTED = frozenset({"changes", "stay"})
_OPEN = frozenset({"open", "snoozed"})
_TAKEN = {"here": "ours", "there": "the vendor's", "value": "another value"}
_REOPENED = "case.reopened"
_DECIDED = frozenset({"case.resolved", "case.resolved_in_part", _REOPENED})
_WAY_TONES = {"verified": "good", "parked": "bad", "unknown": "warn"}


class Seen(NamedTuple):
    """A case as it was read for a page; a decision can be taken back for `undo_s` seconds."""

    file: CaseFile
    stories: Sequence[Story]
    tape: Tape | None
    undo_s: float = 0.0


class Said(NamedTuple):
    """What became of an answer: nothing yet, refused with what belongs to no field, or given to a case that moved.

    `kept` is why a decision was not taken back.
    """

    refused: bool = False
    rest: Sequence[str] = ()
    moved: bool = False
    typed: Sequence[tuple[str, str]] = ()
    kept: Literal["late", "moved"] | None = None


class Stay(msgspec.Struct, frozen=True):
    """A room stay with its booking and where vendors show it."""

    row: Row
    booking: Booking | None
    shown_by: Sequence[str]


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows; `lines` can be chosen, `facts` only say what the case is about. Ages are in seconds.

    `lines_left` counts the rows of a long review that come once these are decided.
    `sources` tell since when fields have their value here, `read_at` when the vendor was last read. `undo_left_s` is
    how long the last decision can still be taken back, `outlook` what the marked choices would do; None for nothing.
    """

    case: CaseHead
    told: Told
    tone: str
    grade: str
    when: str | None
    age_s: float
    late_s: float | None
    is_open: bool
    may_resolve: bool
    lines: Sequence[FieldLine]
    facts: Sequence[FieldLine]
    lines_left: int
    happens: Mapping[str, str]
    tape: Tape | None
    stays: Sequence[Stay]
    more: int
    ways: Sequence[tuple[str, Row]]
    moments: Sequence[Moment]
    settled: Sequence[Settled]
    sources: Mapping[str, Source]
    read_at: datetime | None
    resolved_by: str | None
    undo_left_s: float | None
    outlook: Outlook | None
    said: Said


def view(
    seen: Seen,
    lines: Sequence[FieldLine],
    person: Person,
    now: datetime,
    said: Said,
    outlook: Outlook | None = None,
) -> CaseView:
    """Put the page together for a reader."""
    head, file, people = seen.file.head, seen.file, _names(seen.file, person)
    return CaseView(
        case=head,
        told=case_words.told(head),
        tone=TONES[head.severity],
        grade=SEVERITIES[head.severity],
        when=case_words.when(head.soon, head.today),
        age_s=(now - head.opened_at).total_seconds(),
        late_s=None if head.due_at is None else (now - head.due_at).total_seconds(),
        is_open=is_open(head),
        may_resolve=may_resolve(person),
        lines=[line for line in lines if line.choosable],
        facts=[line for line in lines if not line.choosable],
        lines_left=len(head.fields) - len(lines),
        happens=happens(head),
        tape=seen.tape,
        stays=[_stay(row, file) for row in file.stays],
        more=file.more,
        ways=[(_WAY_TONES.get(row["state"], "wait"), row) for row in file.ways],
        moments=_moments(seen.stories, file, people),
        settled=settled(file.decided, head.currency, shown_to(person), people),
        sources=sources((line.path for line in lines if line.choosable), seen.stories, people),
        read_at=max(
            (link["seen_at"] for link in file.links if _is_asked(link, head)),
            default=None,
        ),
        resolved_by=people.get(head.resolved_by or "", head.resolved_by),
        undo_left_s=_undo_left(file, seen.undo_s),
        outlook=outlook,
        said=said,
    )


def is_open(case: CaseHead) -> bool:
    """Tell whether a case still waits for somebody."""
    return case.state in _OPEN


def may_resolve(person: Person) -> bool:
    """Tell whether a reader may decide."""
    return may(person, "update", "reservations")


def shown_to(person: Person) -> Shown:
    """Return what the person's role shows beside the bookings themselves."""
    return Shown(people=may(person, "read", "guests"), bill=may(person, "read", "invoices"))


def happens(case: CaseHead) -> dict[str, str]:
    """Say for each choice what is then written and sent."""
    vendor = case.vendor or "the vendor"
    exported = (case.mirror or {}).get("reservations", "changes") in _EXPORTED
    if case.mode == "live" and exported:
        sent, kept = f"and is sent to {vendor}", ""
    else:
        why = "the account is in shadow mode" if case.mode != "live" else "the account exports no changes"
        sent, kept = f"but is not sent to {vendor}: {why}", f" Nothing is sent to {vendor}: {why}."
    return {
        "here": f"Ours stays {sent}.",
        "there": f"{vendor}'s value is written here; {vendor} hears nothing of it.",
        "value": f"What you type is written here {sent}.",
        "here_stay": f"The stay is kept here{' and made again at ' + vendor if not kept else ''}.{kept}",
        "there_stay": "The stay is cancelled here; nothing is deleted.",
    }


def _undo_left(file: CaseFile, undo_s: float) -> float | None:
    """Return how long the last decision can be taken back; what was only marked as settled has nothing to take back."""
    decided = [row for row in file.entries if row["action"] in _DECIDED]
    if file.head.account_id is None or not decided or decided[-1]["action"] == _REOPENED:
        return None
    left: float = undo_s - decided[-1]["age_s"]
    return left if left > 0 else None


def _is_asked(link: Row, case: CaseHead) -> bool:
    return link["account_id"] == case.account_id and (case.is_review or link["vendor_ref"] == case.vendor_ref)


def _stay(row: Row, file: CaseFile) -> Stay:
    shown = [f"{link['vendor']} {link['vendor_ref']}" for link in file.links if link["object_id"] == row["stay_id"]]
    reservation_id: UUID = row["reservation_id"]
    return Stay(row, file.bookings.get(reservation_id), shown)


def _names(file: CaseFile, person: Person) -> dict[str, str]:
    """Name the people of the hotel; addresses are for those who may read about users."""
    addresses = may(person, "read", "users")
    return {actor: name or (email if addresses else "a colleague") for actor, (name, email) in file.people.items()}


def _moments(stories: Iterable[Story], file: CaseFile, people: Mapping[str, str]) -> list[Moment]:
    """Return the last moments of the case and of all its reservations, people by their names."""
    opened = Moment(at=file.head.opened_at, what="Case opened", detail=case_words.name_of(file.head.kind))
    found = [opened, *map(_entry, file.entries), *(moment for story in stories for moment in timeline(story))]
    latest = sorted(found, key=lambda moment: moment.at, reverse=True)[:_MOMENTS]
    return [msgspec.structs.replace(one, by=people.get(one.by or "", one.by)) for one in latest]


def _entry(row: Row) -> Moment:
    """Tell an entry of the case itself: who took which side; what was typed is not kept there."""
    chosen = row["fields"].get("choices", {})
    told = [Change(label_of(path), new=_TAKEN.get(take, str(take))) for path, take in chosen.items()]
    return Moment(
        at=row["at"],
        what=str(row["action"]).replace(".", " ").capitalize(),
        by=row["actor"],
        changes=told,
        correlation_id=row["correlation_id"],
    )
