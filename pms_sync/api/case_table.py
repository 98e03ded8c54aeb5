"""The table of the API about cases, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pms_sync.api.cases import AnswerGiven, Case, CasePage, CaseQuery, Cases, Moved, TakeBackGiven
from pms_sync.api.operations import GUARDED, MISSHAPEN, Operation, Returned, problem
from pms_sync.auth.roles import Permission

CASES, CASE = "/api/pms/cases", "/api/pms/cases/{id}"
RESOLVE, UNDO = f"{CASE}/resolve", f"{CASE}/undo"
_READ, _CHANGE = Permission("read", "reservations"), Permission("update", "reservations")
_TOPIC = "Cases"
_LOST: Mapping[HTTPStatus, Returned] = {HTTPStatus.NOT_FOUND: problem("there is no such case")}


def cases(routes: Cases) -> list[Operation]:
    """Return the rows that read and resolve cases, and take that back."""
    return [_list(routes), _read(routes), _resolve(routes), _undo(routes)]


def _list(routes: Cases) -> Operation:
    return Operation(
        method="GET",
        path=CASES,
        name="listCases",
        summary="List what waits for a person, worst first",
        description="Open cases come by severity, how soon somebody arrives, the money at stake, and age; others "
        "newest first.",
        topic=_TOPIC,
        handler=routes.listed,
        permission=_READ,
        query=CaseQuery,
        answers={
            HTTPStatus.OK: Returned(description="a page", shape=CasePage),
            HTTPStatus.BAD_REQUEST: problem("a parameter is unknown or wrong"),
            **GUARDED,
        },
    )


def _read(routes: Cases) -> Operation:
    return Operation(
        method="GET",
        path=CASE,
        name="readCase",
        summary="Read one case",
        topic=_TOPIC,
        handler=routes.one,
        permission=_READ,
        answers={HTTPStatus.OK: Returned(description="the case", shape=Case), **GUARDED, **_LOST},
    )


def _resolve(routes: Cases) -> Operation:
    return Operation(
        method="POST",
        path=RESOLVE,
        name="resolveCase",
        summary="Resolve a case by choosing",
        description="Every field that differs takes one choice: ours, theirs, or a value; a part of a field may be "
        "named beside its side. A case of kind link_up may be answered in part: the rest stays open under a new "
        "version. A case about facts outside any link takes none. What is to be sent leaves after the undo window.",
        topic=_TOPIC,
        handler=routes.resolve,
        permission=_CHANGE,
        body=AnswerGiven,
        answers={
            HTTPStatus.OK: Returned(description="the case as it is then", shape=Case),
            **GUARDED,
            **MISSHAPEN,
            HTTPStatus.BAD_REQUEST: problem("the shape is wrong, or the choices cannot be followed"),
            **_LOST,
            HTTPStatus.CONFLICT: problem("the case moved", Moved),
        },
    )


def _undo(routes: Cases) -> Operation:
    return Operation(
        method="POST",
        path=UNDO,
        name="takeCaseBack",
        summary="Take back what was decided about a case",
        description="Inside the undo window, before anything is sent: both sides are as they were, and the case is "
        "open again.",
        topic=_TOPIC,
        handler=routes.undo,
        permission=_CHANGE,
        body=TakeBackGiven,
        answers={
            HTTPStatus.OK: Returned(description="the case, open again", shape=Case),
            **GUARDED,
            **MISSHAPEN,
            **_LOST,
            HTTPStatus.CONFLICT: problem("the case moved, or the undo window is over", Moved),
        },
    )
