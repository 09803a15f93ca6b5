"""The one writer of a site: journal, postings, balances and state tables in one transaction a batch.

Rule: all or nothing, and in order. Sequences have no gaps, for there is one writer and a number is used only by a
commit; whether a commit whose answer was lost did happen is read back before the same batch is tried again.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from wcs.core.entities import ENTITIES, Change, Entity
from wcs.core.events import Event
from wcs.ledger import bulk, lease, migrate
from wcs.ledger.batch import CommitBatch, CommitReceipt
from wcs.ledger.chain import GENESIS, line_hash
from wcs.ledger.database import engine_for, sqlite_file
from wcs.ledger.errors import CommitFailed, CommitUnknown
from wcs.ledger.journal_codec import encode
from wcs.ledger.postings import Postings, post
from wcs.ledger.row_codec import CODECS
from wcs.ledger.tables import (
    EVENT,
    FACT,
    STATE_TABLES,
    command_delivery,
    containment_balance,
    containment_line,
    content_balance,
    content_line,
    journal,
    quarantine,
)

CHECKPOINT_S = 1.0  # WAL checkpoints in the writer would be pauses of 6 to 50 ms; another thread makes them
JOURNAL_COLUMNS = (
    "site_id", "sequence", "kind", "event_sequence", "name", "version", "document", "occurred_at_ms",
    "received_at_ms", "committed_at_ms", "hash",
)  # fmt: skip
CONTAINMENT_COLUMNS = ("site_id", "sequence", "caused_by", "key", "load_unit", "source", "sink", "occurred_at_ms")
CONTENT_COLUMNS = (
    "site_id", "sequence", "caused_by", "key", "source", "sink", "sku", "lot", "owner", "quantity", "occurred_at_ms",
)  # fmt: skip
CELL = ("site_id", "account", "sku", "lot", "owner")


class LedgerWriter:
    """An opened ledger that may be written. Used from one thread at a time.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database; migrated to the newest tables.
        site_id: the site whose books these are.
    Raises:
        LeaseHeld: another host drives the site.
        WrongDatabase: it is newer than this program.
    """

    def __init__(self, url: str, site_id: str = "main") -> None:
        self.url = url
        self.site_id = site_id
        file = sqlite_file(url)
        self._lock = lease.FileLock(file) if file else None
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
        if self._lock:
            self._lock.take()
        self._stop = threading.Event()
        self._engine = engine_for(url)
        try:
            migrate.upgrade(self._engine)
            holder = f"{socket.gethostname()}:{os.getpid()}"
            with self._begin() as connection:
                self.epoch = lease.acquire(connection, site_id, holder, exclusive=self._lock is not None)
                self._read_back(connection)
        except BaseException:
            self._engine.dispose()
            if self._lock:
                self._lock.free()
            raise
        self._doubtful: CommitReceipt | None = None
        if self._lock:
            threading.Thread(target=self._checkpoint, name="checkpoint", daemon=True).start()

    def close(self) -> None:
        """Give the lease back and hang up."""
        self._stop.set()
        try:
            with self._begin() as connection:
                lease.release(connection, self.site_id, self.epoch)
        except SQLAlchemyError:
            pass  # the lease runs out by itself
        self._engine.dispose()
        if self._lock:
            self._lock.free()

    @property
    def last_sequence(self) -> int:
        """The last journal line that is on paper."""
        return self._sequence

    def load_rows(self) -> Iterator[Entity]:
        """Every state row, in the order in which a state takes them (entity by entity, then by key)."""
        with self._engine.connect() as connection:
            for entity in ENTITIES:
                yield from load_entity(connection, self.site_id, entity)

    def commit(self, batch: CommitBatch) -> CommitReceipt:
        """Put one batch on paper.

        Raises:
            LeaseLost: another host drives the site; nothing was written.
            CommitFailed: nothing was written; the same batch may be tried again.
            CommitUnknown: nobody knows yet; trying the same batch again finds out first.
        """
        if self._doubtful is not None:
            done = self._settle_doubt()
            if done is not None:
                return done
        prepared = _Prepared(self, batch)
        try:
            connection = self._connection()
            transaction = connection.begin()
        except SQLAlchemyError as error:
            raise CommitFailed(_text(error)) from error
        with connection:
            try:
                lease.check(connection, self.site_id, self.epoch)
                prepared.write(connection)
            except SQLAlchemyError as error:
                _roll_back(transaction)
                raise CommitFailed(_text(error)) from error
            except BaseException:
                _roll_back(transaction)
                raise
            try:
                transaction.commit()
            except SQLAlchemyError as error:
                self._doubtful = prepared.receipt
                _roll_back(transaction)
                raise CommitUnknown(_text(error)) from error
        self._take_over(prepared)
        return prepared.receipt

    def renew(self) -> None:
        """Renew the lease; LeaseLost if another host has taken over, CommitFailed if the database does not answer."""
        if self._lock:
            return  # a file lock needs no renewing
        try:
            with self._begin() as connection:
                lease.renew(connection, self.site_id, self.epoch)
        except SQLAlchemyError as error:
            raise CommitFailed(_text(error)) from error

    def quarantine(self, event: Event, error: str) -> None:
        """Store an event that the mind could not take in."""
        name, version, document = encode(event)
        with self._begin() as connection:
            lease.check(connection, self.site_id, self.epoch)
            connection.execute(
                quarantine.insert().values(
                    site_id=self.site_id,
                    name=name,
                    version=version,
                    document=document.decode(),
                    error=error,
                    quarantined_at_ms=time.time_ns() // 1_000_000,
                )
            )

    def _connection(self) -> sa.Connection:
        return self._engine.connect().execution_options(wcs_writer=True)

    def _begin(self) -> Any:
        return self._engine.execution_options(wcs_writer=True).begin()

    def _read_back(self, connection: sa.Connection) -> None:
        """Where the books end: the last journal line and the last line of each book."""
        last = connection.execute(
            sa.select(journal.c.sequence, journal.c.hash)
            .where(journal.c.site_id == self.site_id)
            .order_by(journal.c.sequence.desc())
            .limit(1)
        ).one_or_none()
        self._sequence, self._hash = (int(last.sequence), bytes(last.hash)) if last else (0, GENESIS)
        self._containment = self._last(connection, containment_line)
        self._content = self._last(connection, content_line)

    def _last(self, connection: sa.Connection, table: sa.Table) -> int:
        query = sa.select(sa.func.max(table.c.sequence)).where(table.c.site_id == self.site_id)
        return int(connection.execute(query).scalar() or 0)

    def _settle_doubt(self) -> CommitReceipt | None:
        """A commit's answer was lost: see whether it stands."""
        doubtful = self._doubtful
        assert doubtful is not None
        try:
            with self._begin() as connection:
                self._read_back(connection)
        except SQLAlchemyError as error:
            raise CommitUnknown(_text(error)) from error
        self._doubtful = None
        return doubtful if self._sequence == doubtful.last_sequence else None

    def _take_over(self, prepared: _Prepared) -> None:
        self._sequence = prepared.receipt.last_sequence
        self._hash = prepared.last_hash
        self._containment += len(prepared.postings.containment)
        self._content += len(prepared.postings.content)

    def _checkpoint(self) -> None:
        while not self._stop.wait(CHECKPOINT_S):
            try:
                with self._engine.connect() as connection:
                    raw = connection.connection.driver_connection
                    assert raw is not None
                    raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except (SQLAlchemyError, OSError):
                continue  # a full disk stops commits, not checkpoints' next try


