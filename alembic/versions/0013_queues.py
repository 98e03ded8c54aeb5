"""Queues that hand out once: whose queue a delivery was taken from, and what a cursor must not forget about one.

`deliveries.account_id` names the account whose queue was read, where no door was knocked at. `cursors.asked_at` is set
while a read is under way whose answer nobody can ask for again; `sweep_wanted_at` says that something changed which no
ref names, so that the stream has to be listed as a whole.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INBOX = """
CREATE OR REPLACE VIEW pms_public.inbox AS
SELECT tenant_id, 'e' || event_id AS id, account_id, kind, stream, ref, encode(digest, 'hex') AS digest, state,
       attempts, park_path, park_reason, correlation_id, received_at, done_at, outcome
  FROM events
UNION ALL
SELECT tenant_id, 'd' || delivery_id, {account}, {kind}, NULL, NULL, encode(digest, 'hex'), state, attempts,
       park_path, park_reason, correlation_id, received_at, done_at, NULL
  FROM deliveries WHERE state <> 'done'
"""

UP = (
    "ALTER TABLE deliveries ADD COLUMN account_id uuid, ALTER COLUMN door_id DROP NOT NULL",
    "ALTER TABLE deliveries ADD CONSTRAINT deliveries_one_way CHECK (num_nonnulls(door_id, account_id) = 1)",
    "ALTER TABLE cursors ADD COLUMN asked_at timestamptz, ADD COLUMN sweep_wanted_at timestamptz",
    _INBOX.format(account="account_id", kind="CASE WHEN account_id IS NULL THEN 'webhook' ELSE 'queue' END"),
)

DOWN = (
    _INBOX.format(account="NULL", kind="'webhook'"),
    "ALTER TABLE cursors DROP COLUMN sweep_wanted_at, DROP COLUMN asked_at",
    "DELETE FROM deliveries WHERE door_id IS NULL",
    "ALTER TABLE deliveries DROP CONSTRAINT deliveries_one_way",
    "ALTER TABLE deliveries DROP COLUMN account_id, ALTER COLUMN door_id SET NOT NULL",
)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
