"""Alerts on a real store and a real mail server: each once, few mails, none lost, and nobody's data in them."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pms_sync.domain.case import Case
from pms_sync.domain.events import NAMES
from pms_sync.jobs.alerting import Alerting
from pms_sync.jobs.mail_server import MailServer
from pms_sync.jobs.mailing import Envelope, Mailing
from pms_sync.store import accounts, alerts, cases, upkeep
from pms_sync.store.alerts import MailRate
from pms_sync.store.database import Database, use_tenant
from tests.integration.listed_hotel import Clock
from tests.integration.mail_sink import MailSink

ENVELOPE = Envelope(sender="pms-sync@hotel.example", recipients=("desk@hotel.example", "boss@hotel.example"))
SITE = "https://sync.hotel.example"


class Watch:
    """A hotel whose troubles are told by mail."""

    def __init__(self, database: Database, hotel: Any, sink: MailSink) -> None:
        self.database, self.hotel, self.sink = database, hotel, sink
        self.tenant_id: uuid.UUID = hotel.tenant_id
        self.alerting = Alerting(database, lambda: SITE, uuid.uuid4, by_mail=True)
        self.mailing = Mailing(
            database,
            MailServer(f"smtp://127.0.0.1:{sink.port}", _no_trust(), patience_s=5.0),
            ENVELOPE,
            lambda: SITE,
            clock=Clock(datetime(2026, 3, 1, 12, tzinfo=UTC)),
            rand=lambda: 0.0,
            rate=MailRate(mails=3, within_s=900),
        )

    async def open_case(self, subject: str, severity: int = 1, kind: str = "same_atom", **given: Any) -> None:
        """Open a case, or one more for a subject whose last one is closed."""
        case = Case(kind=kind, subject=subject, severity=severity, property_id=self.hotel.property_id, **given)
        async with self.database.transaction(self.tenant_id) as connection:
            await cases.open_cases(connection, self.tenant_id, [case], uuid.uuid4)

    async def close_case(self, subject: str, kind: str = "same_atom") -> None:
        """Let the cause of a case go away."""
        async with self.database.transaction(self.tenant_id) as connection:
            await cases.withdraw(connection, self.tenant_id, kind, [subject])

    async def set_account(self, state: str, reason: str | None = None) -> None:
        """Stop the account, or let it work again."""
        async with self.database.transaction() as connection:
            await accounts.set_state(connection, self.hotel.account_id, state, reason)

    async def subscribe(self, state: str, *topics: str) -> None:
        """Store a subscriber that nobody calls here."""
        await self.rows(
            "INSERT INTO subscribers (tenant_id, subscriber_id, url, topics, secret, declared, state) "
            f"VALUES ('{self.tenant_id}', gen_random_uuid(), 'https://{state}.example', "
            f"'{{{','.join(topics)}}}', '', '', '{state}')"
        )

    async def look(self) -> int:
        """Let the two ticks come round; returns how many mails left."""
        await self.alerting.step()
        return await self.mailing.step()

    async def rows(self, query: str) -> list[Any]:
        """Ask the store."""
        async with self.database.transaction(self.tenant_id) as connection:
            return list(await connection.fetch(query))

    async def events(self) -> list[tuple[str, str]]:
        """Return topic and kind of what subscribers are told, oldest first."""
        found = await self.rows(
            "SELECT topic, payload FROM events_out WHERE topic NOT LIKE 'pms.case.%' ORDER BY event_id"
        )
        return [(row["topic"], row["payload"].get("kind", "")) for row in found]

    def subjects(self) -> list[str]:
        """Return the subjects of the mails, oldest first."""
        return [str(mail["Subject"]) for mail in self.sink.mails]


def _no_trust() -> Any:
    """Stand for certificate authorities that are never asked."""
    return None


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    """Listen for mail without encryption."""
    made = MailSink()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def watch(database: Database, hotel: Any, sink: MailSink) -> Watch:
    """Give the hotel with nothing wrong yet, and somebody who wants to hear of everything."""
    made = Watch(database, hotel, sink)
    await made.subscribe("active", *NAMES)
    return made


async def test_an_urgent_case_is_mailed_and_told_once(watch: Watch) -> None:
    await watch.open_case("s1", kind="room_double_booked")
    assert [await watch.look() for _ in range(3)] == [1, 0, 0]
    [case] = await watch.rows("SELECT case_id FROM cases")
    [mail] = watch.sink.mails
    assert mail["Subject"] == "[pms-sync] P1: urgent case (room_double_booked)"
    assert mail.get_content().splitlines()[2] == f"{SITE}/cases/{case['case_id']}"
    assert (mail["From"], mail["To"]) == (ENVELOPE.sender, "desk@hotel.example, boss@hotel.example")
    assert watch.sink.recipients == list(ENVELOPE.recipients)
    [event] = await watch.rows("SELECT * FROM events_out WHERE topic = 'pms.alert'")
    assert (event["topic"], event["property_id"]) == ("pms.alert", watch.hotel.property_id)
    assert event["payload"]["url"] == f"{SITE}/cases/{case['case_id']}"
    assert event["payload"]["kind"] == "urgent_case"


@pytest.mark.parametrize(
    ("kind", "severity", "alerted"),
    [
        ("same_atom", 1, True),
        ("same_atom", 2, False),
        ("room_double_booked", 2, True),
        ("type_oversold", 2, True),
        ("type_oversold", 3, False),
        ("mass_change", 2, True),
        ("mapping_missing", 3, False),
    ],
)
async def test_what_is_about_tonight_and_what_was_sold_twice_alerts(
    watch: Watch, kind: str, severity: int, alerted: bool
) -> None:
    """INV-04: an overbooking alerts whatever its night."""
    await watch.open_case("s1", severity, kind)
    assert await watch.look() == int(alerted)


async def test_a_case_that_grows_urgent_alerts_then(watch: Watch) -> None:
    await watch.open_case("s1", 3)
    assert await watch.look() == 0
    await watch.open_case("s1", 1, fields=({"path": "x"},))
    assert await watch.look() == 1


async def test_a_closed_case_is_over_and_the_next_one_is_news(watch: Watch) -> None:
    await watch.open_case("s1")
    await watch.look()
    await watch.close_case("s1")
    assert await watch.look() == 0
    assert len(await watch.rows("SELECT FROM alerts WHERE ended_at IS NOT NULL")) == 1
    await watch.open_case("s1")
    assert await watch.look() == 1


async def test_a_dead_account_alerts_and_so_does_its_return(watch: Watch) -> None:
    """BEYOND: one alert on loss, one on recovery."""
    await watch.set_account("failed", "the vendor wrote: Ana María, +34 600 123 456")
    assert [await watch.look(), await watch.look()] == [1, 0]
    await watch.set_account("active")
    assert [await watch.look(), await watch.look()] == [1, 0]
    assert watch.subjects() == [
        "[pms-sync] P1: account stopped (beds24)",
        "[pms-sync] P1: account works again (beds24)",
    ]
    assert await watch.events() == [
        ("pms.account.failed", ""),
        ("pms.alert", "account_failed"),
        ("pms.account.recovered", ""),
        ("pms.alert", "account_recovered"),
    ]


async def test_an_account_that_a_person_pauses_has_not_recovered(watch: Watch) -> None:
    await watch.set_account("failed")
    await watch.look()
    await watch.set_account("paused")
    assert await watch.look() == 0
    assert len(watch.sink.mails) == 1


async def test_a_stopped_subscriber_alerts(watch: Watch) -> None:
    await watch.subscribe("exhausted")
    await watch.look()
    assert watch.subjects() == ["[pms-sync] subscriber stopped"]


async def test_nothing_personal_stands_in_a_mail_or_an_event(watch: Watch) -> None:
    """PRV-04: kind, property and a page to look at; never a guest, never a vendor's words."""
    canary = "Ana María"
    await watch.open_case(f"stay:{canary}", fields=({"path": "guests.name", "here": canary, "there": canary},))
    await watch.set_account("failed", f"refused {canary}")
    await watch.look()
    [mail] = watch.sink.mails
    assert canary not in mail.as_string()
    assert canary not in mail.get_content()
    told = await watch.rows("SELECT payload::text AS payload FROM events_out WHERE topic NOT LIKE 'pms.case.%'")
    assert len(told) == 3
    assert not [row for row in told if canary in row["payload"]]


