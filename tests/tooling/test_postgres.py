"""The databases that other tests stand on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests import postgres
from tests.postgres import PostgresAbsent, PostgresServer, private_postgres, server_programs


def ask(url: str, question: str) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            return connection.execute(text(question)).scalar()
    finally:
        engine.dispose()


def tell(url: str, statement: str) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def test_each_test_finds_an_empty_database_on_either_engine(database_url: str) -> None:
    tell(database_url, "CREATE TABLE pallets (number integer primary key)")
    tell(database_url, "INSERT INTO pallets VALUES (7)")
    assert ask(database_url, "SELECT number FROM pallets") == 7


def test_the_two_engines_are_sqlite_and_postgresql(sqlite_url: str, postgres_url: str) -> None:
    assert make_url(sqlite_url).drivername == "sqlite"
    assert make_url(postgres_url).drivername == "postgresql+psycopg"


def test_a_fresh_database_knows_nothing_of_the_one_before(postgres_server: PostgresServer) -> None:
    with postgres_server.fresh_database() as first:
        tell(first, "CREATE TABLE pallets (number integer)")
    with postgres_server.fresh_database() as second:
        assert ask(second, "SELECT to_regclass('pallets')") is None
    assert ask(postgres_server.url(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'test_%'") == 0


def test_a_commit_is_on_disk_as_in_production(postgres_url: str) -> None:
    assert ask(postgres_url, "SHOW fsync") == "on"
    assert ask(postgres_url, "SHOW synchronous_commit") == "on"


def test_the_private_server_listens_on_no_port(postgres_url: str) -> None:
    assert ask(postgres_url, "SHOW listen_addresses") == ""


def test_a_server_leaves_neither_process_nor_folder(postgres_server: PostgresServer) -> None:
    assert postgres_server.process.poll() is None
    with private_postgres() as server:
        assert ask(server.url(), "SELECT 1") == 1
    assert server.process.poll() == 0
    assert not server.folder.exists()


def test_a_machine_without_postgresql_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "DEBIAN_FOLDERS", tmp_path)
    with pytest.raises(PostgresAbsent, match="no PostgreSQL server programs"):
        server_programs()


def test_debians_newest_version_is_found_without_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "DEBIAN_FOLDERS", tmp_path)
    for version in ("9.6", "15", "16"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for program in ("initdb", "postgres"):
            (folder / program).touch()
    assert server_programs() == tmp_path / "16" / "bin"


def test_a_server_that_does_not_start_shows_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_nothing(*arguments: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["false"])

    monkeypatch.setattr(postgres, "_start", start_nothing)
    with pytest.raises(RuntimeError, match="PostgreSQL did not start"), private_postgres():
        pass


@pytest.mark.parametrize("in_ci", [True, False])
def test_without_postgresql_tests_skip_and_in_ci_fail(pytester: pytest.Pytester, in_ci: bool) -> None:
    """The suite's own conftest, run where there is no PostgreSQL."""
    pytester.makeconftest(
        f"""
        import tests.conftest
        from tests import postgres
        from tests.conftest import *

        def absent():
            raise postgres.PostgresAbsent("none here")

        postgres.server_programs = absent
        tests.conftest.IN_CI = {in_ci}
        """
    )
    pytester.makepyfile("def test_writes_a_row(database_url): pass")
    outcome = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=1, errors=1 if in_ci else 0, skipped=0 if in_ci else 1)
