"""`Warehouse.handle` over the real mix of events of a large plant, raced against copying the state before each event.

Budgets are the issue's: 2,000 transports an hour are some 20 events a second, and a mean of 30 µs leaves the core under
a thousandth of one processor, so that recovery and what-if can run hundreds of times faster than the plant does.
Each plant runs in a process of its own, so that its memory is its own. The twin drives it; what is timed is the
processor time of `handle`, which waits for nothing. Of several runs, all of the same events, the fastest counts: on a
shared machine the same work takes up to half as long again in another minute.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections import deque
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.big_plant import big_plant
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.ports import PointChanged, StatusChanged, TransferChanged
from wcs.core.turn import Step
from wcs.core.warehouse import Warehouse
from wcs.heap import freeze, on_large_pages
from wcs.plant.model import Record

AISLES = 20
STATIONS = 8
FILLED = 2  # every second location holds a load unit: 50,000 of 100,000
EMPTIES = 5  # every fifth of them is empty
OPEN_TRANSPORTS = 1_000
WARM_UP_MS = 300_000  # until a thousand transport orders stand open
MEASURED_MS = 150_000
ORDERS_WAITING = 120
ORDER_EVERY_MS = 4_000
LINES_AN_ORDER = 12
# Bays and levels of the two plants: 100,000 and 1,000,000 locations.
SIZES = {100_000: (125, 20), 1_000_000: (500, 50)}
GROWTH_MAX = 1.5
MEMORY_MAX_GB = 1.5
CHILD_TIMEOUT_S = 900
RUNS = 3
# Class of events, mean budget in µs, p99 budget in µs (none where the issue names none).
BUDGETS = {"all": (30.0, None), "order": (300.0, 2_000.0), "report": (300.0, 2_000.0), "scan": (100.0, 1_000.0)}
TITLES = {
    "all": "handle, all events",
    "order": "handle, order intake",
    "report": "handle, report that starts a dispatch cycle",
    "scan": "handle, scan",
}


class Outcome(Record):
    """What one plant's run gave."""

    mean_us: dict[str, float]
    p99_us: dict[str, float]
    count: dict[str, int]
    open_transports: float
    transports_per_hour: float
    copy_us: float
    memory_gb: float


class TimedWarehouse(Warehouse):
    """The mind, with a stopwatch around each turn."""

    timing = False

    def handle(self, event: v.Event) -> object:  # type: ignore[override]
        if not self.timing:
            return super().handle(event)
        started = time.thread_time_ns()
        step = super().handle(event)
        self.taken.append((time.thread_time_ns() - started, event_class(event, step)))
        self.ended += sum(isinstance(fact, f.TransportOrderEnded) for fact in step.facts)
        return step

    def start_timing(self) -> None:
        self.taken: list[tuple[int, str]] = []
        self.ended = 0
        self.timing = True


def event_class(event: v.Event, step: Step) -> str:
    """Which budget an event falls under; a report that changes nothing starts no dispatch cycle."""
    if isinstance(event, v.OrderRequested):
        return "order"
    if isinstance(event, v.DeviceReported):
        if isinstance(event.report, PointChanged):
            return "scan"
        if isinstance(event.report, StatusChanged | TransferChanged) and step.facts:
            return "report"
    return "other"


class Shop:
    """Orders faster than the plant ships, so that it is always busy."""

    def __init__(self, twin: Twin, workload: Workload) -> None:
        self._twin = twin
        self._workload = workload
        self._next = 1

    def open(self) -> None:
        """Yesterday's orders, and from then on one after another."""
        for _ in range(ORDERS_WAITING):
            self._order()
        self._next_one()

    def _next_one(self) -> None:
        self._order()
        self._twin.env.call_in(ORDER_EVERY_MS, self._next_one)

    def _order(self) -> None:
        wishes: dict[str, v.OrderLineWish] = {}
        number = f"SO{self._next:06d}"
        while len(wishes) < LINES_AN_ORDER:
            for wish in self._workload.order(self._next)[1]:
                wishes.setdefault(wish.sku, wish)
            self._next += 1
        lines = tuple(wishes.values())
        self._twin.handle(v.OrderRequested(at_ms=self._twin.now_ms, actor="shop", number=number, lines=lines))