async def test_alerts_that_come_together_share_a_mail_worst_first(watch: Watch) -> None:
    await watch.open_case("s1", 2, "type_oversold")
    await watch.open_case("s2", 1)
    assert await watch.look() == 1
    [mail] = watch.sink.mails
    assert mail["Subject"] == "[pms-sync] P1: urgent case (same_atom), and 1 more"
    assert mail.get_content().index("same_atom") < mail.get_content().index("type_oversold")


async def test_a_mail_server_that_is_away_delays_alerts_and_loses_none(watch: Watch) -> None:
    port = watch.sink.port
    await watch.sink.stop()
    await watch.open_case("s1")
    assert await watch.look() == 0
    await watch.open_case("s2")
    assert [await watch.look(), await watch.look()] == [0, 0]
    await watch.sink.start(port)
    assert await watch.look() == 1
    [mail] = watch.sink.mails
    assert mail.get_content().count("/cases/") == 2


async def test_a_mail_that_was_refused_is_sent_again(watch: Watch) -> None:
    watch.sink.refuse = "451 later"
    await watch.open_case("s1")
    assert await watch.look() == 0
    watch.sink.refuse = None
    assert [await watch.look(), await watch.look()] == [1, 0]


async def test_who_dies_while_sending_leaves_the_mail_to_the_next_one(watch: Watch) -> None:
    await watch.open_case("s1")
    await watch.alerting.step()
    async with watch.database.transaction() as connection:
        assert len(await alerts.claim_mail(connection, 10, 300, MailRate())) == 1
    assert await watch.look() == 0
    await watch.rows("UPDATE alerts SET mail_next_at = mail_next_at - interval '301 seconds'")
    assert await watch.look() == 1


