"""Addressees: what a subscriber of a hotel file must be before it is stored, and what is stored of it."""

from __future__ import annotations

from config.faults import Faults
from config.hotels import Subscriber, SubscriberCheck
from connectors.kit.posting import check_target
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.domain.signing import signing_key
from pms_sync.store.subscribers import SubscriberFacts


def in_hotel_files(*, allow_private: bool) -> SubscriberCheck:
    """Return what `load_hotels` asks of every subscriber: an address that the one way out would refuse is told now."""

    def check(subscriber: Subscriber, where: str, faults: Faults) -> None:
        try:
            check_target(subscriber.url, allow_private=allow_private)
        except ConfigurationFault as fault:
            faults.add(fault.what, where + fault.where, fault.remedy)

    return check


def facts_of(declared: Subscriber) -> SubscriberFacts:
    """Return a subscriber in the store's words."""
    return SubscriberFacts(url=declared.url, key=signing_key(declared.secret.reveal()), topics=declared.topics)
