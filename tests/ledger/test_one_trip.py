"""A transaction of PostgreSQL's in one trip: whatever happens on the way, it is known or found out what stands."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from tests.ledger.clerk import Clerk, batch_of, moved
from tests.ledger.cut_line import Cut, Line, line_to
from tests.ledger.test_writer import change, read
from tests.real.clock import wait_until
from wcs.ledger.audit import audit
from wcs.ledger.bulk import cursor_of
from wcs.ledger.database import engine_for
from wcs.ledger.errors import BatchRefused, CommitFailed, CommitUnknown, LeaseLost
from wcs.ledger.held import one_trip

END_THE_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
MOVE = batch_of(moved(7, "outside", "A", "M1"))
KEPT = "SELECT name FROM pg_prepared_statements ORDER BY name"
STANDS_S = 10.0  # a commit, on a busy machine
LINES = "SELECT key FROM containment_line ORDER BY sequence"


@pytest.fixture
def line(postgres_url: str) -> Iterator[Line]:
    """The way to the database."""
    with line_to(postgres_url) as line:
        yield line


@pytest.fixture
def connection(postgres_url: str) -> Iterator[sa.Connection]:
    """A connection as the writer holds it, to a database with tables."""
    with Clerk(postgres_url):
        pass
    engine = engine_for(postgres_url)
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")
    engine.dispose()


@pytest.mark.parametrize("cut", [Cut.ANSWER_LOST, Cut.COMMIT_LOST])
def test_a_commit_cut_off_on_its_way_is_read_back_before_it_is_tried_again(line: Line, cut: Cut) -> None:
    with Clerk(line.url) as clerk:
        before = clerk.ledger.last_sequence
        line.cut_next_commit(cut)
        with pytest.raises(CommitUnknown):
            clerk.ledger.commit(MOVE)
        assert clerk.ledger.commit(MOVE).first_sequence == before + 1
        clerk.ledger.commit(batch_of(moved(7, "A", "B", "M2")))
    assert read(line.url, LINES) == [("M1",), ("M2",)]
    assert audit(line.url).checks["journal_chain"].ok


def test_a_commit_that_ctrl_c_broke_off_is_looked_for_before_it_is_tried_again(line: Line, postgres_url: str) -> None:
    def press_ctrl_c() -> None:
        with line.answers_kept_back():
            asked.set()
            wait_until(lambda: read(postgres_url, LINES) == [("M1",)], "it stands, and nobody knows", STANDS_S)
            signal.raise_signal(signal.SIGINT)

    asked = threading.Event()
    presser = threading.Thread(target=press_ctrl_c)
    with Clerk(line.url) as clerk:
        before = clerk.ledger.last_sequence
        presser.start()
        asked.wait()
        with pytest.raises(KeyboardInterrupt):
            clerk.ledger.commit(MOVE)
        presser.join()
        assert clerk.ledger.commit(MOVE).first_sequence == before + 1
        clerk.ledger.commit(batch_of(moved(7, "A", "B", "M2")))
    assert read(postgres_url, LINES) == [("M1",), ("M2",)]
    assert audit(postgres_url).checks["journal_chain"].ok


def test_a_trip_that_comes_late_finds_its_lines_there_and_does_nothing(line: Line) -> None:
    with Clerk(line.url) as clerk:
        line.cut_next_commit(Cut.COMES_LATE)
        with pytest.raises(CommitUnknown):
            clerk.ledger.commit(MOVE)
        clerk.ledger.commit(MOVE)
        clerk.ledger.commit(batch_of(moved(7, "A", "B", "M2")))
        line.bring_what_is_late()
        clerk.ledger.commit(batch_of(moved(7, "B", "C", "M3")))
    assert read(line.url, LINES) == [("M1",), ("M2",), ("M3",)]
    assert read(line.url, "SELECT load_unit, place FROM containment_balance") == [(7, "C")]
    assert audit(line.url).checks["journal_chain"].ok


def test_a_trip_that_comes_late_but_before_it_is_looked_for_counts(line: Line) -> None:
    with Clerk(line.url) as clerk:
        line.cut_next_commit(Cut.COMES_LATE)
        with pytest.raises(CommitUnknown):
            clerk.ledger.commit(MOVE)
        line.bring_what_is_late()
        receipt = clerk.ledger.commit(MOVE)
        assert receipt.last_sequence == clerk.ledger.last_sequence
    assert read(line.url, LINES) == [("M1",)]


def test_another_batch_is_not_taken_for_the_one_in_doubt(line: Line) -> None:
    with Clerk(line.url) as clerk:
        line.cut_next_commit(Cut.ANSWER_LOST)
        with pytest.raises(CommitUnknown):
            clerk.ledger.commit(MOVE)
        clerk.ledger.commit(batch_of(moved(7, "A", "B", "M2")))
    assert read(line.url, LINES) == [("M1",), ("M2",)]
    assert audit(line.url).checks["journal_chain"].ok


def test_a_connection_that_the_server_has_ended_is_replaced_without_a_word(postgres_url: str) -> None:
    with Clerk(postgres_url) as clerk:
        change(postgres_url, END_THE_OTHERS)
        clerk.ledger.commit(MOVE)
    assert read(postgres_url, LINES) == [("M1",)]


def test_a_lease_lost_in_the_same_trip_leaves_no_row_and_lowers_the_fence(postgres_url: str) -> None:
    with Clerk(postgres_url) as clerk:
        change(postgres_url, "UPDATE lease SET epoch = epoch + 1, holder = 'another'")
        with pytest.raises(LeaseLost, match="our epoch is 1, the one of the site is 2"):
            clerk.ledger.commit(MOVE)
        assert not clerk.ledger.fence.holds()
    assert read(postgres_url, LINES) == read(postgres_url, "SELECT load_unit FROM containment_balance") == []


def test_trips_that_fail_leave_no_more_and_more_statements_on_the_server(postgres_url: str) -> None:
    with Clerk(postgres_url) as clerk:
        clerk.ledger.commit(MOVE)
        clerk.ledger._held.hang_up()
        kept = []
        for _ in range(3):  # on a connection on which none has succeeded yet
            with pytest.raises(BatchRefused):
                clerk.ledger.commit(MOVE)
            kept.append(driver_of(clerk).execute(KEPT).fetchall())
        assert kept[0] == kept[-1]


def test_a_server_that_has_been_told_to_forget_our_statements_is_told_them_anew(postgres_url: str) -> None:
    with Clerk(postgres_url) as clerk:
        driver_of(clerk).execute("DISCARD ALL")
        with pytest.raises(CommitFailed, match="does not exist"):
            clerk.ledger.commit(MOVE)
        clerk.ledger.commit(MOVE)
    assert read(postgres_url, LINES) == [("M1",)]


def driver_of(clerk: Clerk) -> psycopg.Connection:
    """The writer's own connection."""
    held = clerk.ledger._held._held
    assert held is not None
    driver = held.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def test_a_site_without_a_lease_commits_nothing(connection: sa.Connection) -> None:
    with pytest.raises(LeaseLost), one_trip(connection, "nowhere", 1):
        pass


