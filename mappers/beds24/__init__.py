"""Beds24: what its bookings and blocks mean."""

from mappers.beds24.mapper import MAPPER

__all__ = ["MAPPER"]
