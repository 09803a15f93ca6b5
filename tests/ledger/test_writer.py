"""What the writer promises, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.ledger.clerk import UNIT_PLACE, Clerk, batch_of, moved, order, posted
from wcs.core.ports import DeliveryNote
from wcs.core.warehouse import Warehouse
from wcs.ledger.audit import audit
from wcs.ledger.batch import CommitBatch
from wcs.ledger.errors import BatchRefused, CommitUnknown, LeaseHeld, LeaseLost
from wcs.ledger.writer import LedgerWriter

LINES = ("journal", "containment_line", "content_line")


def read(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query of our own."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(sql))]
    finally:
        engine.dispose()


def change(url: str, *statements: str) -> None:
    """Statements that no part of the house would say."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))
    finally:
        engine.dispose()


def test_a_restart_loads_what_was_committed(database_url: str) -> None:
    with Clerk(database_url) as clerk:
        clerk.define("S1", "S2")
        clerk.open_stock(1, UNIT_PLACE, "S1", 20)
        clerk.do(order("O1", "S1", 3), order("O2", "S1", 4))
        before = clerk.warehouse.state.tables
    ledger = LedgerWriter(database_url)
    after = Warehouse(clerk.warehouse.layout.plant, ledger.load_rows()).state.tables
    ledger.close()
    for entity, table in before.items():
        assert after[entity].rows == table.rows, entity.TABLE


def test_the_journal_has_no_gaps_over_restarts(database_url: str) -> None:
    for _ in range(3):
        with Clerk(database_url) as clerk:
            clerk.define("S1")
    sequences = [n for (n,) in read(database_url, "SELECT sequence FROM journal ORDER BY sequence")]
    assert sequences == list(range(1, len(sequences) + 1))
    assert audit(database_url).ok


def test_a_move_is_one_line_and_one_balance(database_url: str) -> None:
    with Clerk(database_url) as clerk:
        clerk.ledger.commit(batch_of(moved(7, "outside", "A", "M1"), moved(7, "A", "B", "M2")))
    lines = read(database_url, "SELECT sequence, key, source, sink FROM containment_line ORDER BY sequence")
    assert lines == [(1, "M1", "outside", "A"), (2, "M2", "A", "B")]
    assert read(database_url, "SELECT load_unit, place FROM containment_balance") == [(7, "B")]


def test_a_batch_is_netted_before_it_is_booked(database_url: str) -> None:
    with Clerk(database_url) as clerk:
        clerk.ledger.commit(batch_of(posted("supplier", "LU:1", 10, "R1")))
        clerk.ledger.commit(batch_of(posted("LU:1", "LU:2", 10, "P1"), posted("LU:2", "LU:1", 4, "P2")))
    balances = dict(read(database_url, "SELECT account, quantity FROM content_balance"))
    assert balances == {"supplier": -10, "LU:1": 4, "LU:2": 6}
    assert read(database_url, "SELECT sku, quantity FROM sku_balance") == [("S1", 10)]


def test_a_key_that_is_on_paper_is_refused(database_url: str) -> None:
    with Clerk(database_url) as clerk:
        clerk.ledger.commit(batch_of(moved(7, "outside", "A", "T1:PICK")))
        before = clerk.ledger.last_sequence
        with pytest.raises(BatchRefused):
            clerk.ledger.commit(batch_of(moved(7, "A", "B", "T1:PICK")))
        assert clerk.ledger.last_sequence == before
    assert read(database_url, "SELECT load_unit, place FROM containment_balance") == [(7, "A")]


def test_a_key_twice_in_one_batch_is_refused(database_url: str) -> None:
    with Clerk(database_url) as clerk, pytest.raises(BatchRefused, match="R1 twice"):
        clerk.ledger.commit(batch_of(posted("supplier", "LU:1", 1, "R1"), posted("supplier", "LU:1", 1, "R1")))


@pytest.mark.parametrize("quantity", [11, 1 << 62], ids=["more than there is", "far more"])
def test_what_is_not_there_cannot_be_taken(database_url: str, quantity: int) -> None:
    with Clerk(database_url) as clerk:
        clerk.ledger.commit(batch_of(posted("supplier", "LU:1", 10, "R1")))
        with pytest.raises(BatchRefused):
            clerk.ledger.commit(batch_of(posted("LU:1", "customer", quantity, "P1")))
        with pytest.raises(BatchRefused):
            clerk.ledger.commit(batch_of(posted("LU:2", "customer", 1, "P1")))
        clerk.ledger.commit(batch_of(posted("LU:1", "customer", 10, "P1")))
    assert dict(read(database_url, "SELECT account, quantity FROM content_balance"))["LU:1"] == 0


