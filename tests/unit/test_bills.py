"""Bills: the lines that a second vendor keeps of the same stay never become ours, and ours are never sent there."""

from __future__ import annotations

import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from conflict.ownership import Owners, ownership
from pms_sync.apply.merging import merge
from pms_sync.apply.states import LinkState
from pms_sync.domain.reservation import Line, Revision
from pms_sync.ports.mapper import Crosswalk
from tests.unit.merge_revisions import revision

HOME, OTHER = (uuid.uuid4(), "1001"), (uuid.uuid4(), "7007")
ROOM = Line(ref="1", kind="charge", text="room", amount=Decimal(200), currency="EUR")
DRINK = Line(ref="2", kind="charge", text="drink", amount=Decimal(9), currency="EUR")


class Speaking:
    """The tongue of a vendor that has words for all of ours."""

    codes = Crosswalk()

    def __init__(self, vendor: str) -> None:
        self.account = SimpleNamespace(vendor=vendor)

    def project(self, ours: Revision, _home: uuid.UUID) -> Revision:
        """Say it as it is."""
        return ours

    def owners(self, ours: Revision) -> Owners:
        """Return whose values stand."""
        return ownership("channel_manager").of(ours.channel)


def shown(by: str, *, bill: tuple[Line, ...]) -> tuple[Revision, Any]:
    """Merge what a vendor shows now, with this bill, into ours, on whose home link the room is billed."""
    ours = revision(vendor="home", folio_lines=(ROOM,))
    before = revision(vendor=by, folio_lines=())
    key = HOME if by == "home" else OTHER
    state = LinkState(
        key=key,
        stay_id=uuid.uuid4(),
        reservation_id=uuid.uuid4(),
        home=HOME,
        remote=ours if by == "home" else before,
        ours=None,
        divergence={},
    )
    tongue: Any = Speaking(by)
    merged = merge(ours, state, revision(vendor=by, folio_lines=bill), tongue)
    return merged.ours, merged.decision


def test_the_bill_of_a_second_vendor_is_neither_taken_nor_changed() -> None:
    ours, decision = shown("elsewhere", bill=(ROOM, DRINK))
    assert ours.folio_lines == (ROOM,)
    assert not decision.push


def test_the_bill_of_the_home_vendor_is_taken() -> None:
    ours, _ = shown("home", bill=(ROOM, DRINK))
    assert ours.folio_lines == (ROOM, DRINK)
