"""Configuration: settings from the environment, hotel files from a folder, all faults told at once."""
