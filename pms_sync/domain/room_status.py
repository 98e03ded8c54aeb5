"""Room status: how one room stands at one moment, along the three axes that are kept apart (ARCHITECTURE §1).

A condition that is UNSET was not visible to this read and leaves what we know untouched, as a room in repair keeps its
state of cleaning; occupancy that the vendor does not tell is None.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

STREAM = "room_status"

Condition = Literal["dirty", "pickup", "clean", "inspected"]
Service = Literal["in_service", "out_of_order", "out_of_service"]


class RoomStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one read said of a room; `room` is our code where the crosswalk knows the vendor's.

    `vendor_word` is the vendor's own word. When the vendor changed it last is an instant or a day of the hotel's,
    whichever it tells, if any. `version` sorts as text within one room, and is empty where the vendor tells none.
    """

    vendor: str
    property_ref: str
    room_ref: str
    room: str | None = None
    version: str = ""
    condition: Condition | UnsetType = UNSET
    service: Service
    occupied: bool | None = None
    vendor_word: str
    changed_at: datetime | None = None
    changed_on: date | None = None
