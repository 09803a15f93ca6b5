"""What all tests share: the databases they run on, the seeds they are drawn from, how hypothesis behaves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres import PostgresAbsent, PostgresServer, private_postgres

SEEDS_IN_SUITE = 3  # enough that no test leans on one lucky seed; `--seeds` takes more
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

# No deadlines: a shared two-core machine stalls longer than any honest one, and pytest-timeout catches what hangs.
# In CI the examples are the same each time, so that a change is judged by itself and not by luck.
settings.register_profile("suite", deadline=None, print_blob=True, derandomize=IN_CI)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the caller say how many."""
    parser.addoption("--seeds", type=int, default=SEEDS_IN_SUITE, help="how many seeds each seeded test runs with")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `seed` runs once a seed; the seed stands in its name, and in its failure."""
    if "seed" not in metafunc.fixturenames or _chooses_its_own_seeds(metafunc):
        return
    seeds = range(1, metafunc.config.getoption("--seeds") + 1)
    metafunc.parametrize("seed", [pytest.param(seed, id=f"seed={seed}", marks=pytest.mark.seeded) for seed in seeds])


def _chooses_its_own_seeds(metafunc: pytest.Metafunc) -> bool:
    return any("seed" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL for this session; where there is none, tests skip, but in CI they fail."""
    try:
        with private_postgres() as server:
            yield server
    except PostgresAbsent as absent:
        if IN_CI:
            pytest.fail(f"CI tests PostgreSQL too: {absent}")
        pytest.skip(str(absent))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database, for one test."""
    with postgres_server.fresh_database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet, for one test."""
    return f"sqlite:///{tmp_path / 'wcs.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, for one test; the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))
