"""Engines: SQLite as it must be set for durable group commit, PostgreSQL as it is. Rule: settings stand here only."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url

from wcs.ledger.arrays import teach
from wcs.ledger.errors import WrongDatabase

FORMS = "sqlite:///FILE or postgresql://…"
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")  # those to which statements are said here
BUSY_TIMEOUT_MS = 5_000  # a reader's snapshot or a backup may hold a lock for a moment


def address_of(url: str | URL) -> URL:
    """What an address says; WrongDatabase if no ledger can be there. Nothing is opened or made."""
    try:
        made = make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise WrongDatabase(f"no address of a database: wanted {FORMS}") from None
    if made.drivername not in DRIVERS:
        raise WrongDatabase(f"unknown database {made.drivername}: wanted {FORMS}")
    if made.get_backend_name() == "sqlite":
        if made.host or made.username or made.database in (None, "", ":memory:"):
            raise WrongDatabase(f"the address names no SQLite file: wanted {FORMS}; memory is no paper")
        return made
    try:
        made.get_dialect().import_dbapi()
    except ImportError as error:
        raise WrongDatabase(f"PostgreSQL cannot be spoken to: {error}") from error
    return made


def make_folder(file: Path) -> None:
    """The folder of a SQLite file that is to be; WrongDatabase if it cannot be made."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongDatabase(f"there can be no ledger at {file}: {error}") from error


def engine_for(url: str | URL) -> Engine:
    """An engine for a SQLite file or a PostgreSQL database, durable at every commit.

    Raises:
        WrongDatabase: no ledger can be at this address.
    """
    made = address_of(url)
    file = sqlite_file(made)
    if file is not None:
        make_folder(file)
        engine = sa.create_engine(made, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False})
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = sa.create_engine(made, pool_pre_ping=True, connect_args={"options": "-c synchronous_commit=on"})
    sa.event.listen(engine, "connect", _set_up_postgresql)
    return engine


def reader_for(url: str | URL) -> Engine:
    """An engine that only reads. A SQLite file is opened read only: otherwise to look at one, of whatever making, would
    set its journal mode and, where a host has crashed, move its log into it. One at rest is read without locks: with
    them SQLite leaves an empty log beside it. Whoever reads it so must see afterwards that it rested all the time.
    """
    file = sqlite_file(url)
    if file is None:
        return engine_for(url)
    name = f"{file.absolute().as_uri()}?mode=ro{'&immutable=1' if is_at_rest(file) else ''}"
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            name, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        ),
        poolclass=sa.NullPool,
    )
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_at_rest(file: Path) -> bool:
    """Whether no host has this SQLite file open, or has crashed on it: it has no log beside it."""
    return not Path(f"{file}-wal").exists()


def _set_up_postgresql(connection: object, _record: object) -> None:
    teach(connection)


def _set_up_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN ourselves
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that becomes a writer later fails at once where another writes; IMMEDIATE waits its turn.
    immediate = connection.get_execution_options().get("wcs_writer", False)
    said_to_sqlite(connection, "BEGIN IMMEDIATE" if immediate else "BEGIN")


def said_to_sqlite(connection: sa.Connection, sql: str, *values: object) -> sqlite3.Cursor:
    """A statement of every commit, said to the driver: SQLAlchemy takes longer over it than SQLite."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    try:
        return raw.execute(sql, values)
    except sqlite3.Error as error:
        raise sa.exc.OperationalError(sql, None, error) from error


def sqlite_file(url: str | URL) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL; WrongDatabase if no ledger can be at this address."""
    made = address_of(url)
    return Path(str(made.database)) if made.get_backend_name() == "sqlite" else None
