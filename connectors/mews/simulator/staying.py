"""Making and changing single stays by Rev words: dates, rooms, people, state, and the price of their nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from connectors.kit.simulator.contract import OrderRefused, Row
from connectors.mews.simulator import rows, words
from connectors.mews.simulator.amounts import shares
from connectors.mews.simulator.blocking import Blocker
from connectors.mews.simulator.events import Events
from connectors.mews.simulator.hotel import Hotel
from connectors.mews.simulator.ids import Ids
from connectors.mews.simulator.nights import Nights
from connectors.mews.simulator.site import Place
from connectors.mews.simulator.states import canceled, lived
from connectors.mews.simulator.verbatim import verbatim

_OF_THE_BOOKING = """
GroupId AccountId AccountType BookerId Origin CommanderOrigin ChannelNumber TravelAgencyId CreatorProfileId
""".split()


class Stays:
    """Works on the stays of one property at an instant; what it stores is told in `events`."""

    def __init__(self, hotel: Hotel, home: Place, ids: Ids, now: str, events: Events) -> None:
        """Look at the tables as they are."""
        self._hotel, self._home, self._ids, self._now, self._events = hotel, home, ids, now, events
        self._blocker = Blocker(hotel, home, ids, now, events)

    def new(self, said: Row, told: Row, raw: Mapping[str, object], today: date) -> Row:
        """Make a stay: `said` are raw fields of the booking, `told` are Rev words, `raw` is written verbatim."""
        if not self._home.categories:
            raise OrderRefused(f"{self._home.name} has no rooms", words.WHERE, "reset with rooms")
        arrival = words.day(told["arrival"]) if told.get("arrival") else today
        departure = words.day(told["departure"]) if told.get("departure") else arrival + timedelta(days=1)
        if departure < arrival:
            raise OrderRefused(f"from {arrival} to {departure}", words.WHERE, "let departure follow arrival")
        times = rows.planned(self._home, arrival, departure)
        stay = rows.reservation(self._home, self._ids, self._now, **said, **times)
        stay |= self._housed(words.stay(self._home, told, stay))
        if "room_ref" not in told:
            stay["AssignedResourceId"] = self._blocker.free_room(stay)
        return self._put(verbatim(stay, raw), told, raw)

    def beside(self, other: Row, told: Row, today: date) -> Row:
        """Make a further stay of the same booking, by itself at the dates of the other."""
        said = {name: other[name] for name in _OF_THE_BOOKING}
        known = zip(words.ENDS, words.dates_now(self._home, other), strict=True)
        dates = {word: str(day) for word, day in known if day is not None}
        return self.new(said, {**dates, **told}, {}, today)

    def change(self, stay: Row, said: Row, told: Row, raw: Mapping[str, object]) -> Row:
        """Change a stay by Rev words and raw fields; its time of change moves unless an order gives one."""
        fields = words.stay(self._home, told, stay)
        fresh = verbatim({**stay, "UpdatedUtc": self._now, **fields, **said}, raw)
        return self._put(fresh, told, raw, follows="ScheduledStartUtc" in fields)

    def cancel(self, stay: Row, raw: Mapping[str, object]) -> Row:
        """Cancel a stay."""
        gone = canceled(self._hotel, stay, self._now, "RequestedByGuest")
        self._events.stay(stay["Id"], self._home.id)
        return self._hotel["reservations"].put(verbatim(gone, raw))

    def share_total(self, stays: Sequence[Row], total: object) -> None:
        """Spread a total over stays, exact to the minor unit; canceled ones cost nothing."""
        living = [stay for stay in stays if stay["State"] != "Canceled"]
        if not living:
            return
        parts = shares(words.money(total), len(living), self._home.site.currency)
        for stay, part in zip(living, parts, strict=True):
            self._nights(stay).cost_together(part)

    def _housed(self, fields: Row) -> Row:
        """Let the category follow the room, or be the first one."""
        category = self._home.category_of(fields.get("AssignedResourceId")) or self._home.categories[0]
        return {"RequestedResourceCategoryId": category.id, **fields}

    def _put(self, stay: Row, told: Row, raw: Mapping[str, object], *, follows: bool = True) -> Row:
        """Store a stay with its state and the lines of its nights; raw fields have the last word."""
        stay = self._hotel["reservations"].put(stay)
        if told.get("status"):
            stay = self._hotel["reservations"].put(verbatim(self._live(stay, told), raw))
        if stay["State"] != "Canceled":
            self._price(stay, told, follows=follows)
        self._events.stay(stay["Id"], self._home.id)
        return stay

    def _live(self, stay: Row, told: Row) -> Row:
        """Bring a stay into the state of its public status; times of check-in and check-out follow."""
        state = words.state(str(told["status"]), told.get("hold_kind"))
        if state == "Canceled":
            reason = "NoShow" if told["status"] == "no_show" else "RequestedByGuest"
            return canceled(self._hotel, stay, self._now, reason)
        actual: Row = {"ActualStartUtc": None, "ActualEndUtc": None}
        if state in {"Started", "Processed"}:
            actual["ActualStartUtc"] = stay["ActualStartUtc"] or self._now
        if state == "Processed":
            actual["ActualEndUtc"] = stay["ActualEndUtc"] or self._now
        return lived(self._hotel, {**stay, "State": state, **actual})

    def _price(self, stay: Row, told: Row, *, follows: bool) -> None:
        nights = self._nights(stay)
        if follows:
            nights.follow()
        priced = [one for one in told.get("nights") or [] if one.get("price") is not None]
        if priced:
            nights.cost({words.day(one["date"]): words.money(one["price"]) for one in priced})
        elif told.get("total") is not None:
            nights.cost_together(words.money(told["total"]))

    def _nights(self, stay: Row) -> Nights:
        return Nights(self._hotel, self._home, self._ids, stay, self._now)
