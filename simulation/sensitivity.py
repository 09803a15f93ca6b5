"""What the bottleneck is, and what it would bring if it were faster.

    active periods of one logged run ─▶ the devices with the longest ─▶ the same runs, each with one of them faster

Rule: the same seeds with and without, so that the difference is the machine's and not the orders'.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush

import msgspec

from simulation.figures import order_time_difference, throughput_difference
from simulation.spec import RunResult, RunSpec, Span
from wcs.plant.model import Plant, Record, Segment, StackerCrane, Vehicle

FASTER = 1.1  # a tenth more speed and acceleration, a tenth less time of handling
ASKED_MAX = 3  # machines made faster in turn, each for as many runs as were asked for
FLEET, PEOPLE, CONVEYORS = "vehicles", "people", "conveyors"
# A shorter rest is the telegrams between two tasks or the change of load units at a station, not a lack of work.
PAUSE_MS = 5_000
RESTING = ("starved", "blocked", "charging")  # who has nothing to do charges: it is no work that limits


class Period(Record):
    """A device worked, or was out of order, without a rest."""

    device: str
    from_ms: int
    to_ms: int

    @property
    def length_ms(self) -> int:
        return self.to_ms - self.from_ms


class Bottleneck(Record):
    """One device: mean length of its active periods, and the shares of the time in which it was the bottleneck alone,
    and in which the bottleneck was passing to it or from it. At each moment the longest active period has it.

    Source:
        Roser, Nakano and Tanaka: A practical bottleneck detection method (2001); Shifting bottleneck detection (2002).
    """

    device: str
    mean_s: float
    sole: float
    shifting: float


class Sensitivity(Record):
    """What it brings if `faster` is a tenth faster: a crane, all vehicles, all belts, or the people at the stations.

    Means over pairs of runs with 95 % half-widths: orders an hour more, mean order time less (s; None: no orders left).
    """

    label: str
    faster: str
    orders_per_hour: float
    orders_half_width: float
    order_time_less_s: float | None
    order_time_half_width: float | None


def active_periods(spans: Sequence[Span]) -> list[Period]:
    """The active periods of each device, in order of devices and time; a rest up to PAUSE_MS does not end one."""
    of_device: dict[str, list[Span]] = {}
    for span in spans:
        of_device.setdefault(span.device, []).append(span)
    found: list[Period] = []
    for device, own in of_device.items():
        for span in own:
            if span.state in RESTING:
                continue
            last = found[-1] if found else None
            if last is not None and last.device == device and span.from_ms - last.to_ms <= PAUSE_MS:
                found[-1] = Period(device=device, from_ms=last.from_ms, to_ms=span.to_ms)
            else:
                found.append(Period(device=device, from_ms=span.from_ms, to_ms=span.to_ms))
    return found


def bottlenecks(spans: Sequence[Span]) -> list[Bottleneck]:
    """All devices that ever worked, the one first that was the bottleneck for the most time; of equals the one with the
    longer periods.
    """
    periods = active_periods(spans)
    if not periods:
        return []
    whole_ms = max(span.to_ms for span in spans) - min(span.from_ms for span in spans)
    sole_ms, shifting_ms = _shares(list(_chain(periods)))
    lengths_ms: dict[str, list[int]] = {}
    for period in periods:
        lengths_ms.setdefault(period.device, []).append(period.length_ms)
    found = []
    for device, lengths in lengths_ms.items():
        found.append(
            Bottleneck(
                device=device,
                mean_s=sum(lengths) / len(lengths) / 1000,
                sole=sole_ms.get(device, 0) / whole_ms,
                shifting=shifting_ms.get(device, 0) / whole_ms,
            )
        )
    return sorted(found, key=lambda one: (-one.sole - one.shifting, -one.mean_s, one.device))


def _chain(periods: Sequence[Period]) -> Iterator[Period]:
    """The bottleneck from moment to moment: where one period ends, the longest goes on of those then under way."""
    coming = deque(sorted(periods, key=lambda period: period.from_ms))
    under_way: list[tuple[int, str, int, Period]] = []
    now_ms = coming[0].from_ms
    while coming or under_way:
        while coming and coming[0].from_ms <= now_ms:
            period = coming.popleft()
            heappush(under_way, (-period.length_ms, period.device, period.from_ms, period))
        while under_way and under_way[0][-1].to_ms <= now_ms:
            heappop(under_way)
        if under_way:
            yield under_way[0][-1]
            now_ms = under_way[0][-1].to_ms
        elif coming:
            now_ms = coming[0].from_ms


def _shares(chain: Sequence[Period]) -> tuple[dict[str, int], dict[str, int]]:
    """Time as the only bottleneck, and as one of two between which it shifts, ms by device."""
    sole: dict[str, int] = {}
    shifting: dict[str, int] = {}
    for before, period, after in zip((None, *chain), chain, (*chain[1:], None), strict=False):
        with_before = max(0, before.to_ms - period.from_ms) if before is not None else 0
        with_after = max(0, period.to_ms - after.from_ms) if after is not None else 0
        shared = min(with_before + with_after, period.length_ms)
        shifting[period.device] = shifting.get(period.device, 0) + shared
        sole[period.device] = sole.get(period.device, 0) + period.length_ms - shared
    return sole, shifting


def candidates(spec: RunSpec, spans: Sequence[Span]) -> list[str]:
    """What to make faster, the most promising first: cranes as they are the bottleneck; vehicles, belts and people, all
    of a kind as one.
    """
    plant = spec.plant
    whole = {crane.name: crane.name for crane in plant.cranes}
    whole |= {vehicle.name: FLEET for vehicle in plant.vehicles}
    whole |= {station.name: PEOPLE for station in plant.stations}
    names = (whole.get(one.device, CONVEYORS) for one in bottlenecks(spans))
    return list(dict.fromkeys(names))[:ASKED_MAX]


def with_faster(spec: RunSpec, what: str) -> RunSpec:
    """The same runs with that a tenth faster."""
    if what == PEOPLE:
        staff = spec.staff
        less = {name: round(getattr(staff, name) / FASTER) for name in ("pick_ms", "carry_ms")}
        return msgspec.structs.replace(spec, staff=msgspec.structs.replace(staff, **less))
    kinds = {FLEET: _fleet_faster, CONVEYORS: _conveyors_faster}
    plant = kinds[what](spec.plant) if what in kinds else _crane_faster(spec.plant, what)
    return msgspec.structs.replace(spec, plant=plant)


def sensitivity(
    spec: RunSpec, results: Sequence[RunResult], again: Callable[[RunSpec], Sequence[RunResult]]
) -> list[Sensitivity]:
    """What each candidate would bring.

    Args:
        spec: of the first run.
        results: its runs, at least two, one of them with its log.
        again: makes as many runs of a spec, with the same seeds.
    """
    log = next(result.log for result in results if result.log is not None)
    found = []
    for what in candidates(spec, log.spans):
        runs = again(msgspec.structs.replace(with_faster(spec, what), keep="row"))
        rate = throughput_difference([r.row for r in runs], [r.row for r in results])
        assert rate is not None, "the same seeds, at least two"
        less = order_time_difference([r.row for r in results], [r.row for r in runs])
        found.append(
            Sensitivity(
                label=spec.label,
                faster=what,
                orders_per_hour=rate.mean,
                orders_half_width=rate.half_width,
                order_time_less_s=less.mean if less else None,
                order_time_half_width=less.half_width if less else None,
            )
        )
    return found


def _crane_faster(plant: Plant, name: str) -> Plant:
    def faster(crane: StackerCrane) -> StackerCrane:
        return msgspec.structs.replace(
            crane,
            speed_x_mm_s=round(crane.speed_x_mm_s * FASTER),
            speed_y_mm_s=round(crane.speed_y_mm_s * FASTER),
            accel_x_mm_s2=round(crane.accel_x_mm_s2 * FASTER),
            accel_y_mm_s2=round(crane.accel_y_mm_s2 * FASTER),
            fork_cycle_ms=round(crane.fork_cycle_ms / FASTER),
        )

    cranes = tuple(faster(crane) if crane.name == name else crane for crane in plant.cranes)
    return msgspec.structs.replace(plant, cranes=cranes)


def _fleet_faster(plant: Plant) -> Plant:
    def faster(vehicle: Vehicle) -> Vehicle:
        return msgspec.structs.replace(
            vehicle,
            speed_mm_s=round(vehicle.speed_mm_s * FASTER),
            accel_mm_s2=round(vehicle.accel_mm_s2 * FASTER),
            handling_ms=round(vehicle.handling_ms / FASTER),
        )

    return msgspec.structs.replace(plant, vehicles=tuple(map(faster, plant.vehicles)))


def _conveyors_faster(plant: Plant) -> Plant:
    def faster(segment: Segment) -> Segment:
        return msgspec.structs.replace(segment, speed_mm_s=round(segment.speed_mm_s * FASTER))

    conveyors = tuple(
        msgspec.structs.replace(conveyor, segments=tuple(map(faster, conveyor.segments)))
        for conveyor in plant.conveyors
    )
    return msgspec.structs.replace(plant, conveyors=conveyors)
