"""The operations that are served: path, module, parameters, and what each of them answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from aiohttp import web

from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.injection import STALE
from connectors.opera.simulator import catalogue, documents, listings, people, searching
from connectors.opera.simulator.backend import OperaBackend
from connectors.opera.simulator.query import Ask, Page, Parameter, page_of
from connectors.opera.simulator.quirks import Dress, strikes
from connectors.opera.simulator.refusals import NO_PROFILE, VendorRefusal
from connectors.opera.simulator.rows import OUT_OF_ORDER, OUT_OF_SERVICE
from connectors.opera.simulator.site import Place

MOST_EVENTS, MOST_CODES = 20, 1000

Answer = Callable[[web.Request, Mapping[str, str], Ask], Row]
"""Answers a checked call from the path's names and the parameters; an empty answer becomes 204."""

Check = Callable[[Ask], None]


def _nothing(_ask: Ask) -> None:
    """Check nothing further."""


@dataclass(frozen=True)
class Operation:
    """One read; `check` looks at values before anybody looks at permissions."""

    module: str
    path: str
    parameters: Mapping[str, Parameter]
    answer: Answer
    check: Check = _nothing
    polling: bool = False


class Reads:
    """What the operations answer, over one chain."""

    def __init__(self, backend: OperaBackend) -> None:
        """Work on the chain."""
        self._backend, self._polls = backend, 0

    def events(self, _request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Hand out events, once and never again; the mapping list is spelt both ways (8.4)."""
        quirks, self._polls = self._backend.options.quirks, self._polls + 1
        limit = page_of(ask, MOST_EVENTS, MOST_EVENTS).limit
        found = self._backend.queues.dequeue(
            path["extSystemCode"], path.get("hotelId"), limit, shuffled=quirks.shuffled
        )
        if not found:
            return {}
        name = "DataValueMapping" if strikes(quirks.spellings, self._polls, 2) else "dataValueMapping"
        return {"businessEventData": found, name: [*self._backend.options.mappings]}

    def search(self, request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer the search, of one hotel or of all that may be seen."""
        codes = [path["hotelId"]] if "hotelId" in path else ask.get("hotelIds") or sorted(self._backend.visible())
        page = page_of(ask, searching.SEARCH_LIMIT, searching.LONGEST)
        shown, total = self._found(request, codes, ask, page)
        if not shown:
            return {}
        asked = ask.get("fetchInstructions", [])
        systems = ask.get("resvExternalReferencesToFetch", [])
        dates = self._backend.business_dates()
        rows = [listings.pruned(self._info(row, dates[row["hotelId"]]), asked, systems) for row in shown]
        quirks = self._backend.options.quirks
        dress = Dress(quirks, page.offset // page.limit)
        facts = searching.facts(page, len(rows), total, dress, hopeful=quirks.hopeful)
        pages = dress.number(-(-total // page.limit))
        return {"reservations": {"reservationInfo": rows, "totalPages": pages, **facts}}

    def summary(self, request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer the light rows of a day."""
        page = page_of(ask, searching.LONGEST, searching.LONGEST)
        searching.refuse_beyond(page)
        shown, total = self._found(request, [path["hotelId"]], ask, page)
        if not shown:
            return {}
        today = self._backend.business_dates()[path["hotelId"]]
        rows = [listings.summary(row, self._guests(row), today, self._dress(row)) for row in shown]
        dress = Dress(self._backend.options.quirks, page.offset // page.limit)
        facts = searching.facts(page, len(rows), total, dress, hopeful=False)
        return {"reservationsSummaryInformation": {"reservationsInformation": rows, **facts}}

    def reservation(self, request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer one reservation by its id; raises VendorRefusal 404 for one that is not in this hotel."""
        revision = self._backend.seen(request.get(STALE))
        return self._document(self._backend.hotel.reservations.get(path["reservationId"], revision), path, ask)

    def by_reference(self, request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer one reservation by its id in an external system."""
        wanted = (path["externalSystemCode"], path["reservationExternalId"])
        rows = self._backend.hotel.reservations.rows(self._backend.seen(request.get(STALE)))
        named = ((row, {(one["idContext"], one["id"]) for one in row["externalReferences"]}) for row in rows)
        mine = (row for row, ids in named if wanted in ids and row["hotelId"] == path["hotelId"])
        return self._document(next(mine, None), path, ask)

    def profile(self, request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer one profile; raises VendorRefusal for one that is not there, or was merged into another."""
        row = self._backend.hotel.profiles.get(path["profileId"], self._backend.seen(request.get(STALE)))
        if row is None:
            raise VendorRefusal(404, "Profile not found", NO_PROFILE)
        return people.document(row, ask.get("fetchInstructions", []), self._dress(row))

    def business_date(self, _request: web.Request, path: Mapping[str, str], _ask: Ask) -> Row:
        """Answer what OPERA calls today."""
        today = self._backend.business_dates()[path["hotelId"]]
        return {"hotels": [{"hotelId": path["hotelId"], "businessDate": today}]}

    def room_types(self, _request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer the room types."""
        return catalogue.room_types(self._place(path), _page(ask), ask)

    def rooms(self, _request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer the configured rooms."""
        return catalogue.rooms(self._place(path), _page(ask), ask)

    def hotel_rooms(self, _request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer the rooms as the front office sees them."""
        place = self._place(path)
        return catalogue.hotel_rooms(self._backend.hotel, place, _page(ask), ask, self._today(place))

    def overview(self, _request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer the housekeeping board."""
        place = self._place(path)
        return catalogue.overview(self._backend.hotel, place, _page(ask), ask, self._today(place))

    def repairs(self, status: str) -> Answer:
        """Return the operation that answers the rooms out of order or out of service."""

        def answer(_request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
            return catalogue.repairs(self._backend.hotel, self._place(path), ask, status)

        return answer

    def rate_plans(self, _request: web.Request, path: Mapping[str, str], ask: Ask) -> Row:
        """Answer the rate plans."""
        return catalogue.rate_plans(self._place(path), ask)

    def _found(self, request: web.Request, codes: Sequence[str], ask: Ask, page: Page) -> tuple[Sequence[Row], int]:
        revision = self._backend.seen(request.get(STALE))
        found = searching.select(self._backend.hotel, ask, codes, self._backend.business_dates(), revision)
        return searching.cut(found, page), len(found)

    def _document(self, row: Row | None, path: Mapping[str, str], ask: Ask) -> Row:
        if row is None or row["hotelId"] != path["hotelId"]:
            if self._backend.options.missing == _EMPTY:
                return {}
            raise VendorRefusal(self._backend.options.missing)
        today = self._backend.business_dates()[row["hotelId"]]
        dress = self._dress(row)
        writer = documents.Writer(row, self._guests(row), today, dress)
        return {"reservations": {"reservation": dress.rows([writer.document(ask.get("fetchInstructions", []))])}}

    def _info(self, row: Row, today: str) -> Row:
        place = self._backend.hotel.places[row["hotelId"]]
        return listings.info(row, place, self._guests(row), today, self._dress(row))

    def _guests(self, row: Row) -> list[Row]:
        found = (self._backend.hotel.profiles.get(key) for key in row["guests"])
        return [profile for profile in found if profile is not None]

    def _dress(self, row: Row) -> Dress:
        return Dress(self._backend.options.quirks, int(row["id"]))

    def _place(self, path: Mapping[str, str]) -> Place:
        return self._backend.hotel.places[path["hotelId"]]

    def _today(self, place: Place) -> date:
        return place.business_date(self._backend.clock.now())


_EMPTY = 204


def _page(ask: Ask) -> Page:
    return page_of(ask, MOST_CODES, MOST_CODES)


def operations(backend: OperaBackend) -> tuple[Operation, ...]:
    """Return the operations over a chain."""
    reads, refused = Reads(backend), frozenset(backend.options.refused_instructions)
    hotel, limit = "/hotels/{hotelId}", {"limit": Parameter("whole")}
    queue = "/int/v1/externalSystem/{extSystemCode}"
    found = searching.search_parameters(refused)
    across = searching.across_parameters(refused)
    one = searching.read_parameters(refused)

    def events(path: str) -> Operation:
        return Operation("int", path, limit, reads.events, _check_events, polling=True)

    def read(
        module: str, path: str, known: Mapping[str, Parameter], answer: Answer, check: Check = _nothing
    ) -> Operation:
        return Operation(module, f"/{module}/v1{hotel}{path}", known, answer, check)

    def repairs(path: str, status: str) -> Operation:
        parameters = catalogue.REPAIR_PARAMETERS
        return read("hsk", f"/rooms/{path}", parameters, reads.repairs(status), catalogue.check_repairs)

    outside = "/externalSystems/{externalSystemCode}/reservations/{reservationExternalId}"
    rooms = "/rm/config/v1" + hotel
    return (
        events(f"{queue}/businessEvents"),
        events(f"{queue}{hotel}/businessEvents"),
        Operation("rsv", "/rsv/v1/reservations", across, reads.search, _check_search),
        Operation("rsv", f"/rsv/v1{hotel}/reservations", found, reads.search, _check_search),
        Operation(
            "rsv",
            f"/rsv/v1{hotel}/reservations/summary",
            searching.SUMMARY_PARAMETERS,
            reads.summary,
            _check_summary,
        ),
        read("rsv", "/reservations/{reservationId}", one, reads.reservation),
        read("rsv", outside, searching.reference_parameters(refused), reads.by_reference),
        Operation("crm", "/crm/v1/profiles/{profileId}", people.PARAMETERS, reads.profile),
        read("bof", "/businessDate", {}, reads.business_date),
        Operation("rm", f"{rooms}/roomTypes", catalogue.ROOM_TYPE_PARAMETERS, reads.room_types),
        Operation("rm", f"{rooms}/rooms", catalogue.ROOM_PARAMETERS, reads.rooms),
        read("fof", "/rooms", catalogue.HOTEL_ROOM_PARAMETERS, reads.hotel_rooms, catalogue.check_hotel_rooms),
        read("hsk", "/housekeepingOverview", catalogue.OVERVIEW_PARAMETERS, reads.overview),
        repairs("outOfOrderRooms", OUT_OF_ORDER),
        repairs("outOfServiceRooms", OUT_OF_SERVICE),
        read("rtp", "/ratePlans", catalogue.RATE_PARAMETERS, reads.rate_plans),
    )


def _check_events(ask: Ask) -> None:
    page_of(ask, MOST_EVENTS, MOST_EVENTS)


def _check_search(ask: Ask) -> None:
    page_of(ask, searching.SEARCH_LIMIT, searching.LONGEST)
    searching.refuse_vague(ask)


def _check_summary(ask: Ask) -> None:
    searching.refuse_beyond(page_of(ask, searching.LONGEST, searching.LONGEST))
    searching.refuse_vague(ask)
