"""Probes: questions to the tables that must have no answer; each row of one is a difference.

I1 of queues and parents, I2 of the identities, I10 and I12. A probe answers with (vendor, ref, there, here).
"""

from __future__ import annotations

import msgspec

from pms_sync.auditor.report import Checked, Finding, difference
from pms_sync.auditor.store import Connection, Store

_MOST_SHOWN = 100
# In a probe's text: the vendor of the row's account, and the bound that the row breaks.
_VENDOR = "(SELECT a.vendor FROM accounts a WHERE a.account_id = x.account_id LIMIT 1)"


class Probe(msgspec.Struct, frozen=True):
    """One question; `<vendor>` and `<limit>` in it are filled in."""

    invariant: str
    path: str
    sql: str
    limit: str = ""

    @property
    def question(self) -> str:
        """Return the whole statement."""
        filled = self.sql.replace("<vendor>", _VENDOR).replace("<limit>", self.limit)
        return f"{filled} LIMIT {_MOST_SHOWN}"


_QUEUES = (
    # What waits without a lane is claimed by nobody.
    Probe(
        "I1",
        "inbox.lane",
        """
        SELECT <vendor>, x.ref, 'a lane', NULL::text FROM events x
         WHERE x.state IN ('waiting', 'leased') AND NOT EXISTS (SELECT FROM lanes l WHERE l.lane_key = x.lane_key)
        """,
    ),
    # A parked row without its body cannot be replayed.
    Probe(
        "I1",
        "inbox.body",
        """
        SELECT <vendor>, x.ref, 'a raw record', NULL::text FROM events x
         WHERE x.state = 'parked' AND NOT EXISTS (SELECT FROM raw_records r WHERE r.raw_id = x.raw_id)
        """,
    ),
    Probe(
        "I1",
        "deliveries.body",
        """
        SELECT x.vendor, 'd' || x.delivery_id, 'a raw record', NULL::text FROM deliveries x
         WHERE x.state IN ('waiting', 'parked') AND NOT EXISTS (SELECT FROM raw_records r WHERE r.raw_id = x.raw_id)
        """,
    ),
)
_IDENTITIES = (
    Probe(
        "I2",
        "room_stays",
        """
        SELECT min(x.vendor), x.vendor_ref, '1', count(*)::text FROM room_stays x WHERE x.account_id IS NOT NULL
         GROUP BY x.tenant_id, x.account_id, x.vendor_ref HAVING count(*) > 1
        """,
    ),
    Probe(
        "I2",
        "blocks",
        """
        SELECT min(x.vendor), x.vendor_ref, '1', count(*)::text FROM blocks x
         GROUP BY x.tenant_id, x.account_id, x.vendor_ref HAVING count(*) > 1
        """,
    ),
    # One OTA number is one reservation of a property, unless a person was asked; "other" is as many OTAs as the vendor
    # has words for them, and none where it says no word.
    Probe(
        "I2",
        "channel_reference",
        """
        SELECT min(x.source), x.channel_reference, '1', count(*)::text FROM reservations x
         WHERE x.channel <> 'direct' AND x.channel_reference <> '' AND NOT 'superseded' = ANY(x.flags)
           AND NOT (x.channel = 'other' AND btrim(coalesce(x.vendor_channel, '')) = '')
           AND NOT EXISTS (SELECT FROM cases c WHERE c.tenant_id = x.tenant_id AND c.state <> 'withdrawn'
                              AND c.kind IN ('identity_doubt', 'channel_reference_twice')
                              AND x.reservation_id = ANY(c.reservation_ids))
         GROUP BY x.tenant_id, x.property_id, x.channel, x.channel_reference,
                  CASE WHEN x.channel = 'other' THEN lower(btrim(x.vendor_channel)) END
        HAVING count(*) > 1
        """,
    ),
    Probe(
        "I2",
        "reservation.room_stays",
        """
        SELECT x.source, coalesce((SELECT min(l.vendor_ref) FROM links l WHERE l.tenant_id = x.tenant_id
                                      AND l.reservation_id = x.reservation_id AND l.level = 'reservation'),
                                  x.reservation_id::text), 'a room stay', '0'
          FROM reservations x
         WHERE NOT 'superseded' = ANY(x.flags)
           AND NOT EXISTS (SELECT FROM room_stays s WHERE s.tenant_id = x.tenant_id
                              AND s.reservation_id = x.reservation_id)
        """,
    ),
    Probe(
        "I2",
        "links.object_id",
        """
        SELECT s.vendor, x.vendor_ref, s.stay_id::text, x.object_id::text
          FROM links x JOIN room_stays s ON s.tenant_id = x.tenant_id AND s.account_id = x.account_id
               AND s.vendor_ref = x.vendor_ref
         WHERE x.level = 'stay' AND x.object_id <> s.stay_id AND NOT EXISTS (
               SELECT FROM room_stays o WHERE o.tenant_id = x.tenant_id AND o.account_id = x.account_id
                  AND o.vendor_ref = x.vendor_ref AND o.stay_id = x.object_id)
        """,
    ),
    Probe(
        "I2",
        "links.reservation_id",
        """
        SELECT s.vendor, x.vendor_ref, s.reservation_id::text, x.reservation_id::text
          FROM links x JOIN room_stays s ON s.tenant_id = x.tenant_id AND s.stay_id = x.object_id
         WHERE x.level = 'stay' AND x.reservation_id IS DISTINCT FROM s.reservation_id
        """,
    ),
)

