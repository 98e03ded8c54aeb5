"""The scenes with a person in them: two edits that meet, a room sold twice, an outage; each ends at the vendor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from pms_sync.demo.person import Person, eventually
from pms_sync.demo.stage import Stage

_ROOM, _OTHER_ROOM = "55/1", "55/2"
# Days that the scripted traffic never reaches, so that nobody else wants these rooms.
_FIRST_DAY, _APART = 300, 10
Say = Callable[..., None]


class Scenes:
    """Plays the scenes one after the other."""

    def __init__(self, stage: Stage, person: Person, today: date, say: Say) -> None:
        """Take the stage, the person, and who tells what happens: `say(words, refs)`."""
        self._stage, self._person, self._today, self._say = stage, person, today, say
        self.verified = 0

    async def play(self) -> None:
        """Play all of them; raises TimeoutError when one does not end as it should."""
        await self._made_here()
        await self._edits_meet()
        await self._sold_twice()
        await self._outage()

    async def _made_here(self) -> None:
        first, last = self._days(0)
        nights = [{"date": first, "price": "95.00"}, {"date": self._day(1), "price": "95.00"}]
        await self._person.book("101", first, last, nights)
        self._say("the front desk takes a booking for room 101; it is to be made at the vendor")
        await eventually(lambda: self._has_stay(first, _ROOM))
        self._verified("the vendor shows the booking of the front desk, once")

    async def _edits_meet(self) -> None:
        first, last = self._days(1)
        ref = await self._sold(first, last, _ROOM, "booking_com")
        reservation_id = await self._person.reservation_of(ref)
        longer = (date.fromisoformat(last) + timedelta(days=2)).isoformat()
        await self._stage.vendor.order("change", op="modify", ref=ref, set={"departure": longer}, silent=True)
        await self._person.change(reservation_id, room="102")
        self._say(f"the OTA prolongs {ref} while the front desk moves the guest to room 102", (ref,))
        await eventually(lambda: self._shows(ref, room_ref=_OTHER_ROOM, departure=longer))
        self._verified(f"both changes of {ref} are true on both sides")

    async def _sold_twice(self) -> None:
        first, last = self._days(2)
        ref, other = [await self._sold(first, last, _ROOM, channel) for channel in ("booking_com", "expedia")]
        self._say(f"room 101 is sold twice for {first}: both are kept, and a case is opened", (ref, other))
        refused = await eventually(lambda: self._stage.refused_of(ref, other))
        await self._person.change(await self._person.reservation_of(refused), room="103")
        self._say(f"the front desk moves {refused} to room 103", (refused,))
        await eventually(lambda: self._shows(refused, room_ref="55/3"))
        self._verified(f"the vendor shows {refused} in room 103, and the case closed by itself")

    async def _outage(self) -> None:
        first, last = self._days(3)
        ref = await self._sold(first, last, _ROOM, "direct")
        reservation_id = await self._person.reservation_of(ref)
        await self._stage.vendor.order("faults", faults=[{"kind": "status", "status": 503, "match": {"path": "/"}}])
        await self._person.change(reservation_id, adults=3)
        self._say(f"the vendor is away; {ref} gets a third guest meanwhile, and the order waits", (ref,))
        await self._stage.vendor.order("faults", faults=[])
        await eventually(lambda: self._shows(ref, adults=3), 60)
        self._verified(f"the vendor is back and shows {ref} with three guests")

    def _verified(self, words: str) -> None:
        self.verified += 1
        self._say(f"verified: {words}")

    async def _sold(self, first: str, last: str, room: str, channel: str) -> str:
        """Let the vendor sell a room, and return the booking's ref."""
        stay = {"room_type_ref": "55", "room_ref": room, "arrival": first, "departure": last, "adults": 2}
        told = {"status": "confirmed", "channel": channel, "room_stays": [stay], "booker": {"last_name": "Alba"}}
        answer = await self._stage.vendor.order("change", op="create", set=told)
        return str(answer["ref"])

    async def _has_stay(self, arrival: str, room: str) -> bool:
        return [one["room_ref"] for one in await self._stays() if one["arrival"] == arrival] == [room]

    async def _shows(self, ref: str, **wanted: Any) -> bool:  # noqa: ANN401 - any field of a stay
        [stay] = [one for one in await self._stays() if one["ref"] == ref]
        return all(stay[name] == value for name, value in wanted.items())

    async def _stays(self) -> list[dict[str, Any]]:
        truth: dict[str, Any] = await self._stage.vendor.ask("truth")
        return [stay for one in truth["reservations"] for stay in one["room_stays"]]

    def _days(self, scene: int) -> tuple[str, str]:
        return self._day(scene * _APART), self._day(scene * _APART + 2)

    def _day(self, offset: int) -> str:
        return (self._today + timedelta(days=_FIRST_DAY + offset)).isoformat()
