"""The bare drivers' side of the ledger's race: sqlite3 and psycopg writing the very rows of the writer, ready-made.

Numbering, hashing, netting and encoding are done before the clock starts: what is left is handing rows to the database
and what it does with them: to SQLite by executemany, its driver's way for many rows, to PostgreSQL as binary arrays
here too, for the driver's own lists are slower.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from wcs.core.entities import LoadUnit
from wcs.ledger import migrate
from wcs.ledger.arrays import binary_array, teach
from wcs.ledger.batch import CommitBatch
from wcs.ledger.chain import GENESIS
from wcs.ledger.database import engine_for
from wcs.ledger.prepared import CONTAINMENT_COLUMNS, JOURNAL_COLUMNS, BooksEnd, Prepared
from wcs.ledger.row_codec import CODECS

SITE = "raw"
BALANCE_COLUMNS = ("site_id", "load_unit", "place")
UNIT_COLUMNS = ("site_id", *CODECS[LoadUnit].fields)
UNIT_KEY = ("site_id", "load_unit")
TYPES = {
    "site_id": "text", "sequence": "bigint", "kind": "smallint", "event_sequence": "bigint", "name": "text",
    "version": "smallint", "document": "text", "occurred_at_ms": "bigint", "received_at_ms": "bigint",
    "committed_at_ms": "bigint", "hash": "bytea", "caused_by": "bigint", "key": "text", "load_unit": "bigint",
    "source": "text", "sink": "text", "place": "text", "barcode": "text", "load_type": "bigint", "role": "text",
    "mass_g": "bigint", "height_mm": "bigint", "order_number": "text", "sscc": "text", "hold": "text",
    "identified": "boolean",
}  # fmt: skip
Statement = tuple[str, tuple[str, ...], tuple[str, ...]]
STATEMENTS: tuple[Statement, ...] = (
    ("journal", JOURNAL_COLUMNS, ()),
    ("containment_line", CONTAINMENT_COLUMNS, ()),
    ("containment_balance", BALANCE_COLUMNS, UNIT_KEY),
    ("load_unit", UNIT_COLUMNS, UNIT_KEY),
)
_ends: dict[str, BooksEnd] = {}


def raw_commits(url: str, batches: list[CommitBatch]) -> float:
    """Seconds that the bare driver takes for these batches, one transaction each."""
    if url not in _ends:
        engine = engine_for(url)
        migrate.upgrade(engine)
        engine.dispose()
        _ends[url] = BooksEnd(sequence=0, hash=GENESIS, containment=0, content=0)
    ready = []
    for batch in batches:
        prepared = Prepared(SITE, _ends[url], batch)
        _ends[url] = prepared.end
        ready.append(_rows(prepared))
    return _sqlite(url, ready) if url.startswith("sqlite") else _postgresql(url, ready)


def _rows(prepared: Prepared) -> list[list[tuple[Any, ...]]]:
    """Rows for each of the statements."""
    lines = prepared.postings.containment
    units = [change.row for change in prepared.batch.changes if change.row is not None]
    return [
        prepared.lines,
        [(SITE, x.sequence, x.caused_by, x.key, x.load_unit, x.source, x.sink, x.occurred_at_ms) for x in lines],
        [(SITE, unit, place) for unit, place in sorted(prepared.postings.places.items())],
        [tuple(CODECS[LoadUnit].encode(SITE, unit)) for unit in units],
    ]


def _sql(statement: Statement, source: str) -> str:
    table, columns, key = statement
    sql = f"INSERT INTO {table} ({', '.join(columns)}) {source}"
    if not key:
        return sql
    sets = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return f"{sql} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"


def _sqlite(url: str, ready: list[list[list[tuple[Any, ...]]]]) -> float:
    database = make_url(url).database
    assert database is not None
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    statements = [_sql(s, f"VALUES ({', '.join('?' * len(s[1]))})") for s in STATEMENTS]
    begun = time.perf_counter()
    for batch in ready:
        connection.execute("BEGIN IMMEDIATE")
        for sql, rows in zip(statements, batch, strict=True):
            connection.executemany(sql, rows)
        connection.execute("COMMIT")
    took = time.perf_counter() - begun
    connection.close()
    return took


def _postgresql(url: str, ready: list[list[list[tuple[Any, ...]]]]) -> float:
    arrays = [", ".join(f"unnest(%s::{TYPES[name]}[])" for name in s[1]) for s in STATEMENTS]
    statements = [_sql(s, f"SELECT {a}") for s, a in zip(STATEMENTS, arrays, strict=True)]
    types = [[TYPES[name] for name in s[1]] for s in STATEMENTS]
    where = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(where) as connection:
        teach(connection)
        connection.execute("SET synchronous_commit = on")
        connection.commit()
        begun = time.perf_counter()
        for batch in ready:
            for sql, kinds, rows in zip(statements, types, batch, strict=True):
                columns = zip(*rows, strict=True)
                connection.execute(sql, [binary_array(c, kind) for c, kind in zip(columns, kinds, strict=True)])
            connection.commit()
        return time.perf_counter() - begun
