"""Alembic, told where its revisions are. Rule: tables change by revisions only, from the first one on."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from wcs.ledger.errors import WrongDatabase

HERE = Path(__file__).parent / "migrations"


def config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, with no file of its own."""
    made = Config()
    made.set_main_option("script_location", str(HERE).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def upgrade(engine: sa.Engine) -> None:
    """Bring a database to the newest tables; WrongDatabase if it is newer than this program."""
    script = ScriptDirectory.from_config(config())
    head = script.get_current_head()
    with engine.execution_options(wcs_writer=True).begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current == head:
            return
        if current is not None and current not in {r.revision for r in script.walk_revisions()}:
            raise WrongDatabase(f"the database is at revision {current}, which this program does not know: it is newer")
        command.upgrade(config(connection), "head")
