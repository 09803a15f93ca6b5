"""Many rows in one statement, for both databases. Rule: written once, here, for every table.

SQLite: many rows as the values of a statement, which takes a fifth less than a row a statement. PostgreSQL: arrays
through `unnest` (COPY into a temporary table is slower, executemany twice as slow). The rows of a statement are of one
site, which their first column says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa

from wcs.ledger.arrays import binary_array
from wcs.ledger.errors import BatchRefused, CommitFailed, LeaseLost, LedgerError
from wcs.ledger.lease import LEASE_LOST

Rows = Sequence[Sequence[Any]]
ROWS_TOGETHER = 32  # in a statement to SQLite: more bring nothing
VALUES_MAX = 999  # in one of a SQLite before 3.32


@lru_cache(256)
def _array_types(table: sa.Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    types = []
    for name in columns:
        kind = table.c[name].type
        if isinstance(kind, sa.LargeBinary):
            types.append("bytea")
        elif isinstance(kind, sa.Boolean):
            types.append("boolean")
        elif isinstance(kind, sa.SmallInteger):
            types.append("smallint")
        elif isinstance(kind, sa.Integer):
            types.append("bigint")
        else:
            types.append("text")
    return tuple(types)


def _source(table: sa.Table, columns: tuple[str, ...], count: int) -> str:
    """So many rows as values, of SQLite; with 0 any number of rows as arrays, of PostgreSQL."""
    if count:
        row = f"({', '.join('?' * len(columns))})"
        return f"VALUES {', '.join([row] * count)}"
    # Not `FROM unnest(...)`: there each array is first laid out as a table of its own.
    arrays = ", ".join(f"unnest(%s::{t}[])" for t in _array_types(table, columns)[1:])
    return f"SELECT %s::text, {arrays}"


@lru_cache(256)
def _insert_sql(table: sa.Table, columns: tuple[str, ...], key: tuple[str, ...], add: str, count: int) -> str:
    names = ", ".join(f'"{c}"' for c in columns)
    sql = f'INSERT INTO "{table.name}" ({names}) {_source(table, columns, count)}'
    if not key:
        return sql
    others = [c for c in columns if c not in key]
    if add:
        sets = f'"{add}" = "{table.name}"."{add}" + excluded."{add}"'
    else:
        sets = ", ".join(f'"{c}" = excluded."{c}"' for c in others)
    target = ", ".join(f'"{c}"' for c in key)
    if not sets:
        return f"{sql} ON CONFLICT ({target}) DO NOTHING"
    return f"{sql} ON CONFLICT ({target}) DO UPDATE SET {sets}"


def _is_postgresql(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _run(connection: sa.Connection, sql: str, rows: Rows, types: tuple[str, ...], *more: object) -> int:
    """Run it over all rows, on PostgreSQL as the site and arrays of these types; how many were touched, on SQLite.

    Said to the driver's own cursor, within the transaction that is under way: SQLAlchemy's way there and back is a
    tenth of a commit.
    Raises:
        BatchRefused: the rows contradict what is there, or no column can hold them.
        LeaseLost, CommitFailed: an earlier statement of this trip failed, or the database cannot, now.
    """
    cursor = cursor_of(connection)
    try:
        if _is_postgresql(connection):
            site, *columns = zip(*rows, strict=True)
            arrays = [binary_array(column, kind) for column, kind in zip(columns, types[1:], strict=True)]
            cursor.execute(sql, [site[0], *arrays, *more])
            return 0  # nobody waits for the answer
        cursor.executemany(sql, rows)
        return int(cursor.rowcount)
    except connection.dialect.loaded_dbapi.Error as error:
        raise meaning(connection, error) from error


def cursor_of(connection: sa.Connection) -> Any:
    """The driver's cursor, one a connection: each new one would learn anew how psycopg sends which type."""
    cursor = connection.info.get("wcs_cursor")
    if cursor is None:
        cursor = connection.info["wcs_cursor"] = connection.connection.cursor()
    return cursor


