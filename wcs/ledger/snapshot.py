"""Reads a ledger beside a running site: one moment of the database, and no way to write.

Rule: who reads takes no lease and changes nothing, so that a site never notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from wcs.ledger.database import is_at_rest, reader_for, sqlite_file
from wcs.ledger.errors import WrongDatabase
from wcs.ledger.migrate import check_known


@contextmanager
def read_snapshot(url: str) -> Iterator[sa.Connection]:
    """A connection that sees one moment.

    Raises:
        WrongDatabase: there is no ledger, or that of a newer program; or (when all was read) a host has begun to write
            into a file that was at rest.
    """
    file = sqlite_file(url)
    if file is not None and not Path(file).exists():
        raise WrongDatabase(f"there is no ledger at {file}")
    rests = file is not None and is_at_rest(file)
    before = file.stat() if file is not None else None
    engine = reader_for(url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            if not sa.inspect(connection).has_table("journal"):
                raise WrongDatabase("there is no ledger in this database")
            check_known(connection)
            yield connection
    finally:
        engine.dispose()
    if rests and file is not None and before is not None:
        after = file.stat()
        if not is_at_rest(file) or (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            raise WrongDatabase(f"{file}: a host has begun to write into it: read it again")
