"""Ownership: the seeds' defaults as a table, and overrides that are checked (S0.40 to S0.43, CON-09)."""

from __future__ import annotations

import pytest

from conflict.ownership import PARTIES, Role, class_of, ownership
from pms_sync.domain.errors import ConfigurationFault

# Rows: class; columns: OTA and direct at the channel manager's account, OTA and direct at the PMS's account.
# h = here, t = there.
DEFAULTS = """
shape      t h  h t
status     t h  h t
occupancy  t h  h t
booker     t h  h t
guests     t h  h t
comments   t h  h t
total      t h  h t
channel    t h  h t
room       h h  t t
in_house   h h  t t
notes      h h  t t
lines      h h  t t
"""
SIDES = {"h": "here", "t": "there"}
ROWS = [line.split() for line in DEFAULTS.strip().splitlines()]


@pytest.mark.parametrize(("atom_class", "marks"), [(row[0], row[1:]) for row in ROWS])
def test_the_seeds_say_who_owns_what(atom_class: str, marks: list[str]) -> None:
    """S0.41: what an OTA sold is the channel manager's; S0.42: a direct booking is the PMS's."""
    manager, pms = ownership("channel_manager"), ownership("pms")
    found = [owners.by_class[atom_class] for owners in (manager.ota, manager.direct, pms.ota, pms.direct)]
    assert found == [SIDES[mark] for mark in marks]


def test_the_table_above_is_whole() -> None:
    assert [row[0] for row in ROWS] == list(PARTIES)


@pytest.mark.parametrize(
    ("channel", "is_ota"),
    [("airbnb", True), ("other", True), ("direct", False), ("booking_page", False), (None, False)],
)
def test_a_channel_is_an_ota_or_direct(channel: str | None, is_ota: bool) -> None:
    rules = ownership("pms")
    assert rules.of(channel) is (rules.ota if is_ota else rules.direct)


def test_without_a_channel_manager_at_the_property_the_pms_is_nearest_to_the_sale() -> None:
    assert ownership("pms", roles={"pms"}).ota.by_class["shape"] == "there"


def test_an_override_changes_its_class_alone_and_keeps_the_usual_answer_as_a_suggestion() -> None:
    """S0.40, S0.43, CON-09."""
    rules = ownership("channel_manager", {"direct.shape": "review"})
    assert (rules.direct.by_class["shape"], rules.direct.usual["shape"]) == ("review", "here")
    assert rules.ota == ownership("channel_manager").ota
    assert rules.direct.rule("shape") == "direct.shape"


@pytest.mark.parametrize("role", ["pms", "channel_manager"])
@pytest.mark.parametrize("wrong", ["direct.price", "agoda.shape", "shape", "direct."])
def test_an_override_nobody_can_follow_is_refused_by_name(role: Role, wrong: str) -> None:
    with pytest.raises(ConfigurationFault, match=f"{wrong}=here"):
        ownership(role, {wrong: "here", "direct.shape": "there"})
    with pytest.raises(ConfigurationFault, match=r"direct\.shape=mine"):
        ownership(role, {"direct.shape": "mine"})


def test_a_status_that_tells_who_is_in_the_house_is_the_houses() -> None:
    path = "stays[1].status"
    assert class_of(path, ("confirmed", ""), ("cancelled", "")) == "status"
    assert class_of(path, ("confirmed", ""), ("checked_in", "")) == "in_house"
    assert class_of(path, ("no_show", ""), None) == "in_house"
    assert class_of("guests[7]", None, None) == "guests"
