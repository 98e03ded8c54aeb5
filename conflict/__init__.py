"""Deciding: pure functions that judge what the systems say of each other."""