async def test_a_storm_is_few_mails_and_the_rest_shares_one(watch: Watch) -> None:
    """BEYOND 16: no alert storm; at most three within a quarter of an hour here."""
    sent = []
    for number in range(6):
        await watch.open_case(f"s{number}")
        sent.append(await watch.look())
    assert sent == [1, 1, 1, 0, 0, 0]
    await watch.rows("UPDATE alerts SET mailed_at = mailed_at - interval '901 seconds'")
    assert await watch.look() == 1
    assert watch.sink.mails[-1].get_content().count("/cases/") == 3


async def test_two_daemons_alert_once(watch: Watch) -> None:
    """Whoever looks first raises it; the other finds it raised."""
    await watch.open_case("s1")
    other = Alerting(watch.database, lambda: SITE, uuid.uuid4, by_mail=True)
    assert sorted([await watch.alerting.step(), await other.step()]) == [0, 1]
    assert await watch.events() == [("pms.alert", "urgent_case")]


async def test_two_tenants_never_share_a_mail(watch: Watch) -> None:
    """I10."""
    other, place = uuid.uuid4(), uuid.uuid4()
    async with watch.database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't2')", other)
        await use_tenant(connection, other)
        await connection.execute(
            "INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency) "
            "VALUES ($1, $2, 'P9', 'Other', 'Europe/Madrid', 'EUR')",
            other,
            place,
        )
        case = Case(kind="same_atom", subject="s1", severity=1, property_id=place)
        await cases.open_cases(connection, other, [case], uuid.uuid4)
    await watch.open_case("s1")
    assert await watch.look() == 2
    assert sorted(watch.subjects()) == [
        "[pms-sync] P1: urgent case (same_atom)",
        "[pms-sync] P9: urgent case (same_atom)",
    ]


async def test_without_a_mail_server_alerts_are_told_to_subscribers_and_no_mail_waits(watch: Watch) -> None:
    await watch.open_case("s1")
    await Alerting(watch.database, lambda: SITE, uuid.uuid4, by_mail=False).step()
    assert await watch.events() == [("pms.alert", "urgent_case")]
    assert await watch.look() == 0


async def test_a_mail_repeated_carries_the_same_id(watch: Watch) -> None:
    """A crash between the server's answer and our note of it is one mail for the reader."""
    await watch.open_case("s1")
    await watch.look()
    await watch.rows("UPDATE alerts SET mail = 'waiting', mail_next_at = '-infinity'")
    await watch.look()
    first, second = watch.sink.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_what_ended_long_ago_is_forgotten(watch: Watch) -> None:
    await watch.open_case("s1")
    await watch.look()
    await watch.close_case("s1")
    await watch.look()
    await watch.rows("UPDATE alerts SET ended_at = now() - interval '91 days'")
    async with watch.database.connection() as connection:
        await upkeep.prune(connection)
    assert await watch.rows("SELECT FROM alerts") == []


