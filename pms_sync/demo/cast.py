"""The cast: which simulated vendor plays at which hotel, and the hotel file that says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

Told = Mapping[str, Any]  # what a simulator's reset answers
Code = tuple[str, str]  # kind and the vendor's code


class Player(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor at one hotel; `seeded` says that it has bookings of its own before the play begins.

    `sells` is put before our codes of what only this vendor sells, so that nobody else sells it too.
    """

    vendor: str
    hotel: str
    role: str
    lines: tuple[str, ...] = ('mirror = { reservations = "none" }',)
    seeded: bool = True
    sells: str = ""


MAIN = "beds24"
CAST: tuple[Player, ...] = (
    Player(
        vendor=MAIN,
        hotel="P1",
        role="channel_manager",
        lines=('mode = "live"', 'mirror = { reservations = "stay" }'),
    ),
    Player(vendor="mews", hotel="P1", role="pms", seeded=False),
    Player(vendor="cloudbeds", hotel="P2", role="channel_manager", sells="C-"),
    Player(vendor="opera", hotel="P2", role="pms", sells="O-"),
)
_HOTELS = {"P1": "Hotel Prado", "P2": "Hotel Retiro"}
_TYPE = "DBL"


class Codes(msgspec.Struct, frozen=True):
    """A vendor's codes to ours, with the rooms of each of our types."""

    room_type: dict[str, str]
    room: dict[str, str]
    rooms_of: dict[str, list[str]]


def codes_of(player: Player, told: Told) -> Codes:
    """Name what the vendor sells in our codes: rooms by their names, units that have none by their number."""
    codes = Codes({}, {}, {})
    for kind in told["properties"][0]["room_types"]:
        ours = f"{player.sells}{kind['ref']}" if player.sells else _TYPE
        codes.room_type[str(kind["ref"])] = ours
        for number, room in enumerate(_rooms(kind), start=1):
            name = str(room.get("name") or 100 + number)
            codes.room[str(room["ref"])] = f"{player.sells}{name}"
            codes.rooms_of.setdefault(ours, []).append(f"{player.sells}{name}")
    return codes


def _rooms(kind: Told) -> list[Told]:
    listed: list[Told] = list(kind.get("rooms") or ())
    return listed or [{"ref": f"{kind['ref']}/{number}"} for number in range(1, int(kind["units"]) + 1)]


def hotel_file(players: Mapping[Player, Told]) -> str:
    """Write the hotel file of the demo's one tenant; credentials lie beside it, one file a vendor."""
    text = ['tenant = "demo"']
    for hotel, name in _HOTELS.items():
        here = {player: told for player, told in players.items() if player.hotel == hotel}
        if here:
            text += _hotel(hotel, name, here)
    return "\n".join(text) + "\n"


def _hotel(hotel: str, name: str, players: Mapping[Player, Told]) -> Iterable[str]:
    rooms: dict[str, list[str]] = {}
    for player, told in players.items():
        for kind, found in codes_of(player, told).rooms_of.items():
            rooms[kind] = [*dict.fromkeys([*rooms.get(kind, ()), *found])]
    place = next(iter(players.values()))["properties"][0]
    yield f'\n[[properties]]\ncode = "{hotel}"\nname = "{name}"'
    yield f'timezone = "{place["timezone"]}"\ncurrency = "{place["currency"]}"'
    for kind, found in rooms.items():
        yield f'\n[[properties.room_types]]\ncode = "{kind}"\nrooms = {json.dumps(found)}'
    for player, told in players.items():
        yield from _account(player, told)


def _account(player: Player, told: Told) -> Iterable[str]:
    codes = codes_of(player, told)
    yield f'\n[[properties.accounts]]\nvendor = "{player.vendor}"\nrole = "{player.role}"'
    yield from player.lines
    yield f'property_ref = "{told["properties"][0]["ref"]}"\ncredentials_file = "{player.vendor}.json"'
    yield f"crosswalk = {{ room_type = {_table(codes.room_type)}, room = {_table(codes.room)} }}"


def _table(pairs: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in pairs.items()) + " }"
