"""Seeing without telling: logs, metrics, heartbeats and the removal of card numbers."""
