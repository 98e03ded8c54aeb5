"""What changes the schema has nothing to tell before it does."""

from __future__ import annotations

import subprocess
import sys


def test_loading_the_migrations_logs_nothing() -> None:
    program = "import logging; logging.basicConfig(level=logging.INFO); import pms_sync.store.migrations"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
