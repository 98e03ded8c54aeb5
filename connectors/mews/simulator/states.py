"""What a change of state does to a stay and to the lines of its bill (vendors/mews.md 10.9, 11.1)."""

from __future__ import annotations

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.hotel import Hotel

UNCONFIRMED = frozenset({"Inquired", "Requested", "Optional"})


def lived(hotel: Hotel, stay: Row) -> Row:
    """Store a stay that is not canceled; the lines of an unconfirmed one are inactive until it is confirmed."""
    old = hotel["reservations"].get(stay["Id"])
    reborn = old is not None and old["State"] == "Canceled"
    stay = {**stay, "CancelledUtc": None, "CancellationReason": None}
    now, sleeping = stay["UpdatedUtc"], stay["State"] in UNCONFIRMED
    for item in hotel["items"].of("ServiceOrderId", stay["Id"]):
        back = reborn and item["Options"].get("CanceledWithReservation") is True
        state = _accounting(item, sleeping=sleeping, back=back)
        if state != item["AccountingState"]:
            undone = {"CanceledUtc": None, "Options": {"CanceledWithReservation": False}} if back else {}
            hotel["items"].put({**item, "AccountingState": state, "UpdatedUtc": now, **undone})
    return hotel["reservations"].put(stay)


def canceled(hotel: Hotel, stay: Row, at: str, reason: str) -> Row:
    """Store a stay as canceled, and cancel its open lines with it; a no-show is a canceled stay too."""
    for item in hotel["items"].of("ServiceOrderId", stay["Id"]):
        if item["AccountingState"] in {"Open", "Inactive"}:
            gone = {"AccountingState": "Canceled", "CanceledUtc": at, "UpdatedUtc": at}
            hotel["items"].put({**item, **gone, "Options": {"CanceledWithReservation": True}})
    told = {"State": "Canceled", "CancelledUtc": at, "CancellationReason": reason, "UpdatedUtc": at}
    return hotel["reservations"].put({**stay, **told})


def _accounting(item: Row, *, sleeping: bool, back: bool) -> str:
    state = str(item["AccountingState"])
    if state == "Canceled" and not back:
        return state
    if state in {"Open", "Inactive", "Canceled"}:
        return "Inactive" if sleeping else "Open"
    return state
