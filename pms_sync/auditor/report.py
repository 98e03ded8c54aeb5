"""What an audit says: a verdict per invariant, and every difference with the object and the path it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET

INVARIANTS = tuple(f"I{number}" for number in range(1, 16))
HELD, BROKEN, NOT_EXERCISED = "held", "broken", "not_exercised"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it must be: `vendor` is what it should be, `store` what it is, both as JSON can hold.

    `ref` is the vendor's ref of the object where it has one, else the name of what is wrong.
    """

    invariant: str
    ref: str
    path: str
    vendor: Any = None
    store: Any = None


Finding: TypeAlias = tuple[str | None, Difference]
"""A difference, and the vendor whose object it is about (None: nobody's)."""


def difference(invariant: str, ref: object, path: str, *, there: object = None, here: object = None) -> Difference:
    """Write a difference with plain values: money and dates as text, unsaid as null."""
    return Difference(invariant=invariant, ref=str(ref), path=path, vendor=_plain(there), store=_plain(here))


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return None if value is UNSET else msgspec.to_builtins(value)


class Checked(msgspec.Struct, frozen=True):
    """What one family of checks found, and which invariants the facts at hand could have broken."""

    exercised: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is; nights of every stay count, whatever its status, and only blocks that stand."""

    reservations: int = 0
    room_stays: int = 0
    room_nights: int = 0
    blocks: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add the counts of two properties."""
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class VendorAudit(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's objects compared.

    `parked` counts the vendor's stays and blocks whose present state waits as a parked inbox row, `vanished` those of
    the store which the vendor no longer shows and a case tells of: visible both, hence no differences.
    """

    truth: Counts
    store: Counts
    differences: tuple[Difference, ...] = ()
    parked: int = 0
    vanished: int = 0


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The whole finding; `differences` are those that are not about one vendor's object."""

    invariants: dict[str, str]
    vendors: dict[str, VendorAudit]
    differences: tuple[Difference, ...] = ()

    @property
    def converged(self) -> bool:
        """Tell whether there is no difference anywhere."""
        return not any(self.everything())

    def everything(self) -> Iterable[Difference]:
        """Yield the differences of all vendors, then the others."""
        for vendor in self.vendors.values():
            yield from vendor.differences
        yield from self.differences

    def document(self) -> dict[str, Any]:
        """Return the audit as plain values for JSON."""
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return found


def verdicts(exercised: Iterable[str], found: Iterable[Difference]) -> dict[str, str]:
    """Judge every invariant: a difference breaks it, and without anything that could break it nothing is claimed."""
    broken, tried = {one.invariant for one in found}, set(exercised)
    return {name: BROKEN if name in broken else HELD if name in tried else NOT_EXERCISED for name in INVARIANTS}
