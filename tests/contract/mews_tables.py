"""Checks answers and webhooks against the field tables of the vendor's documentation, newer than its API file.

An error is one line of text: the place, and what is wrong with it. `required` in the tables means "never null".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Table = dict[str, Any]


class FieldTables:
    """The tables of one file, ready to be asked."""

    def __init__(self, file: Path) -> None:
        """Load the file; raises FileNotFoundError."""
        whole = json.loads(file.read_text(encoding="utf-8"))
        self._operations: Table = whole["operations"]
        self._types: Table = whole["types"]
        self.events: Table = whole["events"]

    def answer_errors(self, path: str, body: Table) -> list[str]:
        """Return what is wrong with the answer of an operation."""
        return [f"{path} {error}" for error in self._fields("", self._operations[path]["response"], body)]

    def webhook_errors(self, body: Table) -> list[str]:
        """Return what is wrong with a general webhook."""
        tables = self.events["generalWebhook"]
        found = [*self._fields("", tables["body"], body)]
        for event in body["Events"]:
            found += self._fields("Events/", tables["event"], event)
            if event["Discriminator"] not in tables["event"]["Discriminator"]["values"]:
                found.append(f"Events/Discriminator: {event['Discriminator']!r} is unknown")
        return [f"webhook {error}" for error in found]

    def integration_errors(self, body: Table) -> list[str]:
        """Return what is wrong with an integration webhook."""
        tables = self.events["integrationWebhook"]["data"]
        return [
            f"webhook {error}" for error in self._fields(f"{body['Action']}/", tables[body["Action"]], body["Data"])
        ]

    def _fields(self, at: str, table: Table, value: Any) -> Iterator[str]:
        for name, rule in table.items():
            if rule["required"] and value.get(name) is None:
                yield f"{at}{name}: never null, and it is"
        yield from (f"{at}{name}: not in the table" for name in value if name not in table)
        for name, rule in table.items():
            yield from self._value(f"{at}{name}", rule, value.get(name))

    def _value(self, at: str, rule: Table, value: Any) -> Iterator[str]:
        if value is None:
            return
        if isinstance(value, list):
            for one in value:
                yield from self._value(f"{at}/*", rule, one)
            return
        table = {"fields": rule["fields"]} if "fields" in rule else self._types.get(str(rule.get("ref")), {})
        if "values" in table and value not in table["values"]:
            yield f"{at}: {value!r} is no value of it"
        if "fields" in table and isinstance(value, dict):
            yield from self._fields(f"{at}/", table["fields"], value)
