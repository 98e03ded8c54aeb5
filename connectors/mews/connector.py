"""The Mews talker: one access token, one property; pages, single objects, the catalogue, all as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from connectors.kit.pacing import Pace
from connectors.kit.read_only import ReadOnly
from connectors.mews import facts, probing, webhooks, wire
from connectors.mews.lists import Lists
from connectors.mews.session import Session
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ports.connector import (
    Catalogue,
    Checked,
    ConnectorContext,
    Missing,
    Page,
    Record,
    Subscription,
    Window,
)

_NEAR = timedelta(seconds=2)


class MewsConnector(ReadOnly):
    """Talks to one Mews connection about one property; every method is one retryable unit and changes nothing there."""

    spec = facts.SPEC

    def __init__(self, context: ConnectorContext, pace: Pace | None = None) -> None:
        """Remember the context; raises ConfigurationFault when the property ref is no id of an enterprise."""
        if not facts.is_ref(context.property_ref):
            what = f"{context.property_ref[:60]!r} is no Mews enterprise id"
            raise ConfigurationFault(
                what, "property_ref", "give the UUID that configuration/get shows as Enterprise.Id"
            )
        self._property, self._now = context.property_ref, context.now
        self._session = Session(context, pace)
        self._lists = Lists(self._session, context.property_ref, context.now)

    async def check(self) -> Checked:
        """Read the enterprise and the vendor's clock, and try each operation: the token lists no permissions."""
        with self._session.counted():
            told = await self._session.configuration()
            granted = await probing.granted(self._session, self._property, self._now())
            covered = await probing.enterprises(self._session) or [told.enterprise.id]
        ours = told.enterprise if told.enterprise.id == self._property else None
        return Checked(
            scopes=tuple(granted),
            missing_scopes=tuple(one for one in facts.NEEDED if one not in granted),
            vendor_time=told.now_utc,
            zone=(ours.time_zone_identifier or None) if ours else None,
            currency=ours.currency if ours else None,
            property_refs=tuple(covered),
            detail=_detail(granted, covered, self._property),
        )

    async def catalogue(self) -> Catalogue:
        """Read categories with their rooms, and rates; raises VendorFault (PAUSE) when the token is another's."""
        with self._session.counted():
            place = await self._lists.places.enterprise()
            return Catalogue(
                property_ref=self._property,
                name=place.name or None,
                currency=place.currency,
                zone=place.time_zone_identifier or None,
                room_types=await self._lists.places.room_types(),
                rate_plans=await self._lists.places.rate_plans(),
            )

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Read one page; its token names a slice of the window and a cursor. Raises KeyError for an unknown stream."""
        pull = self._lists.pulls[stream]
        with self._session.counted():
            return await pull(window, page)

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Read reservations or blocks by id, whatever their state; absence is no proof of deletion.

        Raises ValueError for more than `batch_fetch_limit` refs, VendorFault when the answer is not complete.
        """
        readable = self._lists.pulls.keys() - {facts.CATALOGUE}
        if stream not in readable or len(refs) > self.spec.batch_fetch_limit:
            message = f"fetch takes at most {self.spec.batch_fetch_limit} refs of {', '.join(sorted(readable))}"
            raise ValueError(message)
        found: dict[str, Record | Missing] = dict.fromkeys(refs, Missing("absent"))
        with self._session.counted():
            return found | await self._lists.named(stream, [ref for ref in found if facts.is_ref(ref)])

    async def calibrate(self, stream: str, known: Record) -> bool:
        """Ask for what changed around a known change; True proves that the filter reads our times as UTC (4).

        It counts as proven only when the reservation comes and nothing from outside the moment does.
        """
        changed = wire.instant(known.version)
        if stream != facts.RESERVATIONS or changed is None:
            return False
        with self._session.counted():
            found = await self._lists.changed_around(changed)
        times = [wire.instant(row.key.updated_utc) for row in found]
        near = all(time is not None and abs(time - changed) <= _NEAR for time in times)
        return near and any(row.key.id == known.ref for row in found)

    async def subscribe(self, url: str, secret: str) -> list[Subscription]:
        """Tell a person what to write to Mews: there is no call for it, and the address is the client's, not ours."""
        del secret
        return [Subscription(url=url, manual=webhooks.manual(url))]

    async def aclose(self) -> None:
        """Have nothing to let go of: the client belongs to whoever opened it."""


def _detail(granted: Sequence[str], covered: Sequence[str], property_ref: str) -> str:
    """Say in one line what stands in the way, or that nothing does."""
    every = (*facts.NEEDED, *facts.WANTED, *facts.OF_PLACES)
    lacking = [operation for operation in every if operation not in granted]
    told = [f"not permitted: {', '.join(lacking)}; ask Mews to enable these operations"] if lacking else []
    if property_ref not in covered:
        told.append(f"property {property_ref} is not among the {len(covered)} that the token covers")
    return "; ".join(told) or "ok"
