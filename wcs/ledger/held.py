"""The writer's own connection, and a batch's transaction on it. Rule: who calls learns whether the batch is on paper,
is not, or may be.

SQLite: step by step. PostgreSQL: in one trip. Begin, lease, rows and commit follow one another without waiting, and the
database carries out nothing that stands behind a failure, the commit least of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from wcs.ledger import lease
from wcs.ledger.bulk import first_line, meaning
from wcs.ledger.errors import BatchRefused, CommitFailed, CommitUnknown, LeaseLost

if TYPE_CHECKING:
    from wcs.ledger.trip import Trip

IDLE, WAITING, FAILED = 0, 2, 3  # libpq: no transaction, within one, within one that has failed; else nobody knows


class HeldConnection:
    """Held from one commit to the next: taking a connection anew for each costs as much as its rows.

    Args:
        engine: of the ledger's database.
        site_id: the site whose lease every commit asks for.
        epoch: of our term.
    """

    def __init__(self, engine: sa.Engine, site_id: str, epoch: int) -> None:
        self._engine = engine.execution_options(wcs_writer=True)
        self._site_id = site_id
        self._epoch = epoch
        self._held: sa.Connection | None = None

    def commit(self, write: Callable[[sa.Connection], None]) -> None:
        """Have the rows of `write` committed, in a transaction in which the lease is ours.

        A held connection whose server has gone meanwhile is replaced, and `write` asked again.
        Raises:
            LeaseLost, CommitFailed, BatchRefused: nothing of it is on paper.
            CommitUnknown: it may be.
        """
        transaction = one_trip if self._engine.dialect.name == "postgresql" else in_steps
        for was_held in (True, False) if self._held is not None else (False,):
            connection = self._take()
            try:
                with transaction(connection, self._site_id, self._epoch):
                    write(connection)
            except (BatchRefused, LeaseLost):
                raise
            except CommitFailed:
                if not _gone(connection):
                    raise
                self.hang_up()
                if not was_held:
                    raise
            except BaseException:  # without an answer, or broken off: nobody knows what is left on it
                self.hang_up()
                raise
            else:
                return

    @contextmanager
    def looking_first(self) -> Iterator[sa.Connection]:
        """The same for whoever must read before it writes: step by step, on a connection of its own."""
        try:
            connection = self._engine.connect()
        except SQLAlchemyError as error:
            raise CommitFailed(_text(error)) from error
        with connection, in_steps(connection, self._site_id, self._epoch):
            yield connection

    def hang_up(self) -> None:
        """Drop the connection, whatever state it is in."""
        held, self._held = self._held, None
        if held is not None:
            held.invalidate()
            held.close()

    def _take(self) -> sa.Connection:
        if self._held is None:
            try:
                self._held = self._engine.connect()
            except SQLAlchemyError as error:
                raise CommitFailed(_text(error)) from error
            if self._engine.dialect.name == "postgresql":  # a trip says BEGIN and COMMIT itself
                self._held = self._held.execution_options(isolation_level="AUTOCOMMIT")
        return self._held


@contextmanager
def in_steps(connection: sa.Connection, site_id: str, epoch: int) -> Iterator[None]:
    """A transaction whose steps wait for their answers; the lease is ours from its first step to its end.

    Raises:
        LeaseLost, CommitFailed, BatchRefused: it was rolled back.
        CommitUnknown: the answer to the commit was lost.
    """
    try:
        transaction = connection.begin()
    except SQLAlchemyError as error:
        connection.invalidate()
        raise CommitFailed(_text(error)) from error
    try:
        lease.check(connection, site_id, epoch)
        yield
    except BaseException as error:
        _roll_back(connection, transaction)
        if isinstance(error, IntegrityError | DataError):
            raise BatchRefused(_text(error)) from error
        if isinstance(error, SQLAlchemyError):
            raise CommitFailed(_text(error)) from error
        raise
    try:
        transaction.commit()
    except SQLAlchemyError as error:
        raise CommitUnknown(_text(error)) from error


@contextmanager
def one_trip(connection: sa.Connection, site_id: str, epoch: int) -> Iterator[None]:
    """A transaction of PostgreSQL's whose statements, the commit too, are answered together at the end.

    Raises: as `in_steps` does; without an answer, nobody knows from the moment on in which the commit was asked for.
    """
    driver = connection.dialect.loaded_dbapi
    held: Any = connection.connection.driver_connection
    trip = _trip_of(connection)
    asked = False
    try:
        trip.begin()
        trip.execute("BEGIN")
        lease.hold(trip, site_id, epoch)
        connection.info["wcs_cursor"] = trip
        yield
        asked = True
        trip.execute("COMMIT")
        trip.end()
    except driver.Error as error:
        if asked and held.info.transaction_status not in (IDLE, WAITING, FAILED):
            raise CommitUnknown(first_line(error)) from error
        raise meaning(connection, error) from error
    finally:
        connection.info.pop("wcs_cursor", None)
        if trip.under_way:  # whatever ended it, nobody has heard the answers: what was said so far must not go on
            held.close()
        if held.info.transaction_status in (WAITING, FAILED):
            _roll_back_driver(held, driver)


def _trip_of(connection: sa.Connection) -> Trip:
    """One a connection: it knows which statements the server keeps."""
    from wcs.ledger.trip import Trip  # a house on SQLite has no driver of PostgreSQL

    trip: Trip | None = connection.info.get("wcs_trip")
    if trip is None:
        held: Any = connection.connection.driver_connection
        trip = connection.info["wcs_trip"] = Trip(held)
    return trip


def _roll_back(connection: sa.Connection, transaction: sa.RootTransaction) -> None:
    try:
        transaction.rollback()
    except SQLAlchemyError:
        connection.invalidate()


def _roll_back_driver(held: Any, driver: Any) -> None:
    try:
        held.rollback()
    except driver.Error:
        held.close()


def _gone(connection: sa.Connection) -> bool:
    """Whether no more can be said on it; a file does not go."""
    return connection.invalidated or bool(getattr(connection.connection.driver_connection, "closed", False))


def _text(error: BaseException) -> str:
    return first_line(error.__cause__ or error)
