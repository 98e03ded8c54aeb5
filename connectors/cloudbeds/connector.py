"""The Cloudbeds talker: one connection, one property; pages, single objects, the catalogue and the subscriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from connectors.cloudbeds import catalogue, clocks, facts, probing, rows, subscribing
from connectors.cloudbeds.faults import ScopeMissing
from connectors.cloudbeds.lists import Lists
from connectors.cloudbeds.session import Session
from connectors.kit.pacing import Pace
from connectors.kit.read_only import ReadOnly
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

_SECOND = timedelta(seconds=1)
_LONGEST_PROPERTY_REF = 20  # 7: up to 16 digits were seen


class CloudbedsConnector(ReadOnly):
    """Talks to one Cloudbeds connection about one property; every method is one retryable unit."""

    spec = facts.SPEC

    def __init__(self, context: ConnectorContext, pace: Pace | None = None) -> None:
        """Remember the context; raises ConfigurationFault when the property ref is not a Cloudbeds id."""
        ref = context.property_ref
        if not (ref.isascii() and ref.isdigit() and len(ref) <= _LONGEST_PROPERTY_REF):
            what = f"{ref[:60]!r} is no Cloudbeds property id"
            raise ConfigurationFault(what, "property_ref", "give the number that getHotels shows as propertyID")
        self._property, self._now = ref, context.now
        self._session = Session(context, pace)
        self._lists = Lists(self._session, ref)

    async def check(self) -> Checked:
        """Read the properties that the credential covers, and try each scope, since no call lists them."""
        await self._session.locate()
        granted = await probing.granted(self._session, self._now().date())
        missing = tuple(scope for scope in facts.NEEDED_SCOPES if scope not in granted)
        seen = await catalogue.hotels(self._session, ours=False) if "read:hotel" in granted else []
        mine = next((hotel for hotel in seen if hotel.ref == self._property), None)
        return Checked(
            scopes=tuple(granted),
            missing_scopes=missing,
            vendor_time=self._session.vendor_time,
            zone=mine.property_timezone or None if mine else None,
            currency=mine.currency if mine else None,
            property_refs=tuple(hotel.ref for hotel in seen),
            detail=_detail(granted, [hotel.ref for hotel in seen], self._property),
        )

    async def catalogue(self) -> Catalogue:
        """Read room types, rooms and tonight's rates; raises VendorFault (PAUSE) when the property is not covered."""
        hotel = await catalogue.own_hotel(self._session, self._property)
        today = self._now().astimezone(self._lists.keep_zone(hotel)).date()
        return Catalogue(
            property_ref=self._property,
            name=hotel.property_name or None,
            currency=hotel.currency,
            zone=hotel.property_timezone or None,
            room_types=await catalogue.room_types(self._session, self._property),
            rate_plans=await catalogue.rate_plans(self._session, self._property, today),
        )

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Read one page; the page token is the vendor's page number. Raises KeyError for an unknown stream."""
        return await self._lists.pulls[stream](window, page)

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Read objects by ref, whatever their status; a reservation deleted for good is told as `deleted`.

        Raises ValueError for more than `batch_fetch_limit` refs, VendorFault when the answer is not complete.
        """
        readable = self._lists.pulls.keys() - {facts.CATALOGUE}
        if stream not in readable or len(refs) > self.spec.batch_fetch_limit:
            message = f"fetch takes at most {self.spec.batch_fetch_limit} refs of {', '.join(sorted(readable))}"
            raise ValueError(message)
        found: dict[str, Record | Missing] = dict.fromkeys(refs, Missing("absent"))
        if stream == facts.BLOCKS:
            shown = await self._lists.blocks_around(self._now()) if found else []
            return found | {one.ref: one for one in shown if one.ref in found}
        if stream == facts.ROOM_STATUS:
            standing, _ = await self._lists.rooms_now() if found else ([], [])
            return found | {one.ref: one for one in standing if one.ref in found}
        wanted = [ref for ref in found if rows.is_ref(ref)]
        return found | (await self._lists.named(stream, wanted) if wanted else {})

    async def calibrate(self, stream: str, known: Record) -> bool:
        """Ask for two seconds around a known change; True proves that the filter reads property-local times (8).

        It counts as proven only when the reservation comes and nothing from outside the window does.
        """
        changed = clocks.utc(known.version)
        if stream != facts.RESERVATIONS or changed is None:
            return False
        window = Window(dimension=facts.MODIFIED, start=changed, end=changed + _SECOND)
        page = await self._lists.reservations(window, None)
        times = [clocks.utc(record.version) for record in page.records]
        near = all(time is not None and abs(time - changed) <= 2 * _SECOND for time in times)
        return near and any(record.ref == known.ref for record in page.records)

    async def subscribe(self, url: str, secret: str) -> list[Subscription]:
        """Make each event that we follow come to this address once, beside what others subscribed, and read it back."""
        return [await subscribing.subscribe(self._session, self._property, url, secret)]

    async def aclose(self) -> None:
        """Let a refresh under way end; may be called twice."""
        await self._session.aclose()


def _detail(granted: Sequence[str], seen: Sequence[str], property_ref: str) -> str:
    """Say in one line what stands in the way, or that nothing does."""
    lacking = [scope for scope in (*facts.NEEDED_SCOPES, *facts.WANTED_SCOPES) if scope not in granted]
    told = [f"missing scopes: {', '.join(lacking)}; {ScopeMissing.advice}"] if lacking else []
    if seen and property_ref not in seen:
        told.append(f"property {property_ref} is not among the {len(seen)} that the credential covers")
    return "; ".join(told) or "ok"
