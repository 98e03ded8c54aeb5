"""Beds24: connector and simulator for the API V2."""
