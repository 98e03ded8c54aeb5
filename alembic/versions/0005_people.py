"""People: cases for what no rule can decide."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE cases (
        tenant_id uuid NOT NULL,
        case_id uuid NOT NULL,
        version integer NOT NULL DEFAULT 1,
        kind text NOT NULL,
        subject text NOT NULL,
        severity smallint NOT NULL CHECK (severity BETWEEN 1 AND 4),
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'snoozed', 'resolved', 'withdrawn')),
        property_id uuid NOT NULL,
        reservation_ids uuid[] NOT NULL DEFAULT '{}',
        fields jsonb NOT NULL DEFAULT '[]',
        opened_at timestamptz NOT NULL DEFAULT now(),
        due_at timestamptz,
        resolved_at timestamptz,
        resolved_by text,
        PRIMARY KEY (tenant_id, case_id)
    )
    """,
    "CREATE UNIQUE INDEX cases_one_open ON cases (tenant_id, kind, subject) WHERE state IN ('open', 'snoozed')",
)

DOWN = ("DROP TABLE cases",)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
