"""The twin: how fast a plant of 20 cranes, 100 vehicles and 2,000 segments runs, what the mind takes, what grows.

Each plant runs in a process of its own; what counts is processor time, so a busy machine blurs it less. Peers: bare
SimPy timers for the same number of events, and a conveyor in which every zone is a process with a resource.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import simpy

from benchmarks.twin_plant import twin_plant
from devices.machines.conveyor import ConveyorMachine
from devices.machines.machine import Load
from devices.machines.world import MemoryWorld
from simulation.run import run
from simulation.spec import RunSpec, WorkloadSpec
from simulation.statistics import paired_difference
from simulation.workers import Workers
from wcs.core.ports import CommandCode, DeviceCommand, TransferAck
from wcs.plant.file import load_plant
from wcs.plant.model import OUTSIDE, Plant, Record

MEASURED_H = 1.0
WARM_UP_H = 0.5  # an order is under way for a quarter of an hour
DAY_H = 24
CHILD_TIMEOUT_S = 900
REAL_TIME_MIN = 1_500  # a day in a minute on one core
EVENTS_MAX = 20  # of the engine a transport, node passages of vehicles not counted
GROWTH_MAX = 1.3  # of the cost of a transport, from 2 cranes to 20
ENGINE_MAX = 2.0  # machine layer against bare timers
SWEEP_RUN_MAX_S = 1.2  # 1,000 one-hour runs in 10 minutes on two cores
# Cranes: stations, docks, vehicles, segments and orders an hour, each of which makes about nine transports.
SIZES = {2: (2, 4, 10, 200, 22.8), 20: (20, 6, 100, 2_000, 228.0)}
ENTRIES_A_PASSAGE = 2  # of the clock: the machine's timer, and the report of the node
CRN_MIN = 5.0  # how many times less the variance of a comparison is on the same orders than on others
CRN_SEEDS = 8
SWEEP_RUNS = 24
WORKERS_MIN = 1.7  # two workers against one, on idle cores
ZONES, ZONE_LOADS, ZONE_MS = 50, 400, 1_000


class Outcome(Record):
    """What one run gave, in processor time: of the whole, until plant time began, and of an hour once it was warm."""

    cpu_s: float
    set_up_s: float
    hour_s: float
    planner_share: float
    transports_per_hour: float
    passages_per_hour: float
    events_per_hour: float

    @property
    def day_s(self) -> float:
        """A day: the building is set up once."""
        return self.set_up_s + DAY_H * self.hour_s


def measure(plant: Plant, orders_per_hour: float, hours: float, warm_up_hours: float) -> Outcome:
    """One run."""
    spec = RunSpec(
        plant=plant,
        workload=WorkloadSpec(orders_per_hour=orders_per_hour),
        hours=hours,
        warm_up_hours=warm_up_hours,
    )
    began = time.process_time()
    marks: list[tuple[float, float]] = []
    result = run(spec, lambda share: marks.append((share, time.process_time() - began)))
    cpu_s, whole = time.process_time() - began, hours + warm_up_hours
    warm_share, warm_s = next(mark for mark in marks if mark[0] >= warm_up_hours / whole)
    return Outcome(
        cpu_s=cpu_s,
        set_up_s=marks[0][1],
        hour_s=(cpu_s - warm_s) / ((1 - warm_share) * whole),
        planner_share=result.timing.planner_share,
        transports_per_hour=result.row.transports_per_hour,
        passages_per_hour=result.row.node_passages / hours,
        events_per_hour=result.row.events / whole,
    )


def _child(cranes: int) -> Outcome:
    if not cranes:
        return measure(load_plant("demo"), 60.0, 1.0, 0.0)
    stations, docks, vehicles, segments, orders = SIZES[cranes]
    plant = twin_plant(aisles=cranes, stations=stations, docks=docks, vehicles=vehicles, segments=segments)
    return measure(plant, orders, MEASURED_H, WARM_UP_H)


def _in_child(cranes: int) -> Outcome:
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_twin", str(cranes)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=CHILD_TIMEOUT_S,
        cwd=Path(__file__).parent.parent,
    )
    return msgspec.json.decode(child.stdout, type=Outcome)


def bare_timers_s(count: int) -> float:
    """Processor time of as many SimPy timers, each with one callback, none of which does anything."""
    env = simpy.Environment()

    def again(_: object) -> None:
        if len(env._queue) < 100:
            timer()

    def timer() -> None:
        timeout = env.timeout(10)
        assert timeout.callbacks is not None
        timeout.callbacks.append(again)

    began = time.process_time()
    for _ in range(100):
        timer()
    for _ in range(count):
        env.step()
    return time.process_time() - began


def zone_processes_s() -> float:
    """Processor time of loads going over a conveyor in which every zone is a resource and every load a process."""
    env = simpy.Environment()
    zones = [simpy.Resource(env) for _ in range(ZONES)]

    def load() -> Generator[Any, Any, None]:
        held = zones[0].request()
        yield held
        for before, zone in pairwise(zones):
            yield env.timeout(ZONE_MS)
            ahead = zone.request()
            yield ahead
            before.release(held)
            held = ahead
        yield env.timeout(ZONE_MS)
        zones[-1].release(held)

    began = time.process_time()
    for _ in range(ZONE_LOADS):
        env.process(load())
    env.run()
    return time.process_time() - began


def our_zones_s() -> float:
    """Processor time of as many loads over as many segments of the product's conveyor, acknowledged at both ends."""
    plant = twin_plant(aisles=1, stations=1, vehicles=4, segments=4 * ZONES)
    conveyor = next(c for c in plant.conveyors if c.name == "CI1")
    assert len(conveyor.segments) == ZONES
    device, (entry, end) = conveyor.devices[0], (p.name for p in conveyor.transfer_points)
    world = MemoryWorld(plant)
    machine = ConveyorMachine(conveyor, world, load_types=plant.load_types)
    began = time.process_time()
    now_ms = arrived = placed = 0
    for sequence, code in enumerate((CommandCode.SYNC, CommandCode.RESUME), 1):
        machine.command(DeviceCommand(device=device, epoch=1, sequence=sequence, code=code, p1=1), now_ms)
    while arrived < ZONE_LOADS:
        if placed < ZONE_LOADS and world.accepts(entry) and not world.loads(entry):
            placed += 1
            load = Load(number=placed, barcode=f"T{placed}", load_type=1, mass_g=2_000, height_mm=300)
            world.place(load, entry, by="race", now_ms=now_ms)
        machine.advance(now_ms)
        for index in (0, 1):
            seen = machine.transfer_words(device, index).event_sequence
            machine.command(TransferAck(device=device, transfer=index, event_sequence=seen), now_ms)
        for load in world.loads(end):
            world.move(load.number, end, OUTSIDE, by="race", now_ms=now_ms)
            arrived += 1
        due_ms = machine.next_due_ms()
        now_ms = max(now_ms, due_ms) if due_ms is not None else now_ms
    return time.process_time() - began


