"""Whoever looks at a database changes not one byte of it, whatever it is."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from simulation.twin import Twin
from tests.ledger.conftest import keep_books
from wcs.ledger.database import engine_for
from wcs.ledger.errors import WrongDatabase
from wcs.ledger.snapshot import read_snapshot


@pytest.mark.parametrize("sql", ["", "CREATE TABLE shopping (milk)"])
def test_a_database_of_other_making_is_refused_as_it_was(tmp_path: Path, sql: str) -> None:
    file = tmp_path / "foreign.db"
    file.touch()
    with sqlite3.connect(file) as database:
        database.execute(sql)
    database.close()
    before = file.read_bytes()
    with pytest.raises(WrongDatabase, match="no ledger"), read_snapshot(f"sqlite:///{file}"):
        pass
    assert file.read_bytes() == before


def test_what_a_crashed_host_left_in_its_log_is_read_and_stays_there(tmp_path: Path, tiny_run: Twin) -> None:
    site, crashed = tmp_path / "site.db", tmp_path / "crashed.db"
    keep_books(f"sqlite:///{site}", tiny_run)
    host = sqlite3.connect(site)
    host.execute("PRAGMA wal_autocheckpoint = 0")
    host.execute("CREATE TABLE written_last (words)")
    files = [(Path(f"{site}{end}"), Path(f"{crashed}{end}")) for end in ("", "-wal")]
    for there, here in files:
        shutil.copy(there, here)
    host.close()
    before = [here.read_bytes() for _, here in files]
    with read_snapshot(f"sqlite:///{crashed}") as connection:
        assert sa.inspect(connection).has_table("written_last")
        with pytest.raises(sa.exc.OperationalError, match="readonly"):
            connection.execute(sa.text("DELETE FROM written_last"))
    assert before[1]
    assert [here.read_bytes() for _, here in files] == before


def test_the_books_of_a_site_that_has_stopped_are_read_and_nothing_is_left_beside_them(
    tmp_path: Path, tiny_run: Twin
) -> None:
    keep_books(f"sqlite:///{tmp_path / 'site.db'}", tiny_run)
    before = sorted(tmp_path.iterdir())
    with read_snapshot(f"sqlite:///{tmp_path / 'site.db'}") as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM journal")).scalar()
    assert sorted(tmp_path.iterdir()) == before


def test_a_host_that_begins_to_write_while_its_books_are_read_is_said(tmp_path: Path, tiny_run: Twin) -> None:
    file = tmp_path / "site.db"
    keep_books(f"sqlite:///{file}", tiny_run)
    with pytest.raises(WrongDatabase, match="begun to write"), read_snapshot(f"sqlite:///{file}"):
        write(file)


def write(file: Path) -> None:
    host = sqlite3.connect(file)
    host.execute("CREATE TABLE written_last (words)")
    host.close()


def test_the_books_of_a_newer_program_are_not_read(database_url: str, tiny_run: Twin) -> None:
    keep_books(database_url, tiny_run)
    engine = engine_for(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(WrongDatabase, match="revision 9999"), read_snapshot(database_url):
        pass
