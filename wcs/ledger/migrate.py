"""Alembic, told where its revisions are. Rule: tables change by revisions only, from the first one on."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL

from wcs.ledger.database import reader_for, sqlite_file
from wcs.ledger.errors import WrongDatabase
from wcs.ledger.tables import metadata

HERE = Path(__file__).parent / "migrations"


def config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, with no file of its own."""
    made = Config()
    made.set_main_option("script_location", str(HERE).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def upgrade(engine: sa.Engine) -> None:
    """Bring a database to the newest tables; WrongDatabase if it is newer than this program, or another program's."""
    file = sqlite_file(engine.url)
    try:
        if file is not None and file.exists():
            _refuse_strangers(engine.url)
        with engine.execution_options(wcs_writer=True).begin() as connection:
            upgrade_within(connection, "head")
    except sa.exc.DatabaseError as error:
        if isinstance(error, sa.exc.OperationalError):  # locked, or away: not a matter of what is in it
            raise
        where = engine.url.render_as_string()
        raise WrongDatabase(f"{where} cannot be read: {error.orig}; restore a backup") from error


def check_known(connection: sa.Connection) -> None:
    """Refuse to read tables of a revision that this program does not know; WrongDatabase says which."""
    found = MigrationContext.configure(connection).get_current_revision()
    _refuse_unknown(found, {r.revision for r in ScriptDirectory.from_config(config()).walk_revisions()})


def _refuse_unknown(found: str | None, known: set[str]) -> None:
    if found is not None and found not in known:
        raise WrongDatabase(f"the database is at revision {found}, which this program does not know: it is newer")


def _refuse_strangers(url: URL) -> None:
    """A file is one program's; in PostgreSQL several may share a database. Asked before the file is opened as a
    ledger's, which changes its journal mode.
    """
    reader = reader_for(url)
    try:
        with reader.connect() as connection:
            if MigrationContext.configure(connection).get_current_revision() is not None:
                return
            strangers = sorted(set(sa.inspect(connection).get_table_names()) - set(metadata.tables))
    finally:
        reader.dispose()
    if strangers:
        raise WrongDatabase(f"it is no ledger: it has the table {strangers[0]} of another program")


def upgrade_within(connection: sa.Connection, revision: str) -> None:
    """Within a transaction, bring a database to the tables of one revision.

    Raises:
        WrongDatabase: this program lacks the revision.
    """
    script = ScriptDirectory.from_config(config())
    known = {r.revision for r in script.walk_revisions()}
    wanted = script.get_current_head() if revision == "head" else revision
    current = MigrationContext.configure(connection).get_current_revision()
    for found in (current, wanted):
        _refuse_unknown(found, known)
    if current != wanted:
        command.upgrade(config(connection), revision)
