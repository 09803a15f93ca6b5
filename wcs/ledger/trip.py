"""Statements to PostgreSQL that go out one after another and are answered together, said to libpq itself.

The driver's cursors look at each statement anew and wait for the line before each: a seventh of a commit. What is here
is said through `psycopg.pq`, the driver's own face of libpq, on the driver's own connection.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

TEXT, BINARY = 0, 1  # libpq: format of a value


class Trip:
    """On a connection that says nothing else meanwhile; between two trips it is the driver's again.

    Args:
        held: without a transaction under way, in autocommit mode.
    """

    def __init__(self, held: psycopg.Connection) -> None:
        self._held = held
        self._pg = held.pgconn
        self._names: dict[str, bytes] = {}  # of the statements that the server keeps for us
        self._new: dict[str, bytes] = {}  # of those first said on this trip
        self._said: list[str] = []  # on this trip, in order: a statement to be kept, "" for one to be carried out
        self._named = 0

    def begin(self) -> None:
        """Set out. A server that has gone meanwhile is met here, before anything is said."""
        self._pg.consume_input()  # its parting words, if it has said any
        self._pg.consume_input()  # that it has hung up
        self._new.clear()
        self._said.clear()
        self._pg.enter_pipeline_mode()

    @property
    def under_way(self) -> bool:
        """Whether it has begun and not come to its end."""
        return bool(self._pg.pipeline_status)

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        """Say a statement, `%s` for each value: bytes go as PostgreSQL's binary, all else as text. Nobody waits."""
        if values:
            texts = [value if isinstance(value, bytes) else str(value).encode() for value in values]
            formats = [BINARY if isinstance(value, bytes) else TEXT for value in values]
            self._pg.send_query_prepared(self._name(sql), texts, formats)
        else:
            self._pg.send_query_params(sql.encode(), None)
        self._said.append("")
        self._pg.flush()  # as far as the line takes it now

    def end(self) -> None:
        """Wait until all is answered.

        Raises: psycopg.Error: the first statement that failed, or the line; the server has skipped those behind it.
        """
        self._pg.pipeline_sync()
        answers = self._held.wait(self._answers())
        self._pg.exit_pipeline_mode()
        for said, answer in zip(self._said, answers, strict=True):
            if answer.status == ExecStatus.FATAL_ERROR:
                error = error_from_result(answer)
                if isinstance(error, InvalidSqlStatementName):
                    self._names.clear()  # somebody has had the server forget
                raise error
            if said:  # kept, even if what follows fails and is rolled back
                self._names[said] = self._new[said]

    def _name(self, sql: str) -> bytes:
        """The server's name of a statement; what it does not keep yet is said before its values."""
        name = self._names.get(sql) or self._new.get(sql)
        if name is None:
            self._named += 1
            name = self._new[sql] = b"wcs_%d" % self._named  # never one that the server may still keep
            first, *others = sql.split("%s")
            numbered = first + "".join(f"${n}{part}" for n, part in enumerate(others, 1))
            self._pg.send_prepare(name, numbered.encode())
            self._said.append(sql)
        return name

    def _answers(self) -> PQGen[list[PGresult]]:
        """For the driver's `wait`, which knows how to wait on this system and hears Ctrl-C."""
        pg, answers = self._pg, list[PGresult]()
        while pg.flush():
            if (ready := (yield Wait.RW)) and ready & Ready.R:  # none: nothing came within the driver's look for Ctrl-C
                pg.consume_input()
        while True:
            while pg.is_busy():
                if (yield Wait.R):
                    pg.consume_input()
            answer = pg.get_result()
            if answer is None:  # between two statements
                if pg.status == ConnStatus.BAD:
                    raise psycopg.OperationalError(pg.get_error_message())
            elif answer.status == ExecStatus.PIPELINE_SYNC:
                return answers
            else:
                answers.append(answer)
