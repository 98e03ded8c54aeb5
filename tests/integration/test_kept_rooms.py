"""Which word about a room counts: by ticket, version and content, as for every other object."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from pms_sync.apply.incoming import Outcome
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.kept_rooms import Board, standing

DIRTY: dict[str, Any] = {"condition": "dirty", "vendor_word": "Dirty"}


@pytest.fixture
def board(database: Database, keys: KeyRing, hotel: Any) -> Board:
    """Give the hotel's board, on which nothing stands yet."""
    return Board(database, keys, hotel)


async def test_a_batch_says_of_each_room_what_came_of_it(board: Board) -> None:
    assert await board.take(standing("55/1"), standing("55/2")) == [Outcome.NEW, Outcome.NEW]
    told = standing("55/1", **DIRTY), standing("55/2"), standing("55/3", room="103")
    assert await board.take(*told) == [Outcome.CHANGED, Outcome.DUPLICATE, Outcome.NEW]
    assert await board.conditions() == {"55/1": "dirty", "55/2": "clean", "55/3": "clean"}


async def test_other_bytes_of_the_same_meaning_are_no_change(board: Board) -> None:
    await board.take(standing())
    [before] = await board.rows("SELECT * FROM room_states")
    assert await board.take(standing(), digest=b"other bytes") == [Outcome.SAME]
    [after] = await board.rows("SELECT * FROM room_states")
    assert (after["since"], after["remote_digest"]) == (before["since"], b"other bytes")
    assert after["read_ticket"] > before["read_ticket"]
    assert len(await board.rows("SELECT 1 FROM audit_log")) == 1


async def test_back_and_forth_is_three_changes(board: Board) -> None:
    """DUP-03: content is compared with what stands, never with history."""
    await board.take(standing())
    for told in (standing(**DIRTY), standing(), standing(**DIRTY)):
        assert await board.take(told) == [Outcome.CHANGED]


async def test_what_was_read_before_the_last_read_is_discarded_and_read_again(board: Board) -> None:
    """ORD-01: never by arrival."""
    await board.take(standing())
    assert await board.take(standing(**DIRTY), ticket=0) == [Outcome.OUTRUN]
    assert await board.conditions() == {"55/1": "clean"}
    assert await board.rereads() == ["55/1"]


async def test_what_was_read_unchanged_is_not_overwritten_by_a_read_from_before(board: Board) -> None:
    """ORD-01: cleaned, and told so, while a listing that began before was on its way."""
    await board.take(standing(), ticket=1)
    assert await board.take(standing(), ticket=3, direct=True) == [Outcome.DUPLICATE]
    assert await board.take(standing(**DIRTY), ticket=2) == [Outcome.OUTRUN]
    assert await board.take(standing(), ticket=2) == [Outcome.DUPLICATE]
    assert await board.rows("SELECT condition, read_ticket FROM room_states") == [
        {"condition": "clean", "read_ticket": 3}
    ]
    assert await board.rereads() == ["55/1"]


async def test_an_older_version_is_doubted_once_and_believed_when_a_direct_read_repeats_it(board: Board) -> None:
    """ORD-06: vendor clocks step back."""
    await board.take(standing(version="2026-03-02T10:00:00Z"))
    older = standing(version="2026-03-02T09:00:00Z", **DIRTY)
    assert await board.take(older) == [Outcome.STALE]
    assert (await board.conditions(), await board.rereads()) == ({"55/1": "clean"}, ["55/1"])
    assert await board.take(older, direct=True) == [Outcome.CHANGED]
    [row] = await board.rows("SELECT condition, version_doubt FROM room_states")
    assert row == {"condition": "dirty", "version_doubt": None}


async def test_a_hidden_condition_stays_what_it_was_and_is_unknown_of_a_new_room(board: Board) -> None:
    await board.take(standing("55/1", **DIRTY))
    hidden = {"condition": UNSET, "service": "out_of_order", "vendor_word": "OutOfOrder", "occupied": None}
    assert await board.take(standing("55/1", **hidden), standing("55/2", **hidden)) == [Outcome.CHANGED, Outcome.NEW]
    assert await board.conditions() == {"55/1": "dirty", "55/2": None}
    services = await board.rows("SELECT DISTINCT service, occupied FROM room_states")
    assert services == [{"service": "out_of_order", "occupied": None}]


@pytest.mark.parametrize(("kind", "told"), [("webhook", 1), ("poll", 1), ("backfill", 0), ("replay", 0)])
async def test_history_is_told_to_nobody(board: Board, kind: str, told: int) -> None:
    await board.rows(
        "INSERT INTO subscribers (tenant_id, subscriber_id, url, topics, secret, declared) SELECT tenant_id, "
        "gen_random_uuid(), 'https://example.org', '{pms.room.status_changed}', 'x', 'x' FROM tenants"
    )
    await board.take(standing(), kind="backfill")
    await board.take(standing(**DIRTY), kind=kind)
    assert len(await board.rows("SELECT 1 FROM events_out")) == told


async def test_every_change_is_audited_with_both_values(board: Board) -> None:
    await board.take(standing())
    await board.take(standing(occupied=True))
    entries = await board.rows(
        "SELECT action, actor, fields->'occupied' AS occupied, entity_type FROM audit_log ORDER BY audit_id"
    )
    assert [one["action"] for one in entries] == ["room_status.created", "room_status.updated"]
    assert entries[1]["occupied"] == [False, True]
    assert {one["actor"] for one in entries} == {f"account:{board.hotel.account_id}"}
