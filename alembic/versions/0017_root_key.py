"""The root of the digests that are looked up before a tenant is known: wrapped, so that the master key can change.

Until it is written, the root is derived from the master key with which the database was set up.
"""

from alembic import op

from pms_sync.domain.errors import ConfigurationFault

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE root_key (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        wrapped bytea NOT NULL
    )
    """,
    "GRANT SELECT, INSERT, UPDATE ON root_key TO pms_sync_worker",
)

DOWN = ("DROP TABLE root_key",)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Drop the table unless a root is kept in it: no master key of today derives that root again."""
    if op.get_bind().exec_driver_sql("SELECT EXISTS (SELECT FROM root_key)").scalar():
        what = "the keys were rotated, and without the kept root no webhook address, session or token is known any more"
        raise ConfigurationFault(what, "root_key", "stay at 0017 or later; empty that table only to give them all up")
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
