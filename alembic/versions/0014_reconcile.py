"""Reconcile: differences found between us and a vendor, and what each comparison came to.

`drift` holds one open row per object that differed, closed when it was healed or found equal. A row of `proofs` with
`equal` says that both sides were the same over the range as of that instant; one without says that they were compared.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TENANT = "tenant_id = (SELECT nullif(current_setting('pms_sync.tenant', true), '')::uuid)"
TABLES = ("drift", "proofs")

UP = (
    """
    CREATE TABLE drift (
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL,
        stream text NOT NULL,
        ref text NOT NULL,
        class text NOT NULL CHECK (class IN
            ('missing_here', 'missing_there', 'field', 'price', 'night', 'balance', 'mapping')),
        first_seen_at timestamptz NOT NULL DEFAULT now(),
        last_seen_at timestamptz NOT NULL DEFAULT now(),
        healed_at timestamptz,
        PRIMARY KEY (tenant_id, account_id, stream, ref, first_seen_at),
        FOREIGN KEY (tenant_id, account_id) REFERENCES accounts
    )
    """,
    "CREATE UNIQUE INDEX drift_one_open ON drift (tenant_id, account_id, stream, ref) WHERE healed_at IS NULL",
    "CREATE INDEX drift_end ON drift (last_seen_at)",
    """
    CREATE TABLE proofs (
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL,
        stream text NOT NULL,
        as_of timestamptz NOT NULL,
        range_from timestamptz NOT NULL,
        range_to timestamptz NOT NULL CHECK (range_to > range_from),
        compared bigint NOT NULL,
        differed bigint NOT NULL,
        healed bigint NOT NULL,
        equal boolean NOT NULL,
        finished_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, account_id, stream, as_of),
        FOREIGN KEY (tenant_id, account_id) REFERENCES accounts
    )
    """,
    "CREATE INDEX proofs_equal ON proofs (tenant_id, account_id, stream, as_of) WHERE equal",
    "CREATE INDEX proofs_end ON proofs (finished_at)",
)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY by_tenant ON {table} FOR SELECT TO pms_sync_app USING ({TENANT})")
        op.execute(f"CREATE POLICY all_tenants ON {table} FOR ALL TO pms_sync_worker USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY owner_reads ON {table} FOR SELECT TO CURRENT_USER USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO pms_sync_app")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pms_sync_worker")


def downgrade() -> None:
    """Drop both tables; what was found and proven is forgotten, and a new comparison finds it again."""
    for statement in ("SET LOCAL lock_timeout = '5s'", "DROP TABLE proofs", "DROP TABLE drift"):
        op.execute(statement)
