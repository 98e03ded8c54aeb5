"""Mews: what its reservations and resource blocks mean."""

from mappers.mews.mapper import MAPPER

__all__ = ["MAPPER"]
