"""The truth: public revisions and blocks written straight from the raw rows, never through a mapper.

A reservation is a group, its room stays are the vendor's reservations, in the order of their ids; the stay with the
lowest id speaks for what stands on every one of them. What the vendor does not say is not there; what cannot be read
because an order wrote it verbatim is left out, and the truth itself never fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.amounts import gross_of, quantum
from connectors.mews.simulator.hotel import ENTERPRISE, Hotel
from connectors.mews.simulator.site import Place
from connectors.mews.simulator.times import local_date

VENDOR = "mews"
_STATUS = MappingProxyType(
    {
        "Inquired": "hold",
        "Requested": "hold",
        "Optional": "hold",
        "Confirmed": "confirmed",
        "Started": "checked_in",
        "Processed": "checked_out",
        "Canceled": "cancelled",
    }
)
_HOLD_KINDS = {"Inquired": "inquiry", "Requested": "request", "Optional": "option"}
# A processed stay lies in the past; whether it still holds its nights the document does not say (mews.md 11.1).
_TAKES_A_ROOM = {
    **dict.fromkeys(("Inquired", "Requested", "Canceled"), False),
    **dict.fromkeys(("Optional", "Confirmed", "Started"), True),
}
_STRONGEST_FIRST = ("checked_in", "confirmed", "hold", "checked_out", "no_show", "cancelled")
_BY_ORIGIN = {
    "Distributor": "booking_page",
    "Commander": "direct",
    "Connector": "direct",
    "Navigator": "direct",
}
_BY_SOURCE = {
    "Booking.com": "booking_com",
    **{name.capitalize(): name for name in ("airbnb", "expedia", "agoda", "vrbo")},
}
_BLOCK_KINDS = {"OutOfOrder": "out_of_order", "InternalUse": "owner"}
_HOLDS_UNITS = frozenset({"Confirmed", "Optional"})
_BILLED = frozenset({"Open", "Closed"})
_DAY = timedelta(days=1)


def status_of(stay: Row) -> str | None:
    """Return the public word of a state, or None for one that the document does not know."""
    if stay["State"] == "Canceled" and stay["CancellationReason"] == "NoShow":
        return "no_show"
    return _STATUS.get(str(stay["State"]))


class Narrator:
    """Tells what the tables of one chain hold."""

    def __init__(self, hotel: Hotel, places: Iterable[Place]) -> None:
        """Look at the tables as they are."""
        self._hotel = hotel
        self._places: Mapping[object, Place] = {home.id: home for home in places}

    def revisions(self) -> list[Row]:
        """Return every reservation, in the order of its group's creation."""
        found = ((group, self._members(group["Id"])) for group in self._hotel["groups"].rows())
        return [self._revision(group, members) for group, members in found if members]

    def version(self, group_id: str) -> str:
        """Return the version of one reservation: the youngest time of change of its stays."""
        return _newest(self._hotel["reservations"].of("GroupId", group_id))

    def blocks(self) -> list[Row]:
        """Return the blocks of rooms and the allotments; a deleted or canceled one is gone."""
        rooms = [self._room_block(row) for row in self._hotel["resource_blocks"].rows()]
        allotments = [self._allotment(row) for row in self._hotel["availability_blocks"].rows()]
        return [block for block in (*rooms, *allotments) if block is not None]

    def _members(self, group_id: str) -> list[Row]:
        members = [row for row in self._hotel["reservations"].of("GroupId", group_id) if self._is_readable(row)]
        return sorted(members, key=lambda row: str(row["Id"]))

    def _is_readable(self, stay: Row) -> bool:
        home = self._places.get(stay[ENTERPRISE])
        words = all(isinstance(stay[name], str) for name in ("State", "Origin"))
        return home is not None and words and stay["ServiceId"] == home.stay_service

    def _revision(self, group: Row, members: Sequence[Row]) -> Row:
        lead, home = members[0], self._places[members[0][ENTERPRISE]]
        currency = home.site.currency
        statuses = [status_of(one) for one in members]
        status = next((word for word in _STRONGEST_FIRST if word in statuses), None)
        deciding = next((one for one in members if status_of(one) == status), lead)
        stays = [stay for stay in (self._stay(home, one) for one in members) if stay is not None]
        totals = [Decimal(stay["total"]) for stay in stays if "total" in stay]
        newest = _newest(members)
        takes = _TAKES_A_ROOM.get(str(deciding["State"]))
        return {
            "vendor": VENDOR,
            "ref": group["Id"],
            "property_ref": home.id,
            "version": newest,
            "scope": "reservation",
            "siblings_complete": True,
            "gone": False,
            "status": status,
            "vendor_status": deciding["State"],
            "hold_kind": _HOLD_KINDS.get(str(deciding["State"])) if status == "hold" else None,
            **({} if takes is None else {"blocks_inventory": takes}),
            **self._channel(group, lead),
            "channel_reference": _text(lead["ChannelNumber"]),
            "currency": currency,
            **({"total": _money(sum(totals, Decimal()), currency)} if totals else {}),
            "price_basis": "gross",
            "booker": self._booker(lead),
            "guests": self._companions(group["Id"]),
            "room_stays": stays,
            "folio_lines": self._lines(members),
            "notes": self._notes(members, ("General",)),
            "comments": self._notes(members, ("ChannelManager", "SpecialRequest")),
            "created_at": min((one["CreatedUtc"] for one in members if _text(one["CreatedUtc"])), default=None),
            "modified_at": newest or None,
        }

    def _channel(self, group: Row, lead: Row) -> Row:
        if lead["Origin"] != "ChannelManager":
            return {"channel": _BY_ORIGIN.get(lead["Origin"], "other"), "vendor_channel": lead["Origin"]}
        ties = self._hotel["source_assignments"].of("ReservationGroupId", group["Id"])
        source = next((self._hotel["sources"].get(tie["SourceId"]) for tie in ties if tie["IsPrimary"] is True), None)
        name = "ChannelManager" if source is None else source["Name"]
        return {"channel": _BY_SOURCE.get(name, "other"), "vendor_channel": name}

    def _booker(self, lead: Row) -> Row | None:
        """Return who booked: the booker where one is named, else the main guest."""
        guest = self._profile(lead["BookerId"]) or self._profile(lead["AccountId"])
        return None if guest is None else self._guest(guest)

    def _profile(self, customer_id: object) -> Row | None:
        """Return a profile; of merged ones the one that the last of them points to (10.8)."""
        passed: set[str] = set()
        guest = self._hotel["customers"].get(customer_id)
        while guest is not None and guest["MergeTargetId"] and guest["Id"] not in passed:
            passed.add(guest["Id"])
            guest = self._hotel["customers"].get(guest["MergeTargetId"]) or guest
        return guest

    def _companions(self, group_id: str) -> list[Row]:
        ties = self._hotel["companionships"].of("ReservationGroupId", group_id)
        found = {guest["Id"]: guest for guest in (self._profile(tie["CustomerId"]) for tie in ties) if guest}
        return [self._guest(guest) for _, guest in sorted(found.items())]

    def _guest(self, guest: Row) -> Row:
        address = self._hotel["addresses"].get(guest["AddressId"])
        return {
            "ref": guest["Id"],
            "first_name": _text(guest["FirstName"]),
            "last_name": _text(guest["LastName"]),
            "email": _text(guest["Email"]),
            "phone": _text(guest["Phone"]),
            "country": _text(address["CountryCode"] if address else None) or _text(guest["NationalityCode"]),
            "language": _text(guest["PreferredLanguageCode"]) or _text(guest["LanguageCode"]),
        }

    def _stay(self, home: Place, stay: Row) -> Row | None:
        zone = home.site.zone
        arrival, departure = (local_date(stay[f"Scheduled{end}Utc"], zone) for end in ("Start", "End"))
        if arrival is None or departure is None or arrival > departure:
            return None
        return {
            "ref": stay["Id"],
            "room_type_ref": _text(stay["RequestedResourceCategoryId"]),
            "room_ref": _text(stay["AssignedResourceId"]),
            "rate_plan_ref": _text(stay["RateId"]),
            "arrival": arrival.isoformat(),
            "departure": departure.isoformat(),
            "status": status_of(stay),
            "adults": _people(stay, home.adult),
            "children": _people(stay, home.child),
            **self._nights(home, stay),
        }

    def _nights(self, home: Place, stay: Row) -> Row:
        """Return prices night by night; a stay whose nights were canceled with it says no price at all."""
        prices: dict[date, Decimal] = {}
        for item in self._hotel["items"].of("ServiceOrderId", stay["Id"]):
            day, price = local_date(item["StartUtc"], home.site.zone), gross_of(item["Amount"])
            if item["Type"] == "SpaceOrder" and item["AccountingState"] != "Canceled" and day and price is not None:
                prices[day] = prices.get(day, Decimal()) + price
        if not prices:
            return {}
        currency = home.site.currency
        nights = [
            {"date": day.isoformat(), "price": _money(price, currency), "derived": False}
            for day, price in sorted(prices.items())
        ]
        return {"total": _money(sum(prices.values(), Decimal()), currency), "nights": nights}

    def _lines(self, members: Iterable[Row]) -> list[Row]:
        """Return what stands on bills: charges of the stays, and money received, which the vendor writes negative."""
        lines: list[Row] = []
        for stay in members:
            items = self._hotel["items"].of("ServiceOrderId", stay["Id"])
            lines += [_line(one, "charge", 1, one["BillingName"]) for one in items if one["AccountingState"] in _BILLED]
            payments = self._hotel["payments"].of("ReservationId", stay["Id"])
            lines += [_line(one, "payment", -1, one["Notes"]) for one in payments if one["State"] == "Charged"]
        return sorted((line for line in lines if line["amount"] is not None), key=lambda line: str(line["ref"]))

    def _notes(self, members: Iterable[Row], kinds: Sequence[str]) -> str | None:
        notes = [note for stay in members for note in self._hotel["notes"].of("OrderId", stay["Id"])]
        texts = [str(note["Text"]) for kind in kinds for note in notes if note["Type"] == kind and note["Text"]]
        return "\n".join(texts) or None

    def _room_block(self, row: Row) -> Row | None:
        home = self._places.get(row[ENTERPRISE])
        if home is None or row["Type"] not in _BLOCK_KINDS:
            return None
        arrival, departure = (local_date(row[name], home.site.zone) for name in ("StartUtc", "EndUtc"))
        category = home.category_of(row["AssignedResourceId"])
        told = {
            "room_type_ref": category.id if category else None,
            "room_ref": _text(row["AssignedResourceId"]),
            "kind": _BLOCK_KINDS[row["Type"]],
            "gone": row["IsActive"] is not True,
        }
        return _block(row, home, (arrival, departure), told)

    def _allotment(self, row: Row) -> Row | None:
        """Return an availability block; one that takes no stock, or no longer, is gone (10.7)."""
        home = self._places.get(row[ENTERPRISE])
        if home is None:
            return None
        zone = home.site.zone
        first, last = (local_date(row[name], zone) for name in ("FirstTimeUnitStartUtc", "LastTimeUnitStartUtc"))
        taken = self._hotel["adjustments"].of("AvailabilityBlockId", row["Id"])
        categories = {one["ResourceCategoryId"] for one in taken if one["IsActive"] is True}
        told = {
            "room_type_ref": next(iter(categories)) if len(categories) == 1 else None,
            "room_ref": None,
            "kind": "allotment",
            "gone": row["IsActive"] is not True or row["State"] not in _HOLDS_UNITS,
        }
        return _block(row, home, (first, last + _DAY if last else None), told)


