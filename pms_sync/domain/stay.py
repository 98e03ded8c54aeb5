"""Stay ranges: property-local dates, half open, nights counted by date difference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

LONGEST_STAY_NIGHTS = 3660  # ten years: longer is a slip of the keyboard, and would flood the night tables


class StayRange(msgspec.Struct, frozen=True):
    """`[arrival, departure)` in property-local dates; equal dates are day use, not an empty stay.

    Nights never depend on hours or zones, so a daylight-saving change cannot add or drop one (TIM-01, TIM-02).
    """

    arrival: date
    departure: date

    def __post_init__(self) -> None:
        """Refuse a departure before the arrival, and a stay longer than ten years."""
        if self.departure < self.arrival:
            message = f"departure {self.departure} lies before arrival {self.arrival}"
            raise ValueError(message)
        if (self.departure - self.arrival).days > LONGEST_STAY_NIGHTS:
            message = f"stay of more than {LONGEST_STAY_NIGHTS} nights"
            raise ValueError(message)

    @property
    def is_day_use(self) -> bool:
        """Tell whether the guest leaves on the day of arrival."""
        return self.arrival == self.departure

    def nights(self) -> Iterator[date]:
        """Yield each night by the date it begins on; day use has none."""
        return map(date.fromordinal, range(self.arrival.toordinal(), self.departure.toordinal()))

    def claims(self) -> Iterator[tuple[date, Slot]]:
        """Yield the (date, slot) pairs a stay takes of one unit (ARCHITECTURE §5).

        Each night takes `night`; each date strictly between takes `day` as well; day use takes `day` alone,
        so same-day turnover is legal and two day uses of one unit collide (TIM-14, INV-03).
        """
        if self.is_day_use:
            yield self.arrival, "day"
        for night in self.nights():
            yield night, "night"
            if night != self.arrival:
                yield night, "day"

    def whole_days(self) -> Iterator[tuple[date, Slot]]:
        """Yield both slots of every date, as out-of-order and owner blocks take them."""
        for night in self.nights():
            yield night, "night"
            yield night, "day"


Slot = str  # "night" | "day"
