"""Which subscriptions a property should have, given what is there; pure (vendors/cloudbeds.md 11.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

import msgspec

from connectors.cloudbeds import facts, wire

Event = tuple[str, str]
EVENTS: tuple[Event, ...] = tuple((entity, action) for entity, action in facts.EVENTS)
_DOORS = "/webhooks/cloudbeds/"


class Standing(msgspec.Struct, frozen=True):
    """A subscription as it stands: its id, the event in lower case, where it sends, and for which property."""

    ref: str
    event: Event
    address: str
    place: str | None


class Plan(msgspec.Struct, frozen=True):
    """What is to be done so that each event comes to us exactly once."""

    add: tuple[Event, ...]
    drop: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Tell whether nothing is left to do."""
        return not self.add and not self.drop


def address(url: str, secret: str) -> str:
    """Write where the vendor is to send; it gives the secret back in the query."""
    return f"{url}{'&' if '?' in url else '?'}{facts.SECRET_QUERY}={quote(secret, safe='')}"


def standing(rows: Iterable[wire.Subscribed]) -> list[Standing]:
    """Read what stands; an entry without an id cannot be dropped and is no concern of ours."""
    return [
        Standing(
            ref=wire.text(row.id),
            event=((row.event.entity or "").lower(), (row.event.action or "").lower()) if row.event else ("", ""),
            address=(row.subscription_data.endpoint or row.subscription_data.url or "")
            if row.subscription_data
            else "",
            place=_place(row.key),
        )
        for row in rows
        if wire.text(row.id)
    ]


def _place(key: wire.SubscriptionKey | None) -> str | None:
    """Return the property a subscription is bound to; None for one of a user or of a whole association."""
    return wire.text(key.id) or None if key is not None and (key.type or "").lower() == "property" else None


def plan(found: Sequence[Standing], url: str, wanted: str, property_ref: str) -> Plan:
    """Compare; what leads elsewhere, or is for another property, stays as it is.

    `url` is our door, `wanted` the address with the secret: an older secret's subscription goes, and so does any of an
    event that we do not follow.
    """
    ours = [one for one in found if _is_own_door(one.address, url) and one.place in {None, property_ref}]
    keep: dict[Event, str] = {}
    for one in ours:
        if one.address == wanted and one.event in EVENTS:
            keep.setdefault(one.event, one.ref)
    stays = set(keep.values())
    return Plan(
        add=tuple(event for event in EVENTS if event not in keep),
        drop=tuple(dict.fromkeys(one.ref for one in ours if one.ref not in stays)),
    )


def _is_own_door(told: str, url: str) -> bool:
    """Tell whether an address leads to a door of ours: this one, an older one beside it, or ours under another name."""
    bare = told.partition("?")[0].rstrip("/")
    place, _, token = url.partition("?")[0].rpartition("/")
    return bare.startswith(f"{place}/") or bare.endswith(f"{_DOORS}{token}")


def manual(url: str, reason: str) -> str:
    """Tell a person what to do by hand; the secret itself is shown with the door, not here."""
    names = ", ".join("/".join(event) for event in EVENTS)
    return (
        f"{reason}. Subscribe with postWebhook for each of these events, endpointUrl {url}?{facts.SECRET_QUERY}=<secret"
        f" of the door>: {names}"
    )


def warning(refused: Sequence[tuple[Event, str]]) -> str | None:
    """Say which events the vendor did not take; None when it took all."""
    told = [f"{'/'.join(event)} ({why})" for event, why in refused]
    return f"not subscribed, found by polling instead: {', '.join(told)}" if told else None
