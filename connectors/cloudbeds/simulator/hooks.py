"""Subscriptions, and the messages that go out to them: no signature, any order, each subscription by itself (11)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from connectors.cloudbeds.simulator.events import CATALOGUE, Event
from connectors.cloudbeds.simulator.ids import subscription_id
from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.webhooks import Delivery, Sender, Snapshot

AGENT = "CloudBeds-Webhooks/4.0.0"
_JITTER = 0.02


@dataclass(frozen=True)
class Subscription:
    """One object and action of one property, sent to one address; the fixed header is never shown again."""

    id: str
    property_id: str
    object: str
    action: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    header_shown: bool = True

    def shown(self, client_id: str) -> Row:
        """Write the subscription as getWebhooks does; of a fixed header only the name."""
        data: Row = {"endpoint": self.url}
        if self.headers and self.header_shown:
            data["authHeaderName"] = next(iter(self.headers))
        return {
            "id": self.id,
            "key": {"type": "property", "id": self.property_id},
            "event": {"entity": self.object, "action": self.action},
            "owner": {"type": "client", "id": client_id},
            "subscriptionType": "webhook",
            "subscriptionData": data,
        }


class Announcer:
    """Keeps the subscriptions and queues what they ask for; nothing is sent for changes made before."""

    def __init__(self, sender: Sender, delay: float, seed: int) -> None:
        """Send `delay` real seconds after a change; a cascade leaves in the order of the dice."""
        self._sender, self._delay = sender, delay
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._numbers = itertools.count()
        self._subscriptions: dict[str, Subscription] = {}

    def forget(self, property_id: str | None = None) -> None:
        """Drop all subscriptions, or those of one property."""
        self._subscriptions = {
            key: one for key, one in self._subscriptions.items() if property_id not in {None, one.property_id}
        }

    def of(self, property_ids: Iterable[str]) -> list[Subscription]:
        """Return the subscriptions of properties."""
        wanted = set(property_ids)
        return [one for one in self._subscriptions.values() if one.property_id in wanted]

    def subscribe(self, home: str, what: tuple[str, str], url: str, headers: dict[str, str]) -> str:
        """Subscribe; the same property, address, object and action have the same id, and the newest header counts."""
        made = Subscription(subscription_id(home, url, *what), home, *what, url, headers)
        self._subscriptions[made.id] = made
        return made.id

    def aim(self, home: str, url: str, headers: dict[str, str]) -> str:
        """Subscribe a foreign receiver to all there is, once; returns the first id."""
        made = [self.subscribe(home, _split(name), url, headers) for name in CATALOGUE]
        return made[0]

    def drop(self, subscription: str, property_ids: Iterable[str]) -> bool:
        """End a subscription of one of these properties; tells whether there was one."""
        found = self._subscriptions.get(subscription)
        if found is None or found.property_id not in set(property_ids):
            return False
        del self._subscriptions[subscription]
        return True

    def tell(self, events: Iterable[Event], at: float) -> None:
        """Queue every event for everybody who asked for it, a cascade in any order."""
        shuffled = list(events)
        self._dice.shuffle(shuffled)
        for event in shuffled:
            at += self._dice.randrange(1, 5000) / 1_000_000
            raw = msgspec.json.encode(event.body(at))
            for one in self._subscriptions.values():
                if one.property_id == event.property_id and _split(event.name) == (one.object, one.action):
                    self._offer(one, raw)

    def _offer(self, one: Subscription, raw: bytes) -> None:
        snapshot: Snapshot = lambda _attempt: raw  # noqa: E731 - the same bytes at every attempt
        key = str(next(self._numbers))
        late = self._delay + self._dice.random() * min(_JITTER, self._delay)
        self._sender.offer(Delivery(key, one.url, {"User-Agent": AGENT, **one.headers}, snapshot), late)


def _split(name: str) -> tuple[str, str]:
    entity, _, action = name.partition("/")
    return entity, action
