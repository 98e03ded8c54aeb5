"""Cloudbeds: what its reservations and room blocks mean."""

from mappers.cloudbeds.mapper import MAPPER

__all__ = ["MAPPER"]
