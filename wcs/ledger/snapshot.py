"""Reads a ledger beside a running site: one moment of the database, and no way to write.

Rule: who reads takes no lease and changes nothing, so that a site never notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from wcs.ledger.database import reader_for, sqlite_file
from wcs.ledger.errors import WrongDatabase


@contextmanager
def read_snapshot(url: str) -> Iterator[sa.Connection]:
    """A connection that sees one moment.

    Raises:
        WrongDatabase: there is no ledger.
    """
    file = sqlite_file(url)
    if file is not None and not Path(file).exists():
        raise WrongDatabase(f"there is no ledger at {file}")
    engine = reader_for(url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            if not sa.inspect(connection).has_table("journal"):
                raise WrongDatabase("there is no ledger in this database")
            yield connection
    finally:
        engine.dispose()
