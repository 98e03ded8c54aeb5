"""Made members: which stays a creation was sent with, in the order of the marks that the vendor's objects carry.

A group may lose a room before it is made, so the marks cannot be counted from the first stay's number.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = ("ALTER TABLE intents ADD COLUMN members uuid[] NOT NULL DEFAULT '{}'",)

DOWN = ("ALTER TABLE intents DROP COLUMN members",)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
