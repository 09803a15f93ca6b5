"""Old months leave the database, and the books still hold: from the closing on, and with archives from the start."""

from __future__ import annotations

import gzip
import shutil
import time
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from api.demo_figures import Books
from simulation.twin import Twin
from tests.ledger.clerk import TINY, UNIT_PLACE, Clerk, order
from tests.ledger.conftest import keep_books
from tests.ledger.test_writer import change
from wcs.core import events as v
from wcs.ledger.archive import ArchiveRefused, archive, one_archiver
from wcs.ledger.archive_file import write_archive
from wcs.ledger.audit import AuditReport, audit
from wcs.ledger.database import engine_for
from wcs.plant.file import load_plant

LATER_MS = 1 << 50


def wrong(report: AuditReport) -> dict[str, str]:
    return {name: check.detail for name, check in report.checks.items() if not check.ok}


def count(url: str, table: str) -> int:
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one())
    finally:
        engine.dispose()


def archive_all(url: str, folder: Path) -> int:
    """Archive everything but the last event; the last line archived."""
    header = archive(url, TINY, folder, before_ms=LATER_MS, now_ms=9)
    assert header is not None
    return header.last


def test_what_is_archived_leaves_the_database_and_the_books_hold(
    database_url: str, tiny_run: Twin, tmp_path: Path
) -> None:
    keep_books(database_url, tiny_run)
    lines = count(database_url, "journal")
    assert archive_all(database_url, tmp_path) < lines
    assert count(database_url, "journal") < 100
    assert wrong(audit(database_url, plant=TINY)) == {}
    assert wrong(audit(database_url, plant=TINY, full=True)) == {}


def test_the_books_of_another_plant_are_left_as_they_are(database_url: str, tiny_run: Twin, tmp_path: Path) -> None:
    keep_books(database_url, tiny_run)
    lines = count(database_url, "journal")
    with pytest.raises(ArchiveRefused, match="belong to the plant tiny, not to demo"):
        archive(database_url, load_plant("demo"), tmp_path, before_ms=LATER_MS, now_ms=9)
    assert count(database_url, "journal") == lines
    assert not list(tmp_path.glob("*.gz"))


def test_a_demo_s_figures_are_those_of_its_whole_life(database_url: str, tiny_run: Twin, tmp_path: Path) -> None:
    keep_books(database_url, tiny_run)
    books = Books(database_url)
    figures = books.document(TINY)
    commands = figures["commands"]
    assert isinstance(commands, dict)
    assert min(commands.values()) > 0
    archive_all(database_url, tmp_path)
    assert count(database_url, "journal") < 100
    assert books.document(TINY) == figures
    next(tmp_path.glob("*.jsonl.gz")).unlink()
    with pytest.raises(FileNotFoundError, match=r"jsonl\.gz"):
        books.document(TINY)
    books.close()


def test_the_site_goes_on_behind_a_closing_and_closes_again(database_url: str, tmp_path: Path) -> None:
    with Clerk(database_url) as clerk:
        clerk.define("S1")
        clerk.open_stock(1, UNIT_PLACE, "S1", 5)
    first = archive_all(database_url, tmp_path)
    with Clerk(database_url) as clerk:
        assert clerk.last.first_sequence > first
        clerk.open_stock(2, "A1-L-02-01-1", "S1", 7)
        clerk.do(order("O1", "S1", 6))
        second = archive_all(database_url, tmp_path)
        clerk.do(v.Tick(at_ms=5))
    assert second > first
    assert wrong(audit(database_url, plant=TINY)) == {}
    report = audit(database_url, plant=TINY, full=True)
    assert wrong(report) == {}
    assert report.checks["every_move_one_line"].detail == "2 moves"
    assert count(database_url, "closing_row") > 0


def test_only_what_was_committed_before_the_moment_is_archived(database_url: str, tmp_path: Path) -> None:
    with Clerk(database_url) as clerk:
        clerk.define("S1")
        before_ms = clerk.last.committed_at_ms
    assert archive(database_url, TINY, tmp_path, before_ms=before_ms, now_ms=9) is None
    assert list(tmp_path.glob("*.gz")) == []


def test_while_one_archives_another_is_refused(database_url: str, tmp_path: Path) -> None:
    with Clerk(database_url) as clerk:
        clerk.define("S1")
        clerk.define("S2")
    engine = engine_for(database_url)
    with one_archiver(engine, "main"), pytest.raises(ArchiveRefused, match="another archives"):
        archive_all(database_url, tmp_path)
    engine.dispose()
    assert not list(tmp_path.glob("*.gz"))
    assert archive_all(database_url, tmp_path) > 0
    assert wrong(audit(database_url, plant=TINY, full=True)) == {}


