"""People who sign in: users, their sessions and API tokens, and a memory of attempts that failed.

An e-mail names one person of the whole installation, because the tenant is found by it. Signing in is the worker's
business; the app role sees the people and the name of its own tenant, and never a password hash. Tokens are stored as
keyed digests alone.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TENANT = "tenant_id = (SELECT nullif(current_setting('pms_sync.tenant', true), '')::uuid)"
WORKER_ONLY = ("sessions", "api_tokens", "sign_in_failures")
SEEN_BY_APP = "tenant_id, user_id, email, name, role, last_sign_in_at, disabled_at, created_at"

UP = (
    """
    CREATE TABLE users (
        tenant_id uuid NOT NULL REFERENCES tenants,
        user_id uuid NOT NULL UNIQUE,
        email text COLLATE "C" NOT NULL UNIQUE CHECK (email = lower(email)),
        name text,
        role text NOT NULL CHECK (role IN
            ('super_admin', 'admin', 'manager', 'front_desk', 'housekeeping', 'maintenance', 'viewer')),
        password_hash text NOT NULL,
        password_changed_at timestamptz NOT NULL,
        last_sign_in_at timestamptz,
        disabled_at timestamptz,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, user_id)
    )
    """,
    """
    CREATE TABLE sessions (
        tenant_id uuid NOT NULL,
        session_id uuid NOT NULL,
        user_id uuid NOT NULL,
        token_digest bytea NOT NULL UNIQUE,
        csrf_secret bytea NOT NULL,
        ip_digest bytea NOT NULL,
        created_at timestamptz NOT NULL,
        last_seen_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, session_id),
        FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
    )
    """,
    "CREATE INDEX sessions_user ON sessions (tenant_id, user_id)",
    "CREATE INDEX sessions_end ON sessions (expires_at)",
    """
    CREATE TABLE api_tokens (
        tenant_id uuid NOT NULL,
        token_digest bytea NOT NULL UNIQUE,
        user_id uuid NOT NULL,
        family_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('access', 'refresh')),
        signed_in_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        PRIMARY KEY (tenant_id, token_digest),
        FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
    )
    """,
    "CREATE INDEX api_tokens_user ON api_tokens (tenant_id, user_id)",
    "CREATE INDEX api_tokens_family ON api_tokens (tenant_id, family_id)",
    "CREATE INDEX api_tokens_end ON api_tokens (expires_at)",
    """
    CREATE TABLE sign_in_failures (
        origin_digest bytea NOT NULL,
        account_digest bytea NOT NULL,
        failures integer NOT NULL,
        last_at timestamptz NOT NULL,
        PRIMARY KEY (origin_digest, account_digest)
    )
    """,
    "CREATE INDEX sign_in_failures_end ON sign_in_failures (last_at)",
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY by_tenant ON users FOR SELECT TO pms_sync_app USING ({TENANT})",
    "CREATE POLICY all_tenants ON users FOR ALL TO pms_sync_worker USING (true) WITH CHECK (true)",
    "CREATE POLICY owner_reads ON users FOR SELECT TO CURRENT_USER USING (true)",
    f"GRANT SELECT ({SEEN_BY_APP}) ON users TO pms_sync_app",
    "GRANT SELECT, INSERT, UPDATE ON users TO pms_sync_worker",
    *(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pms_sync_worker" for table in WORKER_ONLY),
    "ALTER TABLE tenants ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY by_tenant ON tenants FOR SELECT TO pms_sync_app USING ({TENANT})",
    "CREATE POLICY all_tenants ON tenants FOR ALL TO pms_sync_worker USING (true) WITH CHECK (true)",
    "GRANT SELECT ON tenants TO pms_sync_app",
)

DOWN = (
    "REVOKE SELECT ON tenants FROM pms_sync_app",
    "DROP POLICY all_tenants ON tenants",
    "DROP POLICY by_tenant ON tenants",
    "ALTER TABLE tenants DISABLE ROW LEVEL SECURITY",
    "DROP TABLE sign_in_failures",
    "DROP TABLE api_tokens",
    "DROP TABLE sessions",
    "DROP TABLE users",
)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
