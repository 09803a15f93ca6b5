"""The first tables: journal, books, lease and the state of the core."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Lines and the journal sequence that says how old they are: what a closing covers may go, and nothing else.
CLOSABLE = (("journal", "sequence"), ("containment_line", "caused_by"), ("content_line", "caused_by"))
COVERED = "OLD.{age} <= COALESCE((SELECT MAX(sequence) FROM closing WHERE site_id = OLD.site_id), 0)"


def upgrade() -> None:
    op.create_table('alarm',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('number', BIG, autoincrement=False, nullable=False),
    sa.Column('subject', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('code', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('text', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('raised_ms', BIG, autoincrement=False, nullable=False),
    sa.Column('task', BIG, autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('answers', sa.Text(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number')
    )
    op.create_table('block',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('place', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('actor', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('reason', sa.Text(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'place')
    )
    op.create_table('closing',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('containment_sequence', BIG, nullable=False),
    sa.Column('content_sequence', BIG, nullable=False),
    sa.Column('closed_at_ms', BIG, nullable=False),
    sa.Column('archive', sa.Text(), nullable=False),
    sa.Column('archive_sha256', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'sequence')
    )
    op.create_table('closing_row',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('number', BIG, autoincrement=False, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'sequence', 'number')
    )
    op.create_table('command_delivery',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('sent_at_ms', BIG, nullable=True),
    sa.Column('acknowledged_at_ms', BIG, nullable=True),
    sa.PrimaryKeyConstraint('site_id', 'device', 'sequence')
    )
    op.create_table('containment_balance',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'load_unit')
    )
    op.create_table('containment_line',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('caused_by', BIG, nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('load_unit', BIG, nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('sink', sa.Text(), nullable=False),
    sa.Column('occurred_at_ms', BIG, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'sequence'),
    sa.UniqueConstraint('site_id', 'key', name='uq_containment_line_key')
    )
    op.create_table('content',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('sku', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('lot', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('owner', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('quantity', BIG, autoincrement=False, nullable=False),
    sa.Column('reserved', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'load_unit', 'sku', 'lot', 'owner')
    )
    op.create_table('content_balance',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('lot', sa.Text(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('quantity', BIG, nullable=False),
    sa.CheckConstraint("quantity >= 0 OR account NOT LIKE 'LU:%'", name='ck_content_balance_physical'),
    sa.PrimaryKeyConstraint('site_id', 'account', 'sku', 'lot', 'owner')
    )
    op.create_index('ix_content_balance_sku', 'content_balance', ['site_id', 'sku', 'lot'], unique=False)
    op.create_table('content_line',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('caused_by', BIG, nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('sink', sa.Text(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('lot', sa.Text(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('quantity', BIG, nullable=False),
    sa.Column('occurred_at_ms', BIG, nullable=False),
    sa.CheckConstraint('quantity > 0', name='ck_content_line_quantity'),
    sa.PrimaryKeyConstraint('site_id', 'sequence'),
    sa.UniqueConstraint('site_id', 'key', name='uq_content_line_key')
    )
    op.create_table('counter',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('value', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'name')
    )
    op.create_table('customer_order',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('number', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('state', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('placed_ms', BIG, autoincrement=False, nullable=False),
    sa.Column('due_ms', BIG, autoincrement=False, nullable=True),
    sa.Column('station', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('cancelled', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('waits_for', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('waits_until_ms', BIG, autoincrement=False, nullable=True),
    sa.Column('ended_ms', BIG, autoincrement=False, nullable=True),
    sa.Column('content_digest', sa.Text(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number')
    )
    op.create_table('delivery',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('number', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('state', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('announced_ms', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number')
    )
    op.create_table('delivery_line',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('delivery', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('line', BIG, autoincrement=False, nullable=False),
    sa.Column('barcode', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('sku', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('lot', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('quantity', BIG, autoincrement=False, nullable=False),
    sa.Column('expiry_ms', BIG, autoincrement=False, nullable=True),
    sa.Column('received', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'delivery', 'line')
    )
    op.create_table('device',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('link', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('in_service', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('out_of_service_by', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('mode', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('able', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('stopped', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('alarms', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('confirmed', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('battery_permille', BIG, autoincrement=False, nullable=False),
    sa.Column('sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('sync_sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('command_sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('command_code', BIG, autoincrement=False, nullable=False),
    sa.Column('task', BIG, autoincrement=False, nullable=False),
    sa.Column('last_place', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('ever_synchronised', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('foreign_epoch', BIG, autoincrement=False, nullable=False),
    sa.Column('foreign_task', BIG, autoincrement=False, nullable=False),
    sa.Column('foreign_sequence', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'name')
    )
    op.create_table('goods_receipt',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('number', BIG, autoincrement=False, nullable=False),
    sa.Column('delivery', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('line', BIG, autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('sku', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('lot', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('quantity', BIG, autoincrement=False, nullable=False),
    sa.Column('received_ms', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number')
    )
    op.create_table('installed_plant',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('digest', sa.Text(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'name')
    )
    op.create_table('journal',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('kind', sa.SmallInteger(), nullable=False),
    sa.Column('event_sequence', BIG, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.SmallInteger(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('occurred_at_ms', BIG, nullable=False),
    sa.Column('received_at_ms', BIG, nullable=False),
    sa.Column('committed_at_ms', BIG, nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'sequence')
    )
    op.create_table('lease',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('epoch', BIG, nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('renewed_at_ms', BIG, nullable=False),
    sa.PrimaryKeyConstraint('site_id')
    )
    op.create_table('leg',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('number', BIG, autoincrement=False, nullable=False),
    sa.Column('transport_order', BIG, autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('carrier', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('source', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('sink', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('device', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('picked', sa.Boolean(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number')
    )
    op.create_table('load_unit',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('barcode', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('load_type', BIG, autoincrement=False, nullable=False),
    sa.Column('place', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('role', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('mass_g', BIG, autoincrement=False, nullable=False),
    sa.Column('height_mm', BIG, autoincrement=False, nullable=False),
    sa.Column('order_number', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('sscc', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('hold', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('identified', sa.Boolean(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'load_unit')
    )
    op.create_table('lot',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('sku', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('lot', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('expiry_ms', BIG, autoincrement=False, nullable=True),
    sa.Column('removal_ms', BIG, autoincrement=False, nullable=True),
    sa.Column('hold', sa.Text(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'sku', 'lot')
    )
    op.create_table('open_task',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('number', BIG, autoincrement=False, nullable=False),
    sa.Column('device', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('leg', BIG, autoincrement=False, nullable=False),
    sa.Column('task', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('state', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('source', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('sink', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('picked', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('deposited', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('result', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('answered', sa.Text(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number')
    )
    op.create_table('order_line',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('order_number', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('line', BIG, autoincrement=False, nullable=False),
    sa.Column('sku', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('quantity', BIG, autoincrement=False, nullable=False),
    sa.Column('reserved', BIG, autoincrement=False, nullable=False),
    sa.Column('picked', BIG, autoincrement=False, nullable=False),
    sa.Column('backordered', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'order_number', 'line')
    )
    op.create_table('point_state',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('scan_sequence', BIG, autoincrement=False, nullable=False),
    sa.Column('track', BIG, autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('exit', BIG, autoincrement=False, nullable=False),
    sa.Column('waiting', sa.Boolean(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'name')
    )
    op.create_table('quarantine',
    sa.Column('number', BIG, sa.Identity(always=False), nullable=False),
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.SmallInteger(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('quarantined_at_ms', BIG, nullable=False),
    sa.PrimaryKeyConstraint('number')
    )
    op.create_table('reservation',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('number', BIG, autoincrement=False, nullable=False),
    sa.Column('order_number', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('line', BIG, autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('sku', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('lot', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('owner', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('quantity', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number')
    )
    op.create_table('site',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('epoch', BIG, autoincrement=False, nullable=False),
    sa.Column('now_ms', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'name')
    )
    op.create_table('sku',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('sku', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('name', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('gtin', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('unit_mass_g', BIG, autoincrement=False, nullable=False),
    sa.Column('life_at_shipping_ms', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'sku')
    )
    op.create_table('sku_balance',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('quantity', BIG, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'sku')
    )
    op.create_table('track',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('conveyor', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('track', BIG, autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('no_reads', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'conveyor', 'track')
    )
    op.create_table('transfer_point_state',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('occupied', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('ready_to_accept', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('ready_to_hand_over', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('track', BIG, autoincrement=False, nullable=False),
    sa.Column('event_sequence', BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'name')
    )
    op.create_table('transport_order',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('number', BIG, autoincrement=False, nullable=False),
    sa.Column('load_unit', BIG, autoincrement=False, nullable=False),
    sa.Column('source', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('sink', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('purpose', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('state', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('created_ms', BIG, autoincrement=False, nullable=False),
    sa.Column('order_number', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('leg', BIG, autoincrement=False, nullable=False),
    sa.Column('waits_for', sa.Text(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number')
    )
    op.create_table('vehicle_traffic',
    sa.Column('site_id', sa.Text(), nullable=False),
    sa.Column('vehicle', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('home', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('node', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('ahead', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('sink', sa.Text(), autoincrement=False, nullable=True),
    sa.Column('asked_ms', BIG, autoincrement=False, nullable=False),
    sa.Column('moved_ms', BIG, autoincrement=False, nullable=False),
    sa.Column('detour', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('kept', sa.Text(), autoincrement=False, nullable=False),
    sa.Column('retreating', sa.Boolean(), autoincrement=False, nullable=False),
    sa.Column('able', sa.Boolean(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'vehicle')
    )

    _refuse_changes()


def _refuse_changes() -> None:
    """What is on paper is never edited: corrections are new lines, and only what is archived and closed may go."""
    if op.get_bind().dialect.name == "postgresql":
        _refuse_changes_in_postgresql()
        return
    for table, age in CLOSABLE:
        _trigger(table, "update", "UPDATE", "")
        _trigger(table, "delete", "DELETE", f"WHEN NOT ({COVERED.format(age=age)})")
    _trigger("closing", "update", "UPDATE", "")
    _trigger("closing", "delete", "DELETE", "")


def _trigger(table: str, name: str, act: str, when: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_{name} BEFORE {act} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is immutable: {act} refused'); END"
    )


def _refuse_changes_in_postgresql() -> None:
    refuse = "RAISE EXCEPTION '% is immutable: % refused', TG_TABLE_NAME, TG_OP;"
    op.execute(
        f"CREATE FUNCTION wcs_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refuse} END $$"
    )
    for table, age in CLOSABLE:
        op.execute(
            f"CREATE FUNCTION wcs_refuse_delete_{table}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF {COVERED.format(age=age)} THEN RETURN OLD; END IF; {refuse} END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION wcs_refuse_delete_{table}()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION wcs_refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER closing_no_change BEFORE UPDATE OR DELETE ON closing "
        "FOR EACH ROW EXECUTE FUNCTION wcs_refuse_change()"
    )
    for table in (*(name for name, _ in CLOSABLE), "closing"):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION wcs_refuse_change()"
        )
