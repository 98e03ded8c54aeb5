"""The conformance kit: one suite that every connector, mapper, door and simulator must pass, received as arguments."""

from connectors.kit.conformance.evidence import Evidence, Item
from connectors.kit.conformance.suite import RULES, certify

__all__ = ["RULES", "Evidence", "Item", "certify"]
