"""Secrecy: I11, planted card numbers and secrets stand in no column, no log line, no opened body and no call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from pms_sync.auditor.report import Checked, Finding, difference
from pms_sync.auditor.store import Connection
from pms_sync.auditor.witness import Witness

# Every table of the schema, a partitioned one once, with the columns that can hold text and bytes.
_COLUMNS = """
SELECT c.relname AS "table", a.attname AS "column", t.typname = 'bytea' AS is_bytes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND t.typname IN ('text', 'varchar', 'bpchar', 'json', 'jsonb', '_text', '_varchar', 'bytea')
 ORDER BY 1, 2
"""
_SEPARATOR = r"[ ./_-]?"


async def check(connection: Connection, witness: Witness) -> Checked:
    """Search for what the caller planted; a difference says where it stands and never repeats it."""
    needles = [*witness.canaries, *witness.secrets]
    if not needles:
        return Checked()
    findings = await _tables(connection, _pattern(needles))
    findings += _told("logs", witness.logs.splitlines(), _pattern(needles))
    if witness.canaries:
        cards = _pattern(witness.canaries)
        findings += _told("opened_bodies", (body.decode("utf-8", "replace") for body in witness.opened_bodies), cards)
        for vendor, calls in witness.calls.items():
            texts = (msgspec.json.encode(call).decode() for call in calls)
            findings += [(vendor, one) for _, one in _told("calls", texts, cards)]
    return Checked(frozenset({"I11"}), tuple(findings))


def _pattern(needles: Iterable[str]) -> str:
    """Write what is searched in the regular expressions of both PostgreSQL and Python; digits may stand in groups."""
    return "|".join(_SEPARATOR.join(needle) if needle.isdecimal() else re.escape(needle) for needle in needles)


async def _tables(connection: Connection, pattern: str) -> list[Finding]:
    found: list[Finding] = []
    for row in await connection.fetch(_COLUMNS):
        table, column = row["table"], row["column"]
        shown = f"encode(\"{column}\", 'escape')" if row["is_bytes"] else f'"{column}"::text'
        query = f'SELECT count(*) FROM "{table}" WHERE {shown} ~ $1'  # noqa: S608 - names from the catalogue
        number = await connection.fetchval(query, pattern)
        if number:
            found.append((None, difference("I11", table, column, there=0, here=f"{number} rows")))
    return found


def _told(where: str, texts: Iterable[str], pattern: str) -> Iterator[Finding]:
    for place, text in enumerate(texts):
        if re.search(pattern, text):
            yield None, difference("I11", where, f"[{place}]", there=0, here=1)
