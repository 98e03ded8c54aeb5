"""General and integration webhooks: one URL for all properties, ids only, batched and late (vendors/mews.md 12)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.webhooks import Delivery, Sender, Snapshot
from connectors.mews.simulator.access import NAME, Integration
from connectors.mews.simulator.events import Told


@dataclass(frozen=True)
class Target:
    """Where webhooks go to; the shared secret is part of the URL. The two kinds may have an address each."""

    url: str
    integration_url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Batch:
    """Events that are sent together; once it is on its way nothing joins it."""

    enterprise_id: str
    integration_id: str
    events: dict[tuple[str, str], None] = field(default_factory=dict)
    sealed: bool = False

    def seal(self) -> bytes:
        """Close the batch and write its body."""
        self.sealed = True
        return msgspec.json.encode(body(self.enterprise_id, self.integration_id, self.events))


def body(enterprise_id: str, integration_id: str, events: Iterable[tuple[str, str]]) -> Row:
    """Write a general webhook: what changed, and nothing of what it is now."""
    told = [{"Discriminator": word, "Value": {"Id": entity_id}} for word, entity_id in events]
    return {"EnterpriseId": enterprise_id, "IntegrationId": integration_id, "Events": told}


def integration_body(action: str, integration: Integration, enterprise: Row, now: str) -> Row:
    """Write an integration webhook; two of them deliver a secret."""
    named = {"Integration": {"Id": integration.id, "Name": NAME}}
    data: dict[str, Row] = {
        "IntegrationCreated": {
            "Enterprise": {"Id": enterprise["Id"], "Name": enterprise["Name"]},
            "Service": None,
            "Requestor": None,
            "AccessToken": integration.token,
            "CreatedUtc": now,
            "IsEnabled": integration.alive,
            **named,
        },
        "IntegrationDeleted": {"DeletedUtc": now, **named},
        "IntegrationApiKeyCreated": {**named, "ApiKey": integration.token},
    }
    return {"Action": action, "Data": data.get(action, named)}


class Announcer:
    """Queues messages for the one receiver; without a receiver nothing is told, and nothing is told later."""

    def __init__(self, sender: Sender, delay: float, most: int) -> None:
        """Send `delay` real seconds after a change, with at most `most` events in one message."""
        self._sender, self._delay, self._most = sender, delay, most
        self._numbers = itertools.count()
        self.forget()

    def forget(self) -> None:
        """Have no receiver, and nothing to tell."""
        self._target: Target | None = None
        self._open: dict[str, _Batch] = {}

    def aim(self, target: Target) -> None:
        """Send to this receiver from now on."""
        self._target = target

    def tell(self, events: Iterable[Told], integrations: dict[str, str]) -> None:
        """Queue events; `integrations` names the integration of every property."""
        for enterprise_id, word, entity_id in events:
            batch = self._batch(enterprise_id, integrations[enterprise_id])
            if batch is not None:
                batch.events[word, entity_id] = None

    def tell_integration(self, message: Row) -> None:
        """Queue an integration webhook: one event, one message."""
        if self._target is not None:
            raw = msgspec.json.encode(message)
            self._offer(self._target.integration_url, self._target, lambda _attempt: raw)

    def _batch(self, enterprise_id: str, integration_id: str) -> _Batch | None:
        if self._target is None or not self._target.url:
            return None
        found = self._open.get(enterprise_id)
        if found is None or found.sealed or len(found.events) >= self._most:
            fresh = self._open[enterprise_id] = _Batch(enterprise_id, integration_id)
            self._offer(self._target.url, self._target, lambda _attempt: fresh.seal())
            return fresh
        return found

    def _offer(self, url: str, target: Target, snapshot: Snapshot) -> None:
        if url:
            key = str(next(self._numbers))
            self._sender.offer(Delivery(key, url, target.headers, snapshot), self._delay)
