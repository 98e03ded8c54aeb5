"""The simulated Beds24 account: behaves as vendors/beds24.md and the vendor's API file say, over an in-memory hotel."""

from connectors.beds24.simulator.app import create

SIMULATOR = create

__all__ = ["SIMULATOR", "create"]
