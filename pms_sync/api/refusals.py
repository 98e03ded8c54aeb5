"""Refusals: what the desk says no to, as the problems a client is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import hdrs
from msgspec import UNSET, UnsetType

from pms_sync.api.operations import Refusal
from pms_sync.api.problems import Problem, Wrong
from pms_sync.api.reading import shown
from pms_sync.apply.orders import Alternative, Full, NotFound, OrderRefused, StaleVersion
from pms_sync.domain.errors import Fault

# The desk's own words for what a body calls otherwise.
_NAMES = {"property_code": "property", "stays": "room_stays"}
_FIRST = re.compile(r"^\w+")


class Conflict(Refusal, frozen=True, kw_only=True):
    """The house is full, and then `alternatives` are free instead; or the state forbids it, or a key is in progress."""

    alternatives: tuple[Alternative, ...] | UnsetType = UNSET


class Stale(Refusal, frozen=True, kw_only=True):
    """The reservation has changed since it was read; `version` is the one that stands now."""

    version: int


@contextmanager
def told(*, refused: HTTPStatus = HTTPStatus.BAD_REQUEST, lost: HTTPStatus = HTTPStatus.NOT_FOUND) -> Iterator[None]:
    """Turn the desk's faults into problems.

    `refused` answers an order that cannot be followed, `lost` one that names what is not there.
    """
    try:
        yield
    except Full as full:
        wrong = Wrong(path=_path(full.where), why=full.what)
        raise Problem(HTTPStatus.CONFLICT, _said(full), [wrong], more={"alternatives": full.alternatives}) from full
    except StaleVersion as stale:
        headers: dict[str, str] = {hdrs.ETAG: etag(stale.current)}
        more = {"version": stale.current}
        raise Problem(HTTPStatus.PRECONDITION_FAILED, _said(stale), headers=headers, more=more) from stale
    except OrderRefused as order:
        wrongs = [Wrong(path=_path(one.path), value=shown(one.value), why=one.why) for one in order.problems]
        raise Problem(refused, "the order cannot be followed", wrongs) from order
    except NotFound as missing:
        wrongs = [Wrong(path=_path(missing.where), why=missing.what)] if lost == HTTPStatus.BAD_REQUEST else []
        raise Problem(lost, missing.what, wrongs) from missing


def etag(version: int) -> str:
    """Return a version as the tag of a header."""
    return f'"{version}"'


def _said(fault: Fault) -> str:
    return f"{fault.what}; {fault.remedy}" if fault.remedy else fault.what


def _path(where: str) -> str:
    """Write where something is wrong as a path into the body."""
    if where.startswith("$"):
        return where
    path = _FIRST.sub(lambda found: _NAMES.get(found[0], found[0]), where)
    return f"$.{path}" if path else "$"
