"""Pure reading of Mews rows: which object each is and when it changed, slices of time, and where a listing stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from connectors.mews import facts, wire
from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.connector import Record, RejectedRow, Window

_SECOND = timedelta(seconds=1)
_AHEAD = timedelta(days=1)
_FARTHEST_ZONE = timedelta(hours=14)
_LONGEST_TOKEN = 400

# Which filter walks along each dimension.
_FILTERS = {facts.MODIFIED: "UpdatedUtc", facts.ARRIVAL: "ScheduledStartUtc", facts.NIGHT: "CollidingUtc"}


class Span(NamedTuple):
    """A stretch of time along one dimension; rows outside are none of it. `open_ended` has no upper end.

    Without a filter the whole list is asked for, and the stretch is one piece.
    """

    filter: str | None
    start: datetime
    end: datetime
    open_ended: bool = False

    def asked(self) -> dict[str, dict[str, str]]:
        """Write the filter, a second wider on both sides: the lower bound was seen to be exclusive (4).

        Both ends must be told, so one that should be open lies far enough ahead for any clock.
        """
        if self.filter is None:
            return {}
        beyond = _AHEAD if self.open_ended else _SECOND
        interval = {"StartUtc": wire.written(self.start - _SECOND), "EndUtc": wire.written(self.end + beyond)}
        return {self.filter: interval}

    def holds(self, moment: datetime | None) -> bool:
        """Tell whether a row of this time is one of the span; one without a time may be (CUR-12)."""
        return moment is None or (self.start <= moment and (self.open_ended or moment < self.end))


def span_of(window: Window) -> Span:
    """Read a window; raises KeyError for a dimension that no list has.

    Days of stays are property-local, so that their window reaches as far as zones do.
    """
    filtered, start, end = _FILTERS[window.dimension], window.start.astimezone(UTC), window.end.astimezone(UTC)
    if window.dimension == facts.MODIFIED:
        return Span(filtered, start, end, open_ended=window.open_ended)
    if window.dimension == facts.NIGHT and end - start > facts.LONGEST_WINDOW:
        return Span(None, start, end)
    return Span(filtered, start - _FARTHEST_ZONE, end + _FARTHEST_ZONE)


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a listing stands, and its page token: a slice of the window, and the cursor inside it.

    Slices are read from the newest to the oldest, as pages are. A cursor belongs to the query of one slice (14.1.4), so
    a slice that was begun keeps its ends; `since` is None where the next one is still to be cut. `inner` is the cursor
    of a list inside the page, which then is read again.
    """

    until: datetime
    since: datetime | None = None
    cursor: str | None = None
    inner: str | None = None

    def token(self) -> str:
        """Write the page token."""
        return msgspec.json.encode(self).decode()

    def cut(self, span: Span, helping: timedelta) -> Span:
        """Return the slice at hand, cutting the next one no longer than a helping."""
        longest = helping if span.filter else span.end - span.start
        since = self.since or max(span.start, self.until - longest)
        newest = span.open_ended and self.until >= span.end
        return Span(span.filter, since, self.until, open_ended=newest)

    def following(self, span: Span, at: Span, cursor: str | None) -> Place | None:
        """Return where the listing goes on: inside the slice, at the next older one, or nowhere."""
        if cursor is not None:
            return Place(until=at.end, since=at.start, cursor=cursor)
        return Place(until=at.start) if at.start > span.start else None


def place_of(page: str | None, span: Span) -> Place:
    """Read a page token of ours; raises VendorFault (ABORT) for a foreign one, or one of another window."""
    if page is None:
        return Place(until=span.end)
    try:
        place = msgspec.json.decode(page, type=Place) if len(page) <= _LONGEST_TOKEN else None
    except (ValueError, RecursionError):
        place = None
    if place is None or not _is_inside(place, span):
        what = "the page token is none of this connector's"
        raise VendorFault(what, "page", "the list is read again from its first page", disposition=Disposition.ABORT)
    return place


def _is_inside(place: Place, span: Span) -> bool:
    ends = [place.until, *([place.since] if place.since else [])]
    if any(end.tzinfo is None for end in ends):
        return False
    return span.start < place.until <= span.end and (place.since is None or span.start <= place.since < place.until)


class Row(NamedTuple):
    """A reservation as it was listed, with the few fields by which it is known."""

    body: bytes
    key: wire.Stay


def sorted_out(found: Iterable[bytes]) -> tuple[list[Row], list[RejectedRow]]:
    """Sort a page into reservations and rows that cannot be read as one."""
    rows: list[Row] = []
    rejected: list[RejectedRow] = []
    for body in found:
        try:
            rows.append(Row(body, wire.STAY.decode(body)))
        except (ValueError, RecursionError) as error:
            why, _, path = str(error).partition(" - at ")
            rejected.append(RejectedRow(body=body, path=path.strip("`") or "$", why=why.replace("`", "")))
    return rows, rejected


def fetched(body: bytes, asked: Sequence[str]) -> Row | str:
    """Read a reservation that was asked for by id, or return its id where nothing else of it can be read.

    Raises VendorFault (ABORT) for a row that nobody asked for: a filter was ignored, so what is absent means nothing.
    """
    try:
        ref = wire.LOOSE_KEY.decode(body).id
    except (ValueError, RecursionError):
        what = "a row does not say which object it is"
        raise incomplete(what) from None
    if ref not in asked:
        what = "a row came that was not asked for: the filter was ignored"
        raise incomplete(what)
    try:
        return Row(body, wire.STAY.decode(body))
    except (ValueError, RecursionError):
        return ref


def record(stream: str, row: Row, property_ref: str, body: bytes) -> Record:
    """Make the record of a reservation."""
    return Record(
        stream=stream, ref=row.key.id, property_ref=property_ref, body=body, version=version(row.key.updated_utc)
    )


def version(changed: str) -> str:
    """Write a time of change in whole seconds, so that versions sort as text; one that is none stays as it is."""
    moment = wire.instant(changed)
    return changed if moment is None else wire.written(moment)


def newest(times: Iterable[datetime | None]) -> datetime | None:
    """Return the newest of the times that were told."""
    return max((time for time in times if time is not None), default=None)


def kept(operation: str, row: bytes) -> bytes:
    """Return a row without what is never kept of its kind; one that has none of it stays byte for byte."""
    never = facts.NEVER_KEPT.get(operation)
    if never is None:
        return row
    fields = wire.FIELDS.decode(row)
    fewer = {name: value for name, value in fields.items() if name not in never}
    return row if len(fewer) == len(fields) else msgspec.json.encode(fewer)


def incomplete(what: str, operation: str = facts.STAYS) -> VendorFault:
    """Say that nothing may be concluded from what is absent."""
    remedy = "read again; absence counts only in a complete answer"
    return VendorFault(what, f"POST {operation}", remedy, disposition=Disposition.ABORT)
