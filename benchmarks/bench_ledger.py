"""Durable moves through the writer, with 64 waiting callers, raced against pgbench and against the bare drivers.

A move is what a crane's set-down leaves on paper: an event and its fact in the hash-chained journal, a containment
line, the load unit's balance and its row of the state, committed before the caller hears of it.

Budgets: 10,000 moves a second, fifty times what the largest plant does, so that a burst (a wave, a reconnect) is on
paper before anyone waits; 25 ms for the slowest in a hundred, a tenth of a divert's time to decide. At least four times
pgbench's TPC-B on the same server, for group commit must pay; at least 0.7 of the driver that writes the same rows
ready-made, for hashing, netting and SQLAlchemy must stay small beside the database.
"""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks.raw_ledger import raw_commits
from tests.postgres import PostgresServer, private_postgres, server_programs
from wcs.core.entities import Change, LoadUnit, LoadUnitRole
from wcs.core.events import LoadUnitPlaced
from wcs.core.facts import LoadUnitMoved
from wcs.ledger.batch import CommitBatch, JournalEntry
from wcs.ledger.writer import LedgerWriter
from wcs.plant.model import OUTSIDE

CALLERS = 64
UNITS_A_CALLER = 50
WARM_UP_S, MEASURED_S = 0.5, 2.0
MOVES_A_CALLER_S_MAX = 600  # 38,400 a second for all: twice what any database here takes
ROUNDS = 9  # short ones in turn, for the machine is now slow, now fast: what counts is the median of their ratios
HEATS, BATCHES = 4, 30  # against the bare driver, of 64 moves; short heats in turn, for a disk is not equally fast
TASKS_A_GROUP, TASKS_OF_CALLERS = 1_000_000, 1_000_000_000  # task numbers of a heat's batches, and of the callers
PGBENCH_SCALE = 50
PGBENCH_S = 2
BUDGET_MOVES_S, BUDGET_P99_MS, BUDGET_PGBENCH, BUDGET_RAW = 10_000, 25, 4.0, 0.7


class Mover:
    """One caller's load units, going to and fro; task numbers rise over all callers, as the mind draws them."""

    def __init__(self, caller: int, tasks: Iterator[int]) -> None:
        self._tasks = tasks
        self._first = caller * UNITS_A_CALLER
        self._count = 0
        self._places = [OUTSIDE] * UNITS_A_CALLER

    def next_move(self) -> tuple[JournalEntry, Change]:
        """An event with its fact, and the row that it changes."""
        n = self._count % UNITS_A_CALLER
        self._count += 1
        unit, source = self._first + n + 1, self._places[n]
        sink = self._places[n] = f"A{1 + unit % 20}-{'LR'[self._count % 2]}-{1 + unit % 50:02d}-{1 + n % 20:02d}-1"
        now_ms = 1_000_000 + self._count
        event = LoadUnitPlaced(at_ms=now_ms, actor="CR1", load_unit=unit, place=sink)
        fact = LoadUnitMoved(
            load_unit=unit, source=source, sink=sink, key=f"T{next(self._tasks)}:DEPOSIT", occurred_ms=now_ms
        )
        row = LoadUnit(
            load_unit=unit, barcode=f"T{unit:06d}", load_type=1, place=sink, role=LoadUnitRole.STOCK, mass_g=12_000,
            height_mm=300, identified=True,
        )  # fmt: skip
        entry = JournalEntry(event=event, facts=(fact,), received_at_ms=now_ms)
        return entry, Change(entity=LoadUnit, key=(unit,), row=row)


class Counter:
    """Takes moves as the host does: what waits is one batch, and the next gathers while it is being written."""

    def __init__(self, ledger: LedgerWriter) -> None:
        self._ledger = ledger
        self._waiting: list[tuple[JournalEntry, Change, asyncio.Future[None]]] = []
        self._woken = asyncio.Event()

    async def put_on_paper(self, entry: JournalEntry, change: Change) -> None:
        """Return once it is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, change, done))
        self._woken.set()
        await done

    async def serve(self) -> None:
        """Commit for ever."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            while True:
                await self._woken.wait()
                self._woken.clear()
                taken, self._waiting = self._waiting, []
                batch = CommitBatch(entries=tuple(t[0] for t in taken), changes=tuple(t[1] for t in taken))
                await loop.run_in_executor(thread, self._ledger.commit, batch)
                for _, _, done in taken:
                    done.set_result(None)