# (table.column, the table it points into): both rows must be of one tenant. The first lot has no foreign key that
# would keep a parent from being lost.
_OWNED = """
reservations.property_id properties | room_stays.reservation_id reservations | stay_nights.stay_id room_stays
guests.reservation_id reservations | folio_lines.reservation_id reservations | links.reservation_id reservations
identity_keys.reservation_id reservations | blocks.property_id properties | inventory.room_type_id room_types
"""
_TIED = """
accounts.property_id properties | deliveries.door_id doors | deliveries.account_id accounts
events.account_id accounts | lanes.account_id accounts
links.account_id accounts | raw_records.account_id accounts | room_stays.account_id accounts
room_stays.room_id rooms | room_stays.room_type_id room_types | blocks.account_id accounts | blocks.room_id rooms
cursors.account_id accounts | sweeps.account_id accounts | intents.account_id accounts
intents.reservation_id reservations | cases.property_id properties | crosswalk.account_id accounts
rooms.property_id properties | room_types.property_id properties
"""


def _pairs(text: str) -> list[tuple[str, str, str]]:
    """Return (table, column, target table) of each pair; the pointing column is named like the key."""
    found = [part.split() for line in text.strip().splitlines() for part in line.split("|")]
    return [(*place.split("."), target) for place, target in found]  # type: ignore[misc]


def _orphan(table: str, column: str, target: str) -> Probe:
    """Ask for rows whose parent is nowhere."""
    sql = f"""
        SELECT NULL::text, x.{column}::text, '{target}', NULL::text FROM {table} x
         WHERE x.{column} IS NOT NULL AND NOT EXISTS (SELECT FROM {target} y WHERE y.{column} = x.{column})
         GROUP BY x.{column}
    """  # noqa: S608 - constants of this module
    return Probe("I1", f"{table}.{column}", sql)


def _apart(table: str, pointer: str, target: str, key: str) -> Probe:
    """Ask for rows that point at another tenant's row, and at none of their own."""
    sql = f"""
        SELECT NULL::text, x.{pointer}::text, y.tenant_id::text, x.tenant_id::text
          FROM {table} x JOIN {target} y ON y.{key}::text = x.{pointer}::text
         WHERE y.tenant_id <> x.tenant_id AND NOT EXISTS (
               SELECT FROM {target} z WHERE z.tenant_id = x.tenant_id AND z.{key}::text = x.{pointer}::text)
    """  # noqa: S608 - constants of this module
    return Probe("I10", f"{table}.{pointer}", sql)


