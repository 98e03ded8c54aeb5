"""Sub-items of a written booking: without id = add, with id and fields = change, with only the id = delete (7).

A bad sub-item is an error of its own: the booking around it is written all the same (vendors/beds24.md 4.2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace

from connectors.beds24.simulator.fields import INFO_ITEM, INVOICE_ITEM, Rule, rounded, understood
from connectors.beds24.simulator.hotel import Booking
from connectors.beds24.simulator.rows import Slip, charge, number, payment
from connectors.beds24.simulator.seeding import Counters
from connectors.beds24.simulator.verdicts import INVALID, REQUIRED, Verdict
from connectors.kit.simulator.contract import Row

DEFAULT_TEXT = "[ROOMNAME1] [FIRSTNIGHT] - [LEAVINGDAY]"
"""Template text that the vendor leaves unexpanded on the wire (vendors/beds24.md 6.6)."""
_BY_API = {"charge": 7, "payment": 204}


def settled(line: Row) -> Row:
    """Return an invoice line with its total; a payment has neither `qty` nor `vatRate` and counts against."""
    if line["type"] == "payment":
        kept = {name: value for name, value in line.items() if name not in {"qty", "vatRate"}}
        return {**kept, "lineTotal": number(-line["amount"])}
    units = {"qty": 1, "vatRate": 0, **line}
    return {**units, "lineTotal": rounded(units["qty"] * units["amount"])}


class _Items(ABC):
    """One list of one booking while a request writes to it."""

    word: str
    rules: Mapping[str, Rule]
    needed: tuple[str, ...] = ()

    def __init__(self, rows: list[Row], slip: Slip, counters: Counters, verdict: Verdict) -> None:
        """Begin with the items as they stand; `slip` names the booking and the instant."""
        self.rows = {int(row["id"]): row for row in rows}
        self.slip, self.counters, self.verdict = slip, counters, verdict

    @abstractmethod
    def first(self, fields: Row) -> Row:
        """Return a new item, numbered and stamped."""

    @abstractmethod
    def changed(self, row: Row, fields: Row) -> Row:
        """Return an item with fields changed."""

    def write(self, sent: object) -> None:
        """Carry out one sub-item."""
        given = sent.get("id") if isinstance(sent, dict) else None
        if not isinstance(sent, dict):
            self.verdict.error("", INVALID, f"new {self.word}")
        elif given is None:
            self._add(sent)
        elif not isinstance(given, int) or given not in self.rows:
            self.verdict.error("id", INVALID, f"{'delete' if sent.keys() == {'id'} else 'modify'} {self.word}")
        elif sent.keys() == {"id"}:
            del self.rows[given]
        elif (fields := self._fields(sent, "modify")) is not None:
            self.rows[given] = self.changed(self.rows[given], fields)

    def _add(self, sent: Row) -> None:
        fields = self._fields(sent, "new")
        missing = [name for name in self.needed if fields is not None and not fields.get(name)]
        for name in missing:
            self.verdict.error(name, REQUIRED, f"new {self.word}")
        if fields is not None and not missing:
            row = self.first(fields)
            self.rows[row["id"]] = row

    def _fields(self, sent: Row, deed: str) -> Row | None:
        """Return the fields of a sub-item, or None when one is bad: then nothing of it is written."""
        apart = Verdict(f"{deed} {self.word}")
        fields = understood(sent, self.rules, apart)
        bad = [one for one in apart.warnings if one["message"] == INVALID]
        self.verdict.errors += bad
        self.verdict.warnings += [one for one in apart.warnings if one not in bad]
        return None if bad else fields


class _InvoiceItems(_Items):
    word, rules = "invoice item", INVOICE_ITEM

    def first(self, fields: Row) -> Row:
        kind = str(fields.get("type", "charge"))
        slip = replace(self.slip, line_id=self.counters.next("line"))
        blank = (payment if kind == "payment" else charge)(slip, "", 0, _BY_API[kind])
        return settled({**blank, **fields})

    def changed(self, row: Row, fields: Row) -> Row:
        kind = str(fields.get("type", row["type"]))
        return settled({**row, **fields, "subType": row["subType"] if kind == row["type"] else _BY_API[kind]})


class _InfoItems(_Items):
    word, rules, needed = "info item", INFO_ITEM, ("code",)

    def first(self, fields: Row) -> Row:
        own = {"id": self.counters.next("info"), "bookingId": self.slip.booking_id}
        return {**own, "code": "", "text": "", "createTime": self.slip.at, **fields}

    def changed(self, row: Row, fields: Row) -> Row:
        return {**row, **fields}


class SubItems:
    """Writes the sub-items that one request sends."""

    def __init__(self, counters: Counters, now: str) -> None:
        """Number new items on and stamp them."""
        self._counters, self._now = counters, now

    def written(self, booking: Booking, sent: Mapping[str, object], verdict: Verdict) -> Booking:
        """Return the booking with its lists as they stand after this item."""
        slip = Slip(0, booking.id, self._now)
        if "invoiceItems" in sent:
            lines = _InvoiceItems(booking.invoice_items, slip, self._counters, verdict)
            booking = replace(booking, invoice_items=_after(lines, "invoiceItems", sent))
        if "infoItems" in sent:
            infos = _InfoItems(booking.info_items, slip, self._counters, verdict)
            booking = replace(booking, info_items=_after(infos, "infoItems", sent))
        return booking

    def automatic(self, booking: Booking) -> Booking:
        """Add the one charge of `autoInvoiceItemCharge`: the price, with the default description."""
        slip = Slip(self._counters.next("line"), booking.id, self._now)
        line = charge(slip, DEFAULT_TEXT, booking.row["price"], _BY_API["charge"])
        return replace(booking, invoice_items=[*booking.invoice_items, line])


def _after(items: _Items, name: str, sent: Mapping[str, object]) -> list[Row]:
    told = sent[name]
    if not isinstance(told, list):
        items.verdict.warn(name)
        told = []
    for one in told:
        items.write(one)
    return list(items.rows.values())