def test_the_archive_of_another_journal_is_not_written_over(tiny_url: str, tmp_path: Path) -> None:
    shutil.copytree(tmp_path, tmp_path / "before")
    before = tiny_url.replace(str(tmp_path), str(tmp_path / "before"))
    header = archive(tiny_url, TINY, tmp_path / "archives", before_ms=LATER_MS, now_ms=9)
    assert header is not None
    (file,) = (tmp_path / "archives").glob("*.gz")
    write_archive(file, msgspec.structs.replace(header, hash="00" * 32), [])
    for kept in (file.read_bytes(), file.read_bytes()[:20], b"monday's shopping"):
        file.write_bytes(kept)
        with pytest.raises(ArchiveRefused, match="another journal"):
            archive(before, TINY, tmp_path / "archives", before_ms=LATER_MS, now_ms=9)
        assert file.read_bytes() == kept


def test_a_run_that_broke_off_is_finished_by_the_next(tiny_url: str, tmp_path: Path) -> None:
    stop = "CREATE TRIGGER power_loss BEFORE DELETE ON content_line BEGIN SELECT RAISE(ABORT, 'power loss'); END"
    change(tiny_url, stop)
    with pytest.raises(sa.exc.DatabaseError, match="power loss"):
        archive_all(tiny_url, tmp_path)
    lines = count(tiny_url, "content_line")
    assert wrong(audit(tiny_url, full=True)) == {}
    change(tiny_url, "DROP TRIGGER power_loss")
    assert archive(tiny_url, TINY, tmp_path, before_ms=0, now_ms=9) is None
    assert count(tiny_url, "content_line") < lines
    assert wrong(audit(tiny_url, full=True)) == {}


def test_only_what_a_closing_covers_can_be_deleted(tiny_url: str, tmp_path: Path) -> None:
    archive_all(tiny_url, tmp_path)
    with pytest.raises(sa.exc.DatabaseError, match="immutable"):
        change(tiny_url, "DELETE FROM journal")
    with pytest.raises(sa.exc.DatabaseError, match="immutable"):
        change(tiny_url, "UPDATE closing SET sequence = sequence + 1000")


def test_broken_lines_are_not_archived(tiny_url: str, tmp_path: Path) -> None:
    change(tiny_url, "DROP TRIGGER journal_no_update", "UPDATE journal SET occurred_at_ms = 7 WHERE sequence = 30")
    with pytest.raises(ArchiveRefused, match="line 30"):
        archive_all(tiny_url, tmp_path)
    assert count(tiny_url, "closing") == 0
    assert list(tmp_path.glob("*.gz*")) == []


def test_a_full_audit_sees_that_an_archive_was_changed_is_missing_or_cannot_be_read(
    tiny_url: str, tmp_path: Path
) -> None:
    archive_all(tiny_url, tmp_path / "archive")
    (file,) = (tmp_path / "archive").iterdir()
    text = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(text.replace(b"own", b"our", 1)))
    assert "not what it was" in wrong(audit(tiny_url, full=True))["journal_chain"]
    file.unlink()
    assert "not there" in wrong(audit(tiny_url, full=True))["journal_chain"]
    file.mkdir()
    assert "cannot be read: [Errno 21] Is a directory" in wrong(audit(tiny_url, full=True))["journal_chain"]
    assert wrong(audit(tiny_url)) == {}


def test_archives_may_be_kept_elsewhere(tiny_url: str, tmp_path: Path) -> None:
    archive_all(tiny_url, tmp_path / "archive")
    shutil.move(tmp_path / "archive", tmp_path / "vault")
    assert wrong(audit(tiny_url, full=True, archives=tmp_path / "vault")) == {}


def test_the_audit_sees_a_closing_that_does_not_follow_from_the_archives(tiny_url: str, tmp_path: Path) -> None:
    archive_all(tiny_url, tmp_path)
    change(tiny_url, """UPDATE closing_row SET document = REPLACE(document, 'A1-', 'A2-') WHERE name = 'load_unit'""")
    assert "fold_equals_tables" in wrong(audit(tiny_url))
    assert "fold_equals_tables" in wrong(audit(tiny_url, full=True))


def test_a_month_is_counted_in_wall_time(tiny_url: str, tmp_path: Path) -> None:
    assert archive(tiny_url, TINY, tmp_path, before_ms=time.time_ns() // 1_000_000 + 60_000, now_ms=9) is not None
