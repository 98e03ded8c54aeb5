"""The stable reading surface: read-only views in the schema `pms_public` (names and columns are a promise)."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

VIEWS = {
    "reservations": """
        SELECT r.tenant_id, r.reservation_id AS id, p.code AS property_code,
               coalesce((SELECT jsonb_agg(jsonb_build_object('vendor', a.vendor, 'account_id', l.account_id,
                                                             'ref', l.vendor_ref) ORDER BY a.vendor, l.vendor_ref)
                           FROM links l JOIN accounts a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id
                          WHERE l.tenant_id = r.tenant_id AND l.reservation_id = r.reservation_id
                            AND l.level = 'reservation'), '[]') AS links,
               r.status, r.hold_kind, r.vendor_status, r.channel, r.channel_reference, r.currency, r.total,
               r.price_basis, r.quarantined, r.flags, r.version, r.source, r.created_at, r.modified_at,
               r.vendor_channel, r.blocks_inventory, r.guaranteed
          FROM reservations r JOIN properties p ON p.tenant_id = r.tenant_id AND p.property_id = r.property_id
    """,
    "room_stays": """
        SELECT s.tenant_id, s.stay_id AS id, s.reservation_id, s.vendor, s.account_id, s.vendor_ref,
               t.code AS room_type, m.code AS room, s.rate_plan, s.arrival, s.departure, s.status, s.claim_state,
               s.adults, s.children,
               coalesce((SELECT jsonb_agg(jsonb_build_object('date', n.night, 'price', n.price::text,
                                                             'derived', n.derived) ORDER BY n.night)
                           FROM stay_nights n WHERE n.tenant_id = s.tenant_id AND n.stay_id = s.stay_id), '[]')
                   AS nights,
               s.total, s.room_type_ref, s.room_ref, s.rate_plan_ref, s.hold_kind, s.vendor_status, s.flags
          FROM room_stays s
          LEFT JOIN room_types t ON t.tenant_id = s.tenant_id AND t.room_type_id = s.room_type_id
          LEFT JOIN rooms m ON m.tenant_id = s.tenant_id AND m.room_id = s.room_id
    """,
    "guests": """
        SELECT tenant_id, guest_id AS id, reservation_id, role, has_email, has_phone, country, erased FROM guests
    """,
    "blocks": """
        SELECT b.tenant_id, b.block_id AS id, p.code AS property_code, b.vendor, b.account_id, b.vendor_ref,
               t.code AS room_type, m.code AS room, b.arrival, b.departure, b.kind, b.gone, b.claim_state
          FROM blocks b
          JOIN properties p ON p.tenant_id = b.tenant_id AND p.property_id = b.property_id
          LEFT JOIN room_types t ON t.tenant_id = b.tenant_id AND t.room_type_id = b.room_type_id
          LEFT JOIN rooms m ON m.tenant_id = b.tenant_id AND m.room_id = b.room_id
    """,
    "inventory": """
        SELECT i.tenant_id, p.code AS property_code, t.code AS room_type, i.date, i.total, i.out_of_order, i.booked,
               i.allowance
          FROM inventory i
          JOIN room_types t ON t.tenant_id = i.tenant_id AND t.room_type_id = i.room_type_id
          JOIN properties p ON p.tenant_id = t.tenant_id AND p.property_id = t.property_id
    """,
    "inbox": """
        SELECT tenant_id, 'e' || event_id AS id, account_id, kind, stream, ref, encode(digest, 'hex') AS digest, state,
               attempts, park_path, park_reason, correlation_id, received_at, done_at, outcome
          FROM events
        UNION ALL
        SELECT tenant_id, 'd' || delivery_id, NULL, 'webhook', NULL, NULL, encode(digest, 'hex'), state, attempts,
               park_path, park_reason, correlation_id, received_at, done_at, NULL
          FROM deliveries WHERE state <> 'done'
    """,
    "outbox": """
        SELECT tenant_id, intent_id AS id, account_id, reservation_id, intent_id, kind, state, attempts, vendor_ref,
               vendor_error, correlation_id, created_at, sent_at, verified_at
          FROM intents
    """,
    "cursors": """
        SELECT c.tenant_id, c.account_id, p.code AS property_code, c.stream, c.position, c.window_from, c.window_to,
               c.last_success_at, c.next_due_at
          FROM cursors c
          JOIN accounts a ON a.tenant_id = c.tenant_id AND a.account_id = c.account_id
          JOIN properties p ON p.tenant_id = a.tenant_id AND p.property_id = a.property_id
    """,
    "cases": """
        SELECT c.tenant_id, c.case_id AS id, c.version, c.kind, c.severity, c.state, p.code AS property_code,
               c.reservation_ids, c.fields, c.opened_at, c.due_at, c.resolved_at, c.resolved_by, c.subject
          FROM cases c JOIN properties p ON p.tenant_id = c.tenant_id AND p.property_id = c.property_id
    """,
    "folio_lines": """
        SELECT tenant_id, line_id AS id, reservation_id, vendor_ref, kind, text, amount, currency, reverses_id,
               posted_at
          FROM folio_lines
    """,
    "audit": """
        SELECT tenant_id, seq, at, actor, action, entity_type, entity_id, fields, correlation_id,
               encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash
          FROM audit_log
    """,
    "sync_health": """
        SELECT a.tenant_id, p.code AS property_code, a.account_id, c.stream,
               extract(epoch FROM now() - c.last_success_at)::float8 AS freshness_s, c.last_success_at,
               (SELECT count(*) FROM events e WHERE e.account_id = a.account_id AND e.stream = c.stream
                   AND e.state IN ('waiting', 'leased')) AS backlog,
               (SELECT count(*) FROM events e WHERE e.account_id = a.account_id AND e.stream = c.stream
                   AND e.state = 'parked') AS parked,
               (SELECT count(*) FROM intents i WHERE i.tenant_id = a.tenant_id AND i.account_id = a.account_id
                   AND i.state IN ('planned', 'sent', 'acknowledged', 'unknown')) AS outbox_depth,
               a.breaker, c.next_due_at, c.last_error, a.state, a.state_reason
          FROM accounts a
          JOIN properties p ON p.tenant_id = a.tenant_id AND p.property_id = a.property_id
          JOIN cursors c ON c.tenant_id = a.tenant_id AND c.account_id = a.account_id
    """,
}


def upgrade() -> None:
    """Create the schema and its views, readable by the reader role alone."""
    op.execute("CREATE SCHEMA pms_public")
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW pms_public.{name} AS {query}")
    op.execute("GRANT USAGE ON SCHEMA pms_public TO pms_sync_reader")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA pms_public TO pms_sync_reader")


def downgrade() -> None:
    """Drop the reading surface."""
    op.execute("DROP SCHEMA pms_public CASCADE")
