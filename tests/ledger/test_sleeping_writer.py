"""A writer that fell asleep in mid-commit: PostgreSQL ends its transaction, so that a standby can take over."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from tests.ledger.test_writer import read
from tests.real.clock import wait_until
from wcs.ledger.errors import CommitUnknown, LeaseLost
from wcs.ledger.writer import LedgerWriter, open_when_free

HELD_S = 10.0  # a lock, on a busy machine
FREE_LEASES = "SELECT epoch FROM lease FOR UPDATE SKIP LOCKED"


def taken_over(url: str) -> LedgerWriter:
    """As a standby does. The same process, so the same holder: it waits for the row alone."""
    standby = open_when_free(url, stop=threading.Event())
    assert standby is not None
    return standby


def test_a_writer_asleep_in_a_transaction_does_not_hold_the_lease_for_ever(postgres_url: str) -> None:
    sleeper = LedgerWriter(postgres_url)
    with pytest.raises(CommitUnknown), sleeper._held.looking_first():  # locks the lease's row, and nothing follows
        standby = taken_over(postgres_url)
    assert standby.epoch == sleeper.epoch + 1
    standby.close()
    sleeper.close()


def test_a_writer_asleep_between_statements_that_do_not_wait_does_not_hold_it_either(postgres_url: str) -> None:
    sleeper = LedgerWriter(postgres_url)
    standbys = []

    def fall_asleep(_: sa.Connection) -> None:
        wait_until(lambda: not read(postgres_url, FREE_LEASES), "the row is held, the server waits for more", HELD_S)
        standbys.append(taken_over(postgres_url))

    with pytest.raises(CommitUnknown):  # the server hangs up on it
        sleeper._held.commit(fall_asleep)
    (standby,) = standbys
    assert standby.epoch == sleeper.epoch + 1
    with pytest.raises(LeaseLost):
        sleeper.renew()
    assert not sleeper.fence.holds()
    standby.close()
    sleeper.close()
