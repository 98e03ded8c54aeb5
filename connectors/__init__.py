"""Connectors: one package per vendor, each speaking that vendor's API behind the ports."""
