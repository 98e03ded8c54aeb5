"""Core: reservations, stays, claims, counters, identity and the bill.

No foreign key leads from guests, lines and counters to their parents, which are never deleted (the roles may not).
An index that only begins like a primary key misleads the checks of the others (docs/decisions/0003).
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE reservations (
        tenant_id uuid NOT NULL,
        reservation_id uuid NOT NULL,
        property_id uuid NOT NULL,
        status text NOT NULL,
        hold_kind text,
        vendor_status text,
        blocks_inventory boolean NOT NULL,
        guaranteed boolean,
        channel text,
        vendor_channel text,
        channel_reference text,
        currency text,
        total numeric,
        price_basis text NOT NULL,
        quarantined boolean NOT NULL DEFAULT false,
        flags text[] NOT NULL DEFAULT '{}',
        version integer NOT NULL,
        source text NOT NULL,
        private bytea,
        private_digest bytea,
        created_at timestamptz,
        modified_at timestamptz,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, reservation_id),
        FOREIGN KEY (tenant_id, property_id) REFERENCES properties
    )
    """,
    "CREATE INDEX reservations_by_property ON reservations (property_id, tenant_id)",  # not the other way round: 0003
    """
    CREATE TABLE room_stays (
        tenant_id uuid NOT NULL,
        stay_id uuid NOT NULL,
        reservation_id uuid NOT NULL,
        account_id uuid,
        vendor text,
        vendor_ref text,
        room_type_id uuid,
        room_id uuid,
        room_type_ref text,
        room_ref text,
        rate_plan_ref text,
        rate_plan text,
        arrival date NOT NULL,
        departure date NOT NULL CHECK (departure >= arrival),
        status text NOT NULL,
        hold_kind text,
        vendor_status text,
        blocks_inventory boolean NOT NULL,
        claim_state text NOT NULL CHECK (claim_state IN ('none', 'claimed', 'refused')),
        refused_ticket bigint,
        adults integer,
        children integer,
        total numeric,
        flags text[] NOT NULL DEFAULT '{}',
        PRIMARY KEY (tenant_id, stay_id),
        FOREIGN KEY (tenant_id, reservation_id) REFERENCES reservations
    )
    """,
    "CREATE INDEX room_stays_by_reservation ON room_stays (tenant_id, reservation_id)",
    "CREATE INDEX room_stays_refused ON room_stays (tenant_id, room_id) WHERE claim_state = 'refused'",
    """
    CREATE TABLE stay_nights (
        tenant_id uuid NOT NULL,
        stay_id uuid NOT NULL,
        night date NOT NULL,
        room_id uuid,
        rate_plan_ref text,
        price numeric,
        derived boolean NOT NULL,
        PRIMARY KEY (tenant_id, stay_id, night)
    )
    """,
    """
    CREATE TABLE guests (
        tenant_id uuid NOT NULL,
        guest_id uuid NOT NULL,
        reservation_id uuid NOT NULL,
        role text NOT NULL CHECK (role IN ('booker', 'guest')),
        position smallint NOT NULL DEFAULT 0,
        vendor_ref text,
        contact bytea,
        contact_digest bytea,
        country text,
        language text,
        has_email boolean NOT NULL,
        has_phone boolean NOT NULL,
        erased boolean NOT NULL DEFAULT false,
        PRIMARY KEY (tenant_id, reservation_id, role, position),
        UNIQUE (tenant_id, guest_id)
    )
    """,
    """
    CREATE TABLE blocks (
        tenant_id uuid NOT NULL,
        block_id uuid NOT NULL,
        property_id uuid NOT NULL,
        account_id uuid NOT NULL,
        vendor text NOT NULL,
        vendor_ref text NOT NULL,
        room_type_id uuid,
        room_id uuid,
        room_type_ref text,
        room_ref text,
        arrival date NOT NULL,
        departure date NOT NULL CHECK (departure >= arrival),
        kind text NOT NULL,
        gone boolean NOT NULL DEFAULT false,
        claim_state text NOT NULL CHECK (claim_state IN ('none', 'claimed', 'refused')),
        refused_ticket bigint,
        PRIMARY KEY (tenant_id, block_id),
        FOREIGN KEY (tenant_id, property_id) REFERENCES properties
    )
    """,
    "CREATE INDEX blocks_refused ON blocks (tenant_id, room_id) WHERE claim_state = 'refused'",
    """
    CREATE TABLE room_claims (
        tenant_id uuid NOT NULL,
        unit_id uuid NOT NULL,
        date date NOT NULL,
        slot text NOT NULL CHECK (slot IN ('night', 'day')),
        holder_id uuid NOT NULL,
        PRIMARY KEY (tenant_id, unit_id, date, slot)
    )
    """,
    """
    CREATE TABLE inventory (
        tenant_id uuid NOT NULL,
        room_type_id uuid NOT NULL,
        date date NOT NULL,
        total integer NOT NULL,
        out_of_order integer NOT NULL DEFAULT 0,
        booked integer NOT NULL DEFAULT 0,
        allowance integer NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant_id, room_type_id, date)
    )
    """,
    """
    CREATE TABLE identity_keys (
        tenant_id uuid NOT NULL,
        property_id uuid NOT NULL,
        key text NOT NULL,
        reservation_id uuid NOT NULL,
        PRIMARY KEY (tenant_id, property_id, key)
    )
    """,
    """
    CREATE TABLE folio_lines (
        tenant_id uuid NOT NULL,
        line_id uuid NOT NULL,
        reservation_id uuid NOT NULL,
        vendor_ref text,
        kind text NOT NULL CHECK (kind IN ('charge', 'payment')),
        text text,
        amount numeric NOT NULL,
        currency text NOT NULL,
        reverses_id uuid,
        posted_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, line_id)
    )
    """,
    "CREATE INDEX folio_lines_by_reservation ON folio_lines (tenant_id, reservation_id)",
)

DOWN = (
    "DROP TABLE folio_lines",
    "DROP TABLE identity_keys",
    "DROP TABLE inventory",
    "DROP TABLE room_claims",
    "DROP TABLE blocks",
    "DROP TABLE guests",
    "DROP TABLE stay_nights",
    "DROP TABLE room_stays",
    "DROP TABLE reservations",
)


def upgrade() -> None:
    """Apply each statement under a short lock time-out, so that a busy table is never blocked for long."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *UP):
        op.execute(statement)


def downgrade() -> None:
    """Take the statements back, in reverse order of creation."""
    for statement in ("SET LOCAL lock_timeout = '5s'", *DOWN):
        op.execute(statement)
