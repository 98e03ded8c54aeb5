"""The Beds24 door: one booking, or an intermediary's list of them, each read by itself."""

from __future__ import annotations

import json

import pytest

from connectors.beds24 import DOOR
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import PartlyRead, VendorEvent


def told(ref: object, place: object = 7) -> dict[str, object]:
    """Write what the vendor says of one booking."""
    return {"booking": {"id": ref, "propertyId": place}, "infoItems": []}


def event(ref: int) -> VendorEvent:
    """Return the hint it gives."""
    return VendorEvent(stream="reservations", ref=str(ref), property_ref="7")


def test_a_list_is_read_booking_by_booking() -> None:
    assert DOOR.read(json.dumps(told(41)).encode()) == [event(41)]
    assert DOOR.read(json.dumps([told(41)]).encode()) == [event(41)]
    assert DOOR.read(json.dumps([told(41), told(42)]).encode()) == [event(41), event(42)]


def test_one_bad_booking_holds_up_no_other() -> None:
    with pytest.raises(PartlyRead) as partly:
        DOOR.read(json.dumps([told(41), {"booking": {}}, told(42), 7]).encode())
    assert partly.value.events == (event(41), event(42))
    assert (partly.value.path, partly.value.unread) == ("$[1].booking", 2)
    assert "id" in partly.value.why


@pytest.mark.parametrize(
    "body", [b"[]", b"[7]", b'[{"booking":{}}]', b"[" * 5000, b'[{"booking":{"id":1}},', b"[1e999]"]
)
def test_a_list_of_which_nothing_can_be_read_is_refused_whole(body: bytes) -> None:
    with pytest.raises(MappingRejected) as refused:
        DOOR.read(body)
    assert not isinstance(refused.value, PartlyRead)


def test_a_list_is_bounded() -> None:
    with pytest.raises(MappingRejected):
        DOOR.read(json.dumps([told(n) for n in range(1001)]).encode())
