"""The simulated OHIP gateway: behaves as vendors/opera.md and Oracle's API files say, over in-memory hotels."""

from connectors.opera.simulator.app import create

SIMULATOR = create

__all__ = ["SIMULATOR", "create"]
