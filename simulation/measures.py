"""What is measured while a run goes on: fed with facts, asked for the row at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from devices.machines.world import WorldLine
from simulation.activity import Activity
from simulation.belt_activity import BeltActivity
from simulation.downtimes import Downtimes
from simulation.spec import BUCKET_MS, KpiRow, Move, Passage, RunLog, RunResult, RunSpec, Series, Timing
from simulation.statistics import falls_behind, percentile
from simulation.twin import Twin
from wcs.core import facts as f
from wcs.core.entities import OrderState

HOUR_MS = 3_600_000
ENDED = (OrderState.BACKORDERED, OrderState.CANCELLED)  # and never shipped: they wait for nothing any more


class Measures:
    """Counters of one run; what happens before the warm-up's end counts in the series only."""

    def __init__(self, spec: RunSpec, twin: Twin, belts: BeltActivity) -> None:
        self._spec = spec
        self._twin = twin
        self._belts = belts
        self._warm_ms = spec.warm_ms
        self._half_ms = (self._warm_ms + spec.end_ms) // 2
        state = twin.warehouse.state  # of a warm start: orders that stood open before count from when they were placed
        self._placed = {n: (state.order[n].placed_ms, len(state.lines(n))) for n in state.orders_open}
        self._placed_count = 0
        self._grown = self._grown_late = 0  # orders that came less those that ended: measured time, its later half
        self._shipped_lines = 0
        self._times_s: list[float] = []
        self._shipped: dict[int, int] = {}
        self._open: dict[int, int] = {}
        self._transports = 0
        self._passages = 0
        self._driven: list[Passage] | None = [] if spec.keep != "row" else None
        devices = [crane.name for crane in spec.plant.cranes] + [vehicle.name for vehicle in spec.plant.vehicles]
        stations = {station.pick_point: station.name for station in spec.plant.stations}
        self._activity = Activity(devices, self._warm_ms, stations=stations, keep=spec.keep != "row")
        kinds = {device: kind.value for device, kind in twin.warehouse.layout.kinds.items()}
        self._downtimes = Downtimes(kinds, self._warm_ms) if spec.keep != "row" else None
        self.diverged = ""

    def facts(self, facts: Sequence[f.Fact], at_ms: int) -> None:
        """One turn's facts."""
        self._activity.facts(facts, at_ms)
        if self._downtimes is not None:
            self._downtimes.facts(facts, at_ms)
        for fact in facts:
            counted = _COUNTED.get(type(fact))
            if counted is not None:
                counted(self, fact, at_ms)

    def _order_placed(self, fact: f.OrderPlaced, at_ms: int) -> None:
        self._placed[fact.order.number] = (at_ms, len(fact.lines))
        self._placed_count += at_ms >= self._warm_ms
        self._grow(1, at_ms)

    def _order_changed(self, fact: f.OrderStateChanged, at_ms: int) -> None:
        if fact.state is OrderState.SHIPPED:
            self._ship(fact.order_number, at_ms)
        elif fact.state in ENDED:
            self._placed.pop(fact.order_number)
            self._grow(-1, at_ms)

    def _grow(self, change: int, at_ms: int) -> None:
        self._grown += change * (at_ms >= self._warm_ms)
        self._grown_late += change * (at_ms >= self._half_ms)

    def _transport_ended(self, fact: f.TransportOrderEnded, at_ms: int) -> None:
        self._transports += at_ms >= self._warm_ms

    def _reached(self, fact: f.VehicleReached, at_ms: int) -> None:
        if at_ms >= self._warm_ms:
            self._passages += 1
            if self._driven is not None:
                self._driven.append(Passage(at_ms=at_ms, vehicle=fact.vehicle, node=fact.node))

    def _seen(self, fact: f.DeviceSeen, at_ms: int) -> None:
        self._belts.seen(fact.device, fact.able, at_ms)

    def _ship(self, number: str, at_ms: int) -> None:
        bucket = at_ms // BUCKET_MS
        self._shipped[bucket] = self._shipped.get(bucket, 0) + 1
        since_ms, lines = self._placed.pop(number)
        self._grow(-1, at_ms)
        if at_ms >= self._warm_ms:
            self._times_s.append((at_ms - since_ms) / 1000)
            self._shipped_lines += lines

    def watch_backlog(self, most: int) -> None:
        """Called now and then: how many orders stand open."""
        self._open[self._buckets()] = len(self._placed)
        if len(self._placed) > most:
            self.diverged = f"{len(self._placed)} orders stand open after {self._twin.now_ms / HOUR_MS:.2f} h"

    def _buckets(self) -> int:
        """How many minutes have begun."""
        return -(-self._twin.now_ms // BUCKET_MS)

    def result(self, digest: str, timing: Timing, lines: Sequence[WorldLine] = ()) -> RunResult:
        """The figures as they are now; `lines` are the world's log, if it was kept."""
        times = sorted(self._times_s)
        hours = max(self._twin.now_ms - self._warm_ms, 1) / HOUR_MS
        row = KpiRow(
            run=self._spec.name(),
            label=self._spec.label,
            seed=self._spec.seed,
            hours=hours,
            orders_placed=self._placed_count,
            orders_shipped=len(times),
            throughput_per_hour=len(times) / hours,
            lines_per_hour=self._shipped_lines / hours,
            order_time_p50_s=percentile(times, 50),
            order_time_p95_s=percentile(times, 95),
            order_time_mean_s=sum(times) / len(times) if times else None,
            transports=self._transports,
            transports_per_hour=self._transports / hours,
            open_orders=len(self._placed),
            utilisation=self._activity.shares(self._twin.now_ms) | self._belts.shares(self._twin.now_ms),
            events=self._twin.env.steps,
            events_per_transport=self._twin.env.steps / self._transports if self._transports else None,
            node_passages=self._passages,
            digest=digest,
            diverged=self.diverged,
            behind=self._behind(),
        )
        buckets = range(self._buckets())
        series = Series(
            bucket_ms=BUCKET_MS,
            shipped=tuple(self._shipped.get(b, 0) for b in buckets),
            open_orders=tuple(self._open.get(b + 1, 0) for b in buckets),
            order_time_s=tuple(self._times_s),
        )
        return RunResult(row=row, timing=timing, series=series, log=self._log(lines))

    def _behind(self) -> str:
        """Why these orders are more than the plant keeps up with; empty if it does."""
        if not falls_behind(self._placed_count, self._grown, self._grown_late):
            return ""
        left = self._placed_count - self._grown
        return f"{self._placed_count} orders came in the measured time and {left} left: {len(self._placed)} stand open"

    def _log(self, lines: Sequence[WorldLine]) -> RunLog | None:
        if self._driven is None:
            return None
        return RunLog(
            spans=tuple(
                sorted((*self._activity.spans, *self._belts.spans), key=lambda span: (span.from_ms, span.device))
            ),
            moves=tuple(
                Move(at_ms=line.time_ms, load=line.number, source=line.source, sink=line.sink, by=line.by)
                for line in lines
                if line.time_ms >= self._warm_ms
            ),
            passages=tuple(self._driven),
            devices=self._downtimes.times(self._twin.now_ms) if self._downtimes is not None else (),
        )


_COUNTED: dict[type[f.Fact], Callable[[Measures, Any, int], None]] = {
    f.OrderPlaced: Measures._order_placed,
    f.OrderStateChanged: Measures._order_changed,
    f.TransportOrderEnded: Measures._transport_ended,
    f.VehicleReached: Measures._reached,
    f.DeviceSeen: Measures._seen,
}
