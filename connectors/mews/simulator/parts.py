"""What hangs on a booking when an order names it: guests, notes, lines of the bill and payments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from connectors.kit.simulator.contract import OrderRefused, Row
from connectors.mews.simulator import rows, words
from connectors.mews.simulator.amounts import untaxed
from connectors.mews.simulator.events import Events
from connectors.mews.simulator.hotel import Hotel
from connectors.mews.simulator.ids import Ids
from connectors.mews.simulator.site import Place

_LINE_KINDS = ("charge", "payment")


class Parts:
    """Changes what hangs on the stays of one booking; `events` afterwards names what a webhook should tell of."""

    def __init__(self, hotel: Hotel, home: Place, ids: Ids, now: str, events: Events) -> None:
        """Work at an instant."""
        self._hotel, self._home, self._ids, self._now, self._events = hotel, home, ids, now, events

    def person(self, told: Row, known: Row | None = None) -> Row:
        """Store a profile as an order describes it, new unless one is known or named by its id."""
        named = self._hotel["customers"].get(told.get("ref"))
        old = known or named
        fields = words.guest(told)
        if old is None:
            fields = {"LastName": f"Number {self._ids.number('guest name')}", **fields}
            guest = rows.customer(self._ids, self._now, **fields)
        else:
            guest = {**old, **fields, "UpdatedUtc": self._now}
        if "country" in told:
            guest["AddressId"] = self._address(guest, told["country"])
        self._hotel["customers"].put(guest)
        self._events.customer(guest["Id"], self._home.id, new=old is None)
        return guest

    def booker(self, told: Row | None, stay: Row) -> None:
        """Rewrite the profile of the main guest; nobody can be taken away, since a stay has an owner."""
        known = self._hotel["customers"].get(stay["BookerId"]) or self._hotel["customers"].get(stay["AccountId"])
        if told is None or known is None:
            raise OrderRefused("a booking without a booker", words.WHERE, "name one: every stay has a main guest")
        self.person({name: value for name, value in told.items() if name != "ref"}, known)

    def companions(self, told: Sequence[Row], stay: Row) -> None:
        """Let these people and nobody else accompany the booking; one who left leaves no trace (10.7)."""
        for tie in self._hotel["companionships"].of("ReservationGroupId", stay["GroupId"]):
            self._hotel["companionships"].drop(tie["Id"])
        for one in told:
            guest = self.person(one)
            self._hotel["companionships"].put(rows.companionship(self._home, self._ids, guest["Id"], stay))

    def note(self, text: str | None, kinds: Sequence[str], members: Sequence[Row]) -> None:
        """Write the one note of these kinds on the first stay, in the place of all others; empty removes it."""
        notes = [note for stay in members for note in self._hotel["notes"].of("OrderId", stay["Id"])]
        meant = [note for note in notes if note["Type"] in kinds]
        for old in meant if not text else meant[1:]:
            self._hotel["notes"].drop(old["Id"])
        if text and meant:
            self._hotel["notes"].put({**meant[0], "Text": text, "UpdatedUtc": self._now})
        elif text:
            self._hotel["notes"].put(rows.note(self._home, self._ids, members[0]["Id"], text, kinds[-1], self._now))

    def lines(self, told: Sequence[Row], members: Sequence[Row]) -> None:
        """Let the bill hold these lines beside the nights; what is not named any more is canceled."""
        named = {str(line["ref"]) for line in told if line.get("ref")}
        for stay in members:
            self._cancel_lines(stay, named)
        for line in told:
            self._line(line, members[0])

    def _address(self, guest: Row, country: str | None) -> str | None:
        if country:
            return str(self._hotel["addresses"].put(rows.address(guest, country, self._now))["Id"])
        if guest["AddressId"] in self._hotel["addresses"]:
            self._hotel["addresses"].drop(guest["AddressId"])
        return None

    def _cancel_lines(self, stay: Row, kept: set[str]) -> None:
        gone = {"AccountingState": "Canceled", "UpdatedUtc": self._now}
        for item in self._hotel["items"].of("ServiceOrderId", stay["Id"]):
            if item["Type"] != "SpaceOrder" and item["AccountingState"] != "Canceled" and item["Id"] not in kept:
                self._hotel["items"].put({**item, **gone, "CanceledUtc": self._now})
        for paid in self._hotel["payments"].of("ReservationId", stay["Id"]):
            if paid["State"] == "Charged" and paid["Id"] not in kept:
                self._hotel["payments"].put({**paid, **gone, "State": "Canceled"})
                self._events.payment(paid["Id"], self._home.id)

    def _line(self, line: Row, stay: Row) -> None:
        kind, amount = line.get("kind", "charge"), words.money(line.get("amount"))
        if kind not in _LINE_KINDS:
            raise OrderRefused(f"a line of kind {kind!r}", words.WHERE, f"use one of {list(_LINE_KINDS)}")
        known = self._hotel.home_of(line.get("ref"))
        if known is not None:
            self._rewrite(known, line, amount)
        elif kind == "charge":
            self._hotel["items"].put(
                rows.item(self._home, self._ids, stay, amount, self._now, BillingName=line.get("text"))
            )
        else:
            paid = rows.payment(self._home, self._ids, stay, amount, self._now, Notes=line.get("text"))
            self._hotel["payments"].put(paid)
            self._events.payment(paid["Id"], self._home.id)

    def _rewrite(self, known: tuple[str, Row], line: Row, amount: Decimal) -> None:
        name, row = known
        if name == "items" and row["Type"] != "SpaceOrder":  # a night is changed by its price
            worth = dict.fromkeys(("UnitAmount", "Amount", "OriginalAmount"), self._home.amount(amount))
            self._hotel["items"].put({**row, **worth, "BillingName": line.get("text"), "UpdatedUtc": self._now})
        elif name == "payments":
            worth = dict.fromkeys(("Amount", "OriginalAmount"), untaxed(-amount, self._home.site.currency))
            self._hotel["payments"].put({**row, **worth, "Notes": line.get("text"), "UpdatedUtc": self._now})
            self._events.payment(row["Id"], self._home.id)
