"""Who: tenants, properties, accounts and doors."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE tenants (
        tenant_id uuid PRIMARY KEY,
        code text NOT NULL UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE tenant_keys (
        tenant_id uuid NOT NULL REFERENCES tenants,
        version smallint NOT NULL,
        wrapped bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, version)
    )
    """,
    """
    CREATE TABLE properties (
        tenant_id uuid NOT NULL REFERENCES tenants,
        property_id uuid NOT NULL,
        code text NOT NULL,
        name text NOT NULL,
        timezone text NOT NULL,
        currency text NOT NULL,
        catalogue_version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, property_id),
        UNIQUE (tenant_id, code)
    )
    """,
    """
    CREATE TABLE accounts (
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL UNIQUE,
        property_id uuid NOT NULL,
        vendor text NOT NULL,
        property_ref text NOT NULL,
        role text NOT NULL CHECK (role IN ('pms', 'channel_manager')),
        mode text NOT NULL DEFAULT 'shadow' CHECK (mode IN ('shadow', 'live')),
        declared_mode text,
        state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'failed')),
        state_reason text,
        mirror jsonb NOT NULL DEFAULT '{}',
        ownership jsonb NOT NULL DEFAULT '{}',
        credentials bytea,
        tokens bytea,
        login_digest bytea,
        crosswalk_version integer NOT NULL DEFAULT 1,
        projected_version integer NOT NULL DEFAULT 1,
        breaker text NOT NULL DEFAULT 'closed',
        door_id uuid,
        subscribed_at timestamptz,
        subscription_note text,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, account_id),
        UNIQUE (tenant_id, property_id, vendor, property_ref),
        FOREIGN KEY (tenant_id, property_id) REFERENCES properties
    )
    """,
    """
    CREATE TABLE doors (
        tenant_id uuid NOT NULL REFERENCES tenants,
        door_id uuid NOT NULL UNIQUE,
        vendor text NOT NULL,
        client_key text NOT NULL,
        token_digest bytea NOT NULL UNIQUE,
        token_sealed bytea NOT NULL,
        secret_sealed bytea NOT NULL,
        old_secret_sealed bytea,
        old_valid_until timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, door_id),
        UNIQUE (tenant_id, vendor, client_key)
    )
    """,
)

DOWN = (
    "DROP TABLE doors",
    "DROP TABLE accounts",
    "DROP TABLE properties",
    "DROP TABLE tenant_keys",
    "DROP TABLE tenants",
)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
