"""Carrying out a read: the request understood, the rows selected, one page cut, and the page as the wire shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.access import Integration
from connectors.mews.simulator.filters import Interval, Test, ids
from connectors.mews.simulator.hotel import ENTERPRISE, Hotel, shown
from connectors.mews.simulator.ids import fixed
from connectors.mews.simulator.operations import Operation
from connectors.mews.simulator.refusals import VendorRefusal, invalid
from connectors.mews.simulator.times import read_instant

_MOST = 1000
_SCOPE = ids(ENTERPRISE)
_ACTIVITIES = frozenset({"Active", "Deleted"})
_USUAL_NOTES = frozenset({"General", "ChannelManager"})


@dataclass(frozen=True)
class ReadHabits:
    """How the vendor reads: switches of vendors/mews.md 18; the defaults are its usual manners.

    `read_lag`: seconds after which a write is seen by reservations, order items and payments. `slow_days`,
    `slow_rows`: intervals longer than so many days, or questions that more rows answer, take too long (408).
    `repeating_cursor`: paths whose last page is given again and again with the same cursor. `hides_canceled`: whether
    a question with neither `States` nor ids leaves canceled reservations out, for the default is not stated.
    `start_exclusive`: the lower bound of `ScheduledStartUtc` is outside, as one report has it.
    """

    read_lag: float = 0.0
    slow_days: float | None = None
    slow_rows: int | None = None
    repeating_cursor: tuple[str, ...] = ()
    hides_canceled: bool = True
    start_exclusive: bool = False


@dataclass(frozen=True)
class Ask:
    """A request understood: how many rows after which one, and what the filters said."""

    count: int
    cursor: str | None
    said: Mapping[str, object]
    extent: Row
    activity: frozenset[str] | None
    enterprises: frozenset[str]


@dataclass(frozen=True)
class Page:
    """One page of rows and the cursor to its successor; None only when the page is empty."""

    rows: list[Row] = field(default_factory=list)
    cursor: str | None = None


def understand(operation: Operation, body: Row, integration: Integration) -> Ask:
    """Read the body of a request; names that the operation does not know are passed over. Raises VendorRefusal."""
    count, cursor = _limitation(body.get("Limitation"))
    sent = {name: body[name] for name in operation.filters if body.get(name) is not None}
    _demand(operation, body, sent)
    return Ask(
        count,
        cursor,
        {name: operation.filters[name].read(name, value) for name, value in sent.items()},
        _extent(operation, body.get("Extent")),
        _activity(operation, body.get("ActivityStates")),
        _enterprises(operation, body, integration),
    )


def select(operation: Operation, ask: Ask, rows: list[Row], habits: ReadHabits) -> list[Row]:
    """Return the rows that answer the question, in the order of pages; raises VendorRefusal 408 for a wide one."""
    _not_too_wide(ask, habits)
    tests = [operation.filters[name].test(value) for name, value in ask.said.items()]
    tests += [*_scope(operation, ask), *_usual(operation, ask, habits), *_exclusive(ask, habits)]
    found = [row for row in rows if all(test(row) for test in tests)]
    if habits.slow_rows is not None and len(found) > habits.slow_rows:
        raise VendorRefusal(408)
    return found


def in_order(operation: Operation, rows: list[Row]) -> list[Row]:
    """Return rows, newest first, in the order in which the operation pages through them."""
    return sorted(rows, key=lambda row: fixed("page", row["Id"])) if operation.unordered else rows


def cut(operation: Operation, ask: Ask, ordered: list[Row], found: list[Row], habits: ReadHabits) -> Page:
    """Cut the page after the cursor, which is the id of any row of the table; raises VendorRefusal 400 for another."""
    places = {str(row["Id"]): place for place, row in enumerate(ordered)}
    if ask.cursor is None:
        later = found
    elif ask.cursor in places:
        later = [row for row in found if places[row["Id"]] > places[ask.cursor]]
    else:
        raise invalid("Cursor")
    rows = later[: ask.count]
    if not rows and ask.cursor is not None and operation.path in habits.repeating_cursor:
        earlier = [row for row in found if places[row["Id"]] <= places[ask.cursor]]
        rows = earlier[-ask.count :]
    return Page(rows, str(rows[-1]["Id"]) if rows else None)


def answer(operation: Operation, hotel: Hotel, ask: Ask, page: Page, now: datetime) -> Row:
    """Write the page for the wire; without its extent an operation tells only the cursor."""
    visible = operation.extent is None or ask.extent.get(operation.extent) is True
    show = _SHOWN.get(operation.table, _show)
    rows = [show(hotel, row, ask, now) for row in page.rows] if visible else []
    more = _adjustments(hotel, ask, page) if operation.table == "availability_blocks" else {}
    return {operation.key: rows, **operation.beside, **more, "Cursor": page.cursor}


def _limitation(told: object) -> tuple[int, str | None]:
    if not isinstance(told, dict):
        raise invalid("Limitation")
    count, cursor = told.get("Count"), told.get("Cursor")
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST:
        raise invalid("Count")
    if cursor is not None and not isinstance(cursor, str):
        raise invalid("Cursor")
    return count, cursor


def _demand(operation: Operation, body: Row, sent: Row) -> None:
    for name in operation.required:
        if body.get(name) is None:
            raise invalid(name)
    if operation.one_of and not any(name in sent for name in operation.one_of):
        raise invalid(operation.one_of[0])
    for one, other in operation.apart:
        if one in sent and other in sent:
            raise invalid(other)


def _extent(operation: Operation, told: object) -> Row:
    if operation.extent is None or (told is None and operation.extent_optional):
        return {str(operation.extent): True}
    if not isinstance(told, dict):
        raise invalid("Extent")
    return told


def _activity(operation: Operation, told: object) -> frozenset[str] | None:
    if operation.activity is None or told is None:
        return operation.activity
    if not isinstance(told, list) or not told or not all(one in _ACTIVITIES for one in told):
        raise invalid("ActivityStates")
    return frozenset(told)


def _enterprises(operation: Operation, body: Row, integration: Integration) -> frozenset[str]:
    mine = frozenset(integration.enterprise_ids)
    if operation.table == "customers":
        wrong = next((name for name in ("EnterpriseId", "EnterpriseIds") if body.get(name) is not None), None)
        if wrong:
            raise invalid(wrong)  # profiles belong to the chain (2)
    asked = body.get("EnterpriseIds")
    if asked is None or operation.of_chain:
        return mine
    scope = _SCOPE.read("EnterpriseIds", asked)
    assert isinstance(scope, frozenset)  # noqa: S101 - ids are read as a set
    return mine & scope


def _not_too_wide(ask: Ask, habits: ReadHabits) -> None:
    lengths = [value.length for value in ask.said.values() if isinstance(value, Interval)]
    if habits.slow_days is not None and any(length > timedelta(days=habits.slow_days) for length in lengths):
        raise VendorRefusal(408)


def _scope(operation: Operation, ask: Ask) -> list[Test]:
    return [] if operation.of_chain else [lambda row: row.get(ENTERPRISE) in ask.enterprises]


def _usual(operation: Operation, ask: Ask, habits: ReadHabits) -> list[Test]:
    """Return the tests of what a question left out: default filters hide things (17)."""
    tests: list[Test] = []
    if ask.activity is not None and ask.activity != _ACTIVITIES:
        active = "Active" in ask.activity
        tests.append(lambda row: row.get("IsActive") is active)
    states_unsaid = operation.table == "reservations" and not {"States", "ReservationIds"} & ask.said.keys()
    if states_unsaid and habits.hides_canceled:
        tests.append(lambda row: row["State"] != "Canceled")
    if operation.table == "notes" and "Types" not in ask.said:
        tests.append(lambda row: row["Type"] in _USUAL_NOTES)
    if operation.table == "resources" and ask.extent.get("Inactive") is not True:
        tests.append(lambda row: row["IsActive"] is not False)
    if operation.table == "bills" and not {"BillIds", "CorrectionState"} & ask.said.keys():
        tests.append(lambda row: row["CorrectionState"] == "Bill")
    return tests


def _exclusive(ask: Ask, habits: ReadHabits) -> list[Test]:
    interval = ask.said.get("ScheduledStartUtc")
    if not habits.start_exclusive or not isinstance(interval, Interval):
        return []
    return [lambda row: read_instant(row["ScheduledStartUtc"]) != interval.start]


Show = Callable[[Hotel, Row, Ask, datetime], Row]


def _show(_hotel: Hotel, row: Row, _ask: Ask, _now: datetime) -> Row:
    return shown(row)


def _show_resource(hotel: Hotel, row: Row, _ask: Ask, now: datetime) -> Row:
    """Show a room as out of order while a block of that kind runs; its housekeeping state is hidden then (10.4)."""
    blocks = hotel["resource_blocks"].of("AssignedResourceId", row["Id"])
    closing = [one for one in blocks if one["IsActive"] is True and one["Type"] == "OutOfOrder"]
    ends = [(read_instant(block["StartUtc"]), read_instant(block["EndUtc"])) for block in closing]
    runs = any(start and end and start <= now < end for start, end in ends)
    return {**shown(row), **({"State": "OutOfOrder"} if runs else {})}


def _show_assignment(hotel: Hotel, row: Row, _ask: Ask, _now: datetime) -> Row:
    """Show an assignment as inactive when its room or category is; the filter looks at its own state (10.4)."""
    parents = (hotel["resources"].get(row["ResourceId"]), hotel["categories"].get(row["CategoryId"]))
    alive = row["IsActive"] is True and all(parent is not None and parent["IsActive"] is True for parent in parents)
    return {**shown(row), "IsActive": alive}


def _show_customer(hotel: Hotel, row: Row, ask: Ask, _now: datetime) -> Row:
    told = shown(row)
    address = hotel["addresses"].get(row["AddressId"]) if ask.extent.get("Addresses") is True else None
    if address is not None:
        names = "Id Line1 Line2 City PostalCode CountryCode CountrySubdivisionCode Latitude Longitude".split()
        told["Address"] = {name: address[name] for name in names}
    return told


def _show_enterprise(_hotel: Hotel, row: Row, _ask: Ask, _now: datetime) -> Row:
    """Show a property as the list does, which tells less than `configuration/get`."""
    hidden = {"Currencies", "AccountingConfiguration", "IsPortfolio"}
    return {name: value for name, value in shown(row).items() if name not in hidden}


_SHOWN: Mapping[str, Show] = {
    "resources": _show_resource,
    "assignments": _show_assignment,
    "customers": _show_customer,
    "enterprises": _show_enterprise,
}


def _adjustments(hotel: Hotel, ask: Ask, page: Page) -> Row:
    if ask.extent.get("Adjustments") is not True:
        return {"Adjustments": None}
    wanted = {row["Id"] for row in page.rows}
    rows = [row for row in hotel["adjustments"].newest_first() if row["AvailabilityBlockId"] in wanted]
    return {"Adjustments": [shown(row) for row in rows]}
