"""The same orders in the twin and in a real site over virtual PLCs: same stock, moments, deliveries and people.

Rule: what both sides are given is one list of orders with their moments and one seed; nothing is tuned to a run. The
twin's telegrams take what the site of ANOTHER seed has measured.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import msgspec

from api.demo import Demo, DemoOptions
from api.demo_goods import delivery_bodies
from api.orders_file import Basket
from simulation.latency import fit_latency
from simulation.run import run
from simulation.shops import Supplier, drawn
from simulation.spec import LatencyProfile, RunSpec, WorkloadSpec
from simulation.workload import Workload
from wcs.ledger.database import engine_for
from wcs.plant.file import load_plant

PLANT = "demo"
ORDERS = 42  # of a seed: 200 and more of five
# Evenly at 80 an hour queues are short. With Poisson arrivals at 120 the twin's own 95th percentile of 200 orders
# differs by 3 % from one turn of luck to the next, and one run of a plant would say little about 5 %; here it is 1 %.
ORDERS_PER_HOUR = 80.0
BEGIN_MS = 5_000  # of plant time after the people have begun: every order has its moment before it
# Who picks what first hangs on milliseconds, and each such turn of luck makes other order times. The twin is asked so
# often, with all orders so much later, and its mean is compared: the real plant has only one try.
LUCKS, LUCK_MS = 8, 137
LOOK_S = 0.25
TAIL_S = 1_200.0  # of plant time after the last order: five times what an order takes


def workload_of(seed: int, orders: int = ORDERS, per_hour: float = ORDERS_PER_HOUR) -> WorkloadSpec:
    """The seed's first orders, at their moments."""
    spec = WorkloadSpec(orders_per_hour=per_hour, arrivals="even")
    waiting = islice(drawn(Workload(load_plant(PLANT), seed), spec), orders)
    replay = tuple(msgspec.structs.replace(order, at_ms=order.at_ms + BEGIN_MS) for order in waiting)
    return msgspec.structs.replace(spec, replay=replay)


def real_times_s(folder: Path, seed: int, spec: WorkloadSpec, speed: float) -> dict[str, float]:
    """Order times of a site over OPC UA and Modbus, by order number; the folder keeps its journal."""
    died: list[str] = []
    with Demo(DemoOptions(plant=PLANT, data=folder, speed=speed, seed=seed), died.append) as demo:
        demo.fill()
        died.clear()
        began_ms = demo.clock.now_ms()
        supplier = Supplier(
            demo.workload, demo.clock.now_ms, lambda number, lines: demo.goods.announce(number, delivery_bodies(lines))
        )
        demo.people.start()
        for order in spec.replay:
            _wait_for(demo, began_ms + order.at_ms)
            demo.goods.order(Basket(number=order.number, lines=order.lines))
            supplier.replace(order)
        deadline = time.monotonic() + TAIL_S / speed
        while demo.books.orders().ended < len(spec.replay):
            demo.watch()
            assert time.monotonic() < deadline, f"seed {seed}: {demo.books.orders()}; {died}"
            demo.stopping.wait(LOOK_S)
        assert died == [], f"seed {seed}: the plant was not whole: {died}"
        assert demo.settle()
        report = demo.prove()
        assert report.ok, f"seed {seed}: {[f'{n}: {c.detail}' for n, c in report.checks.items() if not c.ok]}"
    return shipped_s(folder)


def _wait_for(demo: Demo, at_ms: int) -> None:
    while (wait_s := demo.clock.wall_s_until(at_ms)) > 0:
        demo.watch()
        demo.stopping.wait(min(wait_s, LOOK_S))


def shipped_s(folder: Path) -> dict[str, float]:
    """What a site's book says of its shipped orders: order number → from placing to leaving, s."""
    with closing(sqlite3.connect(folder / "wcs.db")) as book:
        rows = book.execute("SELECT number, placed_ms, ended_ms FROM customer_order WHERE state = 'shipped'").fetchall()
    return {number: (ended_ms - placed_ms) / 1_000 for number, placed_ms, ended_ms in rows}


def latency_of(folder: Path) -> dict[str, LatencyProfile]:
    """The telegrams' times of that site, as `wcs simulate --latency-from` takes them."""
    engine = engine_for(f"sqlite:///{folder / 'wcs.db'}")
    try:
        with engine.connect() as connection:
            return fit_latency(connection, load_plant(PLANT), "main")
    finally:
        engine.dispose()


def twin_times_s(seed: int, spec: WorkloadSpec, latency: dict[str, LatencyProfile]) -> list[list[float]]:
    """Order times of the twin, for each turn of luck."""
    hours = (spec.replay[-1].at_ms / 1_000 + TAIL_S) / 3_600
    asked = RunSpec(plant=load_plant(PLANT), seed=seed, hours=hours, latency=latency)
    found = []
    for luck in range(LUCKS):
        later = tuple(msgspec.structs.replace(o, at_ms=o.at_ms + luck * LUCK_MS) for o in spec.replay)
        shifted = msgspec.structs.replace(spec, replay=later)
        found.append(list(run(msgspec.structs.replace(asked, workload=shifted)).series.order_time_s))
    return found


def all_at_once(
    folder: Path, seeds: Sequence[int], specs: dict[int, WorkloadSpec], speed: float
) -> dict[int, dict[str, float]]:
    """Each seed's plant on processes of its own, side by side."""
    found: dict[int, dict[str, float]] = {}
    broken: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            found[seed] = real_times_s(folder / str(seed), seed, specs[seed], speed)
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=work, args=(seed,), name=f"seed {seed}") for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return found
