"""The table of the API about reservations and sync, row by row; what it says is what is registered and documented."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pms_sync.api.once import REPLAYED
from pms_sync.api.operations import GUARDED, MISSHAPEN, Header, Operation, Returned, problem
from pms_sync.api.orders_in import ActOptions, NewReservation, ReservationPatch
from pms_sync.api.pages import ListQuery, Page
from pms_sync.api.preconditions import KEY_HEADER
from pms_sync.api.refusals import Conflict, Stale
from pms_sync.api.reservations import CORRELATION_HEADER, Reading, Writing
from pms_sync.api.rooms import RoomList, RoomQuery, Rooms
from pms_sync.api.sync_health import SyncBoard, SyncHealth
from pms_sync.apply.orders import Act
from pms_sync.auth.roles import Permission
from pms_sync.ports.documents import Reservation

RESERVATIONS, ONE = "/api/pms/reservations", "/api/pms/reservations/{id}"
SYNC_HEALTH, ROOMS = "/api/pms/sync/health", "/api/pms/housekeeping/rooms"
_READ, _MAKE, _CHANGE = (Permission(action, "reservations") for action in ("read", "create", "update"))
_TOPIC, _SYNC = "Reservations", "Sync"
_MERGE = ("application/merge-patch+json", "application/json")

_IF_MATCH = Header(name="If-Match", description='the version that was read, as its ETag: "N"')
_KEY = Header(name=KEY_HEADER, description="chosen by the client; a repeated request gets the first answer again")
_ETAG = Header(name="ETag", description='the version: "N"', required=True)
_TRACE = Header(name=CORRELATION_HEADER, description="by which log, audit and outbox tell of this change")
_REPLAY = Header(name=REPLAYED, description="`true` where this is the first answer again")
_CHANGED = (_ETAG, _TRACE, _REPLAY)

_LOST: Mapping[HTTPStatus, Returned] = {HTTPStatus.NOT_FOUND: problem("there is no such reservation")}
_ORDERED: Mapping[HTTPStatus, Returned] = {
    **GUARDED,
    **MISSHAPEN,
    HTTPStatus.UNPROCESSABLE_ENTITY: problem(f"the {KEY_HEADER} was used for another request"),
}
_MOVED: Mapping[HTTPStatus, Returned] = {
    **_ORDERED,
    **_LOST,
    HTTPStatus.PRECONDITION_FAILED: problem("the reservation has changed since", Stale, (_ETAG,)),
}
_ACTS: Mapping[Act, tuple[str, str]] = {
    "cancel": ("cancelReservation", "Cancel a reservation"),
    "check-in": ("checkIn", "Check its guests in"),
    "check-out": ("checkOut", "Check its guests out"),
    "no-show": ("markNoShow", "Say that nobody came"),
}


def reading(routes: Reading) -> list[Operation]:
    """Return the rows that read reservations."""
    return [
        Operation(
            method="GET",
            path=RESERVATIONS,
            name="listReservations",
            summary="List reservations, newest first",
            topic=_TOPIC,
            handler=routes.listed,
            permission=_READ,
            query=ListQuery,
            answers={
                HTTPStatus.OK: Returned(description="a page", shape=Page),
                HTTPStatus.BAD_REQUEST: problem("a parameter is unknown or wrong"),
                **GUARDED,
            },
        ),
        Operation(
            method="GET",
            path=ONE,
            name="readReservation",
            summary="Read one reservation",
            topic=_TOPIC,
            handler=routes.one,
            permission=_READ,
            answers={
                HTTPStatus.OK: Returned(description="the reservation", shape=Reservation, headers=(_ETAG,)),
                **GUARDED,
                **_LOST,
            },
        ),
    ]


def writing(routes: Writing) -> list[Operation]:
    """Return the rows that make and change reservations."""
    return [_make(routes), _change(routes), *(_act(routes, act) for act in _ACTS)]


def sync(routes: SyncBoard) -> list[Operation]:
    """Return the row that tells how sync is doing."""
    return [
        Operation(
            method="GET",
            path=SYNC_HEALTH,
            name="readSyncHealth",
            summary="See how fresh every stream is, what waits and what is stuck",
            topic=_SYNC,
            handler=routes.show,
            permission=Permission("read", "sync"),
            answers={HTTPStatus.OK: Returned(description="every stream of every account", shape=SyncHealth), **GUARDED},
        )
    ]


def rooms(routes: Rooms) -> list[Operation]:
    """Return the row that tells how rooms stand."""
    return [
        Operation(
            method="GET",
            path=ROOMS,
            name="listRooms",
            summary="See how rooms stand: condition, occupancy, and whether they are in service",
            topic="Housekeeping",
            handler=routes.listed,
            permission=Permission("read", "housekeeping"),
            query=RoomQuery,
            answers={
                HTTPStatus.OK: Returned(description="the rooms that a vendor told of", shape=RoomList),
                HTTPStatus.BAD_REQUEST: problem("a parameter is unknown or wrong"),
                **GUARDED,
            },
        )
    ]


def _make(routes: Writing) -> Operation:
    address = Header(name="Location", description="the address of the reservation", required=True)
    return Operation(
        method="POST",
        path=RESERVATIONS,
        name="createReservation",
        summary="Make a reservation at our own desk",
        description="It is refused where the house is full; `alternatives` are free instead.",
        topic=_TOPIC,
        handler=routes.create,
        permission=_MAKE,
        headers=(_KEY,),
        body=NewReservation,
        answers={
            HTTPStatus.CREATED: Returned(description="made", shape=Reservation, headers=(*_CHANGED, address)),
            **_ORDERED,
            HTTPStatus.CONFLICT: problem(f"full, or a request with this {KEY_HEADER} is still at work", Conflict),
        },
    )


def _change(routes: Writing) -> Operation:
    return Operation(
        method="PATCH",
        path=ONE,
        name="changeReservation",
        summary="Change a reservation by a merge patch",
        description="If-Match, or expectedVersion in the body, is demanded. Room stays are matched by `id`; those that "
        "are not listed stay as they are.",
        topic=_TOPIC,
        handler=routes.change,
        permission=_CHANGE,
        headers=(_IF_MATCH, _KEY),
        body=ReservationPatch,
        body_types=_MERGE,
        answers={
            HTTPStatus.OK: Returned(description="changed", shape=Reservation, headers=_CHANGED),
            **_MOVED,
            HTTPStatus.CONFLICT: problem(f"full, or a request with this {KEY_HEADER} is still at work", Conflict),
            HTTPStatus.PRECONDITION_REQUIRED: problem("nothing names the version that was read"),
        },
    )


def _act(routes: Writing, act: Act) -> Operation:
    name, summary = _ACTS[act]
    return Operation(
        method="POST",
        path=f"{ONE}/{act}",
        name=name,
        summary=summary,
        description="It is done to all its room stays that are not over.",
        topic=_TOPIC,
        handler=routes.act(act),
        permission=_CHANGE,
        headers=(_IF_MATCH, _KEY),
        body=ActOptions,
        body_required=False,
        answers={
            HTTPStatus.OK: Returned(description="done", shape=Reservation, headers=_CHANGED),
            **_MOVED,
            HTTPStatus.CONFLICT: problem(
                f"the status does not lead there, or a request with this {KEY_HEADER} is still at work", Conflict
            ),
            HTTPStatus.PRECONDITION_REQUIRED: problem('If-Match is "*"'),
        },
    )