async def test_attempts_are_spread_and_bounded(watch: Watch) -> None:
    """Random draws change when, never whether."""
    watch.mailing._rand = random.Random(1).random
    watch.sink.refuse = "451 later"
    await watch.open_case("s1")
    for _ in range(4):
        await watch.look()
        [row] = await watch.rows("SELECT mail, mail_next_at - now() AS rest FROM alerts")
        assert row["mail"] == "waiting"
        assert row["rest"].total_seconds() <= 600
        await watch.rows("UPDATE alerts SET mail_next_at = '-infinity'")
    watch.sink.refuse = None
    assert await watch.look() == 1


ARRIVES = """
WITH booked AS (
    INSERT INTO reservations (tenant_id, reservation_id, property_id, status, blocks_inventory, source, price_basis,
                              version)
    SELECT tenant_id, gen_random_uuid(), property_id, 'confirmed', true, 'direct', 'gross', 1 FROM properties
    RETURNING tenant_id, reservation_id
)
INSERT INTO room_stays (tenant_id, stay_id, reservation_id, vendor_ref, arrival, departure, status, blocks_inventory,
                        claim_state)
SELECT tenant_id, gen_random_uuid(), reservation_id, 'x', day, day + 1, 'confirmed', true, 'none'
  FROM booked, LATERAL (SELECT (now() AT TIME ZONE 'Europe/Madrid')::date + {days} AS day) AS d
RETURNING reservation_id
"""


async def test_a_case_that_nobody_decides_for_a_day_is_told_once_more(watch: Watch) -> None:
    """CON-10: after 24 hours it escalates, by mail and as an event, and then never again."""
    await watch.open_case("s1", severity=3)
    assert await watch.look() == 0
    await watch.rows("UPDATE cases SET opened_at = now() - interval '23 hours 59 minutes' RETURNING 1")
    assert await watch.look() == 0
    await watch.rows("UPDATE cases SET opened_at = now() - interval '24 hours 1 minute' RETURNING 1")
    assert [await watch.look() for _ in range(3)] == [1, 0, 0]
    assert watch.subjects() == ["[pms-sync] P1: a case nobody decided (same_atom)"]
    assert await watch.events() == [("pms.alert", "overdue_case")]
    await watch.close_case("s1")
    assert await watch.look() == 0


@pytest.mark.parametrize(("days", "told"), [(0, True), (1, True), (3, False), (-1, False)])
async def test_a_case_about_somebody_who_arrives_soon_is_told(watch: Watch, days: int, told: bool) -> None:
    """CON-10: an arrival within 48 hours does not wait for the day to pass."""
    [booked] = await watch.rows(ARRIVES.format(days=days))
    await watch.open_case("s1", severity=3, reservation_ids=(booked["reservation_id"],))
    assert [await watch.look() for _ in range(2)] == [int(told), 0]


async def test_an_arrival_that_passes_does_not_bring_its_case_up_again(watch: Watch) -> None:
    """CON-10, one thing, one mail: told for its arrival, it is not told once more for its age."""
    [booked] = await watch.rows(ARRIVES.format(days=1))
    await watch.open_case("s1", severity=3, reservation_ids=(booked["reservation_id"],))
    assert await watch.look() == 1
    await watch.rows("UPDATE room_stays SET arrival = arrival - 3, departure = departure - 3 RETURNING 1")
    assert await watch.look() == 0
    await watch.rows("UPDATE cases SET opened_at = now() - interval '25 hours' RETURNING 1")
    assert await watch.look() == 0
    await watch.close_case("s1")
    assert await watch.look() == 0
    assert await watch.rows("SELECT 1 FROM alerts WHERE ended_at IS NULL") == []


async def test_what_was_told_as_urgent_is_not_told_twice_at_once(watch: Watch) -> None:
    """CON-10, one thing, one mail: tonight's case is urgent already; only a day of silence brings it up again."""
    [booked] = await watch.rows(ARRIVES.format(days=0))
    await watch.open_case("s1", severity=1, reservation_ids=(booked["reservation_id"],))
    assert [await watch.look() for _ in range(2)] == [1, 0]
    await watch.rows("UPDATE cases SET opened_at = now() - interval '25 hours' RETURNING 1")
    assert [await watch.look() for _ in range(2)] == [1, 0]
