"""The Beds24 mapper as the engine sees it: raw bytes in, meaning out; our changes in, requests out; or a rejection."""

from __future__ import annotations

from msgspec import UNSET

from mappers import kit
from mappers.beds24 import wire, words
from mappers.beds24.bookings import to_mapped
from mappers.beds24.project import project
from mappers.beds24.requests import to_requests
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Revision
from pms_sync.ports.connector import PLUGIN_API, VendorRequest
from pms_sync.ports.mapper import Change, Mapped, MappingContext

STREAMS = frozenset({"reservations"})


class Beds24Mapper:
    """Maps booking rows and webhook bodies of the API V2."""

    vendor = words.VENDOR
    version = 1
    plugin_api = PLUGIN_API

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        """Map one row, or one webhook body; raises MappingRejected, and nothing else, on what it cannot read."""
        if stream not in STREAMS:
            raise MappingRejected("$", stream, "no such stream; beds24 has: reservations")
        try:
            return _row(raw, context)
        except MappingRejected as rejection:
            if _is_delivery(raw):
                return _delivery(raw, context)
            rejection.ref = rejection.ref or _ref(raw)
            raise

    def rows(self, body: bytes) -> list[bytes]:
        """Split a file: one row or webhook body, a list of them, or a page with `data`.

        Raises MappingRejected when the file is not JSON, or is the vendor's error answer.
        """
        elements = kit.split_list(body)
        if elements is not None:
            return elements
        whole = kit.without_bom(body)
        kit.read(wire.ANY, whole, frozenset())
        probe = _probe(whole)
        if probe is not None and probe.success is False:
            raise MappingRejected("$.success", "false", "an error answer of the vendor, not a page of records")
        if probe is not None and probe.data is not UNSET and probe.id is UNSET:
            return [bytes(element) for element in probe.data]
        return [whole]

    def project(self, state: Revision, context: MappingContext) -> Revision:
        """Say what Beds24 can hold of our state of one stay; raises MappingRejected for what it has no code for."""
        return project(state, context)

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        """Make items of POST /bookings; raises MappingRejected for what cannot be told."""
        return to_requests(change, context)


def _row(raw: bytes, context: MappingContext) -> Mapped:
    """Map a row as GET /bookings sends it."""
    row = kit.read(wire.ROW, raw, words.SHOWN)
    return to_mapped(row, row.invoice_items, row.info_items, context, "$")


def _delivery(raw: bytes, context: MappingContext) -> Mapped:
    """Map a webhook body: the siblings of the booking take the place they have in a row."""
    try:
        delivery = kit.read(wire.DELIVERY, raw, words.SHOWN)
        row = delivery.booking
        items = row.invoice_items if delivery.invoice_items is UNSET else delivery.invoice_items
        remarks = row.info_items if delivery.info_items is wire.NOTHING else delivery.info_items
        return to_mapped(row, items, remarks, context, "$.booking")
    except MappingRejected as rejection:
        rejection.ref = _ref(raw)
        raise


def _probe(raw: bytes) -> wire.Probe | None:
    """Look at the outermost keys; None when there are none, or they have other types."""
    try:
        return kit.read(wire.PROBE, raw, frozenset())
    except MappingRejected:
        return None


def _is_delivery(raw: bytes) -> bool:
    """Tell a webhook body from a row."""
    probe = _probe(raw)
    return probe is not None and probe.booking is not UNSET and probe.id is UNSET


def _ref(raw: bytes) -> str | None:
    """Find the booking id of a record that could not be mapped, as far as it is one."""
    probe = _probe(raw)
    inner = _probe(bytes(probe.booking)) if probe is not None and probe.booking is not UNSET else probe
    if inner is None or inner.id is UNSET:
        return None
    text = bytes(inner.id)
    return text.decode() if text.isdigit() and len(text) <= len(str(10**18)) else None


MAPPER = Beds24Mapper()
