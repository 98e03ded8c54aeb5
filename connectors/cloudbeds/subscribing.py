"""Keeping a property's subscriptions at exactly one for each event (vendors/cloudbeds.md 11.1)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.cloudbeds import facts, webhooks, wire
from connectors.cloudbeds.session import Session
from connectors.kit import rest
from pms_sync.ports.connector import Subscription


async def subscribe(session: Session, property_ref: str, url: str, secret: str) -> Subscription:
    """Add what lacks, drop what is ours and no longer wanted, and read it back; writes nothing when all is right."""
    wanted = webhooks.address(url, secret)
    hidden = (wanted, secret)
    try:
        plan = webhooks.plan(await _standing(session), url, wanted, property_ref)
        refused = await _follow(session, plan, wanted, hidden)
        left = plan if plan.is_done else webhooks.plan(await _standing(session), url, wanted, property_ref)
    except rest.Forbidden as fault:
        return Subscription(url=url, manual=webhooks.manual(url, fault.what))
    unseen = [event for event in left.add if event not in {event for event, _ in refused}]
    if unseen or left.drop:
        reason = f"the vendor took the subscriptions but does not show them as wanted ({len(unseen)} are not there)"
        return Subscription(url=url, manual=webhooks.manual(url, reason), warning=webhooks.warning(refused))
    return Subscription(url=url, warning=webhooks.warning(refused))


async def _standing(session: Session) -> Sequence[webhooks.Standing]:
    told, _ = await session.rows(facts.GET_WEBHOOKS)
    return webhooks.standing(wire.read_all(told, wire.SUBSCRIBED, f"GET {facts.GET_WEBHOOKS}"))


async def _follow(
    session: Session, plan: webhooks.Plan, wanted: str, hidden: Sequence[str]
) -> list[tuple[webhooks.Event, str]]:
    """Subscribe before dropping, so that nothing is missed between; returns what the vendor did not take."""
    refused: list[tuple[webhooks.Event, str]] = []
    for entity, action in plan.add:
        form = [("object", entity), ("action", action), ("endpointUrl", wanted)]
        try:
            await session.post(facts.POST_WEBHOOK, form, hidden=hidden)
        except rest.Refused as fault:
            refused.append(((entity, action), fault.what))
    for ref in plan.drop:
        await session.delete(facts.DELETE_WEBHOOK, [("subscriptionID", ref)])
    return refused