class _Prepared:
    """A batch as rows, ready to be written."""

    def __init__(self, writer: LedgerWriter, batch: CommitBatch) -> None:
        self.site_id = writer.site_id
        self.committed_at_ms = time.time_ns() // 1_000_000
        self.last_hash = writer._hash
        self.notes = batch.notes
        self.changes = batch.changes
        self.lines: list[tuple[Any, ...]] = []
        sequence = first = writer._sequence + 1
        facts = []
        for entry in batch.entries:
            event_sequence = sequence
            for kind, item in ((EVENT, entry.event), *((FACT, fact) for fact in entry.facts)):
                if kind == FACT:
                    facts.append((sequence, item))
                self._add_line(sequence, kind, event_sequence, item, entry.event.at_ms, entry.received_at_ms)
                sequence += 1
        self.postings: Postings = post(
            facts,  # type: ignore[arg-type]
            containment_from=writer._containment + 1,
            content_from=writer._content + 1,
        )
        self.receipt = CommitReceipt(
            first_sequence=first, last_sequence=sequence - 1, committed_at_ms=self.committed_at_ms
        )

    def _add_line(
        self, sequence: int, kind: int, event_sequence: int, item: Any, occurred_at_ms: int, received_at_ms: int
    ) -> None:
        name, version, document = encode(item)
        self.last_hash = line_hash(
            self.last_hash, sequence, kind, event_sequence, name, version, document, occurred_at_ms, received_at_ms,
            self.committed_at_ms,
        )  # fmt: skip
        self.lines.append(
            (
                self.site_id, sequence, kind, event_sequence, name, version, document.decode(), occurred_at_ms,
                received_at_ms, self.committed_at_ms, self.last_hash,
            )
        )  # fmt: skip

    def write(self, connection: sa.Connection) -> None:
        """Every row of the batch, into the transaction that is under way."""
        site = self.site_id
        bulk.insert(connection, journal, JOURNAL_COLUMNS, self.lines)
        self._write_books(connection)
        write_changes(connection, site, self.changes)
        rows = [(site, n.device, n.sequence, n.sent_at_ms, n.acknowledged_at_ms) for n in self.notes]
        for column, index in (("sent_at_ms", 3), ("acknowledged_at_ms", 4)):
            key = ("site_id", "device", "sequence")
            noted = {row[:3]: (*row[:3], row[index]) for row in rows if row[index] is not None}
            bulk.upsert(connection, command_delivery, (*key, column), key, list(noted.values()))

    def _write_books(self, connection: sa.Connection) -> None:
        site, p = self.site_id, self.postings
        bulk.insert(
            connection, containment_line, CONTAINMENT_COLUMNS,
            [(site, x.sequence, x.caused_by, x.key, x.load_unit, x.source, x.sink, x.occurred_at_ms)
             for x in p.containment],
        )  # fmt: skip
        bulk.insert(
            connection, content_line, CONTENT_COLUMNS,
            [(site, x.sequence, x.caused_by, x.key, x.source, x.sink, x.sku, x.lot, x.owner, x.quantity,
              x.occurred_at_ms) for x in p.content],
        )  # fmt: skip
        places = [(site, unit, place) for unit, place in sorted(p.places.items())]
        bulk.upsert(
            connection, containment_balance, ("site_id", "load_unit", "place"), ("site_id", "load_unit"), places
        )
        cells = sorted(p.deltas.items())
        outside = [(site, *cell, by) for cell, by in cells if by > 0 or (by and not cell[0].startswith("LU:"))]
        taken = [(site, *cell, by) for cell, by in cells if by < 0 and cell[0].startswith("LU:")]
        bulk.decrease(connection, content_balance, CELL, "quantity", taken)
        bulk.upsert(connection, content_balance, (*CELL, "quantity"), CELL, outside, add="quantity")


