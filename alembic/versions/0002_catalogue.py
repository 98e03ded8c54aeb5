"""Catalogue: what is sold, and the crosswalk to the vendors" codes."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE room_types (
        tenant_id uuid NOT NULL,
        room_type_id uuid NOT NULL,
        property_id uuid NOT NULL,
        code text NOT NULL,
        name text,
        allowance integer NOT NULL DEFAULT 0,
        inventory_master text,
        PRIMARY KEY (tenant_id, room_type_id),
        UNIQUE (tenant_id, property_id, code),
        FOREIGN KEY (tenant_id, property_id) REFERENCES properties
    )
    """,
    """
    CREATE TABLE rooms (
        tenant_id uuid NOT NULL,
        room_id uuid NOT NULL,
        property_id uuid NOT NULL,
        room_type_id uuid NOT NULL,
        code text NOT NULL,
        PRIMARY KEY (tenant_id, room_id),
        UNIQUE (tenant_id, property_id, code),
        FOREIGN KEY (tenant_id, room_type_id) REFERENCES room_types
    )
    """,
    """
    CREATE TABLE room_units (
        tenant_id uuid NOT NULL,
        room_id uuid NOT NULL,
        unit_id uuid NOT NULL,
        PRIMARY KEY (tenant_id, room_id, unit_id),
        FOREIGN KEY (tenant_id, room_id) REFERENCES rooms,
        FOREIGN KEY (tenant_id, unit_id) REFERENCES rooms (tenant_id, room_id)
    )
    """,
    """
    CREATE TABLE rate_plans (
        tenant_id uuid NOT NULL,
        rate_plan_id uuid NOT NULL,
        property_id uuid NOT NULL,
        code text NOT NULL,
        name text,
        PRIMARY KEY (tenant_id, rate_plan_id),
        UNIQUE (tenant_id, property_id, code),
        FOREIGN KEY (tenant_id, property_id) REFERENCES properties
    )
    """,
    """
    CREATE TABLE crosswalk (
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('room_type', 'room', 'rate_plan')),
        vendor_code text NOT NULL,
        our_code text,
        vendor_name text,
        units integer,
        seen_at timestamptz,
        PRIMARY KEY (tenant_id, account_id, kind, vendor_code),
        FOREIGN KEY (tenant_id, account_id) REFERENCES accounts
    )
    """,
)

DOWN = (
    "DROP TABLE crosswalk",
    "DROP TABLE rate_plans",
    "DROP TABLE room_units",
    "DROP TABLE rooms",
    "DROP TABLE room_types",
)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
