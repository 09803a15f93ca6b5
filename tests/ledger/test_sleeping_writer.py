"""A writer that fell asleep in mid-commit: PostgreSQL ends its transaction, so that a standby can take over."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from wcs.ledger.writer import LedgerWriter


def test_a_writer_asleep_in_mid_commit_does_not_hold_the_lease_for_ever(postgres_url: str) -> None:
    sleeper = LedgerWriter(postgres_url)
    connection, _ = sleeper._begin_commit()  # locks the lease's row, and nothing follows
    standby = LedgerWriter(postgres_url)  # the same process, so the same holder: it waits for the row alone
    assert standby.epoch == sleeper.epoch + 1
    with pytest.raises(DBAPIError, match="idle-in-transaction"):
        connection.execute(sa.text("SELECT 1"))
    standby.close()
    sleeper.close()
