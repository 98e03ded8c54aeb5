"""Plan: what is to be done about the differences found; pure. The only thing ever done is to read an object again.

So a plan can take nothing away by itself: what a vendor says when it is asked directly goes the ordinary way, and what
it no longer shows is believed after the second direct read, by a person (ARCHITECTURE §7).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from conflict.collisions import MASS_LEAST, is_mass
from pms_sync.reconcile.sides import Class, Difference, Held

_READS_THAT_PROVE = 2


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to read again, and what the valve holds back; `takes_away` counts what of ours is live and would end."""

    reads: tuple[Difference, ...] = ()
    held_back: tuple[Difference, ...] = ()
    takes_away: int = 0

    @property
    def is_stopped(self) -> bool:
        """Tell whether a person has to look first."""
        return bool(self.held_back)


def missing(
    unlisted: Mapping[str, Held], *, first_ticket: int, last_ticket: int, must_be_shown: Collection[str]
) -> list[Difference]:
    """Return what a whole listing did not show though it must; `unlisted` are live objects of ours by ref.

    What was read since the listing began is left alone. What was missing twice when it was asked for has its case.
    """
    return [
        Difference(
            ref=ref,
            kind=Class.MISSING_THERE,
            ticket=last_ticket,
            takes_away=True,
            needs_person=held.missing_reads >= _READS_THAT_PROVE,
        )
        for ref, held in sorted(unlisted.items())
        if held.read_ticket < first_ticket and ref in must_be_shown
    ]


def plan(found: Sequence[Difference], *, live: int, listed: int, let_through: bool = False) -> Plan:
    """Plan the reads, worst first; `live` counts what of ours is live, `listed` what the vendor shows at all.

    An empty side, or a plan that would take away a large part, waits for a person unless one has `let_through`.
    """
    open_ = [one for one in found if not one.needs_person]
    taken = sum(one.takes_away for one in open_)
    reads = tuple(sorted(open_, key=_harm))
    is_empty = not listed and live >= MASS_LEAST and taken > 0
    if reads and (is_empty or is_mass(live, taken)) and not let_through:
        return Plan(held_back=reads, takes_away=taken)
    return Plan(reads=reads, takes_away=taken)


def harm(kind: Class | None) -> int:
    """Rank a class, the worst first."""
    return len(Class) if kind is None else list(Class).index(kind)


def _harm(one: Difference) -> tuple[int, str]:
    return harm(one.kind), one.ref
