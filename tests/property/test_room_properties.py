"""Whatever a vendor says of a room, the mapper answers with one room as it stands, or with a rejection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mappers.cloudbeds import MAPPER as CLOUDBEDS
from mappers.mews import MAPPER as MEWS
from mappers.opera import MAPPER as OPERA
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports import public
from pms_sync.ports.mapper import Mapped, Mapper, MappingContext
from tests.property.test_cloudbeds_properties import JSON

FIXTURES = Path(__file__).parents[1] / "fixtures"
CONTEXT = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR")
ROWS: list[tuple[Mapper, dict[str, Any]]] = [
    (mapper, json.loads(row))
    for mapper in (MEWS, CLOUDBEDS, OPERA)
    for row in mapper.rows((FIXTURES / mapper.vendor / "rooms.json").read_bytes())
]
SERVICES = {"in_service", "out_of_order", "out_of_service"}


def outcome(mapper: Mapper, raw: bytes) -> Mapped | MappingRejected:
    """Map, and turn a rejection into a value; any other exception fails the test."""
    try:
        mapped = mapper.to_revisions("room_status", raw, CONTEXT)
    except MappingRejected as rejection:
        json.dumps(public.public_rejection(rejection))
        return rejection
    for room in mapped.room_statuses:
        assert room.room_ref
        assert room.service in SERVICES
        json.dumps(public.public_room_status(room), ensure_ascii=False).encode()  # no lone surrogate got through
    return mapped


@given(st.sampled_from([MEWS, CLOUDBEDS, OPERA]), st.binary(max_size=200))
def test_any_bytes_have_an_answer(mapper: Mapper, raw: bytes) -> None:
    outcome(mapper, raw)


@given(st.sampled_from([MEWS, CLOUDBEDS, OPERA]), JSON)
def test_any_json_has_an_answer(mapper: Mapper, document: object) -> None:
    outcome(mapper, json.dumps(document).encode())


@given(st.sampled_from(ROWS), st.data())
def test_any_field_of_a_room_may_hold_anything(row: tuple[Mapper, dict[str, Any]], data: st.DataObject) -> None:
    """MAP-09: a spoilt field is read by rule, or turned away."""
    mapper, whole = row
    names = data.draw(st.lists(st.sampled_from(sorted(whole)), min_size=1, max_size=3))
    outcome(mapper, json.dumps(whole | {name: data.draw(JSON) for name in names}).encode())


@given(JSON, JSON)
def test_any_words_of_the_board_may_stand_in_the_place_of_a_status(status: object, office: object) -> None:
    words = {"housekeepingRoomStatus": status, "frontOfficeStatus": office}
    told = {"roomId": "101", "housekeeping": {"housekeepingRoomStatus": words}}
    outcome(OPERA, json.dumps(told).encode())


@given(st.sampled_from(ROWS))
def test_the_same_bytes_mean_the_same(row: tuple[Mapper, dict[str, Any]]) -> None:
    """Pure: a replay brings nothing new."""
    mapper, raw = row[0], json.dumps(row[1]).encode()
    first, second = outcome(mapper, raw), outcome(mapper, raw)
    assert isinstance(first, MappingRejected) or first == second
