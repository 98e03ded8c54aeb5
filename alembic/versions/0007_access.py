"""Access: three roles that own nothing, and row-level security that fails closed.

Business tables meet the tenant of the transaction (`SET LOCAL pms_sync.tenant`) for every role but their owner, who
may only read them, for the views of `pms_public`. Queues are open to the worker, and to the app for its own tenant.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLES = ("pms_sync_app", "pms_sync_worker", "pms_sync_reader")
BUSINESS = (
    "room_types rooms room_units rate_plans crosswalk reservations room_stays stay_nights guests blocks room_claims "
    "inventory identity_keys folio_lines links cases audit_log"
).split()
QUEUES = "accounts properties raw_records deliveries lanes events cursors sweeps intents".split()
WORKER_ONLY = "tenants tenant_keys doors leases audit_heads".split()
SEQUENCES = "read_tickets, raw_records_raw_id_seq"
APPEND_ONLY = {"audit_log", "folio_lines"}
NEVER_DELETED = {
    "reservations",
    "room_stays",
    "blocks",
    "links",
    "identity_keys",
    "accounts",
    "properties",
    "room_types",
}
TENANT = "tenant_id = (SELECT nullif(current_setting('pms_sync.tenant', true), '')::uuid)"


def upgrade() -> None:
    """Create the roles where the cluster lacks them, then grant and protect table by table."""
    for role in ROLES:
        _create_role(role)
    for table in BUSINESS:
        _protect(table)
        _policy(table, "by_tenant", "ALL", "pms_sync_app, pms_sync_worker", TENANT)
    for table in QUEUES:
        _protect(table)
        _policy(table, "by_tenant", "ALL", "pms_sync_app", TENANT)
        _policy(table, "all_tenants", "ALL", "pms_sync_worker", "true")
    for table in (*BUSINESS, *QUEUES):
        op.execute(f"CREATE POLICY owner_reads ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    _grant()


def downgrade() -> None:
    """Take protection and grants back; the roles stay, since other databases of the cluster may use them."""
    for table in (*BUSINESS, *QUEUES):
        op.execute(f"DROP POLICY owner_reads ON {table}")
        op.execute(f"DROP POLICY by_tenant ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
    for table in QUEUES:
        op.execute(f"DROP POLICY all_tenants ON {table}")
    for table in (*BUSINESS, *QUEUES, *WORKER_ONLY):
        op.execute(f"REVOKE ALL ON {table} FROM {', '.join(ROLES)}")
    op.execute(f"REVOKE ALL ON SEQUENCE {SEQUENCES} FROM {', '.join(ROLES)}")


def _create_role(role: str) -> None:
    """Two databases may migrate at the same moment, so a duplicate is no error."""
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                CREATE ROLE {role} NOLOGIN;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    # From 16 on who creates a role may administer it, but only a grant of its own lets him SET ROLE to it.
    op.execute(
        f"""
        DO $$ BEGIN
            IF current_setting('server_version_num')::int >= 160000 THEN
                IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
                    EXECUTE 'GRANT {role} TO CURRENT_USER WITH SET TRUE';
                END IF;
            ELSIF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
                GRANT {role} TO CURRENT_USER;
            END IF;
        EXCEPTION WHEN unique_violation THEN NULL;
        END $$
        """
    )


def _protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")


def _policy(table: str, name: str, command: str, roles: str, condition: str) -> None:
    op.execute(f"CREATE POLICY {name} ON {table} FOR {command} TO {roles} USING ({condition}) WITH CHECK ({condition})")


def _grant() -> None:
    both = "pms_sync_app, pms_sync_worker"
    for table in (*BUSINESS, *QUEUES):
        op.execute(f"GRANT {_verbs(table)} ON {table} TO {both}")
    for table in WORKER_ONLY:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pms_sync_worker")
    op.execute("GRANT UPDATE (seq, prev_hash, hash, sealed_at) ON audit_log TO pms_sync_worker")
    op.execute(f"GRANT USAGE ON SEQUENCE {SEQUENCES} TO {both}")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {both}")


def _verbs(table: str) -> str:
    """Postings and the audit log are only ever added to; what others point at is never deleted."""
    if table in APPEND_ONLY:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE" if table in NEVER_DELETED else "SELECT, INSERT, UPDATE, DELETE"
