"""Rows: what the store should hold of a composed reservation, as plain values to compare and write; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.apply.compose import Composed, said
from pms_sync.apply.incoming import Incoming
from pms_sync.domain.reservation import Block, Stay, UnmappedCode
from pms_sync.domain.status import Jump, Status, observed_jump
from pms_sync.domain.stay import StayRange
from pms_sync.store.accounts import Account
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.links import DESK

Row = Mapping[str, Any]
DIRECT = "direct"  # the source of what was made at our own desk
UNMAPPED, ILLEGAL, REFUSED = "mapping_missing", "illegal_status_jump", "double_booked"
JOINED = "joined"  # a stay that turned out to be another one, seen through a second account

# Columns whose change is no news for a reader of the history.
_SILENT = frozenset({"version", "private", "refused_ticket", "object_ref"})
# Columns whose values stay out of the audit log.
_SEALED = frozenset({"private_digest"})


def stay_row(
    account: Account, stay: Stay, stay_id: UUID, reservation_id: UUID, object_ref: str, catalogue: PropertyCatalogue
) -> dict[str, Any]:
    """Return a stay's row under its home link (account and object ref); claim state and flags are filled in later."""
    at_desk = account.account_id == DESK
    return {
        "stay_id": stay_id,
        "reservation_id": reservation_id,
        "account_id": None if at_desk else account.account_id,
        "vendor": None if at_desk else account.vendor,
        "vendor_ref": stay.ref,
        "object_ref": object_ref,
        "room_type_id": catalogue.room_types.get(stay.room_type or ""),
        "room_id": catalogue.rooms.get(stay.room or ""),
        "room_type_ref": stay.room_type_ref,
        "room_ref": stay.room_ref,
        "rate_plan_ref": stay.rate_plan_ref,
        "rate_plan": stay.rate_plan,
        "arrival": stay.arrival,
        "departure": stay.departure,
        "status": str(stay.status),
        "hold_kind": stay.hold_kind and str(stay.hold_kind),
        "vendor_status": stay.vendor_status,
        "blocks_inventory": stay.blocks_inventory,
        "claim_state": "none",
        "refused_ticket": None,
        "adults": said(stay.adults),
        "children": said(stay.children),
        "total": said(stay.total),
        "flags": "",
    }


def block_row(record: Incoming, block: Block, block_id: UUID, catalogue: PropertyCatalogue) -> dict[str, Any]:
    """Return a block's row; the claim state is filled in later."""
    return {
        "block_id": block_id,
        "property_id": record.account.property_id,
        "account_id": record.account.account_id,
        "vendor": record.account.vendor,
        "vendor_ref": block.ref,
        "room_type_id": catalogue.room_types.get(block.room_type or ""),
        "room_id": catalogue.rooms.get(block.room or ""),
        "room_type_ref": block.room_type_ref,
        "room_ref": block.room_ref,
        "arrival": block.arrival,
        "departure": block.departure,
        "kind": block.kind,
        "gone": block.gone,
        "claim_state": "none",
        "refused_ticket": None,
    }


def stay_flags(row: Row, before: Row | None, *, unmapped: bool) -> str:
    """Return the stay's flags as stored: sorted words joined by commas."""
    jump = observed_jump(Status(before["status"]) if before else None, Status(row["status"]))
    flags = {
        UNMAPPED: unmapped,
        ILLEGAL: jump is Jump.ILLEGAL or (jump is Jump.SAME and before is not None and ILLEGAL in before["flags"]),
        REFUSED: row["claim_state"] == "refused",
    }
    return ",".join(sorted(name for name, on in flags.items() if on))


def gaps(record: Incoming, catalogue: PropertyCatalogue, *, rates_mapped: bool) -> list[UnmappedCode]:
    """Return the unmapped codes that quarantine: types and rooms always, rates where the hotel maps any."""
    return [
        code
        for code in record.unmapped
        if code.kind == "room_type"
        or (code.kind == "room" and catalogue.rooms)
        or (code.kind == "rate_plan" and rates_mapped)
    ]


