"""One host drives a plant: a lease in the database, whose epoch every commit checks in its own transaction.

PostgreSQL: a row with the database's clock; it lasts 5 s and is renewed each second, so a standby takes over within
10 s. SQLite: a file lock beside the database, which the system frees when the process ends. Rule: the epoch rises with
every term, so whoever sleeps through its lease finds a higher one and may not commit; what it may still write to a wire
in between, `fence` keeps back.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from wcs.ledger.database import said_to_sqlite
from wcs.ledger.errors import LeaseHeld, LeaseLost, WrongDatabase
from wcs.ledger.tables import lease

LEASE_MS = 5_000
LOCK_NOT_AVAILABLE = "55P03"  # SQLSTATE
LEASE_LOST = "WCS01"  # SQLSTATE of `wcs_hold_lease`
LOCK_WAIT_MS = 1_000  # far above any commit; a standby that has waited so long looks again

# Whoever has had the lease's row locked for longer than a lease lasts is asleep in mid-commit, and no timeout of
# PostgreSQL's ends one that sleeps while its statements follow one another without waiting. Readers lock no row.
END_SLEEPERS = f"""
    SELECT count(pg_terminate_backend(activity.pid))
    FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE pg_locks.relation = 'lease'::regclass AND activity.datname = current_database()
      AND pg_locks.granted AND pg_locks.mode IN ('RowShareLock', 'RowExclusiveLock')
      AND activity.pid <> pg_backend_pid()
      AND activity.xact_start < clock_timestamp() - interval '{LEASE_MS} milliseconds'
"""


def database_ms(connection: sa.Connection) -> int:
    """The database's own clock: hosts with wrong clocks agree on it."""
    if connection.dialect.name == "postgresql":
        sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    else:
        sql = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    return int(connection.exec_driver_sql(sql).scalar_one())


class FileLock:
    """A lock file beside a SQLite database, held as long as this process lives or until it is freed.

    Args:
        ending: of the file's name; a site's by default.
        held: what is said of another who has it.
    """

    def __init__(self, database: Path, ending: str = ".lock", held: str = "another host drives this site") -> None:
        self.path = database.with_name(database.name + ending)
        self._held = held
        self._handle: int | None = None

    def take(self) -> None:
        """LeaseHeld if another process has it, WrongDatabase if no file can be made there."""
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise WrongDatabase(f"there can be no ledger beside {self.path}: {error}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise LeaseHeld(f"{self._held}: {self.path} is locked") from None
        self._handle = handle

    def free(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def acquire(connection: sa.Connection, site_id: str, holder: str, *, exclusive: bool) -> int:
    """Take the lease and return its epoch. LeaseHeld while another's has not run out (`exclusive`: by file lock)."""
    looked_for = sa.select(lease.c.epoch, lease.c.holder, lease.c.renewed_at_ms).where(lease.c.site_id == site_id)
    now_ms = database_ms(connection)
    if not exclusive:
        _refuse_if_held(connection.execute(looked_for).one_or_none(), holder, now_ms)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(END_SLEEPERS)
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
    try:
        row = connection.execute(looked_for.with_for_update()).one_or_none()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise LeaseHeld("another host is in mid-commit, or asleep in it") from None
        raise
    if row is None:
        connection.execute(lease.insert().values(site_id=site_id, epoch=1, holder=holder, renewed_at_ms=now_ms))
        return 1
    if not exclusive:
        _refuse_if_held(row, holder, now_ms)
    connection.execute(
        lease.update()
        .where(lease.c.site_id == site_id)
        .values(epoch=row.epoch + 1, holder=holder, renewed_at_ms=now_ms)
    )
    return int(row.epoch) + 1


def _refuse_if_held(row: sa.Row[Any, Any, Any] | None, holder: str, now_ms: int) -> None:
    """LeaseHeld while another's lease has not run out."""
    if row is None or row.holder in ("", holder):
        return
    left_ms = row.renewed_at_ms + LEASE_MS - now_ms
    if left_ms > 0:
        raise LeaseHeld(f"{row.holder} drives this site; its lease runs out in {left_ms} ms unless it is renewed")


def check(connection: sa.Connection, site_id: str, epoch: int) -> None:
    """Within a commit's transaction: LeaseLost if a higher epoch stands there. Locks the row until the commit."""
    found: int | None
    if connection.dialect.name == "postgresql":
        sql = "SELECT epoch FROM lease WHERE site_id = %s FOR UPDATE"
        found = connection.exec_driver_sql(sql, (site_id,)).scalar_one_or_none()
    else:
        # BEGIN IMMEDIATE has locked already.
        row = said_to_sqlite(connection, "SELECT epoch FROM lease WHERE site_id = ?", site_id).fetchone()
        found = None if row is None else row[0]
    if found != epoch:
        raise LeaseLost(f"our epoch is {epoch}, the site's is {found}: another host drives it")


def hold(cursor: Any, site_id: str, epoch: int) -> None:
    """The same on PostgreSQL, without waiting for the answer: a higher epoch fails the whole trip (LEASE_LOST)."""
    cursor.execute("SELECT wcs_hold_lease(%s, %s)", (site_id, epoch))


def renew(connection: sa.Connection, site_id: str) -> None:
    """Once a second, in a transaction that has checked whose it is."""
    now_ms = database_ms(connection)
    connection.execute(lease.update().where(lease.c.site_id == site_id).values(renewed_at_ms=now_ms))


def release(connection: sa.Connection, site_id: str, epoch: int) -> None:
    """Give it back at an orderly stop, so that the next host need not wait."""
    connection.execute(
        lease.update().where(lease.c.site_id == site_id, lease.c.epoch == epoch).values(holder="", renewed_at_ms=0)
    )
