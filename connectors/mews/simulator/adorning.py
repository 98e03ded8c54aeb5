"""What hangs on seeded bookings: profiles, sources, companions, notes, bills, breakfast and payments."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator import rows
from connectors.mews.simulator.hotel import ENTERPRISE, UPDATED, Hotel
from connectors.mews.simulator.ids import Ids, fixed
from connectors.mews.simulator.site import Place

_COUNTRIES = (("ES", "es-ES"), ("DE", "de-DE"), ("FR", "fr-FR"), ("GB", "en-GB"), (None, None))
_BILLED = frozenset({"Confirmed", "Started", "Processed"})
_UNPAID = {"State": "Pending", "ChargedUtc": None, "SettlementUtc": None, "AccountingState": "Inactive"}


@dataclass
class Adorner:
    """Draws the parts of bookings of one property."""

    hotel: Hotel
    home: Place
    dice: random.Random
    ids: Ids

    def guest(self, now: str, source: str | None) -> Row:
        """Store a new profile."""
        country, language = self.dice.choice(_COUNTRIES)
        number = self.ids.number("guest name")
        spoken = {"PreferredLanguageCode": language, "LanguageCode": language, "NationalityCode": country}
        guest = rows.customer(
            self.ids,
            now,
            FirstName="Guest",
            LastName=f"Number {number}",
            Email=f"seed{number}@guests.example",
            HasOtaEmail=source == "Booking.com",
            Phone=f"+34 600 {number % 1000:03d} {self.dice.randrange(1000):03d}" if self._happens(0.8) else None,
            **spoken,
        )
        if country:
            where = self.hotel["addresses"].put(rows.address(guest, country, now))
            guest["AddressId"] = where["Id"]
        return self.hotel["customers"].put(guest)

    def adorn(self, stay: Row, source: str | None, *, first: bool) -> None:
        """Give a stay what hangs on it, and with the first one its booking."""
        now = str(stay["CreatedUtc"])
        if first and source:
            self._tie(stay, source)
        if first and self._happens(0.25):
            friend = self.guest(now, None)
            self.hotel["companionships"].put(rows.companionship(self.home, self.ids, friend["Id"], stay))
        if first and self._happens(0.3):
            self._note(stay, "Quiet room.", "General", now)
        if first and self._happens(0.2):
            self._note(stay, "Late arrival, please.", "SpecialRequest", now)
        if stay["State"] in _BILLED:
            self._bill(stay, now)

    def _tie(self, stay: Row, source: str) -> None:
        """Name the source of the booking."""
        tie = {"ReservationGroupId": stay["GroupId"], "SourceId": fixed("source", source), "IsPrimary": True}
        own = {ENTERPRISE: self.home.id, UPDATED: stay["CreatedUtc"]}
        self.hotel["source_assignments"].put({**own, "Id": fixed("source assignment", stay["GroupId"]), **tie})

    def _note(self, stay: Row, text: str, kind: str, now: str) -> None:
        self.hotel["notes"].put(rows.note(self.home, self.ids, stay["Id"], text, kind, now))

    def _bill(self, stay: Row, now: str) -> None:
        """Put the lines of a stay on a bill, which is closed once the guest has left."""
        left = stay["ActualEndUtc"]
        closed = {"State": "Closed", "PaidUtc": left} if left else {}
        bill = self.hotel["bills"].put(rows.bill(self.home, self.ids, stay, now, **closed))
        if self._happens(0.3):
            self._breakfast(stay, now)
        if self._happens(0.4):
            paid: Row = self.dice.choice(({}, {}, {}, _UNPAID))
            said = {"Notes": "Deposit", "BillId": bill["Id"], **paid}
            self.hotel["payments"].put(rows.payment(self.home, self.ids, stay, Decimal(50), now, **said))
        ended = {"AccountingState": "Closed", "ClosedUtc": left} if left else {}
        for item in self.hotel["items"].of("ServiceOrderId", stay["Id"]):
            self.hotel["items"].put({**item, "BillId": bill["Id"], **ended})

    def _breakfast(self, stay: Row, now: str) -> None:
        extra = {"Type": "ProductOrder", "RevenueType": "Product", "BillingName": "Breakfast"}
        data = {"ProductId": self.home.at("product", "breakfast"), "AgeCategoryId": None, "ProductType": "Product"}
        known = {"Data": {"Discriminator": "Product", "Product": data}}
        self.hotel["items"].put(rows.item(self.home, self.ids, stay, Decimal(30), now, **extra, **known))

    def _happens(self, share: float) -> bool:
        return self.dice.random() < share