_ORPHANS = tuple(_orphan(*pair) for pair in _pairs(_OWNED))
_TENANTS = (
    *(_apart(table, column, target, column) for table, column, target in _pairs(_OWNED) + _pairs(_TIED)),
    _apart("room_claims", "unit_id", "rooms", "room_id"),
    _apart("room_claims", "holder_id", "room_stays", "stay_id"),
    _apart("room_claims", "holder_id", "blocks", "block_id"),
    _apart("audit_log", "entity_id", "reservations", "reservation_id"),
    Probe(
        "I10",
        "cases.reservation_ids",
        """
        SELECT NULL::text, r.reservation_id::text, r.tenant_id::text, x.tenant_id::text
          FROM cases x JOIN reservations r ON r.reservation_id = ANY(x.reservation_ids)
         WHERE r.tenant_id <> x.tenant_id
        """,
    ),
)


def _bound(path: str, limit: str, sql: str) -> Probe:
    return Probe("I12", path, sql, limit)


# Hard bounds of everything that could grow or repeat for ever.
_BOUNDS = (
    _bound(
        "inbox.attempts",
        "50",
        "SELECT <vendor>, x.ref, '<limit>', x.attempts::text FROM events x WHERE x.attempts > <limit>",
    ),
    _bound(
        "deliveries.attempts",
        "50",
        """
        SELECT x.vendor, 'd' || x.delivery_id, '<limit>', x.attempts::text FROM deliveries x
         WHERE x.attempts > <limit>
        """,
    ),
    _bound(
        "outbox.attempts",
        "50",
        """
        SELECT <vendor>, coalesce(x.vendor_ref, x.intent_id::text), '<limit>', x.attempts::text FROM intents x
         WHERE x.attempts > <limit>
        """,
    ),
    _bound(
        "lanes.lease_until",
        "1 hour",
        """
        SELECT <vendor>, x.ref, '<limit>', x.lease_until::text FROM lanes x
         WHERE x.lease_until > now() + interval '<limit>'
        """,
    ),
    _bound(
        "lanes.not_before",
        "1 day",
        """
        SELECT <vendor>, x.ref, '<limit>', x.not_before::text FROM lanes x
         WHERE x.not_before > now() + interval '<limit>'
        """,
    ),
    _bound(
        "cursors.next_due_at",
        "1 day",
        """
        SELECT <vendor>, x.stream, '<limit>', x.next_due_at::text FROM cursors x
         WHERE greatest(x.next_due_at, x.lease_until) > now() + interval '<limit>'
        """,
    ),
    _bound(
        "inbox.open",
        "1000",
        """
        SELECT <vendor>, x.ref, '<limit>', count(*)::text FROM events x WHERE x.state IN ('waiting', 'leased')
         GROUP BY x.account_id, x.ref HAVING count(*) > <limit>
        """,
    ),
    _bound(
        "inbox.rereads",
        "500",
        """
        SELECT <vendor>, x.ref, '<limit>', count(*)::text FROM events x WHERE x.kind = 'reconcile'
         GROUP BY x.account_id, x.ref HAVING count(*) > <limit>
        """,
    ),
    _bound(
        "cases.open",
        "50",
        """
        SELECT NULL::text, r::text, '<limit>', count(*)::text FROM cases x, unnest(x.reservation_ids) AS r
         WHERE x.state IN ('open', 'snoozed') GROUP BY x.tenant_id, r HAVING count(*) > <limit>
        """,
    ),
)


async def check(connection: Connection, store: Store) -> Checked:
    """Ask every question."""
    findings: list[Finding] = []
    for probe in (*_QUEUES, *_ORPHANS, *_IDENTITIES, *_TENANTS, *_BOUNDS):
        for vendor, ref, there, here in await connection.fetch(probe.question):
            findings.append((vendor, difference(probe.invariant, ref, probe.path, there=there, here=here)))
    return Checked(frozenset(await _exercised(connection, store)), tuple(findings))


async def _exercised(connection: Connection, store: Store) -> set[str]:
    """Name what could have gone wrong at all: one tenant cannot be mixed with another."""
    found = {"I10"} if len(store.tenants) > 1 else set()
    if store.stays:
        found.add("I2")
    if await connection.fetchval("SELECT EXISTS (SELECT FROM events) OR EXISTS (SELECT FROM deliveries)"):
        found.add("I12")
    return found
