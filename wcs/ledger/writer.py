"""The one writer of a site: journal, postings, balances and state tables in one transaction a batch.

Rule: all or nothing, and in order. Sequences have no gaps, for there is one writer and a number is used only by a
commit; whether a commit whose answer was lost did happen is read back before the same batch is tried again.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from wcs.core.entities import Entity
from wcs.core.events import Event
from wcs.ledger import lease, load, migrate
from wcs.ledger.batch import CommitBatch, CommitReceipt
from wcs.ledger.database import engine_for, make_folder, sqlite_file
from wcs.ledger.errors import BatchRefused, CommitFailed, CommitUnknown, LeaseHeld, LeaseLost
from wcs.ledger.fence import Fence
from wcs.ledger.held import HeldConnection
from wcs.ledger.journal_codec import encode
from wcs.ledger.prepared import BooksEnd, Prepared
from wcs.ledger.tables import quarantine

CHECKPOINT_S = 1.0  # WAL checkpoints in the writer would be pauses of 6 to 50 ms; another thread makes them
CHECKPOINT_PATIENCE_S = 10.0  # one checkpoint of a long WAL on a slow disk
STANDBY_LOOK_S = 1.0  # with a lease of 5 s, a standby has taken over within 10 s

# What drivers raise, besides their own errors, for values that no column can hold (a number beyond 64 bits).
UNSTORABLE = (OverflowError, UnicodeError, ValueError, TypeError)


def open_when_free(url: str, site_id: str = "main", *, stop: threading.Event) -> LedgerWriter | None:
    """As a standby: wait until the lease is free, then open; None if told to stop before that."""
    while not stop.is_set():
        try:
            return LedgerWriter(url, site_id)
        except LeaseHeld:
            stop.wait(STANDBY_LOOK_S)
    return None


class LedgerWriter:
    """An opened ledger that may be written. Used from one thread at a time.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database; migrated to the newest tables.
        site_id: the site whose books these are.
    Raises:
        LeaseHeld: another host drives the site.
        WrongDatabase: it is newer than this program, or cannot be at this address.
    """

    def __init__(self, url: str, site_id: str = "main") -> None:
        self.url = url
        self.site_id = site_id
        file = sqlite_file(url)
        self._lock = lease.FileLock(file) if file else None
        if file:
            make_folder(file)
        if self._lock:
            self._lock.take()
        self.fence = Fence(None if self._lock else lease.LEASE_MS)
        self._stop = threading.Event()
        self._engine = engine_for(url)
        try:
            migrate.upgrade(self._engine)
            holder = f"{socket.gethostname()}:{os.getpid()}"
            with self._begin() as connection:
                asked_ms = self.fence.now_ms()
                self.epoch = lease.acquire(connection, site_id, holder, exclusive=self._lock is not None)
                self._end: BooksEnd = load.books_end(connection, site_id)
            self.fence.extend(asked_ms)
        except BaseException:
            self._engine.dispose()
            if self._lock:
                self._lock.free()
            raise
        self._held = HeldConnection(self._engine, site_id, self.epoch)
        self._doubtful: list[Prepared] = []
        self._checkpoints = threading.Thread(target=self._checkpoint, name="checkpoint", daemon=True)
        if self._lock:
            self._checkpoints.start()

    def close(self) -> None:
        """Give the lease back and hang up."""
        self.fence.drop()
        self._stop.set()
        if self._lock:
            self._checkpoints.join(CHECKPOINT_PATIENCE_S)
        try:
            with self._begin() as connection:
                lease.release(connection, self.site_id, self.epoch)
        except SQLAlchemyError:
            pass  # the lease runs out by itself
        self._held.hang_up()
        self._engine.dispose()
        if self._lock:
            self._lock.free()

    @property
    def last_sequence(self) -> int:
        """The last journal line that is on paper."""
        return self._end.sequence

    def load_rows(self) -> Iterator[Entity]:
        """Every state row, in the order in which a state takes them (entity by entity, then by key)."""
        with self._engine.connect() as connection:
            yield from load.load_rows(connection, self.site_id)

    def commit(self, batch: CommitBatch) -> CommitReceipt:
        """Put one batch on paper.

        Raises:
            LeaseLost: another host drives the site; nothing was written.
            CommitFailed: nothing was written; the same batch may be tried again.
            CommitUnknown: nobody knows yet; trying the same batch again finds out first.
            BatchRefused: it contradicts the books, and always will; nothing was written.
        """
        try:
            prepared = self._settle_doubt(batch) if self._doubtful else self._write(batch)
        except LeaseLost:
            self.fence.drop()
            raise
        except UNSTORABLE as error:
            raise BatchRefused(f"{type(error).__name__}: {error}") from error
        self._end = prepared.end
        self._doubtful.clear()
        return prepared.receipt

    def renew(self) -> None:
        """Renew the lease; LeaseLost if another host has taken over, CommitFailed if the database does not answer."""
        if self._lock:
            return  # a file lock needs no renewing
        asked_ms = self.fence.now_ms()
        try:
            with self._begin() as connection:
                self._check_lease(connection)
                lease.renew(connection, self.site_id)
        except SQLAlchemyError as error:
            raise CommitFailed(_text(error)) from error
        self.fence.extend(asked_ms)

    def quarantine(self, event: Event, error: str) -> None:
        """Store an event that the mind could not take in; CommitFailed if it cannot be stored now."""
        try:
            name, version, document = encode(event)
        except UNSTORABLE:  # what cannot be written as JSON is kept as it looks
            name, version, document = type(event).__name__, 0, repr(event).encode("ascii", "backslashreplace")
        row = quarantine.insert().values(
            site_id=self.site_id,
            name=name,
            version=version,
            document=document.decode(),
            error=error.encode("utf-8", "backslashreplace").decode().replace("\0", ""),
            quarantined_at_ms=time.time_ns() // 1_000_000,
        )
        try:
            with self._begin() as connection:
                self._check_lease(connection)
                connection.execute(row)
        except SQLAlchemyError as failure:
            raise CommitFailed(_text(failure)) from failure

    def _check_lease(self, connection: sa.Connection) -> None:
        """Within a transaction: LeaseLost if it is another's, and no port writes from then on."""
        try:
            lease.check(connection, self.site_id, self.epoch)
        except LeaseLost:
            self.fence.drop()
            raise

    def _write(self, batch: CommitBatch) -> Prepared:
        prepared = Prepared(self.site_id, self._end, batch)
        self._doubtful.append(prepared)  # until we know: Ctrl-C too may come between its commit and the answer
        try:
            self._held.commit(prepared.write)
        except (CommitFailed, BatchRefused, LeaseLost, *UNSTORABLE):
            self._doubtful.clear()
            raise
        return prepared

    def _settle_doubt(self, batch: CommitBatch) -> Prepared:
        """A commit's answer was lost: see whether it stands, and write the batch if it does not.

        The lease's row is asked for first: a commit that the database is busy with holds it until it is done. One that
        the database has not begun with (a trip cut off on its way) comes after this transaction, and then its journal
        lines are there already. Hence one transaction, and doubt until that stands.
        """
        try:
            with self._held.looking_first() as connection:
                self._end = load.books_end(connection, self.site_id)
                # One without journal lines leaves no trace of its own; to write it once more does no harm.
                standing = next((p for p in self._doubtful if p.lines and p.end == self._end), None)
                if standing is not None and standing.batch == batch:
                    prepared = standing
                else:
                    prepared = Prepared(self.site_id, self._end, batch)
                    prepared.write(connection)
                    self._doubtful.append(prepared)
        except CommitFailed as error:
            raise CommitUnknown(str(error)) from error
        return prepared

    def _begin(self) -> AbstractContextManager[sa.Connection]:
        return self._engine.execution_options(wcs_writer=True).begin()

    def _checkpoint(self) -> None:
        while not self._stop.wait(CHECKPOINT_S):
            try:
                with self._engine.connect() as connection:
                    raw = connection.connection.driver_connection
                    assert raw is not None
                    raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except (SQLAlchemyError, sqlite3.Error, OSError):
                continue  # a full disk stops commits, not checkpoints' next try


def _text(error: SQLAlchemyError) -> str:
    return str(error.__cause__ or error).split("\n", 1)[0]
