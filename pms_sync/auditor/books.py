"""Books: the store's rows, found the way a vendor names things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from pms_sync.auditor.store import Row, Store
from pms_sync.auditor.truth import Account

Key = tuple[UUID, str]  # (account, vendor ref)

# Kinds of cases that say out loud that an object is no longer shown, or that one booking is two reservations.
_GONE = frozenset({"vanished", "group_member_dropped"})
_DOUBTED = frozenset({"identity_doubt", "channel_reference_twice"})


def is_superseded(reservation: Row) -> bool:
    """Tell whether all stays of the reservation moved to another one."""
    return "superseded" in reservation["flags"]


class Books:
    """Indexes over the store's rows, built once."""

    def __init__(self, store: Store) -> None:
        """Sort the rows into their places."""
        self.accounts = [Account(**row) for row in store.accounts]
        self.reservations = {row["id"]: row for row in store.reservations}
        self.parked = {(row["account_id"], row["ref"]) for row in store.parked}
        self.blocks = self._blocks(store)
        self.stays: dict[Key, Row] = {}
        self.stays_of: defaultdict[UUID, list[Row]] = defaultdict(list)
        for row in store.stays:
            self.stays_of[row["reservation_id"]].append(row)
            self.stays.setdefault((row["account_id"], row["vendor_ref"]), row)
        for alias in _seen_elsewhere(store, self.stays):
            self.stays[alias["account_id"], alias["vendor_ref"]] = alias
        self.guests_of = _grouped(_people(store))
        self.lines_of = _grouped(store.lines)
        self.vendors = {row["account_id"]: row["vendor"] for row in store.accounts}
        self._links = self._headers(store)
        self._versions = {
            (row["account_id"], row["vendor_ref"]): row["remote_version"]
            for row in store.links
            if row["level"] == "stay" and row["remote_version"] is not None
        }
        self._cases = store.cases
        self._codes = {(row["account_id"], row["kind"], row["vendor_code"]): row["our_code"] for row in store.crosswalk}
        self._sold = {(row["property_id"], "room_type", row["code"]) for row in store.room_types}
        self._sold |= {(row["property_id"], "room", row["code"]) for row in store.rooms}

    @staticmethod
    def _blocks(store: Store) -> dict[Key, Row]:
        refs = {row["block_id"]: row for row in store.block_rows}
        found: dict[Key, Row] = {}
        for row in store.blocks:
            more = {name: refs[row["id"]][name] for name in ("room_type_ref", "room_ref")}
            found.setdefault((row["account_id"], row["vendor_ref"]), {**row, **more})
        return found

    @staticmethod
    def _headers(store: Store) -> dict[Key, Row]:
        found: dict[Key, Row] = {}
        for row in store.reservations:
            for link in row["links"]:
                found[UUID(link["account_id"]), link["ref"]] = row
        return found

    def reservation(self, account: Account, ref: str) -> Row | None:
        """Return the reservation linked to a vendor's ref."""
        return self._links.get((account.account_id, ref))

    def own_stays(self, account: Account) -> list[Row]:
        """Return every stay that came from this account."""
        return [row for (account_id, _), row in self.stays.items() if account_id == account.account_id]

    def own_blocks(self, account: Account) -> list[Row]:
        """Return every block that came from this account."""
        return [row for (account_id, _), row in self.blocks.items() if account_id == account.account_id]

    def version(self, account: Account, refs: Iterable[str]) -> str | None:
        """Return the newest vendor version seen of these stays."""
        found = [self._versions.get((account.account_id, ref)) for ref in refs]
        return max((one for one in found if one is not None), default=None)

    def is_parked(self, account: Account, *refs: str) -> bool:
        """Tell whether the present state of any of these objects waits as a parked row."""
        return any((account.account_id, ref) in self.parked for ref in refs)

    def is_told_gone(self, object_id: UUID, reservation_id: UUID | None, ref: str) -> bool:
        """Tell whether a case says that the vendor no longer shows this object."""
        for case in self._of_kind(_GONE):
            named = any(field.get("here") == ref for field in case["fields"])
            if str(object_id) in case["subject"] or (named and reservation_id in case["reservation_ids"]):
                return True
        return False

    def is_doubted(self, reservation_id: UUID) -> bool:
        """Tell whether a case asks which of two reservations a booking is."""
        return any(reservation_id in case["reservation_ids"] for case in self._of_kind(_DOUBTED))

    def has_case(self, kind: str, subject_part: str) -> bool:
        """Tell whether a case of this kind is about the subject."""
        return any(subject_part in case["subject"] for case in self._of_kind(frozenset({kind})))

    def _of_kind(self, kinds: frozenset[str]) -> Iterator[Row]:
        return (case for case in self._cases if case["kind"] in kinds)

    def our_code(self, account: Account, kind: str, vendor_code: str | None) -> str | None:
        """Return our code for the vendor's, where somebody mapped it."""
        return self._codes.get((account.account_id, kind, vendor_code or ""))

    def sells(self, account: Account, kind: str, code: str) -> bool:
        """Tell whether the property has a room type or room of our code."""
        return (account.property_id, kind, code) in self._sold


def _seen_elsewhere(store: Store, held: Mapping[Key, Row]) -> list[Row]:
    """Return stays once more for each further account that shows them; `shared` says that another one tells them."""
    by_id = {row["id"]: row for row in store.stays}
    vendors = {row["account_id"]: row["vendor"] for row in store.accounts}
    return [
        {
            **by_id[link["object_id"]],
            "account_id": link["account_id"],
            "vendor": vendors[link["account_id"]],
            "vendor_ref": link["vendor_ref"],
            "shared": True,
        }
        for link in store.links
        if link["level"] == "stay" and link["object_id"] in by_id and link["account_id"] in vendors
        if (link["account_id"], link["vendor_ref"]) not in held
    ]


def _people(store: Store) -> list[Row]:
    """Join the public view of each guest with the columns it does not show."""
    more = {row["guest_id"]: row for row in store.people}
    return [{**row, **more[row["id"]]} for row in store.guests]


def _grouped(rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["reservation_id"]].append(row)
    return found
