"""The priced nights of a stay: one order item each, kept in step with the dates (vendors/mews.md 10.6, 10.9)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator import rows
from connectors.mews.simulator.amounts import gross_of, shares
from connectors.mews.simulator.hotel import Hotel
from connectors.mews.simulator.ids import Ids
from connectors.mews.simulator.site import Place
from connectors.mews.simulator.states import UNCONFIRMED
from connectors.mews.simulator.times import days_between, local_date

_USUAL_PRICE = Decimal(120)


class Nights:
    """The nights of one stay, as lines of its bill."""

    def __init__(self, hotel: Hotel, home: Place, ids: Ids, stay: Row, now: str) -> None:
        """Find the lines that stand."""
        self._hotel, self._home, self._ids, self._stay, self._now = hotel, home, ids, stay, now
        lines = hotel["items"].of("ServiceOrderId", stay["Id"])
        standing = [one for one in lines if one["Type"] == "SpaceOrder" and one["AccountingState"] != "Canceled"]
        self._lines = {local_date(one["StartUtc"], home.site.zone): one for one in standing}

    @property
    def days(self) -> list[date]:
        """Return the dates that are paid for; a stay without a night pays for its day."""
        zone = self._home.site.zone
        first, last = (local_date(self._stay[f"Scheduled{end}Utc"], zone) for end in ("Start", "End"))
        if first is None or last is None:
            return []
        return days_between(first, last) or [first]

    def follow(self) -> None:
        """Let the lines follow the dates: new nights cost what the last one did, those that fell away are canceled."""
        wanted = self.days
        known = [gross_of(line["Amount"]) for line in self._lines.values()]
        price = next((one for one in reversed(known) if one is not None), _USUAL_PRICE)
        for day, line in self._lines.items():
            if day not in wanted:
                gone = {"AccountingState": "Canceled", "CanceledUtc": self._now, "UpdatedUtc": self._now}
                self._hotel["items"].put({**line, **gone})
        for day in wanted:
            if day not in self._lines:
                self._add(day, price)

    def cost(self, prices: dict[date, Decimal]) -> None:
        """Set the price of single nights."""
        for day, price in prices.items():
            line = self._lines.get(day)
            if line is None:
                self._add(day, price)
            else:
                worth = self._home.amount(price)
                same = dict.fromkeys(("UnitAmount", "Amount", "OriginalAmount"), worth)
                self._hotel["items"].put({**line, **same, "UpdatedUtc": self._now})

    def cost_together(self, total: Decimal) -> None:
        """Spread a total over the nights, exact to the minor unit."""
        days = self.days
        self.cost(dict(zip(days, shares(total, len(days), self._home.site.currency), strict=True)))

    def _add(self, day: date, price: Decimal) -> None:
        line = rows.night(self._home, self._ids, self._stay, day, price, self._now)
        sleeping = {"AccountingState": "Inactive"} if str(self._stay["State"]) in UNCONFIRMED else {}
        self._lines[day] = self._hotel["items"].put({**line, **sleeping})
