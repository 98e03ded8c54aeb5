"""Opening what the store keeps sealed, with the key that lies beside the database."""

from __future__ import annotations

from pms_sync.store.database import Database
from pms_sync.store.raw import load
from pms_sync.store.sealing import KeyRing, parse_master_keys
from tests.e2e.stage import Stage


async def opened_bodies(stage: Stage) -> list[bytes]:
    """Return every raw body and every private text of the store in the clear."""
    keys = KeyRing(*parse_master_keys((stage.data_dir / "master.key").read_text()))
    database = await Database.connect(stage.store.dsn, role=None, size=1)
    try:
        async with database.connection() as connection:
            await keys.load(connection)
            ids = [row["raw_id"] for row in await connection.fetch("SELECT raw_id FROM raw_records")]
            bodies = list((await load(connection, keys, ids)).values())
            query = "SELECT tenant_id, reservation_id, private FROM reservations WHERE private IS NOT NULL"
            for row in await connection.fetch(query):
                place = f"reservations.private:{row['reservation_id']}"
                bodies.append(keys.open(row["tenant_id"], place, row["private"]))
    finally:
        await database.close()
    return bodies
