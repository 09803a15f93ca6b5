"""The tables: journal, books, lease, and one table an entity of the core. Rule: every row belongs to a site.

The state tables are made from `wcs.core.entities`, field by field, so that what the mind remembers is what is stored.
Neither they nor the books' lines have an index but their keys: what stands where is asked of the mind's view, and each
index more is paid at every move. In PostgreSQL the keys say the site last (revision 0004).
"""

from __future__ import annotations

import enum
import types
import typing
from typing import Any

import sqlalchemy as sa

from wcs.core.entities import ENTITIES, Entity

metadata = sa.MetaData()
Id = sa.Text
BigInt = sa.BigInteger().with_variant(sa.Integer, "sqlite")

EVENT, FACT = 0, 1

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("sequence", BigInt, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("event_sequence", BigInt, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.SmallInteger, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("occurred_at_ms", BigInt, nullable=False),
    sa.Column("received_at_ms", BigInt, nullable=False),
    sa.Column("committed_at_ms", BigInt, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

command_delivery = sa.Table(
    "command_delivery",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("sequence", BigInt, primary_key=True, autoincrement=False),
    sa.Column("sent_at_ms", BigInt),
    sa.Column("acknowledged_at_ms", BigInt),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("number", BigInt, sa.Identity(), primary_key=True),
    sa.Column("site_id", Id, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.SmallInteger, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("quarantined_at_ms", BigInt, nullable=False),
)

containment_line = sa.Table(
    "containment_line",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("sequence", BigInt, primary_key=True, autoincrement=False),
    sa.Column("caused_by", BigInt, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("load_unit", BigInt, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sink", sa.Text, nullable=False),
    sa.Column("occurred_at_ms", BigInt, nullable=False),
    sa.UniqueConstraint("site_id", "key", name="uq_containment_line_key"),
)

content_line = sa.Table(
    "content_line",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("sequence", BigInt, primary_key=True, autoincrement=False),
    sa.Column("caused_by", BigInt, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sink", sa.Text, nullable=False),
    sa.Column("sku", sa.Text, nullable=False),
    sa.Column("lot", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("quantity", BigInt, nullable=False),
    sa.Column("occurred_at_ms", BigInt, nullable=False),
    sa.UniqueConstraint("site_id", "key", name="uq_content_line_key"),
    sa.CheckConstraint("quantity > 0", name="ck_content_line_quantity"),
)

containment_balance = sa.Table(
    "containment_balance",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("load_unit", BigInt, primary_key=True, autoincrement=False),
    sa.Column("place", sa.Text, nullable=False),
)

content_balance = sa.Table(
    "content_balance",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("lot", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("quantity", BigInt, nullable=False),
    sa.CheckConstraint("quantity >= 0 OR account NOT LIKE 'LU:%'", name="ck_content_balance_physical"),
    sa.Index("ix_content_balance_sku", "site_id", "sku", "lot"),
)

sku_balance = sa.Table(  # what stands in the building of a SKU, without summing its load units
    "sku_balance",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("quantity", BigInt, nullable=False),
)

closing = sa.Table(  # how the books stood when their beginning was archived: the fold starts at the newest
    "closing",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("sequence", BigInt, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("containment_sequence", BigInt, nullable=False),
    sa.Column("content_sequence", BigInt, nullable=False),
    sa.Column("closed_at_ms", BigInt, nullable=False),
    sa.Column("archive", sa.Text, nullable=False),
    sa.Column("archive_sha256", sa.Text, nullable=False),
)

closing_row = sa.Table(  # the rows of the state and the balances at a closing, as JSON
    "closing_row",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("sequence", BigInt, primary_key=True, autoincrement=False),
    sa.Column("number", BigInt, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("site_id", Id, primary_key=True),
    sa.Column("epoch", BigInt, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("renewed_at_ms", BigInt, nullable=False),
)

# Of the API: here for the sake of revisions and backups only, no part of the books. One database serves one API.
api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("scopes", sa.String(64), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)

idempotency_key = sa.Table(
    "idempotency_key",
    metadata,
    sa.Column("actor", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("used_ms", BigInt, nullable=False),
)

CLOSABLE = (journal, containment_line, content_line)  # immutable, but for what a closing covers


def _column_type(hint: Any) -> tuple[Any, bool]:
    """SQL type and whether it may be null."""
    nullable = False
    if isinstance(hint, types.UnionType):
        members = [a for a in typing.get_args(hint) if a is not type(None)]
        nullable = len(members) < len(typing.get_args(hint))
        hint = members[0]
    if hint is bool:
        return sa.Boolean, nullable
    if isinstance(hint, type) and issubclass(hint, enum.IntEnum):
        return sa.SmallInteger, nullable
    if hint is int:
        return BigInt, nullable
    if isinstance(hint, type) and issubclass(hint, str):
        return sa.Text, nullable
    return sa.Text, nullable  # nested records and tuples, as JSON


def _state_table(entity: type[Entity]) -> sa.Table:
    hints = typing.get_type_hints(entity)
    columns = [sa.Column("site_id", Id, primary_key=True)]
    for field in entity.__struct_fields__:
        kind, nullable = _column_type(hints[field])
        key = field in entity.KEY
        columns.append(sa.Column(field, kind, primary_key=key, nullable=nullable, autoincrement=False))
    return sa.Table(entity.TABLE, metadata, *columns)


STATE_TABLES: dict[type[Entity], sa.Table] = {entity: _state_table(entity) for entity in ENTITIES}
