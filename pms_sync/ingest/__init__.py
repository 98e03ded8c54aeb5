"""Ingest: from a vendor's delivery or page to work on lanes, and from lanes to apply."""