def meaning(connection: sa.Connection, error: Exception) -> LedgerError:
    """What a driver's error says about the batch, of which nothing is on paper."""
    driver = connection.dialect.loaded_dbapi
    text = first_line(error)
    if getattr(error, "sqlstate", None) == LEASE_LOST:
        return LeaseLost(text)
    if isinstance(error, driver.IntegrityError | driver.DataError):
        return BatchRefused(text)
    return CommitFailed(text)


def first_line(error: BaseException) -> str:
    """What is shown to a person: drivers add the statement and where in it."""
    return str(error).split("\n", 1)[0]


def insert(connection: sa.Connection, table: sa.Table, columns: tuple[str, ...], rows: Rows) -> None:
    """Insert; BatchRefused where a key exists."""
    upsert(connection, table, columns, (), rows)


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    rows: Rows,
    add: str = "",
) -> None:
    """Insert or replace by key; with `add`, that column is added to what is there instead."""
    if not rows:
        return
    if _is_postgresql(connection):
        _run(connection, _insert_sql(table, columns, key, add, 0), rows, _array_types(table, columns))
        return
    for count, part in _together(rows, len(columns)):
        _run(connection, _insert_sql(table, columns, key, add, count), part, ())


def _together(rows: Rows, columns: int) -> Iterator[tuple[int, Rows]]:
    """Rows that go many to a statement, as its values, with how many; then those that are left, one to a statement."""
    count = min(ROWS_TOGETHER, VALUES_MAX // columns)
    full = len(rows) - len(rows) % count
    if full:
        yield count, [tuple(chain.from_iterable(rows[n : n + count])) for n in range(0, full, count)]
    if full < len(rows):
        yield 1, rows[full:]


def decrease(connection: sa.Connection, table: sa.Table, key: tuple[str, ...], column: str, rows: Rows) -> None:
    """Add negative deltas to existing rows: an upsert would break the check before it sees the row.

    `rows` hold the key's values, then the delta. BatchRefused where a row is missing: nothing can be taken from it.
    """
    if not rows:
        return
    names = (*key, column)
    if _is_postgresql(connection):
        found, match = _matched(table, key, names)
        sql = (
            f'WITH taken AS (UPDATE "{table.name}" t SET "{column}" = t."{column}" + d."{column}" '
            f"FROM {found} WHERE {match} RETURNING 1) "
            "SELECT wcs_require_all(count(*), %s::bigint, %s::text) FROM taken"
        )
        _run(connection, sql, rows, _array_types(table, names), len(rows), table.name)
        return
    match = " AND ".join(f'"{k}" = ?' for k in key)
    sql = f'UPDATE "{table.name}" SET "{column}" = "{column}" + ? WHERE {match}'
    touched = _run(connection, sql, [(row[-1], *row[:-1]) for row in rows], ())
    if touched != len(rows):
        raise BatchRefused(f"{table.name}: {len(rows) - touched} of {len(rows)} rows to take from are not there")


def delete(connection: sa.Connection, table: sa.Table, key: tuple[str, ...], rows: Rows) -> None:
    """Delete by key."""
    if not rows:
        return
    if _is_postgresql(connection):
        found, match = _matched(table, key, key)
        _run(connection, f'DELETE FROM "{table.name}" t USING {found} WHERE {match}', rows, _array_types(table, key))
        return
    match = " AND ".join(f'"{k}" = ?' for k in key)
    _run(connection, f'DELETE FROM "{table.name}" WHERE {match}', rows, ())


def _matched(table: sa.Table, key: tuple[str, ...], columns: tuple[str, ...]) -> tuple[str, str]:
    """Of PostgreSQL: the arrays as rows `d`, and where their keys are those of the table, `t`."""
    names = ", ".join(f'"{c}"' for c in columns)
    match = " AND ".join(f't."{k}" = d."{k}"' for k in key)
    return f"({_source(table, columns, 0)}) AS d({names})", match
