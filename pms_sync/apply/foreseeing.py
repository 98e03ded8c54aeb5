"""Foreseeing: what choices for a case would write here and send where, told before anybody decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal
from uuid import UUID

import msgspec

from conflict.fields import public_path
from pms_sync.apply.deciding import Decided
from pms_sync.apply.tongues import Tongue
from pms_sync.store import outbox
from pms_sync.store.outbox import Planned


class ForeseenPush(msgspec.Struct, frozen=True, kw_only=True):
    """What an account would be told of one object; `notices` say what its vendor will not do with it.

    Nothing leaves for an account that is not `live`.
    """

    account_id: UUID
    vendor: str
    live: bool
    kind: Literal["create", "modify", "cancel"]
    paths: tuple[str, ...]
    notices: tuple[str, ...]


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What choices would come to: the fields that change here, and what is to be sent; paths are public ones."""

    written: tuple[str, ...] = ()
    pushes: tuple[ForeseenPush, ...] = ()


def foreseen(decided: Iterable[Decided], planned: Iterable[Planned], tongues: Mapping[UUID, Tongue]) -> Foreseen:
    """Tell what was worked out and not written."""
    objects: dict[tuple[UUID, UUID], Planned] = {}
    for one in planned:
        key = (one.account_id, one.object_id)
        objects[key] = outbox.together(objects[key], one) if key in objects else one
    return Foreseen(
        written=tuple([path for one in decided for path in one.written]),
        pushes=tuple([_push(one, tongues[one.account_id]) for one in objects.values()]),
    )


def _push(one: Planned, tongue: Tongue) -> ForeseenPush:
    return ForeseenPush(
        account_id=one.account_id,
        vendor=tongue.account.vendor,
        live=tongue.account.mode == "live",
        kind=one.kind,
        paths=tuple(map(public_path, one.paths)),
        notices=one.notices,
    )
