"""The simulated vendor of the end-to-end tests: its control plane, and what a person sees in its control panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from connectors.beds24.simulator import SIMULATOR, hooks
from connectors.beds24.simulator.app import Beds24Simulator
from connectors.beds24.simulator.hotel import Booking
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import ChangeOrder

VENDOR, PROPERTY_REF = "beds24", "7"
Row = dict[str, Any]

# The vendor's own habit is up to a minute between attempts; nobody wants to wait for that.
_RETRIES = (0.2, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0)
_PLENTY = 100_000


@dataclass(frozen=True)
class Target:
    """Where the vendor sends its webhooks, and the header lines it adds."""

    url: str
    headers: dict[str, str]


class Vendor:
    """A running simulator with a client on its control plane."""

    def __init__(self, simulator: Beds24Simulator, base_url: str, client: httpx.AsyncClient) -> None:
        """Talk to a simulator that listens."""
        self.simulator, self.base_url, self._client = simulator, base_url, client

    async def order(self, name: str, **body: Any) -> Any:
        """Give an order to the control plane and return its answer, which must be 200."""
        answer = await self._client.post(f"{self.base_url}/_sim/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, name: str, **query: Any) -> Any:
        """Ask the control plane for the truth or the calls."""
        answer = await self._client.get(f"{self.base_url}/_sim/{name}", params=query, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def book(self, *stays: Row, silent: bool = False, vendor: Row | None = None, **said: Any) -> str:
        """Make one reservation of these room stays and return its ref; `said` are words of Rev."""
        told = {"status": "confirmed", "channel": "direct", **said, "room_stays": list(stays)}
        answer = await self.order("change", op="create", set=told, vendor=vendor or {}, silent=silent)
        return str(answer["ref"])

    async def modify(self, ref: str, *, silent: bool = False, vendor: Row | None = None, **said: Any) -> None:
        """Change a reservation, or one booking of it."""
        await self.order("change", op="modify", ref=ref, set=said, vendor=vendor or {}, silent=silent)

    async def cancel(self, ref: str, *, silent: bool = False) -> None:
        """Cancel a reservation, or one booking of it."""
        await self.order("change", op="cancel", ref=ref, silent=silent)

    async def delete(self, ref: str) -> None:
        """Delete a reservation without a trace; the vendor tells nobody."""
        await self.order("change", op="delete", ref=ref, silent=True)

    async def faults(self, *faults: Row) -> None:
        """Put these faults in the place of all others; none clears them."""
        await self.order("faults", faults=list(faults))

    async def truth(self) -> Any:
        """Return everything the vendor holds."""
        return await self.ask("truth")

    async def calls(self, since: int = 0) -> list[Row]:
        """Return the calls the vendor saw, after number `since`."""
        items: list[Row] = (await self.ask("calls", since=since))["items"]
        return items

    def at_once(self, *orders: Row) -> None:
        """Carry out several silent changes with nobody able to read in between."""
        for order in orders:
            self.simulator.backend.change(msgspec.convert({**order, "silent": True}, ChangeOrder))

    def show_again(self, booking: Booking) -> None:
        """Let a deleted booking be there as if it had never gone."""
        hotel = self.simulator.backend.hotel
        hotel.begin(self.simulator.backend.clock.now())
        hotel.put(booking)

    def member_refs(self, ref: str) -> list[str]:
        """Return the booking numbers of a reservation, in the order they were made."""
        bookings = self.simulator.backend.hotel.bookings.values()
        return [str(one.id) for one in bookings if ref in {str(one.id), str(one.row["masterId"])}]

    def webhook(self, ref: str) -> bytes:
        """Return the body of the webhook that tells of a booking as it is now."""
        hotel = self.simulator.backend.hotel
        now = stamp(self.simulator.backend.clock.now())
        return msgspec.json.encode(hooks.body(hotel, hotel.bookings[int(ref)], hotel.properties[7], now, 0))

    def target(self) -> Target:
        """Return what the control panel shows under webhooks: the newest address, and the header lines."""
        place = self.simulator.backend.hotel.properties[int(PROPERTY_REF)]
        return Target(url=[*hooks.urls(place), ""][0], headers=hooks.headers(place))

    def targets(self) -> Sequence[str]:
        """Return every address the vendor sends to."""
        return hooks.urls(self.simulator.backend.hotel.properties[int(PROPERTY_REF)])


def simulator(seed: int, **options: Any) -> Beds24Simulator:
    """Build the vendor with credits for every test and short pauses between webhook attempts; nothing listens yet."""
    return SIMULATOR(seed, **{"credits": _PLENTY, "webhook_retry_after": _RETRIES, **options})
