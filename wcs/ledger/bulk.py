"""Many rows in one statement, for both databases. Rule: written once, here, for every table.

SQLite: executemany on prepared statements. PostgreSQL: arrays through `unnest` (COPY into a temporary table is slower,
executemany twice as slow). The rows of a statement are of one site, which their first column says.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from wcs.ledger.arrays import binary_array
from wcs.ledger.errors import BatchRefused, CommitFailed, LeaseLost, LedgerError
from wcs.ledger.lease import LEASE_LOST

Rows = Sequence[Sequence[Any]]


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


def _source(table: sa.Table, columns: tuple[str, ...], postgresql: bool) -> str:
    if not postgresql:
        return f"VALUES ({', '.join('?' * len(columns))})"
    # Not `FROM unnest(...)`: there each array is first laid out as a table of its own.
    arrays = ", ".join(f"unnest(%s::{t}[])" for t in _array_types(table, columns)[1:])
    return f"SELECT %s::text, {arrays}"


@lru_cache(256)
def _insert_sql(table: sa.Table, columns: tuple[str, ...], key: tuple[str, ...], add: str, postgresql: bool) -> str:
    names = ", ".join(f'"{c}"' for c in columns)
    sql = f'INSERT INTO "{table.name}" ({names}) {_source(table, columns, postgresql)}'
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
    if rows:
        _run(
            connection,
            _insert_sql(table, columns, (), "", _is_postgresql(connection)),
            rows,
            _array_types(table, columns),
        )


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    rows: Rows,
    add: str = "",
) -> None:
    """Insert or replace by key; with `add`, that column is added to what is there instead."""
    if rows:
        sql = _insert_sql(table, columns, key, add, _is_postgresql(connection))
        _run(connection, sql, rows, _array_types(table, columns))


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
    return f"({_source(table, columns, True)}) AS d({names})", match
