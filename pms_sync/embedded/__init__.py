"""Embedded PostgreSQL: a real server from a wheel, under our own supervisor (DEPENDENCIES §1)."""

from pms_sync.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
