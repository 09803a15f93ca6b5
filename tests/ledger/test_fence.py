"""The fence: who may have lost the lease writes nothing, and need not ask the database to know."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from wcs.ledger.errors import LeaseLost
from wcs.ledger.fence import MARGIN_MS, Fence
from wcs.ledger.lease import LEASE_MS
from wcs.ledger.tables import lease
from wcs.ledger.writer import LedgerWriter


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


def test_a_lease_holds_until_shortly_before_it_runs_out() -> None:
    clock = Clock()
    fence = Fence(LEASE_MS, clock)
    assert not fence.holds(), "nothing was taken yet"
    fence.extend(clock.now_ms)
    clock.now_ms += LEASE_MS - MARGIN_MS - 1
    assert fence.holds()
    clock.now_ms += 1
    assert not fence.holds()


def test_a_renewal_counts_from_before_the_database_was_asked() -> None:
    clock = Clock()
    fence = Fence(LEASE_MS, clock)
    asked_ms = clock.now_ms
    clock.now_ms += LEASE_MS  # it slept while the answer was on its way
    fence.extend(asked_ms)
    assert not fence.holds()
    fence.extend(clock.now_ms)
    assert fence.holds()
    fence.extend(asked_ms)
    assert fence.holds(), "an older answer takes nothing away"


def test_what_was_dropped_never_holds_again() -> None:
    clock = Clock()
    fence = Fence(LEASE_MS, clock)
    fence.extend(clock.now_ms)
    fence.drop()
    fence.extend(clock.now_ms)
    assert not fence.holds()


def test_a_file_lock_holds_as_long_as_the_process() -> None:
    clock = Clock()
    fence = Fence(None, clock)
    clock.now_ms += 3_600_000
    assert fence.holds()


def test_a_writer_that_is_open_may_speak_and_one_that_is_closed_may_not(database_url: str) -> None:
    ledger = LedgerWriter(database_url)
    ledger.renew()
    assert ledger.fence.holds()
    ledger.close()
    assert not ledger.fence.holds()


def test_a_writer_that_finds_another_epoch_may_not_speak_any_more(postgres_url: str) -> None:
    ledger = LedgerWriter(postgres_url)
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(lease.update().values(epoch=ledger.epoch + 1))
    engine.dispose()
    with pytest.raises(LeaseLost):
        ledger.renew()
    assert not ledger.fence.holds()
    ledger.close()
