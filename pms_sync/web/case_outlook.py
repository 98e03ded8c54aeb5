"""Outlook: what the marked choices of a case would do, in the words of its page; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pms_sync.apply.foreseeing import Foreseen, ForeseenPush
from pms_sync.web.case_fields import named

_MOST = 12


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What one vendor would be told: the fields by name, and what it will not do with them."""

    vendor: str
    kind: str
    live: bool
    fields: Sequence[str]
    notices: Sequence[str]


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What would be written here and sent; `problems` are why the choices could not be followed at all."""

    written: Sequence[str] = ()
    sent: Sequence[Sent] = ()
    problems: Sequence[str] = ()


def outlook(foreseen: Foreseen) -> Outlook:
    """Put into words what was foreseen."""
    return Outlook(written=_names(foreseen.written), sent=[_sent(one) for one in foreseen.pushes])


def _sent(push: ForeseenPush) -> Sent:
    fields = () if push.kind == "create" else _names(push.paths)
    return Sent(vendor=push.vendor, kind=push.kind, live=push.live, fields=fields, notices=push.notices)


def _names(paths: Iterable[str]) -> list[str]:
    """Name fields once each; of very many only the first."""
    found = list(dict.fromkeys(map(named, paths)))
    return [*found[:_MOST], f"{len(found) - _MOST} more"] if len(found) > _MOST else found
