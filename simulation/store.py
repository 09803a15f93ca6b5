"""Results of runs on disk: one row a run by its name, so that a repeat is free and a sweep goes on where it stopped.

Rule: only the process that sweeps writes. A row is there whole or not at all.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from simulation.spec import RunResult

FIGURES = (
    "orders_placed", "orders_shipped", "throughput_per_hour", "lines_per_hour", "order_time_p50_s",
    "order_time_p95_s", "order_time_mean_s", "transports", "transports_per_hour", "open_orders", "events",
    "events_per_transport", "node_passages", "digest", "diverged",
)  # fmt: skip


class ResultStore:
    """A SQLite file of results. One run stays in it as the whole result; the figures can be read with any tool.

    Args:
        path: the file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        columns = ", ".join(f"{name}{'' if name in ('digest', 'diverged') else ' REAL'}" for name in FIGURES)
        self._database.execute(
            f"CREATE TABLE IF NOT EXISTS run (run TEXT PRIMARY KEY, label, seed INTEGER, {columns}, result BLOB)"
        )
        self._database.commit()

    def close(self) -> None:
        self._database.close()

    def get(self, name: str) -> RunResult | None:
        """The result of the run of this name, None if it has not been run."""
        found = self._database.execute("SELECT result FROM run WHERE run = ?", (name,)).fetchone()
        return None if found is None else msgspec.msgpack.decode(found[0], type=RunResult)

    def put(self, result: RunResult) -> None:
        """Keep a result; the same run again replaces it."""
        row = result.row
        values = [row.run, row.label, row.seed, *(getattr(row, name) for name in FIGURES)]
        marks = ", ".join("?" * (len(values) + 1))
        with self._database:
            self._database.execute(
                f"INSERT OR REPLACE INTO run VALUES ({marks})", [*values, msgspec.msgpack.encode(result)]
            )

    def write_csv(self, path: Path, results: Iterator[RunResult]) -> None:
        """The figures of these results, a line a run."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("run", "label", "seed", *FIGURES))
            for result in results:
                row = result.row
                writer.writerow((row.run, row.label, row.seed, *(getattr(row, name) for name in FIGURES)))
