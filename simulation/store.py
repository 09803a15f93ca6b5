"""Results of runs on disk: one row a run by its name, so that a repeat is free and a sweep goes on where it stopped.

Rule: only processes that sweep write. A row is there whole or not at all: one that cannot be read is not there.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from simulation.spec import RunResult

FIGURES = (
    "orders_placed", "orders_shipped", "throughput_per_hour", "lines_per_hour", "order_time_p50_s",
    "order_time_p95_s", "order_time_mean_s", "transports", "transports_per_hour", "open_orders", "events",
    "events_per_transport", "node_passages", "digest", "diverged", "behind",
)  # fmt: skip


COLUMNS = ("run", "label", "seed", *FIGURES, "result")
LOCKED_S = 30.0  # another sweep may keep its results in the same file: each needs it for milliseconds


class StoreError(Exception):
    """The file of results cannot be used: which, and why."""


class ResultStore:
    """A SQLite file of results. One run stays in it as the whole result; the figures can be read with any tool.

    Args:
        path: the file; made if it is not there.

    Raises:
        StoreError: here and later: it is no such file, it is damaged, locked or full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._told():
            self._database = sqlite3.connect(path, timeout=LOCKED_S)
        try:
            self._check_whole()
            self._make_table()
        except StoreError:
            self._database.close()
            raise

    def _check_whole(self) -> None:
        """Refuse a file that was cut off or damaged: SQLite itself reads what is missing as nothing."""
        with self._told():
            damage = str(self._database.execute("PRAGMA quick_check(1)").fetchone()[0]).splitlines()[-1]
            (page,) = self._database.execute("PRAGMA page_size").fetchone()
        if damage == "ok" and self._path.stat().st_size % page:
            damage = "its last page is not whole"
        if damage != "ok":
            raise StoreError(f"{self._path}: is damaged ({damage}): take it away, and its runs are made again")

    def _make_table(self) -> None:
        columns = ", ".join(f"{name}{'' if name in ('digest', 'diverged', 'behind') else ' REAL'}" for name in FIGURES)
        with self._told(), self._database:
            self._database.execute(
                f"CREATE TABLE IF NOT EXISTS run (run TEXT PRIMARY KEY, label, seed INTEGER, {columns}, result BLOB)"
            )
            found = tuple(row[1] for row in self._database.execute("PRAGMA table_info(run)"))
        if found != COLUMNS:
            raise StoreError(f"{self._path}: its table run has other columns than results of runs have")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from None

    def close(self) -> None:
        self._database.close()

    def get(self, name: str) -> RunResult | None:
        """The result of the run of this name, None if it has not been run or its bytes are no such result."""
        with self._told():
            found = self._database.execute("SELECT result FROM run WHERE run = ?", (name,)).fetchone()
        if found is None or not isinstance(found[0], bytes):
            return None
        try:
            result = msgspec.msgpack.decode(found[0], type=RunResult)
        except msgspec.DecodeError:
            return None
        return result if result.row.run == name else None

    def put(self, result: RunResult) -> None:
        """Keep a result; the same run again replaces it."""
        row = result.row
        values = [row.run, row.label, row.seed, *(getattr(row, name) for name in FIGURES)]
        marks = ", ".join("?" * (len(values) + 1))
        with self._told(), self._database:
            self._database.execute(
                f"INSERT OR REPLACE INTO run VALUES ({marks})", [*values, msgspec.msgpack.encode(result)]
            )

    def write_csv(self, path: Path, results: Sequence[RunResult]) -> None:
        """The figures of these results, a line a run, and behind them the busy share of every device that any run has
        (in the order of the first run that has it); empty where a run does not have it.
        """
        devices = dict.fromkeys(device for result in results for device in result.row.utilisation)
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(("run", "label", "seed", *FIGURES, *(f"busy.{device}" for device in devices)))
                for result in results:
                    row = result.row
                    figures = (getattr(row, name) for name in FIGURES)
                    busy = (row.utilisation[d].busy if d in row.utilisation else None for d in devices)
                    writer.writerow((row.run, row.label, row.seed, *figures, *busy))
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from None
