"""What a change has to tell by webhook: discriminators and ids, nothing else (vendors/mews.md 12.1)."""

from __future__ import annotations

from collections.abc import Iterator

Told = tuple[str, str, str]
"""(enterprise id, discriminator, entity id)"""


class Events:
    """The events of one change operation in order, each once."""

    def __init__(self) -> None:
        """Begin with nothing to tell."""
        self._told: dict[Told, None] = {}

    def __iter__(self) -> Iterator[Told]:
        """Walk what there is to tell."""
        return iter(self._told)

    def stay(self, stay_id: str, enterprise_id: str) -> None:
        """A reservation was made, changed or canceled."""
        self._told[enterprise_id, "ServiceOrderUpdated", stay_id] = None

    def customer(self, customer_id: str, enterprise_id: str, *, new: bool) -> None:
        """A profile was made or changed; a new one is told twice."""
        if new:
            self._told[enterprise_id, "CustomerAdded", customer_id] = None
        self._told[enterprise_id, "CustomerUpdated", customer_id] = None

    def payment(self, payment_id: str, enterprise_id: str) -> None:
        """A payment was made or changed."""
        self._told[enterprise_id, "PaymentUpdated", payment_id] = None

    def resource(self, resource_id: str, enterprise_id: str) -> None:
        """A room was changed."""
        self._told[enterprise_id, "ResourceUpdated", resource_id] = None

    def block(self, block_id: str, resource_id: str, enterprise_id: str) -> None:
        """A resource block was made, changed or deleted; with an out-of-order one the room's state changes too."""
        self._told[enterprise_id, "ResourceBlockUpdated", block_id] = None
        self._told[enterprise_id, "ResourceUpdated", resource_id] = None
