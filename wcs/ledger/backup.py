"""Backup and restore of a whole ledger, while a host writes or not. Rule: what was not proved whole is not a backup.

SQLite: the online backup, one file that is a database. PostgreSQL: one zip with each table as COPY gives it, taken in
one read snapshot, and the revision of its tables; restored, it is brought to this program's revision. In both the hash
chain is read again before the backup, or what was restored from it, is called good.

A restored ledger is older than its plant: devices have seen task numbers and sequences that it does not know. The mind
sees that at the first connect and freezes them until a person takes them over.
"""

from __future__ import annotations

import os
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from wcs.ledger import migrate
from wcs.ledger.audit_findings import Findings
from wcs.ledger.audit_journal import JournalAudit
from wcs.ledger.audit_opening import read_opening
from wcs.ledger.database import engine_for, make_folder, sqlite_file
from wcs.ledger.errors import LedgerError, WrongDatabase
from wcs.ledger.tables import metadata, quarantine
from wcs.plant.model import Record

PAGES_A_STEP = 1_000  # 4 MB, so that a host's commit never waits long for the copying
MANIFEST = "backup.json"
COPY_BYTES = 1 << 20


class BackupRefused(LedgerError):
    """The backup or the place for it is not what it must be: nothing was changed."""


class SiteMark(Record):
    """Up to where a site's journal reaches in a backup."""

    site_id: str
    last_sequence: int
    last_hash: str


class Manifest(Record):
    """What a PostgreSQL backup holds."""

    revision: str
    tables: dict[str, tuple[str, ...]]


def back_up(url: str, file: Path) -> tuple[SiteMark, ...]:
    """Write a backup to a new file; up to where each site's journal reaches in it.

    Raises:
        BackupRefused: the file exists or cannot be written, or the chain does not hold.
        WrongDatabase: there is no ledger.
    """
    if file.exists():
        raise BackupRefused(f"{file} exists already")
    source = sqlite_file(url)
    if source is not None and not source.exists():
        raise WrongDatabase(f"there is no ledger at {source}")
    with _made_whole(file) as partial:
        return _back_up_postgresql(url, partial) if source is None else _back_up_sqlite(source, partial)


def restore(url: str, file: Path) -> tuple[SiteMark, ...]:
    """Fill an empty database from a backup; up to where each site's journal reaches in it.

    Raises:
        BackupRefused: the database is not empty or cannot be written, the file is no backup, its chain does not hold.
        WrongDatabase: the backup is newer than this program, or no ledger can be at this address.
    """
    if not file.exists():
        raise BackupRefused(f"there is no backup {file}")
    sink = sqlite_file(url)
    if sink is None:
        return _restore_postgresql(url, file)
    return _restore_sqlite(sink, file)


@contextmanager
def _made_whole(file: Path) -> Iterator[Path]:
    """A file beside the wanted one, which takes its name when all of it is there and durable; nothing if not.

    Raises:
        BackupRefused: there is no folder for it, or the disk or SQLite does not take it.
    """
    if not file.parent.is_dir():  # SQLite would only say that it cannot open the file
        raise BackupRefused(f"there is no folder {file.parent}")
    partial = file.with_name(file.name + ".part")
    try:
        partial.unlink(missing_ok=True)
        try:
            yield partial
            _sync(partial)
            partial.replace(file)
            _sync(file.parent)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise BackupRefused(f"{file} cannot be made: {error}") from error


def marks_of(connection: sa.Connection) -> tuple[SiteMark, ...]:
    """Prove every site's chain; BackupRefused if one does not hold."""
    marks = []
    for (site_id,) in connection.execute(sa.text("SELECT DISTINCT site_id FROM lease ORDER BY site_id")).all():
        reader = JournalAudit(connection, site_id, None, read_opening(connection, site_id))
        reader.read()
        findings = Findings()
        reader.checks()["journal_chain"](findings)
        if findings.count:
            raise BackupRefused(f"the journal of {site_id} is broken: {findings}")
        sequence, last_hash = reader.end
        marks.append(SiteMark(site_id=site_id, last_sequence=sequence, last_hash=last_hash.hex()))
    return tuple(marks)


