"""Opera: what its reservations and repairs of rooms mean."""

from mappers.opera.mapper import MAPPER

__all__ = ["MAPPER"]
