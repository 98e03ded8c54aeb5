"""What the control plane needs from a vendor's simulator, and what a simulator offers to those who start it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from aiohttp import web

Row: TypeAlias = dict[str, Any]
"""A JSON object as it stands on the wire."""


class OrderRefused(ValueError):
    """A control-plane order cannot be carried out; says what is wrong, where, and the remedy."""

    def __init__(self, what: str, where: str, remedy: str) -> None:
        """Keep the three parts; the control plane answers 400 with them."""
        super().__init__(f"{what} ({where}): {remedy}")
        self.what, self.where, self.remedy = what, where, remedy


class ResetOrder(msgspec.Struct, forbid_unknown_fields=True):
    """How large and how seeded the new hotel world is; counts are totals, `rooms` is per property."""

    seed: int | None = None
    hotels: int = 1
    rooms: int = 3
    reservations: int = 12


class ChangeOrder(msgspec.Struct):
    """One change to the hotel: `set` in public Rev words, `vendor` in raw fields, `silent` without a webhook."""

    op: Literal["create", "modify", "cancel", "delete", "webhook_target"]
    ref: str | int | None = None
    set: Row = msgspec.field(default_factory=dict)
    vendor: Row = msgspec.field(default_factory=dict)
    silent: bool = False
    property_ref: str | int | None = None
    url: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    webhook_target: Row = msgspec.field(default_factory=dict)


class Backend(Protocol):
    """The vendor behind the control plane; every method is synchronous and works on memory."""

    vendor: str
    prefixes: tuple[str, ...]
    """Base paths under which the API is served, "" among them."""

    def credentials(self) -> dict[str, str]:
        """Return what `accounts add` is given as K=V."""
        ...

    def reset(self, order: ResetOrder) -> None:
        """Throw the world away and seed a new one around the simulated now."""
        ...

    def properties(self) -> list[Row]:
        """Return `{ref,name,timezone,currency,room_types:[{ref,units}]}` of every property."""
        ...

    def truth(self) -> tuple[list[Row], list[Row]]:
        """Return the public revisions and blocks, written straight from the raw rows."""
        ...

    def change(self, order: ChangeOrder) -> Row:
        """Carry out one change and return `{"ref","version"}`; raises OrderRefused."""
        ...

    def expire_tokens(self) -> None:
        """Make every access token handed out so far worthless."""
        ...

    def account_of(self, request: web.Request) -> str:
        """Name the account whose calls are counted together."""
        ...

    def refusal(self, status: int) -> web.Response:
        """Build the vendor's own error answer for a status."""
        ...


class Simulator(Protocol):
    """A startable vendor: an application, the credentials it accepts, and the loopback server around both."""

    vendor: str
    app: web.Application

    @property
    def credentials(self) -> dict[str, str]:
        """Return the credentials valid since the last reset."""
        ...

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 (0 = a free port) and return the base URL."""
        ...

    async def stop(self) -> None:
        """Stop listening and sending; safe to call twice."""
        ...
