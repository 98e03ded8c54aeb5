"""The properties of the chain and the identifiers of their set-up, the same in every world."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.amounts import amount
from connectors.mews.simulator.ids import fixed

BORN = "2020-01-01T00:00:00Z"
"""When the set-up was made."""
CHAIN_ID, CHAIN_NAME = fixed("chain"), "Demo Chain"
STAFF, CHANNELS, INTEGRATION_USER = fixed("profile", "staff"), fixed("profile", "channels"), fixed("profile", "api")
_FIRST_UNITS, _MORE_UNITS = 3, 5


@dataclass(frozen=True)
class Site:
    """What tells one property of the chain from the next."""

    name: str
    zone: str
    currency: str
    pricing: str
    country: str
    language: str
    tax_code: str
    tax_rate: Decimal


_SITES = (
    Site("Hotel Prado", "Europe/Madrid", "EUR", "Gross", "ES", "es-ES", "ES-R", Decimal("0.10")),
    Site("Hotel Hudson", "America/New_York", "USD", "Net", "US", "en-US", "US-H", Decimal("0.1475")),
    Site("Harbour House", "Europe/London", "GBP", "Gross", "GB", "en-GB", "UK-S", Decimal("0.20")),
    Site("Garden Inn", "Asia/Tokyo", "JPY", "Gross", "JP", "ja-JP", "JP-S", Decimal("0.10")),
)


@dataclass(frozen=True)
class Category:
    """A place to stay of one kind, with its rooms."""

    id: str
    name: str
    rooms: tuple[tuple[str, str], ...]
    """(resource id, name)"""


@dataclass(frozen=True)
class Place:
    """One property and the identifiers of its set-up, the same in every world."""

    index: int
    site: Site
    name: str
    categories: tuple[Category, ...] = ()

    @property
    def id(self) -> str:
        """Return the enterprise's id."""
        return fixed("enterprise", self.index)

    def at(self, *names: object) -> str:
        """Return the id of a part of the set-up, such as `("rate", "flexible")`."""
        return fixed(self.index, *names)

    @property
    def stay_service(self) -> str:
        """Return the id of the service that sells nights."""
        return self.at("service", "stay")

    @property
    def adult(self) -> str:
        """Return the age category of adults."""
        return self.at("age", "adult")

    @property
    def child(self) -> str:
        """Return the age category of children."""
        return self.at("age", "child")

    def category(self, category_id: object) -> Category | None:
        """Return a category to stay in by its id."""
        return next((one for one in self.categories if one.id == category_id), None)

    def category_of(self, resource_id: object) -> Category | None:
        """Return the category that a room belongs to."""
        return next((one for one in self.categories if any(room == resource_id for room, _ in one.rooms)), None)

    def amount(self, gross: Decimal) -> Row:
        """Return an Amount with the property's currency and tax."""
        return amount(gross, self.site.currency, self.site.tax_code, self.site.tax_rate)


def place(index: int, rooms: int) -> Place:
    """Return the property of an index with so many rooms: three of the first category, then five of each."""
    site = _SITES[index % len(_SITES)]
    name = site.name if index < len(_SITES) else f"{site.name} {index // len(_SITES) + 1}"
    categories: list[Category] = []
    left = rooms
    while left > 0:
        floor, count = len(categories) + 1, min(left, _MORE_UNITS if categories else _FIRST_UNITS)
        names = [f"{floor}{number:02d}" for number in range(1, count + 1)]
        title = "Double" if floor == 1 else f"Type {floor}"
        numbered = tuple((fixed(index, "room", one), one) for one in names)
        categories.append(Category(fixed(index, "category", floor), title, numbered))
        left -= count
    return Place(index, site, name, tuple(categories))