def reservation_row(
    reservation_id: UUID, record: Incoming, composed: Composed, flags: Iterable[str], sealed: tuple[bytes, bytes] | None
) -> dict[str, Any]:
    """Return the reservation's row at version 1; `sealed` is the private text with its digest."""
    home = composed.home
    words = sorted({word for joined in flags for word in joined.split(",") if word})
    return {
        "reservation_id": reservation_id,
        "property_id": record.account.property_id,
        "status": str(composed.status),
        "hold_kind": composed.hold_kind,
        "vendor_status": home.vendor_status,
        "blocks_inventory": composed.blocks_inventory,
        "guaranteed": said(home.guaranteed),
        "channel": said(home.channel),
        "vendor_channel": said(home.vendor_channel),
        "channel_reference": said(home.channel_reference),
        "currency": home.currency,
        "total": composed.total,
        "price_basis": home.price_basis,
        "quarantined": UNMAPPED in words,
        "flags": ",".join(words),
        "version": 1,
        "source": DIRECT if record.account.account_id == DESK else record.account.vendor,
        "private": sealed[0] if sealed else None,
        "private_digest": sealed[1] if sealed else None,
        "created_at": composed.created_at,
        "modified_at": composed.modified_at,
    }


def changes(after: Row, before: Row | None) -> dict[str, list[Any]]:
    """Return column: [old, new] for what differs, sealed columns by name alone."""
    if before is None:
        return {"status": [None, after.get("status", after.get("kind"))]}
    found: dict[str, list[Any]] = {}
    for name, value in after.items():
        old = ",".join(before[name]) if name == "flags" else before[name]
        if name not in _SILENT and old != value:
            found[name] = [] if name in _SEALED else [_plain(old), _plain(value)]
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401 - any column
    return str(value) if isinstance(value, (UUID, Decimal, date)) else value


NightRow = tuple[date, UUID | None, str | None, Decimal | None, bool]


def night_rows(stay: Stay, room_id: UUID | None) -> list[NightRow]:
    """Return a stay's nights: every night of its range once, with the price the vendor gave where it gave one."""
    priced = {night.date: night for night in stay.nights}
    rows: list[NightRow] = []
    for night in StayRange(stay.arrival, stay.departure).nights():
        known = priced.get(night)
        rows.append((night, room_id, stay.rate_plan_ref, known.price if known else None, bool(known and known.derived)))
    return rows


def new_nights(stay_id: UUID, nights: Sequence[NightRow]) -> Row:
    """Return all nights of a new stay (at least one) as one row to write; they follow each other without a gap."""
    arrival, room, plan, _, _ = nights[0]
    return {
        "stay_id": stay_id,
        "arrival": arrival,
        "room_id": room,
        "rate_plan_ref": plan,
        "prices": [night[3] for night in nights],
        "derived": [night[4] for night in nights],
    }


def night_dicts(nights: Iterable[tuple[UUID, NightRow]]) -> list[Row]:
    """Return nights as rows to write."""
    return [
        {"stay_id": stay_id, "night": night, "room_id": room, "rate_plan_ref": plan, "price": price, "derived": derived}
        for stay_id, (night, room, plan, price, derived) in nights
    ]


def private_text(composed: Composed) -> bytes | None:
    """Return the free texts to be sealed, None when there are none."""
    if composed.notes is None and composed.comments is None:
        return None
    return msgspec.json.encode({"notes": composed.notes, "comments": composed.comments})


LineKey = tuple[str | None, str, str | None, Decimal, str]


def bill_changes(composed: Composed, standing: Sequence[Row]) -> tuple[list[LineKey], list[Row]]:
    """Return the lines to post and the standing ones to reverse; the vendor replaces its lines as a whole set."""
    wanted: list[LineKey] = [(one.ref, one.kind, one.text, one.amount, one.currency) for one in composed.lines]
    to_reverse: list[Row] = []
    for line in standing:
        key = (line["vendor_ref"], line["kind"], line["text"], line["amount"], line["currency"])
        if key in wanted:
            wanted.remove(key)
        else:
            to_reverse.append(line)
    return wanted, to_reverse


def line_dict(line_id: UUID, reservation_id: UUID, key: LineKey, reverses: UUID | None) -> Row:
    """Return a posting of the bill as a row to write."""
    ref, kind, text, amount, currency = key
    return {
        "line_id": line_id,
        "reservation_id": reservation_id,
        "vendor_ref": ref,
        "kind": kind,
        "text": text,
        "amount": amount,
        "currency": currency,
        "reverses_id": reverses,
    }
