"""The simulated Cloudbeds: behaves as vendors/cloudbeds.md and the vendor's API file say, over hotels in memory."""

from connectors.cloudbeds.simulator.app import create

SIMULATOR = create

__all__ = ["SIMULATOR", "create"]
