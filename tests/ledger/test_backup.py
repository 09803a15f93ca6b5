"""A backup is proved whole, restored into an empty place only, and the books go on from it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.ledger.clerk import UNIT_PLACE, Clerk, order
from tests.ledger.test_writer import change
from wcs.ledger.audit import audit
from wcs.ledger.backup import BackupRefused, back_up, restore
from wcs.ledger.database import engine_for
from wcs.ledger.errors import WrongDatabase


def empty_place(url: str, tmp_path: Path) -> str:
    """A second database of the same kind; what stands in a PostgreSQL database goes first."""
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'restored' / 'wcs.db'}"
    engine = engine_for(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url


def test_what_was_backed_up_beside_a_host_at_work_is_restored(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "wcs.backup"
    with Clerk(database_url) as clerk:
        clerk.define("S1")
        clerk.open_stock(1, UNIT_PLACE, "S1", 5)
        (mark,) = back_up(database_url, file)
        assert mark.last_sequence == clerk.ledger.last_sequence
        clerk.do(order("O1", "S1", 2))
    place = empty_place(database_url, tmp_path)
    assert restore(place, file) == (mark,)
    assert audit(place).ok
    with Clerk(place) as clerk:
        assert "O1" not in clerk.warehouse.state.order
        assert clerk.warehouse.state.load_unit[1].place == UNIT_PLACE
        clerk.do(order("O2", "S1", 2))
    assert audit(place).ok


def test_who_may_call_and_which_keys_were_used_come_back_too(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "wcs.backup"
    Clerk(database_url).ledger.close()
    token = "INSERT INTO api_token (digest, actor, scopes, created_ms) VALUES ('d', 'shop', 'order', 1)"
    change(database_url, token)
    change(
        database_url, "INSERT INTO idempotency_key (actor, key, number, digest, used_ms) VALUES ('shop','k','O','x',1)"
    )
    back_up(database_url, file)
    place = empty_place(database_url, tmp_path)
    restore(place, file)
    engine = engine_for(place)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT actor, scopes FROM api_token").all() == [("shop", "order")]
        assert connection.exec_driver_sql("SELECT key, number FROM idempotency_key").all() == [("k", "O")]
    engine.dispose()


def test_restored_books_are_as_immutable_as_before(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "wcs.backup"
    Clerk(database_url).ledger.close()
    back_up(database_url, file)
    place = empty_place(database_url, tmp_path)
    restore(place, file)
    with pytest.raises(sa.exc.DatabaseError, match="immutable"):
        change(place, "UPDATE journal SET name = 'x'")


def test_books_are_not_restored_over_others(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "wcs.backup"
    Clerk(database_url).ledger.close()
    back_up(database_url, file)
    with pytest.raises(BackupRefused, match="already"):
        restore(database_url, file)
    with pytest.raises(BackupRefused, match="exists"):
        back_up(database_url, file)


def test_a_broken_chain_is_no_backup(database_url: str, tmp_path: Path) -> None:
    with Clerk(database_url) as clerk:
        clerk.define("S1")
    drop = "DROP TRIGGER journal_no_update" + ("" if database_url.startswith("sqlite") else " ON journal")
    change(database_url, drop, "UPDATE journal SET document = '{}' WHERE sequence = 2")
    with pytest.raises(BackupRefused, match="broken"):
        back_up(database_url, tmp_path / "wcs.backup")
    assert list(tmp_path.glob("*.backup*")) == []


def test_where_there_is_no_ledger_there_is_no_backup(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(WrongDatabase):
        back_up(database_url, tmp_path / "wcs.backup")


def test_a_file_of_another_kind_is_refused(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("dear sir or madam " * 100)
    with pytest.raises(BackupRefused, match="no backup"):
        restore(database_url, file)


def test_a_backup_of_a_newer_program_is_refused(postgres_url: str, tmp_path: Path) -> None:
    file = tmp_path / "wcs.backup"
    with zipfile.ZipFile(file, "w") as into:
        into.writestr("backup.json", b'{"revision": "9999", "tables": {}}')
    with pytest.raises(WrongDatabase, match="newer"):
        restore(postgres_url, file)
