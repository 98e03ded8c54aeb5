"""pms_sync: one reservation truth for a hotel that lives in several systems at once."""

__version__ = "0.1.0"
