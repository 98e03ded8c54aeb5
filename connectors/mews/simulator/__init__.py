"""The simulated Mews: behaves as vendors/mews.md and the vendor's API file say, over an in-memory chain of hotels."""

from connectors.mews.simulator.app import create

SIMULATOR = create

__all__ = ["SIMULATOR", "create"]
