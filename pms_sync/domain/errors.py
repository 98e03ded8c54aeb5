"""Faults, sorted by what the caller must do next (ARCHITECTURE §7)."""

from __future__ import annotations

from enum import StrEnum


class Disposition(StrEnum):
    """What the engine does with a failure; every `match` over it is exhaustive."""

    RETRY = "retry"  # try again later, nothing is wrong with the record
    PARK = "park"  # keep the record with path, value and reason; the next one flows
    PAUSE = "pause"  # stop calling for this account until a person or time helps
    SKIP = "skip"  # nothing to do for this record
    ABORT = "abort"  # end this run, its progress stays
    REFUSE = "refuse"  # turn the delivery away at the door


class Fault(Exception):
    """Something a person can act on: what is wrong, where, and the remedy."""

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        """Keep the three sentences apart so that commands and pages can lay them out."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        """Read as one line: what, where, remedy."""
        return "; ".join(part for part in (self.what, self.where, self.remedy) if part)


class ConfigurationFault(Fault):
    """A setting, hotel file or command argument is wrong (exit code 2)."""


class Unavailable(Fault):
    """The database or a vendor cannot be reached, or the schema is not at head (exit code 3)."""


class NotBuiltYet(ConfigurationFault):
    """A stable name whose capability comes with a later version (exit code 2)."""


class VendorFault(Fault):
    """A vendor call failed; the disposition says what to do, never what happened on the wire.

    `retry_after` is in seconds, as the vendor asked; `counts_against_breaker` is true only for
    unavailability (timeouts, connection errors, 5xx), never for 429 or a business refusal. `sent` says that the request
    may have reached the vendor and taken effect, so that a write must be looked up before it is repeated.
    """

    def __init__(  # noqa: PLR0913 - the three sentences of every fault, and four facts to act upon
        self,
        what: str,
        where: str = "",
        remedy: str = "",
        *,
        disposition: Disposition = Disposition.RETRY,
        retry_after: float | None = None,
        counts_against_breaker: bool = False,
        sent: bool = True,
    ) -> None:
        """Describe the failure in the vendor's words, already free of secrets and personal data."""
        super().__init__(what, where, remedy)
        self.disposition = disposition
        self.retry_after = retry_after
        self.counts_against_breaker = counts_against_breaker
        self.sent = sent


class MappingRejected(Fault):
    """A raw record says something the mapper does not know; it is parked with its raw body."""

    def __init__(self, path: str, value: object, why: str, ref: str | None = None) -> None:
        """Name the JSON path, the offending value (as short text), the reason, and the record where it is known."""
        super().__init__(f"{path}: {why}", path, "teach the mapper or correct the record, then replay the parked rows")
        self.path = path
        self.value = str(value)[:200]
        self.why = why
        self.ref = ref


class DeliveryRefused(Fault):
    """A webhook that must not be stored; `status` is the HTTP answer."""

    def __init__(self, status: int, what: str) -> None:
        """Carry only what the sender may know."""
        super().__init__(what)
        self.status = status