def common_random_numbers() -> float:
    """How many times less the variance of a comparison of two policies is for the same orders (throughput)."""
    plant, rates = load_plant("demo"), []
    for policies in ({}, {"pairing": "oldest_first"}):
        specs = (
            RunSpec(plant=plant, seed=n, hours=0.5, policies=policies, workload=WorkloadSpec(orders_per_hour=100.0))
            for n in range(1, CRN_SEEDS + 1)
        )
        with Workers(2) as pool:
            results = sorted(pool.map(specs), key=lambda result: result.row.seed)
        rates.append([result.row.throughput_per_hour for result in results])
    return paired_difference(rates[0], rates[1]).variance_factor


def sweep_s(workers: int) -> float:
    """Wall time of one-hour runs of the demo plant, the start of the processes included."""
    specs = (
        RunSpec(plant=load_plant("demo"), seed=n, workload=WorkloadSpec(orders_per_hour=60.0))
        for n in range(1, SWEEP_RUNS + 1)
    )
    began = time.perf_counter()
    with Workers(workers) as pool:
        assert sum(1 for _ in pool.map(specs)) == SWEEP_RUNS
    return time.perf_counter() - began


def races() -> list[dict[str, object]]:
    """All of them, as rows of `results.json`."""
    small, large, demo = _in_child(2), _in_child(20), _in_child(0)
    bare_s = bare_timers_s(round(large.events_per_hour))
    machines_s = large.hour_s * (1 - large.planner_share)
    per_transport = {
        n: 1000 * o.hour_s / max(1.0, o.transports_per_hour) for n, o in (("small", small), ("large", large))
    }
    real_time = DAY_H * 3600 / large.day_s
    engine = large.events_per_hour - ENTRIES_A_PASSAGE * large.passages_per_hour
    print(
        f"  {large.transports_per_hour:.0f} transports and {large.passages_per_hour:.0f} node passages an hour "
        f"on 20 cranes and 100 vehicles; the mind has {large.planner_share:.0%} of the time",
        file=sys.stderr,
    )
    events = engine / max(1.0, large.transports_per_hour)
    zones_s, ours_s = zone_processes_s(), our_zones_s()
    two_s, one_s = sweep_s(2), sweep_s(1)
    return [
        _row(
            "real-time factor of a day, 20 cranes, 100 vehicles, 2,000 segments",
            real_time,
            "x",
            REAL_TIME_MIN,
            "higher",
        ),
        _row("transports an hour in that run", large.transports_per_hour, "1/h", 2_000, "higher"),
        _row("engine events a transport, node passages not counted", events, "", EVENTS_MAX),
        _row("the mind's share of that run", 100 * large.planner_share, "%", None),
        _row("a transport on 20 cranes", per_transport["large"], "ms", GROWTH_MAX * per_transport["small"])
        | _peer("a transport on 2 cranes", per_transport["small"], per_transport["large"]),
        _row("machine layer of an hour of it", machines_s, "s", ENGINE_MAX * bare_s)
        | _peer("as many bare SimPy timers", bare_s, machines_s),
        _row(f"{ZONE_LOADS} loads over {ZONES} segments", ours_s, "s", None)
        | _peer("a SimPy process a load, a resource a zone", zones_s, ours_s),
        _row("one hour of the demo plant, 60 orders", demo.cpu_s, "s", SWEEP_RUN_MAX_S),
        _row(f"{SWEEP_RUNS} such runs on 2 workers", two_s, "s", one_s / WORKERS_MIN)
        | _peer("on 1 worker", one_s, two_s),
        _row("variance of a comparison on the same orders, times less", common_random_numbers(), "x", CRN_MIN, "higher")
        | {"peer": "on other orders", "peer_value": 1.0},
    ]


def _row(name: str, value: float, unit: str, budget: float | None, better: str = "lower") -> dict[str, object]:
    met = budget is None or (value <= budget if better == "lower" else value >= budget)
    return {
        "name": name, "value": round(value, 3), "unit": unit, "budget": None if budget is None else round(budget, 3),
        "better": better, "ok": met, "peer": "", "peer_value": None, "ratio": None,
    }  # fmt: skip


def _peer(peer: str, peer_value: float, value: float) -> dict[str, object]:
    return {"peer": peer, "peer_value": round(peer_value, 3), "ratio": round(peer_value / value, 2)}


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_child(int(sys.argv[1]))))
