"""Protocols and small value types that the layers meet at."""
