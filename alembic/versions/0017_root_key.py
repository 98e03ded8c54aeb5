"""The root of the digests that are looked up before a tenant is known: wrapped, so that the master key can change.

Until it is written, the root is derived from the master key with which the database was set up.
"""

from alembic import op

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
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