def _block(row: Row, home: Place, ends: tuple[date | None, date | None], told: Row) -> Row | None:
    arrival, departure = ends
    if arrival is None or departure is None or arrival > departure:
        return None
    dates = {"arrival": arrival.isoformat(), "departure": departure.isoformat()}
    places = {name: told.pop(name) for name in ("room_type_ref", "room_ref")}
    return {"vendor": VENDOR, "ref": row["Id"], "property_ref": home.id, **places, **dates, **told}


def _line(row: Row, kind: str, sign: int, text: object) -> Row:
    worth = gross_of(row["Amount"])
    currency = None if worth is None else row["Amount"]["Currency"]
    told = None if worth is None else _money(sign * worth, row["Amount"]["Currency"])
    return {"ref": row["Id"], "kind": kind, "text": _text(text), "amount": told, "currency": currency}


def _money(amount: Decimal, currency: str) -> str:
    return str(amount.quantize(quantum(currency)) + 0)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _people(stay: Row, age_category: str) -> int | None:
    counts = stay["PersonCounts"] if isinstance(stay["PersonCounts"], list) else []
    found = [one["Count"] for one in counts if isinstance(one, dict) and one.get("AgeCategoryId") == age_category]
    return sum(found) if all(isinstance(one, int) for one in found) else None


def _newest(members: Iterable[Row]) -> str:
    return max((stay["UpdatedUtc"] for stay in members if _text(stay["UpdatedUtc"])), default="")
