"""Idempotency keys: what was answered to a request that somebody may repeat; and the ways into lists of reservations.

An answer stands beside the effect it tells of, committed with it. Bodies are sealed, because they tell of guests, and
a fingerprint is a keyed digest for the same reason. No index below begins like a primary key (docs/decisions/0003).
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TENANT = "tenant_id = (SELECT nullif(current_setting('pms_sync.tenant', true), '')::uuid)"

UP = (
    """
    CREATE TABLE idempotency_keys (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        key text NOT NULL CHECK (length(key) <= 255),
        fingerprint bytea NOT NULL,
        owner uuid NOT NULL,
        lease_until timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        status smallint,
        headers jsonb,
        body bytea,
        PRIMARY KEY (tenant_id, user_id, key),
        CHECK ((status IS NULL) = (headers IS NULL) AND (status IS NULL) = (body IS NULL)),
        FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
    )
    """,
    "CREATE INDEX idempotency_keys_end ON idempotency_keys (expires_at)",
    "ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY by_tenant ON idempotency_keys FOR ALL TO pms_sync_app USING ({TENANT})",
    "CREATE POLICY all_tenants ON idempotency_keys FOR ALL TO pms_sync_worker USING (true)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO pms_sync_app, pms_sync_worker",
    "CREATE INDEX reservations_of_property ON reservations (property_id, reservation_id)",
    "DROP INDEX reservations_by_property",
    """
    CREATE INDEX reservations_by_channel_reference ON reservations (channel_reference, tenant_id)
        WHERE channel_reference IS NOT NULL
    """,
    "CREATE INDEX room_stays_by_arrival ON room_stays (arrival, tenant_id)",
)

DOWN = (
    "DROP INDEX room_stays_by_arrival",
    "DROP INDEX reservations_by_channel_reference",
    "CREATE INDEX reservations_by_property ON reservations (property_id, tenant_id)",
    "DROP INDEX reservations_of_property",
    "DROP TABLE idempotency_keys",
)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
