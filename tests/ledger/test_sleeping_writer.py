"""A writer that fell asleep in mid-commit: PostgreSQL ends its transaction, so that a standby can take over."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from wcs.ledger.errors import LeaseLost
from wcs.ledger.writer import LedgerWriter, open_when_free


def taken_over(url: str) -> LedgerWriter:
    """As a standby does. The same process, so the same holder: it waits for the row alone."""
    standby = open_when_free(url, stop=threading.Event())
    assert standby is not None
    return standby


def test_a_writer_asleep_in_mid_commit_does_not_hold_the_lease_for_ever(postgres_url: str) -> None:
    sleeper = LedgerWriter(postgres_url)
    connection, _ = sleeper._begin_commit()  # locks the lease's row, and nothing follows
    standby = taken_over(postgres_url)
    assert standby.epoch == sleeper.epoch + 1
    with pytest.raises(DBAPIError, match="idle-in-transaction"):
        connection.execute(sa.text("SELECT 1"))
    standby.close()
    sleeper.close()


def test_a_writer_asleep_between_statements_that_do_not_wait_does_not_hold_it_either(postgres_url: str) -> None:
    sleeper = LedgerWriter(postgres_url)
    connection, _ = sleeper._begin_commit()
    held: Any = connection.connection.driver_connection
    standby: LedgerWriter | None = None
    with contextlib.suppress(psycopg.OperationalError), held.pipeline():  # the server hangs up on it
        held.execute("SELECT 1").fetchone()  # done, and the server waits for more
        standby = taken_over(postgres_url)
    assert standby is not None
    assert standby.epoch == sleeper.epoch + 1
    with pytest.raises(LeaseLost):
        sleeper.renew()
    assert not sleeper.fence.holds()
    standby.close()
    sleeper.close()