def _back_up_sqlite(source: Path, partial: Path) -> tuple[SiteMark, ...]:
    with closing(sqlite3.connect(source)) as ours, closing(sqlite3.connect(partial)) as copy:
        ours.backup(copy, pages=PAGES_A_STEP)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, complete in itself
    return _marks_in(partial)


def _marks_in(file: Path) -> tuple[SiteMark, ...]:
    """What a SQLite file holds, read without leaving anything beside it."""
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    )
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("journal"):
                raise BackupRefused(f"{file.name} is no ledger")
            damage = connection.exec_driver_sql("PRAGMA quick_check").scalar()
            if damage != "ok":
                raise BackupRefused(f"{file.name} is damaged: {damage}")
            return marks_of(connection)
    except sa.exc.DatabaseError as error:
        raise BackupRefused(f"{file.name} is no backup: {error.orig}") from error
    finally:
        engine.dispose()


def _restore_sqlite(sink: Path, file: Path) -> tuple[SiteMark, ...]:
    if sink.exists():
        raise BackupRefused(f"{sink} exists already: a backup is restored into an empty place only")
    marks = _marks_in(file)
    make_folder(sink)
    with _made_whole(sink) as partial:
        kept = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        with closing(kept), closing(sqlite3.connect(partial)) as copy:
            kept.backup(copy)
        engine = engine_for(f"sqlite:///{partial}")
        try:
            migrate.upgrade(engine)
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            engine.dispose()
    return marks


def _back_up_postgresql(url: str, partial: Path) -> tuple[SiteMark, ...]:
    engine = engine_for(url)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            if not sa.inspect(connection).has_table("journal"):
                raise WrongDatabase("there is no ledger in this database")
            revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
            marks = marks_of(connection)
            there = set(sa.inspect(connection).get_table_names())  # an older revision has fewer
            tables = [t for t in metadata.sorted_tables if t.name in there]
            names = {str(t.name): tuple(str(c.name) for c in t.columns) for t in tables}
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as into:
                into.writestr(MANIFEST, msgspec.json.encode(Manifest(revision=str(revision), tables=names)))
                for name, columns in names.items():
                    with into.open(name, "w", force_zip64=True) as member:
                        for chunk in _copied_out(connection, name, columns):
                            member.write(chunk)
            return marks
    finally:
        engine.dispose()


def _copied_out(connection: sa.Connection, table: str, columns: tuple[str, ...]) -> Iterator[bytes]:
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({_quoted(columns)}) TO STDOUT") as copy:
        yield from (bytes(chunk) for chunk in copy)


def _restore_postgresql(url: str, file: Path) -> tuple[SiteMark, ...]:
    engine = engine_for(url)
    try:
        with _opened(file) as kept:
            manifest = msgspec.json.decode(kept.read(MANIFEST), type=Manifest)
            with engine.begin() as connection:
                if sa.inspect(connection).get_table_names():
                    raise BackupRefused("the database has tables already: a backup is restored into an empty one only")
                migrate.upgrade_within(connection, manifest.revision)
                for name, columns in manifest.tables.items():
                    with kept.open(name) as member:
                        _copy_in(connection, name, columns, iter(lambda: member.read(COPY_BYTES), b""))
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{quarantine.name}', 'number'), MAX(number)) "
                    f"FROM {quarantine.name}"
                )
                marks = marks_of(connection)
        migrate.upgrade(engine)
        return marks
    except SQLAlchemyError as error:
        raise BackupRefused(f"{file.name} cannot be restored: {error.__cause__ or error}") from error
    finally:
        engine.dispose()


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as kept:
            yield kept
    except (zipfile.BadZipFile, OSError, KeyError, msgspec.MsgspecError) as error:
        raise BackupRefused(f"{file.name} is no backup of a PostgreSQL ledger: {error}") from error


def _copy_in(connection: sa.Connection, table: str, columns: tuple[str, ...], chunks: Iterator[bytes]) -> None:
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({_quoted(columns)}) FROM STDIN") as copy:
        for chunk in chunks:
            copy.write(chunk)


def _quoted(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _sync(path: Path) -> None:
    """Make it durable: a file's content, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