def write_changes(connection: sa.Connection, site_id: str, changes: tuple[Change, ...]) -> None:
    """State rows: replaced or deleted by key, an entity at a time."""
    put: dict[type[Entity], list[list[Any]]] = {}
    gone: dict[type[Entity], list[tuple[Any, ...]]] = {}
    for change in changes:
        if change.row is None:
            gone.setdefault(change.entity, []).append((site_id, *change.key))
        else:
            put.setdefault(change.entity, []).append([site_id, *CODECS[change.entity].encode(change.row)])
    for entity, keys in gone.items():
        bulk.delete(connection, STATE_TABLES[entity], ("site_id", *entity.KEY), keys)
    for entity, rows in put.items():
        columns = ("site_id", *CODECS[entity].fields)
        bulk.upsert(connection, STATE_TABLES[entity], columns, ("site_id", *entity.KEY), rows)


def load_entity(connection: sa.Connection, site_id: str, entity: type[Entity]) -> Iterator[Entity]:
    """All rows of one entity, by key."""
    table, codec = STATE_TABLES[entity], CODECS[entity]
    query = (
        sa.select(*(table.c[name] for name in codec.fields))
        .where(table.c.site_id == site_id)
        .order_by(*(table.c[name] for name in entity.KEY))
    )
    for row in connection.execute(query):
        yield codec.decode(row)


def _roll_back(transaction: sa.RootTransaction) -> None:
    try:
        transaction.rollback()
    except SQLAlchemyError:
        transaction.connection.invalidate()


def _text(error: SQLAlchemyError) -> str:
    return str(error.__cause__ or error).split("\n", 1)[0]
