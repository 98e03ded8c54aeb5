"""The Beds24 talker: pages, single bookings, the catalogue and the webhook settings of one property, all as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.beds24 import rows, webhooks, wire
from connectors.beds24.pushing import Desk
from connectors.beds24.session import Query, Session
from connectors.beds24.wire import ARRIVAL, CATALOGUE, MODIFIED, RESERVATIONS
from connectors.kit import rest
from connectors.kit.paging import PageGuard
from pms_sync.domain.errors import ConfigurationFault, Disposition, VendorFault
from pms_sync.ports.connector import (
    Catalogue,
    Checked,
    ConnectorContext,
    LookedUp,
    Missing,
    Page,
    Receipt,
    Record,
    Subscription,
    VendorRequest,
    Window,
)

_BOOKINGS, _PROPERTIES, _ACCOUNTS = "/bookings", "/properties", "/accounts"
_PATHS = {RESERVATIONS: _BOOKINGS, CATALOGUE: _PROPERTIES}
_SECOND = timedelta(seconds=1)
_FIRST = "1"
_MOST_PAGES = 50


class Beds24Connector:
    """Talks to one Beds24 account about one property; every method is one retryable unit and changes nothing here."""

    spec = wire.SPEC

    def __init__(self, context: ConnectorContext) -> None:
        """Remember the context; raises ConfigurationFault when the property ref is not a Beds24 id."""
        if not rows.is_ref(context.property_ref):
            what = f"{context.property_ref!r} is no Beds24 property id"
            raise ConfigurationFault(
                what, "property_ref", "give the number that the control panel shows as property id"
            )
        self._property = context.property_ref
        self._session = Session(context)
        self._guard = PageGuard()
        self._desk = Desk(self._session, context.property_ref)

    async def check(self) -> Checked:
        """Read the token's scopes, the properties it sees, and zone and currency where they are told."""
        details, answer = await self._session.details()
        facts = details.token or wire.TokenFacts()
        missing = rows.missing_scopes(facts.scopes)
        seen = [] if "read:properties" in missing else await self._all_properties()
        mine = next((place for place in seen if str(place.id) == self._property), None)
        return Checked(
            scopes=tuple(facts.scopes),
            missing_scopes=missing,
            vendor_time=rest.http_date(answer.headers.get("date", "")),
            zone=await self._zone(facts.scopes),
            currency=mine.currency if mine else None,
            property_refs=tuple(str(place.id) for place in seen),
            detail=rows.detail(missing, seen, self._property),
        )

    async def catalogue(self) -> Catalogue:
        """Read room types, their units and the offers; raises VendorFault (PAUSE) when the property cannot be seen."""
        place = await self._own_property(wire.ROOMS)
        details, _ = await self._session.details()
        return Catalogue(
            property_ref=self._property,
            name=place.name,
            currency=place.currency,
            zone=await self._zone(details.token.scopes if details.token else ()),
            room_types=tuple(rows.room_type(room) for room in place.room_types or ()),
            rate_plans=rows.rate_plans(place),
        )

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Read one page; the page token is the vendor's page number. Raises KeyError for an unknown stream."""
        path = _PATHS[stream]
        query = [("id", self._property), *wire.ROOMS] if stream == CATALOGUE else self._booking_query(window)
        number = page or _FIRST
        found = await self._session.page(path, [*query, ("page", number)])
        following = str(int(number) + 1) if found.pages.next_page_exists else None
        told = [bytes(row) for row in found.data]
        self._guard.check((stream, window), page, told, following, f"GET {path} page {number}")
        if stream == CATALOGUE:
            return Page(records=tuple(rows.property_record(row, self._property) for row in told), next=following)
        return self._booking_page(told, following, window)

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Read bookings by id, whatever their status; absence is no proof of deletion (vendors/beds24.md 5.3).

        Raises ValueError for more than `batch_fetch_limit` refs, VendorFault when the answer is not complete.
        """
        wanted = [ref for ref in dict.fromkeys(refs) if rows.is_ref(ref)]
        if stream != RESERVATIONS or len(refs) > self.spec.batch_fetch_limit:
            message = f"fetch takes at most {self.spec.batch_fetch_limit} refs of the stream {RESERVATIONS}"
            raise ValueError(message)
        found: dict[str, Record | Missing] = dict.fromkeys(refs, Missing("absent"))
        # 5.1: the statuses named hide one that the vendor adds, and without names perhaps the cancelled; ask both ways.
        for statuses in (wire.STATUSES, ()):
            if unseen := [ref for ref in wanted if found[ref] == Missing("absent")]:
                await self._fetch(unseen, statuses, found)
        return found

    async def _fetch(self, refs: Sequence[str], statuses: Query, found: dict[str, Record | Missing]) -> None:
        """Read these bookings into `found`; raises VendorFault when the answer is not complete."""
        answer = await self._session.page(_BOOKINGS, [*(("id", ref) for ref in refs), *statuses, *wire.INCLUDES])
        if answer.pages.next_page_exists:
            raise rows.incomplete("the vendor has more rows than ids were asked for")
        for row in answer.data:
            record = rows.fetched(bytes(row), self._property)
            if record.ref in found:
                ours = record.property_ref == self._property
                found[record.ref] = record if ours else Missing("not_ours", record.property_ref)

    async def push(self, requests: Sequence[VendorRequest]) -> Sequence[Receipt]:
        """Write bookings once and return the verdict on each, in their order."""
        return await self._desk.push(requests)

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        """Find out what became of a request sent after `since` (UTC): its mark, or what its booking shows now."""
        return await self._desk.look_up(request, since)

    async def calibrate(self, stream: str, known: Record) -> bool:
        """Ask for two seconds around a known change; True proves that the filter reads our times as UTC (5.2).

        The filter counts as proven only when the booking comes and nothing from outside the window does.
        """
        changed = rows.instant(known.version)
        if stream != RESERVATIONS or changed is None:
            return False
        window = Window(dimension=MODIFIED, start=changed, end=changed + _SECOND)
        found = await self._session.page(_BOOKINGS, self._booking_query(window))
        page = self._booking_page([bytes(row) for row in found.data], None, window)
        times = [rows.instant(record.version) for record in page.records]
        near = all(time is not None and abs(time - changed) <= 2 * _SECOND for time in times)
        return near and any(record.ref == known.ref for record in page.records)

    async def subscribe(self, url: str, secret: str) -> list[Subscription]:
        """Enter this address and secret among the property's webhooks, keeping every foreign line, and read it back."""
        details, _ = await self._session.details()
        scopes = details.token.scopes if details.token else []
        lacking = [scope for scope in ("read:properties", wire.WEBHOOK_SCOPE) if not rows.grants(scopes, scope)]
        if lacking:
            reason = f"the token lacks the scope {' and '.join(lacking)}"
            return [Subscription(url=url, manual=webhooks.manual(url, reason))]
        before = (await self._own_property()).webhooks or wire.Webhooks()
        wanted = webhooks.desired(before, url, secret)
        told = webhooks.warning(before, wanted)
        if not webhooks.is_same(before, wanted):
            await self._write(wanted)
            after = (await self._own_property()).webhooks or wire.Webhooks()
            if not webhooks.is_same(after, wanted):
                reason = "the vendor took the settings but does not show them"
                return [Subscription(url=url, manual=webhooks.manual(url, reason), warning=told)]
        return [Subscription(url=url, warning=told)]

    async def aclose(self) -> None:
        """Let a refresh under way end; may be called twice."""
        await self._session.aclose()

    def _booking_query(self, window: Window) -> list[tuple[str, str]]:
        """Name property, window, every status and everything that a row can include."""
        return [("propertyId", self._property), *rows.window_query(window), *wire.STATUSES, *wire.INCLUDES]

    def _booking_page(self, found: Sequence[bytes], following: str | None, window: Window) -> Page:
        """Sort rows into records and rejects; foreign rows mean that a filter was ignored (1.1) and are left out."""
        records, rejected = rows.sorted_out(found)
        mine = tuple(record for record in records if record.property_ref == self._property)
        high_water = None if window.dimension == ARRIVAL else rows.newest(mine)
        return Page(records=mine, rejected=rejected, high_water=high_water, next=following)

    async def _own_property(self, query: Query = ()) -> wire.Property:
        """Read our property; a list without it means that the token cannot see it."""
        found = await self._session.page(_PROPERTIES, [("id", self._property), *query])
        for place in rows.read_all(found.data, wire.PROPERTY, _PROPERTIES):
            if str(place.id) == self._property:
                return place
        raise VendorFault(
            f"property {self._property} is not among those the token sees",
            f"GET {_PROPERTIES}",
            "correct the property ref, or allow linked properties when the invite code is made",
            disposition=Disposition.PAUSE,
        )

    async def _all_properties(self) -> list[wire.Property]:
        """Read every property the token sees."""
        seen: list[wire.Property] = []
        number: str | None = _FIRST
        guard = PageGuard(_MOST_PAGES)
        while number is not None:
            found = await self._session.page(_PROPERTIES, [("page", number)])
            following = str(int(number) + 1) if found.pages.next_page_exists else None
            page = None if number == _FIRST else number
            guard.check(_PROPERTIES, page, [bytes(row) for row in found.data], following, f"GET {_PROPERTIES}")
            seen += rows.read_all(found.data, wire.PROPERTY, _PROPERTIES)
            number = following
        return seen

    async def _zone(self, scopes: Sequence[str]) -> str | None:
        """Read the account's time zone where the token may; properties have none (11)."""
        if not rows.grants(scopes, wire.ACCOUNT_SCOPE):
            return None
        found = await self._session.page(_ACCOUNTS, ())
        accounts = rows.read_all(found.data, wire.ACCOUNT, _ACCOUNTS)
        return (accounts[0].timezone or None) if accounts else None

    async def _write(self, wanted: wire.Webhooks) -> None:
        """Write webhook settings; the verdict is in the item, not in the status (4.2)."""
        told = {"id": int(self._property), "webhooks": rows.without_nothing(wanted)}
        answer = await self._session.call("POST", _PROPERTIES, (), msgspec.json.encode([told]))
        outcomes = rest.read(wire.OUTCOMES, answer, f"POST {_PROPERTIES}")
        if len(outcomes) != 1 or not outcomes[0].success:
            said = [*(outcomes[0].errors or ()), *(outcomes[0].warnings or ())] if outcomes else []
            why = ", ".join(f"{one.field}: {one.message}" for one in said) or "no reason given"
            what = f"the webhook settings were refused ({why})"
            raise rest.Refused(what, f"POST {_PROPERTIES}")
