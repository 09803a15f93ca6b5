"""One run of the twin from its spec: opens the stock, lets people and shops work, and measures."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from devices.machines.world import WorldLine
from simulation.belt_activity import BeltActivity
from simulation.check import check_spec
from simulation.faults import draw_faults
from simulation.faults_at_twin import TwinFaults
from simulation.latency import Latency
from simulation.measures import Measures
from simulation.shops import add_shops
from simulation.spec import RunResult, RunSpec, Timing
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.warm_building import furnish
from simulation.warm_start import Start
from simulation.wires import timed_wire
from simulation.workload import WARM_REFILL, Workload
from wcs.core import events as v
from wcs.core.entities import Sku
from wcs.core.facts import Fact
from wcs.core.turn import Step
from wcs.core.warehouse import Warehouse
from wcs.plant.policies import policies_of

WARM_PREFIX = "TWIN"  # of drawn orders: the site's own numbers are taken
GARBAGE_MAX = 50_000  # objects made and not freed before the collector looks: what a few thousand events leave
PROGRESS_MS = 60_000  # plant time between two reports of progress
# Orders that may stand open at once: a plant that lets more pile up does not keep up with its orders, and says so.
OPEN_ORDERS_MAX = 5_000
Listen = Callable[[Sequence[Fact], int], None]


def run(
    spec: RunSpec,
    progress: Callable[[float], None] = lambda share: None,
    *,
    start: Start | None = None,
    listen: Listen = lambda facts, at_ms: None,
) -> RunResult:
    """Run it; `progress` hears the share of plant time done, `start` is the site's state of a warm start, `listen`
    hears the facts of each turn.

    Raises:
        ValueError: the spec is impossible (unknown policy, more stock than places, a rate below zero).
    """
    for finding in check_spec(spec):
        raise ValueError(f"{finding.key}: {finding.reason}")
    rows = start.rows if start else ()
    belts = BeltActivity(spec.plant, spec.warm_ms, keep=spec.keep != "row")
    lines: list[WorldLine] = []

    def logged(line: WorldLine) -> None:
        lines.append(line)
        belts.line(line)

    twin = Twin(
        spec.plant,
        warehouse=Warehouse(spec.plant, rows, policies=policies_of(spec.policies)),
        log=belts.line if spec.keep == "row" else logged,
    )
    if spec.latency:
        twin.wire = timed_wire(Latency(spec.latency, spec.plant, spec.seed), twin.env)
    measures = Measures(spec, twin, belts)
    clock = _Clock(twin, measures, listen)
    workload = _open(twin, spec, start)
    for place in spec.closed:
        twin.handle(v.PlaceBlockRequested(at_ms=0, actor="planner", place=place, blocked=True, reason="closed"))
    add_people(twin, spec.staff, spec.seed)
    add_shops(twin, workload, spec.workload)
    end_ms = spec.end_ms
    if spec.faults or spec.script:
        TwinFaults(twin, (*draw_faults(spec.plant, spec.seed, spec.faults, until_ms=end_ms), *spec.script))
    with _collecting_seldom():
        while twin.now_ms < end_ms and not measures.diverged:
            twin.run_to(min(end_ms, twin.now_ms + PROGRESS_MS))
            measures.watch_backlog(OPEN_ORDERS_MAX)
            progress(twin.now_ms / end_ms)
    return measures.result(clock.digest(), clock.timing(), lines)


@contextlib.contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Records form no cycles: the collector would walk over the whole building, again and again, for nothing."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE_MAX, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def _open(twin: Twin, spec: RunSpec, start: Start | None) -> Workload:
    """Opening stock on an empty building, or the site as it was; then power on."""
    if start is not None:
        furnish(twin)
        twin.start()
        return Workload(
            spec.plant,
            spec.seed,
            shape=spec.workload,
            names=start.skus,
            prefix=start.unused(WARM_PREFIX),
            first_refill=max(WARM_REFILL, start.latest_delivery()),
        )
    twin.start()
    workload = Workload(spec.plant, spec.seed, shape=spec.workload)
    skus = workload.skus()
    known = {sku.sku for sku in skus}
    replayed = sorted({line.sku for order in spec.workload.replay for line in order.lines} - known)
    for sku in (*skus, *(Sku(sku=name, name=name) for name in replayed)):
        twin.handle(v.SkuChanged(at_ms=0, actor="planner", sku=sku))
    twin.open_stock(workload.opening(0, extra=tuple(replayed)))
    return workload


class _Clock:
    """Between mind and twin: the stopwatch on planning, and the hash over all facts."""

    def __init__(self, twin: Twin, measures: Measures, listen: Listen) -> None:
        self._twin = twin
        self._began = time.perf_counter()
        self._planning = 0.0
        self._digest = hashlib.sha256()
        encode = msgspec.msgpack.Encoder().encode
        decide = twin.warehouse.handle

        def timed(event: v.Event) -> Step:
            began = time.perf_counter()
            step = decide(event)
            self._planning += time.perf_counter() - began
            if step.facts:
                self._digest.update(encode(step.facts))
                measures.facts(step.facts, event.at_ms)
                listen(step.facts, event.at_ms)
            return step

        twin.decide = timed

    def digest(self) -> str:
        return self._digest.hexdigest()

    def timing(self) -> Timing:
        wall_s = time.perf_counter() - self._began
        return Timing(
            wall_s=wall_s,
            real_time_factor=self._twin.now_ms / 1000 / wall_s,
            planner_share=self._planning / wall_s,
        )
