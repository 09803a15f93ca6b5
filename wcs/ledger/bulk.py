"""Many rows in one statement, for both databases. Rule: written once, here, for every table.

SQLite: executemany on prepared statements. PostgreSQL: arrays through `unnest`, one round trip a statement (COPY into a
temporary table is slower, executemany twice as slow). The arrays are written as PostgreSQL's array literals here: the
driver looks at each element of a list anew, which costs forty times as much for text and two hundred for bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from wcs.ledger.errors import BatchRefused, CommitFailed

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
    arrays = ", ".join(f"%s::{t}[]" for t in _array_types(table, columns))
    return f"SELECT * FROM unnest({arrays})"


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


def array_literal(column: Sequence[Any], kind: str) -> str:
    r"""A column of values as PostgreSQL reads an array of them.

    >>> array_literal([1, None], "bigint"), array_literal(['say "no"', None], "text"), array_literal([b"\x01"], "bytea")
    ('{1,NULL}', '{"say \\"no\\"",NULL}', '{"\\\\x01"}')
    """
    if kind == "text":
        return _text_literal(column)
    if kind == "bytea":
        told = ["NULL" if v is None else rf'"\\x{v.hex()}"' for v in column]
    else:
        told = ["NULL" if v is None else str(v) for v in column]
    return "{" + ",".join(told) + "}"


def _text_literal(column: Sequence[str | None]) -> str:
    """All texts are escaped at once, parted meanwhile by a character that PostgreSQL holds in no text."""
    joined = "\0".join(["" if v is None else v for v in column])
    if joined.count("\0") != len(column) - 1:
        raise ValueError("a text holds the character 0, which PostgreSQL does not store")
    parts = joined.replace("\\", r"\\").replace('"', r"\"")
    if None not in column:
        return '{"' + parts.replace("\0", '","') + '"}'
    each = zip(column, parts.split("\0"), strict=True)
    return "{" + ",".join(["NULL" if v is None else f'"{part}"' for v, part in each]) + "}"


@contextmanager
def in_one_go(connection: sa.Connection) -> Iterator[None]:
    """PostgreSQL: statements follow one another without waiting for answers; rows are made ready meanwhile.

    Whether they were carried out is known at the end of the block.
    Raises:
        BatchRefused, CommitFailed: as `insert` does.
    """
    if not _is_postgresql(connection):
        yield
        return
    driver = connection.dialect.loaded_dbapi
    held: Any = connection.connection.driver_connection
    try:
        with held.pipeline():
            yield
    except (driver.IntegrityError, driver.DataError) as error:
        raise BatchRefused(_first_line(error)) from error
    except driver.Error as error:
        raise CommitFailed(_first_line(error)) from error


def _is_postgresql(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _run(connection: sa.Connection, sql: str, rows: Rows, types: tuple[str, ...], *, counted: bool = False) -> int:
    """Run it over all rows, on PostgreSQL as arrays of these types; if `counted`, how many were touched.

    Said to the driver's own cursor, within SQLAlchemy's transaction: its way there and back is a tenth of a commit.
    Raises:
        BatchRefused: the rows contradict what is there, or no column can hold them.
        CommitFailed: the database cannot, now.
    """
    driver = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        if _is_postgresql(connection):
            columns = zip(*rows, strict=True)
            cursor.execute(sql, [array_literal(column, kind) for column, kind in zip(columns, types, strict=True)])
            if counted:
                return len(cursor.fetchall())
        else:
            cursor.executemany(sql, rows)
        return cursor.rowcount
    except (driver.IntegrityError, driver.DataError) as error:
        raise BatchRefused(_first_line(error)) from error
    except driver.Error as error:
        raise CommitFailed(_first_line(error)) from error
    finally:
        cursor.close()


def _first_line(error: Exception) -> str:
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
        arrays = ", ".join(f"%s::{t}[]" for t in _array_types(table, names))
        alias = ", ".join(f"c{n}" for n in range(len(names)))
        match = " AND ".join(f't."{k}" = d.c{n}' for n, k in enumerate(key))
        sql = (
            f'UPDATE "{table.name}" t SET "{column}" = t."{column}" + d.c{len(key)} '
            f"FROM unnest({arrays}) AS d({alias}) WHERE {match} RETURNING 1"
        )
        touched = _run(connection, sql, rows, _array_types(table, names), counted=True)
    else:
        match = " AND ".join(f'"{k}" = ?' for k in key)
        sql = f'UPDATE "{table.name}" SET "{column}" = "{column}" + ? WHERE {match}'
        touched = _run(connection, sql, [(row[-1], *row[:-1]) for row in rows], (), counted=True)
    if touched != len(rows):
        raise BatchRefused(f"{table.name}: {len(rows) - touched} of {len(rows)} rows to take from are not there")


def delete(connection: sa.Connection, table: sa.Table, key: tuple[str, ...], rows: Rows) -> None:
    """Delete by key."""
    if not rows:
        return
    if _is_postgresql(connection):
        arrays = ", ".join(f"%s::{t}[]" for t in _array_types(table, key))
        alias = ", ".join(f"c{n}" for n in range(len(key)))
        match = " AND ".join(f't."{k}" = d.c{n}' for n, k in enumerate(key))
        sql = f'DELETE FROM "{table.name}" t USING unnest({arrays}) AS d({alias}) WHERE {match}'
        _run(connection, sql, rows, _array_types(table, key))
        return
    match = " AND ".join(f'"{k}" = ?' for k in key)
    _run(connection, f'DELETE FROM "{table.name}" WHERE {match}', rows, ())
