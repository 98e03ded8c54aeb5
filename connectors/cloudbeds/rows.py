"""Pure reading of Cloudbeds rows: which object each is, what of it is kept, and whether more pages follow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from connectors.cloudbeds import clocks, facts, wire
from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.connector import Record, RejectedRow

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)  # 7: digits, or nine alphanumerics on some properties
_PAGE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


def is_ref(text: str) -> bool:
    """Tell whether a text can be an id; anything else would spoil a comma list."""
    return _REF.fullmatch(text) is not None


def page_number(page: str | None) -> int:
    """Read a page token of ours; raises VendorFault (ABORT) for a foreign one."""
    if page is None:
        return 1
    if not _PAGE.fullmatch(page):
        what = "the page token is none of this connector's"
        raise VendorFault(what, "page", "the list is read again from its first page", disposition=Disposition.ABORT)
    return int(page)


def following(number: int, rows: int, size: int, total: int | None) -> str | None:
    """Name the next page; None after the last.

    An empty page ends a list, and so does a short one unless the total promises more; the total alone never prolongs
    it, since it does not always match the rows (6).
    """
    if rows == 0:
        return None
    is_short = rows < size
    if is_short and (total is None or (number - 1) * size + rows >= total):
        return None
    return str(number + 1)


def is_deleted(key: wire.Key) -> bool:
    """Tell whether a row says that its reservation was deleted for good."""
    return key.is_deleted is True


def record(row: bytes, stream: str) -> Record:
    """Read the key of a reservation; raises ValueError or RecursionError when it has none."""
    key = wire.KEY.decode(row)
    ref, place = wire.text(key.reservation_id), wire.text(key.property_id)
    if not ref or not place:
        message = f"no {'propertyID' if ref else 'reservationID'} - at `$.{'propertyID' if ref else 'reservationID'}`"
        raise ValueError(message)
    changed = clocks.utc(key.date_modified_utc)
    return Record(stream=stream, ref=ref, property_ref=place, body=kept(row), version=clocks.version(changed))


def sorted_out(rows: Iterable[bytes], stream: str) -> tuple[list[Record], tuple[RejectedRow, ...]]:
    """Sort a page into records and rows that cannot be read as one."""
    records: list[Record] = []
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            records.append(record(row, stream))
        except (ValueError, RecursionError) as error:
            why, _, path = str(error).partition(" - at ")
            rejected.append(RejectedRow(body=row, path=path.strip("`") or "$", why=why.replace("`", "")))
    return records, tuple(rejected)


def fetched(row: bytes, stream: str, asked: Sequence[str], property_ref: str) -> tuple[Record, bool]:
    """Read a reservation that was asked for by id, and whether it is deleted.

    Raises VendorFault (ABORT) for a row that nobody asked for: a filter was ignored, so what is absent means nothing.
    """
    try:
        key = wire.KEY.decode(row)
    except (ValueError, RecursionError):
        what = "a row does not say which reservation it is"
        raise incomplete(what) from None
    ref, place = wire.text(key.reservation_id), wire.text(key.property_id) or property_ref
    if ref not in asked:
        what = "a row came that was not asked for: the filter was ignored"
        raise incomplete(what)
    changed = clocks.version(clocks.utc(key.date_modified_utc))
    return Record(stream=stream, ref=ref, property_ref=place, body=kept(row), version=changed), is_deleted(key)


def newest(records: Iterable[Record]) -> datetime | None:
    """Return the newest time of change among records."""
    times = (clocks.utc(record.version) for record in records)
    return max((time for time in times if time is not None), default=None)


def kept(row: bytes) -> bytes:
    """Return the row without cards, documents and tax numbers; one without them stays byte for byte (15.28)."""
    fields = wire.FIELDS.decode(row)
    changed = {name: fields[name] for name in fields if name not in facts.NEVER_KEPT}
    guests = fields.get("guestList")
    if guests is not None and (fewer := _guests_kept(guests)) is not None:
        changed["guestList"] = fewer
    return row if changed == fields else msgspec.json.encode(changed)


def _guests_kept(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Return the guests without what is never kept; None when there is nothing to leave out."""
    head = bytes(raw).lstrip()[:1]
    if head == b"{":
        named: Mapping[str, msgspec.Raw] = wire.FIELDS.decode(raw)
        fewer = {name: _guest_kept(guest) for name, guest in named.items()}
        return None if fewer == named else msgspec.Raw(msgspec.json.encode(fewer))
    if head == b"[":
        listed = wire.ROWS.decode(raw)
        shorter = [_guest_kept(guest) for guest in listed]
        return None if shorter == listed else msgspec.Raw(msgspec.json.encode(shorter))
    return None


def _guest_kept(raw: msgspec.Raw) -> msgspec.Raw:
    if bytes(raw).lstrip()[:1] != b"{":
        return raw
    fields = wire.FIELDS.decode(raw)
    fewer = {name: value for name, value in fields.items() if name not in facts.NEVER_KEPT_OF_GUESTS}
    return raw if len(fewer) == len(fields) else msgspec.Raw(msgspec.json.encode(fewer))


def incomplete(what: str) -> VendorFault:
    """Say that nothing may be concluded from what is absent."""
    remedy = "read again; absence counts only in a complete answer"
    return VendorFault(what, f"GET {facts.LIST}", remedy, disposition=Disposition.ABORT)
