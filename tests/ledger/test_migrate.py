"""Tables and revisions say the same, and a newer database is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import make_url

from api.tokens import TokenStore
from tests.ledger.clerk import Clerk
from tests.ledger.test_writer import change
from wcs.ledger.database import engine_for
from wcs.ledger.errors import WrongDatabase
from wcs.ledger.migrate import upgrade_within
from wcs.ledger.tables import metadata
from wcs.ledger.writer import LedgerWriter


def test_the_revisions_make_the_tables_of_the_program(database_url: str) -> None:
    LedgerWriter(database_url).close()
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_database_that_is_newer_than_the_program_is_refused(database_url: str) -> None:
    with Clerk(database_url):
        pass
    change(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WrongDatabase, match="newer"):
        LedgerWriter(database_url)


def test_tokens_made_before_they_had_a_revision_stay(database_url: str) -> None:
    engine = engine_for(database_url).execution_options(wcs_writer=True)
    with engine.begin() as connection:
        upgrade_within(connection, "0001")
        metadata.tables["api_token"].create(connection)
    change(database_url, "INSERT INTO api_token (digest, actor, scopes, created_ms) VALUES ('d', 'shop', 'order', 1)")
    LedgerWriter(database_url).close()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT actor FROM api_token").scalars().all() == ["shop"]
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_file_of_another_program_is_not_made_a_ledger(sqlite_url: str) -> None:
    file = Path(str(make_url(sqlite_url).database))
    with closing(sqlite3.connect(file)) as strangers, strangers:
        strangers.execute("CREATE TABLE recipe (name TEXT)")
    before = file.read_bytes()
    with pytest.raises(WrongDatabase, match="it has the table recipe of another program"):
        LedgerWriter(sqlite_url)
    with pytest.raises(WrongDatabase, match="recipe"):
        TokenStore(sqlite_url)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir() if each.suffix != ".lock"] == [file.name]
