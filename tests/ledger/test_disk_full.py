"""A full disk: nothing is written, nothing promised is lost, and it goes on by itself when there is room."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.ledger.clerk import Clerk, batch_of, moved
from tests.ledger.test_writer import change
from tests.real.clock import wait_until
from wcs.ledger.audit import audit
from wcs.ledger.batch import CommitBatch
from wcs.ledger.database import sqlite_file
from wcs.ledger.errors import CommitFailed
from wcs.ledger.writer import CHECKPOINT_S

PAGES_FOR_EVER = 1_000_000


class Disk:
    """A disk with room for so many pages."""

    pages = PAGES_FOR_EVER

    def __call__(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self.pages}")


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk under every transaction that begins."""
    disk = Disk()
    sa.event.listen(sa.Engine, "begin", disk)
    yield disk
    sa.event.remove(sa.Engine, "begin", disk)


def fits(clerk: Clerk, batch: CommitBatch) -> bool:
    try:
        clerk.ledger.commit(batch)
    except CommitFailed:
        return False
    return True


def test_a_full_disk_refuses_and_then_goes_on_where_it_stopped(sqlite_url: str, disk: Disk) -> None:
    with Clerk(sqlite_url) as clerk:
        disk.pages = 1  # SQLite takes it as: not one page more than there are
        wide = (batch_of(moved(n, "outside", "A" * 5_000, f"M{n}")) for n in count(1))
        refused = next(batch for batch in wide if not fits(clerk, batch))
        end = clerk.ledger.last_sequence
        with pytest.raises(CommitFailed, match="full"):
            clerk.ledger.commit(refused)
        assert clerk.ledger.last_sequence == end
        disk.pages = PAGES_FOR_EVER
        assert clerk.ledger.commit(refused).first_sequence == end + 1
    report = audit(sqlite_url)
    assert report.checks["journal_chain"].ok
    assert report.checks["every_move_one_line"].ok


@contextmanager
def no_file_larger_than(length: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_checkpoints_that_a_full_disk_has_stopped_go_on_when_there_is_room(sqlite_url: str) -> None:
    file = sqlite_file(sqlite_url) or Path()
    wide = [moved(n, "outside", "A" * 5_000, f"M{n}") for n in range(5)]
    with Clerk(sqlite_url) as clerk:
        change(sqlite_url, "PRAGMA wal_checkpoint(TRUNCATE)")
        length = file.stat().st_size
        with no_file_larger_than(length):
            clerk.ledger.commit(batch_of(*wide))  # its log is the shorter file
            time.sleep(2.5 * CHECKPOINT_S)
            assert file.stat().st_size == length
        wait_until(lambda: file.stat().st_size > length, "the log goes into the file again", 10 * CHECKPOINT_S)
