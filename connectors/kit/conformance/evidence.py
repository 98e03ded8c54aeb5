"""What a certification found: one item per rule, and the document a person hands on."""

from __future__ import annotations

from typing import Any

import msgspec


class Finding(Exception):
    """A rule that does not hold, in words a plugin's author can act on."""


class NotDeclared(Exception):
    """A rule about something the plugin does not claim to do; it counts as kept."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One rule and whether it holds; `detail` says what was seen."""

    rule: str
    ok: bool
    detail: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one certification."""

    vendor: str
    label: str
    plugin_api: int
    mapper_version: int
    items: tuple[Item, ...]

    @property
    def ok(self) -> bool:
        """Tell whether every rule holds; a command exits 1 when not."""
        return all(item.ok for item in self.items)

    @property
    def failed(self) -> tuple[str, ...]:
        """Name the rules that do not hold."""
        return tuple(item.rule for item in self.items if not item.ok)

    def document(self) -> dict[str, Any]:
        """Return the evidence as a JSON object: who was certified, totals, and `items` of rule, ok and detail."""
        return {
            "vendor": self.vendor,
            "label": self.label,
            "plugin_api": self.plugin_api,
            "mapper_version": self.mapper_version,
            "ok": self.ok,
            "rules": len(self.items),
            "failed": len(self.failed),
            "items": [{"rule": item.rule, "ok": item.ok, "detail": item.detail} for item in self.items],
        }


def demand(holds: object, detail: str) -> None:
    """Raise Finding with the detail unless the condition holds."""
    if not holds:
        raise Finding(detail)