async def _with_callers(ledger: LedgerWriter, movers: list[Mover], seconds: float) -> list[float]:
    """How long each move took, in seconds, with all callers waiting in turn."""
    counter, times = Counter(ledger), list[float]()
    # Thought of beforehand, as the mind does it: what is raced is putting on paper.
    most = int(seconds * MOVES_A_CALLER_S_MAX)
    by_turns = [[mover.next_move() for mover in movers] for _ in range(most)]
    ready = [iter(moves) for moves in zip(*by_turns, strict=True)]
    gc.collect()
    gc.freeze()  # as the host does with its state, and it collects nothing while it works
    gc.disable()
    end = time.perf_counter() + seconds

    async def call(moves: Iterator[tuple[JournalEntry, Change]]) -> None:
        while (begun := time.perf_counter()) < end:
            await counter.put_on_paper(*next(moves))
            times.append(time.perf_counter() - begun)

    serving = asyncio.create_task(counter.serve())
    calling = asyncio.gather(*(call(moves) for moves in ready))
    await asyncio.wait((serving, calling), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        calling.cancel()
        serving.result()  # why no more is put on paper
    serving.cancel()
    await asyncio.gather(serving, calling, return_exceptions=True)
    gc.enable()
    gc.unfreeze()
    return times


def _batches(group: int) -> list[CommitBatch]:
    """The same moves for either side of a race, in batches of as many as there are callers."""
    tasks = count(1 + group * TASKS_A_GROUP)
    movers = [Mover(group * CALLERS + n, tasks) for n in range(CALLERS)]
    made = []
    for _ in range(BATCHES):
        moves = [mover.next_move() for mover in movers]
        made.append(CommitBatch(entries=tuple(m[0] for m in moves), changes=tuple(m[1] for m in moves)))
    return made


class Course:
    """One database's races."""

    def __init__(self, name: str, url: str, raw_url: str) -> None:
        self.name = name
        self._raw_url = raw_url
        self._ledger = LedgerWriter(url, "bench")
        tasks = count(TASKS_OF_CALLERS)
        self._movers = [Mover(n, tasks) for n in range(CALLERS)]
        self._groups = 1
        self.rates: list[float] = []
        self.p99s_ms: list[float] = []
        self.raw_ratios: list[float] = []
        self.raw_rates: list[float] = []

    def warm_up(self) -> None:
        asyncio.run(_with_callers(self._ledger, self._movers, WARM_UP_S))

    def run(self) -> None:
        """One round with callers."""
        times = sorted(asyncio.run(_with_callers(self._ledger, self._movers, MEASURED_S)))
        self.rates.append(len(times) / MEASURED_S)
        self.p99s_ms.append(times[int(len(times) * 0.99)] * 1000)

    def run_against_driver(self) -> None:
        """One round of the same batches through the writer and through the bare driver, heat by heat."""
        ours_s = raw_s = 0.0
        for _ in range(HEATS):
            batches = _batches(self._groups)
            self._groups += 1
            begun = time.perf_counter()
            for batch in batches:
                self._ledger.commit(batch)
            ours_s += time.perf_counter() - begun
            raw_s += raw_commits(self._raw_url, batches)
        self.raw_rates.append(HEATS * BATCHES * CALLERS / raw_s)
        self.raw_ratios.append(raw_s / ours_s)

    def close(self) -> None:
        self._ledger.close()

    def rows(self) -> list[dict[str, object]]:
        """Rate with callers, slowest in a hundred, and the ratio to the bare driver."""
        rate, p99 = median(self.rates), median(self.p99s_ms)
        ratio, raw = median(self.raw_ratios), median(self.raw_rates)
        driver = f"bare driver, same rows ready-made ({self.name})"
        return [
            _row(f"durable moves, 64 callers, {self.name}", rate, "moves/s", BUDGET_MOVES_S, "higher"),
            _row(f"99th percentile, 64 callers, {self.name}", p99, "ms", BUDGET_P99_MS, "lower"),
            _row(f"share of the bare driver, {self.name}", ratio, "of it", BUDGET_RAW, "higher", (driver, raw, ratio)),
        ]


def _row(
    name: str, value: float, unit: str, budget: float, better: str, peer: tuple[str, float, float] | None = None
) -> dict[str, object]:
    kept = value >= budget if better == "higher" else value <= budget
    called, peer_value, ratio = peer or ("", None, None)
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "budget": budget,
        "better": better,
        "peer": called,
        "peer_value": None if peer_value is None else round(peer_value, 1),
        "ratio": None if ratio is None else round(ratio, 2),
        "ok": kept,
    }


class Pgbench:
    """TPC-B at scale 50 with 32 prepared clients in 2 threads, on the server of the race."""

    def __init__(self, server: PostgresServer) -> None:
        beside = server_programs() / "pgbench"
        self._program = str(beside) if beside.exists() else "pgbench"
        self._server = server
        self._where = ["-h", str(server.folder), "-p", "5432", "-U", "wcs", "pgbench"]
        self.rates: list[float] = []

    def prepare(self) -> None:
        self._server.make_database("pgbench")
        self._call(["-i", "-q", "-s", str(PGBENCH_SCALE)])

    def run(self) -> None:
        told = self._call(["-M", "prepared", "-c", "32", "-j", "2", "-T", str(PGBENCH_S), "-n"])
        found = re.search(r"tps = ([0-9.]+)", told)
        assert found, told
        self.rates.append(float(found.group(1)))

    def _call(self, words: list[str]) -> str:
        return subprocess.run(
            [self._program, *words, *self._where], check=True, capture_output=True, text=True, timeout=300
        ).stdout


def _take_turns(*turns: Callable[[], None]) -> None:
    for _ in range(ROUNDS):
        for turn in turns:
            turn()


def _sqlite_races() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="wcs-bench-") as folder:
        course = Course("SQLite", f"sqlite:///{Path(folder) / 'ours.db'}", f"sqlite:///{Path(folder) / 'raw.db'}")
        course.warm_up()
        _take_turns(course.run, course.run_against_driver)
        course.close()
        return course.rows()


def _postgresql_races() -> list[dict[str, object]]:
    with private_postgres() as server, server.fresh_database() as url, server.fresh_database() as raw_url:
        pgbench = Pgbench(server)
        pgbench.prepare()
        course = Course("PostgreSQL", url, raw_url)
        course.warm_up()
        _take_turns(course.run, pgbench.run, course.run_against_driver)
        course.close()
        peer = median(pgbench.rates)
        ratio = median(ours / theirs for ours, theirs in zip(course.rates, pgbench.rates, strict=True))
        called = "pgbench TPC-B, scale 50, 32 clients (transactions/s)"
        against = _row("times pgbench, PostgreSQL", ratio, "times", BUDGET_PGBENCH, "higher", (called, peer, ratio))
        return [*course.rows(), against]


def races() -> list[dict[str, object]]:
    """Both databases' races, as rows of `results.json`."""
    return [*_sqlite_races(), *_postgresql_races()]