def run(locations: int) -> Outcome:
    """One plant, warmed up and measured."""
    bays, levels = SIZES[locations]
    plant = big_plant(aisles=AISLES, bays=bays, levels=levels, stations=STATIONS)
    twin = Twin(plant)
    warehouse = TimedWarehouse(plant)
    twin.warehouse = warehouse
    workload = Workload(plant, 1, sku_count=5_000)
    twin.start()
    for sku in workload.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="bench", sku=sku))
    opening = workload.opening(0)  # stock first, then empties
    units, empties = locations // FILLED, locations // FILLED // EMPTIES
    twin.open_stock([*opening[: units - empties], *opening[-empties:]])
    add_people(twin)
    Shop(twin, workload).open()
    twin.run_until(lambda: False, limit_ms=WARM_UP_MS)
    freeze(warehouse.state)  # both as the host does
    on_large_pages()
    warehouse.start_timing()
    opened = deque[int]()
    twin.run_until(partial(_watch, twin, opened), limit_ms=WARM_UP_MS + MEASURED_MS)
    return _outcome(warehouse, opened)


def _watch(twin: Twin, opened: deque[int]) -> bool:
    opened.append(len(twin.warehouse.state.transport))
    return False


def _outcome(warehouse: TimedWarehouse, opened: deque[int]) -> Outcome:
    mean_us, p99_us, count = {}, {}, {}
    for name in BUDGETS:
        taken = sorted(ns for ns, kind in warehouse.taken if name in ("all", kind))
        mean_us[name] = sum(taken) / len(taken) / 1000
        p99_us[name] = taken[len(taken) * 99 // 100] / 1000
        count[name] = len(taken)
    return Outcome(
        mean_us=mean_us,
        p99_us=p99_us,
        count=count,
        open_transports=sum(opened) / len(opened),
        transports_per_hour=warehouse.ended * 3_600_000 / MEASURED_MS,
        copy_us=_copy_us(warehouse),
        memory_gb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_048_576,
    )


def _copy_us(warehouse: Warehouse) -> float:
    """What it takes to copy the tables (rows shared, for they are frozen): the peer's price of each event."""
    rounds = 20
    started = time.perf_counter()
    for _ in range(rounds):
        for table in warehouse.state.tables.values():
            dict(table.rows)
    return (time.perf_counter() - started) / rounds * 1e6


def _fastest(locations: int) -> Outcome:
    return min((_in_child(locations) for _ in range(RUNS)), key=lambda outcome: outcome.mean_us["all"])


def _in_child(locations: int) -> Outcome:
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_core", str(locations)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=CHILD_TIMEOUT_S,
        cwd=Path(__file__).parent.parent,
    )
    return msgspec.json.decode(child.stdout, type=Outcome)


def races() -> list[dict[str, object]]:
    """Both plants, as rows of `results.json`."""
    small, large = (_fastest(locations) for locations in SIZES)
    rows: list[dict[str, object]] = []
    for outcome, locations in zip((small, large), SIZES, strict=True):
        rows += _rows(outcome, locations, small if outcome is large else None)
    rows.append(
        _row("memory at 1,000,000 locations", large.memory_gb, "GB", MEMORY_MAX_GB)
        | {"peer": "", "peer_value": None, "ratio": None}
    )
    print(
        f"  open transports {small.open_transports:.0f} and {large.open_transports:.0f}, an hour "
        f"{small.transports_per_hour:.0f} and {large.transports_per_hour:.0f}; events {small.count}",
        file=sys.stderr,
    )
    return rows


def _rows(outcome: Outcome, locations: int, smaller: Outcome | None) -> list[dict[str, object]]:
    rows = []
    for name, (mean_max, p99_max) in BUDGETS.items():
        for figure, of, budget in (("mean", outcome.mean_us, mean_max), ("p99", outcome.p99_us, p99_max)):
            if budget is None:
                continue
            value = of[name]
            if smaller is not None:  # the large plant is held to the small one's figures
                budget = GROWTH_MAX * (smaller.mean_us if figure == "mean" else smaller.p99_us)[name]
            row = _row(f"{TITLES[name]}, {figure} at {locations:,} locations", value, "µs", budget)
            rows.append(row | _peer(outcome.copy_us, value))
    return rows


def _row(name: str, value: float, unit: str, budget: float) -> dict[str, object]:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "budget": round(budget, 3),
        "better": "lower",
        "ok": value <= budget,
    }


def _peer(copy_us: float, value: float) -> dict[str, object]:
    return {
        "peer": "copying the state's tables before each event",
        "peer_value": round(copy_us, 1),
        "ratio": round(copy_us / value, 1),
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(int(sys.argv[1]))))
