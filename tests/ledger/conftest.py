"""A whole run of the tiny plant, made once a session, and its ledger."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import Workload
from tests.ledger.clerk import TINY
from wcs.core import events as v
from wcs.core.warehouse import Warehouse
from wcs.ledger.batch import CommitBatch, JournalEntry
from wcs.ledger.writer import LedgerWriter

ORDERS = 6
LIMIT_MS = 7_200_000  # twenty times what the run takes
BATCH = 64


def keep_books(url: str, twin: Twin) -> None:
    """Put the journal of a twin on paper, in batches as a host would."""
    assert twin.journal is not None
    ledger = LedgerWriter(url)
    warehouse = Warehouse(twin.plant)
    for first in range(0, len(twin.journal), BATCH):
        part = twin.journal[first : first + BATCH]
        for _, facts in part:
            for fact in facts:
                warehouse.apply(fact)
        entries = tuple(JournalEntry(event=event, facts=facts, received_at_ms=event.at_ms) for event, facts in part)
        ledger.commit(CommitBatch(entries=entries, changes=tuple(warehouse.state.take_changes())))
    ledger.close()


@pytest.fixture(scope="session")
def tiny_run() -> Twin:
    """Orders and a delivery on the tiny plant, until all are shipped and every machine rests."""
    twin = Twin(TINY, keep_journal=True)
    work = Workload(TINY, 1)
    twin.start()
    for sku in work.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="office", sku=sku))
    twin.open_stock(work.opening(0))
    add_people(twin)
    for n in range(1, ORDERS + 1):
        number, lines = work.order(n)
        twin.handle(v.OrderRequested(at_ms=0, actor="shop", number=number, lines=lines))
    number, expected = work.delivery(1, 0)
    twin.handle(v.DeliveryNotified(at_ms=0, actor="supplier", number=number, lines=expected))
    state = twin.warehouse.state
    assert twin.run_until(lambda: not twin.warehouse.state.orders_open, limit_ms=LIMIT_MS)
    assert twin.run_until(lambda: not len(twin.warehouse.state.transport), limit_ms=LIMIT_MS)
    assert len(state.receipt), "the delivery came too"
    return twin


@pytest.fixture(scope="session")
def tiny_ledger(tiny_run: Twin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's ledger as a SQLite file, not to be changed."""
    file = tmp_path_factory.mktemp("tiny") / "wcs.db"
    keep_books(f"sqlite:///{file}", tiny_run)
    return file


@pytest.fixture
def tiny_url(tiny_ledger: Path, tmp_path: Path) -> str:
    """A copy of the run's ledger that a test may spoil."""
    for file in tiny_ledger.parent.iterdir():
        shutil.copy(file, tmp_path / file.name)
    return f"sqlite:///{tmp_path / tiny_ledger.name}"