def test_a_number_that_no_column_can_hold_is_refused_and_the_next_batch_is_taken(database_url: str) -> None:
    with Clerk(database_url) as clerk:
        with pytest.raises(BatchRefused):
            clerk.ledger.commit(batch_of(posted("supplier", "LU:1", 1 << 63, "R1")))
        clerk.ledger.commit(batch_of(posted("supplier", "LU:1", 1, "R1")))


@pytest.mark.parametrize("table", LINES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET site_id = 'other'", "DELETE FROM {}"], ids=["update", "delete"])
def test_lines_are_neither_changed_nor_deleted(database_url: str, table: str, statement: str) -> None:
    with Clerk(database_url) as clerk:
        clerk.define("S1")
        clerk.open_stock(1, UNIT_PLACE, "S1", 20)
        count = f"SELECT COUNT(*) FROM {table}"
        before = read(database_url, count)
        with pytest.raises(sa.exc.DBAPIError, match="immutable"):
            change(database_url, statement.format(table))
        assert read(database_url, count) == before != [(0,)]


def test_it_is_noted_when_a_command_was_sent_and_when_it_was_acknowledged(database_url: str) -> None:
    with Clerk(database_url) as clerk:
        sent = DeliveryNote(device="CR1", sequence=4, sent_at_ms=100)
        clerk.ledger.commit(CommitBatch(entries=(), notes=(sent,)))
        acknowledged = DeliveryNote(device="CR1", sequence=4, acknowledged_at_ms=140)
        clerk.ledger.commit(CommitBatch(entries=(), notes=(acknowledged,)))
    row = "SELECT device, sequence, sent_at_ms, acknowledged_at_ms FROM command_delivery"
    assert read(database_url, row) == [("CR1", 4, 100, 140)]


def test_a_host_whose_lease_was_taken_commits_nothing(database_url: str) -> None:
    with Clerk(database_url) as clerk:
        before = read(database_url, "SELECT COUNT(*) FROM journal")
        change(database_url, "UPDATE lease SET epoch = epoch + 1, holder = 'another'")
        with pytest.raises(LeaseLost):
            clerk.ledger.commit(batch_of())
        assert read(database_url, "SELECT COUNT(*) FROM journal") == before


def test_a_second_host_is_refused_while_the_first_holds_the_lease(database_url: str) -> None:
    with Clerk(database_url):
        if database_url.startswith("postgresql"):  # the lease names its process: this one may not be its own rival
            change(database_url, "UPDATE lease SET holder = 'another'")
        with pytest.raises(LeaseHeld):
            LedgerWriter(database_url)


def test_the_epoch_rises_with_every_term(database_url: str) -> None:
    epochs = []
    for _ in range(3):
        with Clerk(database_url) as clerk:
            epochs.append(clerk.ledger.epoch)
    assert epochs == sorted(set(epochs))


class LostAnswers:
    """Lets a commit's answer be lost: with the commit done, or before it was. PostgreSQL's stand in `test_one_trip`."""

    def __init__(self, *, stands: bool) -> None:
        self.stands = stands
        self.armed = True

    def __call__(self, connection: sa.Connection) -> None:
        if not self.armed:
            return
        self.armed = False
        if self.stands:
            connection.exec_driver_sql("COMMIT")
        raise sa.exc.OperationalError("COMMIT", {}, ConnectionError("the connection was lost"))


@pytest.mark.parametrize("stands", [True, False], ids=["it stands", "it does not"])
def test_a_commit_whose_answer_was_lost_is_read_back_before_it_is_tried_again(sqlite_url: str, stands: bool) -> None:
    with Clerk(sqlite_url) as clerk:
        batch = batch_of(moved(7, "outside", "A", "M1"))
        before = clerk.ledger.last_sequence
        lost = LostAnswers(stands=stands)
        sa.event.listen(sa.Engine, "commit", lost)
        try:
            with pytest.raises(CommitUnknown):
                clerk.ledger.commit(batch)
            receipt = clerk.ledger.commit(batch)
        finally:
            sa.event.remove(sa.Engine, "commit", lost)
        assert (receipt.first_sequence, receipt.last_sequence) == (before + 1, before + 2)
        clerk.ledger.commit(batch_of(moved(7, "A", "B", "M2")))
    assert read(sqlite_url, "SELECT COUNT(*) FROM containment_line") == [(2,)]
    assert audit(sqlite_url).checks["journal_chain"].ok
