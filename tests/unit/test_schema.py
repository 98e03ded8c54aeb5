"""The schema this code needs, told without the library that changes it."""

from __future__ import annotations

import subprocess
import sys

from pms_sync.store import migrations, schema


def test_the_head_is_the_one_the_migrations_lead_to() -> None:
    assert schema.head() == migrations.scripts().get_current_head()


def test_a_running_daemon_does_not_carry_what_only_migrations_need() -> None:
    """Base memory: a quarter of it would be SQLAlchemy and Alembic."""
    program = "import sys, pms_sync.bootstrap.daemon; print(sorted({'alembic', 'sqlalchemy'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