def hang_up_in_mid_trip(connection: sa.Connection) -> None:
    held = connection.connection.driver_connection
    assert isinstance(held, psycopg.Connection)
    with one_trip(connection, "main", 1):
        held.close()
        cursor_of(connection).execute("SELECT 1")


def test_what_goes_wrong_before_the_commit_is_asked_for_has_failed_for_certain(connection: sa.Connection) -> None:
    with pytest.raises(CommitFailed):
        hang_up_in_mid_trip(connection)


def test_who_thinks_better_of_it_in_mid_trip_leaves_nothing(postgres_url: str) -> None:
    with Clerk(postgres_url) as clerk:
        clerk.ledger.commit(MOVE)
        with pytest.raises(BatchRefused, match="OverflowError"):
            clerk.ledger.commit(batch_of(moved(1 << 70, "outside", "A", "M2")))
        clerk.ledger.commit(batch_of(moved(7, "A", "B", "M3")))
    assert read(postgres_url, LINES) == [("M1",), ("M3",)]


def test_a_batch_refused_in_mid_trip_leaves_the_connection_usable(postgres_url: str) -> None:
    with Clerk(postgres_url) as clerk:
        clerk.ledger.commit(MOVE)
        held = clerk.ledger._held._held
        for _ in range(7):  # until its statements are prepared ones
            with pytest.raises(BatchRefused, match="uq_containment_line_key"):
                clerk.ledger.commit(MOVE)
        clerk.ledger.commit(batch_of(moved(7, "A", "B", "M2")))
        assert clerk.ledger._held._held is held
    assert read(postgres_url, LINES) == [("M1",), ("M2",)]
