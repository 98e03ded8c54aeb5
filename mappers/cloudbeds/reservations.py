"""A Cloudbeds reservation: one record is the whole reservation of ours, its room lines are the stays."""

from __future__ import annotations

import re

from msgspec import UNSET, UnsetType

from mappers import kit
from mappers.cloudbeds import amounts, clock, people, words
from mappers.cloudbeds.reading import Fields, Text
from mappers.cloudbeds.stays import is_complete, stays
from pms_sync.domain.reservation import Revision, Stay
from pms_sync.domain.status import Status, reservation_status
from pms_sync.ports.mapper import Mapped, MappingContext

_CURRENCY = re.compile(r"[A-Z]{3}")
_BEHIND = re.compile(r"\s*\([^()]*\)\s*\Z")


def to_mapped(row: Fields, context: MappingContext) -> Mapped:
    """Say what a reservation means: a row of either list, or the one of getReservation."""
    codes = kit.Codes(context.crosswalk)
    currency = _currency(row) or context.currency
    shown = stays(row, currency, codes)
    return Mapped(revisions=(_revision(row, shown, currency, context),), unmapped=codes.unmapped)


def _revision(row: Fields, shown: tuple[Stay, ...], currency: str, context: MappingContext) -> Revision:
    created, changed = (clock.instant(row, name, context.zone) for name in ("dateCreated", "dateModified"))
    if changed is None:
        raise kit.absent(row.path("dateModified"), "no time of change to tell versions apart")
    status, total, name = (
        reservation_status(stay.status for stay in shown),
        amounts.told(row, "total", currency),
        _source(row),
    )
    marks = {"created_at": created, "modified_at": changed}
    return Revision(
        vendor=words.VENDOR,
        ref=row.needed_ref("reservationID"),
        property_ref=row.needed_ref("propertyID"),
        version=kit.version_of(changed.moment),
        scope="reservation",
        siblings_complete=is_complete(row),
        gone=row.flag("isDeleted"),
        status=status,
        vendor_status=row.word("status"),
        hold_kind=next((stay.hold_kind for stay in shown if stay.status == status == Status.HOLD), None),
        blocks_inventory=any(stay.blocks_inventory for stay in shown),
        channel=_channel(name),
        vendor_channel=name,
        channel_reference=row.text("thirdPartyIdentifier"),
        currency=currency or None,
        total=total,
        price_basis=amounts.basis(row, total, currency),
        booker=people.booker(row),
        guests=people.guests(row),
        room_stays=shown,
        created_at=UNSET if created is None else created.moment,
        modified_at=changed.moment,
        ambiguous=tuple(name for name, told in marks.items() if told is not None and told.ambiguous),
    )


def _currency(row: Fields) -> str:
    """Read the property's currency: a code, or an object or a list of one with the code inside (3)."""
    detail = row.child("propertyCurrency")
    code = detail.word("currencyCode") if detail is not None else row.plain("propertyCurrency")
    return code if _CURRENCY.fullmatch(code) else ""


def _source(row: Fields) -> Text:
    """Name where the booking came from: one list names it, the other has an object, a single read a text (15.11)."""
    if "sourceName" in row:
        return row.text("sourceName")
    detail = row.child("source")
    return row.text("source") if detail is None else detail.text("name")


def _channel(name: Text) -> str | UnsetType:
    """Translate the source; channels write their collect model behind the name, in brackets."""
    if name is UNSET:
        return UNSET
    plain = _BEHIND.sub("", str(name or "")).strip().casefold()
    return words.CHANNELS.get(plain, words.OTHER_CHANNEL)
