"""Room states: how each vendor account says that a room stands, one row a room, with the read that said so.

The row is its own link: version, digest and ticket of its last read stand in it. `room_id` is null while the vendor's
room is not mapped; `since` is when the state last changed here.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TENANT = "tenant_id = (SELECT nullif(current_setting('pms_sync.tenant', true), '')::uuid)"
BOTH = "pms_sync_app, pms_sync_worker"

UP = (
    """
    CREATE TABLE room_states (
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL,
        room_ref text NOT NULL,
        property_id uuid NOT NULL,
        vendor text NOT NULL,
        room_id uuid,
        condition text CHECK (condition IN ('dirty', 'pickup', 'clean', 'inspected')),
        service text NOT NULL CHECK (service IN ('in_service', 'out_of_order', 'out_of_service')),
        occupied boolean,
        vendor_word text NOT NULL,
        changed_at timestamptz,
        changed_on date,
        since timestamptz NOT NULL,
        remote_version text NOT NULL,
        remote_digest bytea NOT NULL,
        version_doubt text,
        read_ticket bigint NOT NULL,
        raw_id bigint,
        crosswalk_version integer NOT NULL,
        PRIMARY KEY (tenant_id, account_id, room_ref),
        FOREIGN KEY (tenant_id, account_id) REFERENCES accounts,
        FOREIGN KEY (tenant_id, property_id) REFERENCES properties
    )
    """,
    "ALTER TABLE room_states ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY by_tenant ON room_states FOR ALL TO {BOTH} USING ({TENANT}) WITH CHECK ({TENANT})",
    "CREATE POLICY owner_reads ON room_states FOR SELECT TO CURRENT_USER USING (true)",
    "GRANT SELECT ON room_states TO pms_sync_app",
    "GRANT SELECT, INSERT, UPDATE ON room_states TO pms_sync_worker",
)

READ = ("cursors", "sweeps", "lanes", "events")
DOWN = ("DROP TABLE room_states",)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Drop the table, and the work of a stream that nobody before knows; the next listing tells how rooms stand."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
    for table in READ:
        # Forced, the protection would hide every row from an owner who is no superuser.
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"DELETE FROM {table} WHERE stream = 'room_status'")  # noqa: S608 - one of the names above
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
