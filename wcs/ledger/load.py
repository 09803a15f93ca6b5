"""Recovery: the state as the tables hold it, and where the books end.

Rule: the state tables are the snapshot, so the journal is not read, however long it is: only its last line.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from wcs.core.entities import ENTITIES, Entity
from wcs.ledger.chain import GENESIS
from wcs.ledger.prepared import BooksEnd
from wcs.ledger.row_codec import CODECS
from wcs.ledger.tables import STATE_TABLES, closing, containment_line, content_line, journal


def load_rows(connection: sa.Connection, site_id: str) -> Iterator[Entity]:
    """Every state row, in the order in which a state takes them: entity by entity, then by key."""
    for entity in ENTITIES:
        yield from load_entity(connection, site_id, entity)


def load_entity(connection: sa.Connection, site_id: str, entity: type[Entity]) -> Iterator[Entity]:
    """All rows of one entity, by key."""
    table, codec = STATE_TABLES[entity], CODECS[entity]
    query = sa.select(*(table.c[name] for name in codec.fields)).where(table.c.site_id == site_id)
    rows = [codec.decode(row) for row in connection.execute(query).all()]
    # Sorted here: a database's collation may order text by another rule, and a replay must load in the same order.
    rows.sort(key=codec.key)
    yield from rows


def books_end(connection: sa.Connection, site_id: str) -> BooksEnd:
    """The last journal line and the last line of each book; what is archived counts as written."""
    last = connection.execute(
        sa.select(journal.c.sequence, journal.c.hash)
        .where(journal.c.site_id == site_id)
        .order_by(journal.c.sequence.desc())
        .limit(1)
    ).one_or_none()
    closed = connection.execute(
        sa.select(closing.c.sequence, closing.c.hash, closing.c.containment_sequence, closing.c.content_sequence)
        .where(closing.c.site_id == site_id)
        .order_by(closing.c.sequence.desc())
        .limit(1)
    ).one_or_none()
    begun = last or closed
    return BooksEnd(
        sequence=int(begun.sequence) if begun else 0,
        hash=bytes(begun.hash) if begun else GENESIS,
        containment=max(_last(connection, site_id, containment_line), closed.containment_sequence if closed else 0),
        content=max(_last(connection, site_id, content_line), closed.content_sequence if closed else 0),
    )


def _last(connection: sa.Connection, site_id: str, table: sa.Table) -> int:
    query = sa.select(sa.func.max(table.c.sequence)).where(table.c.site_id == site_id)
    return int(connection.execute(query).scalar() or 0)
