"""What a wanted rate asks of each kind of device before anything runs, and which of them it saturates.

Rule: closed formulas of the plant's mean cycles, no waiting anywhere; a load of 1 or more cannot be kept up, however
the orders are spread. Lines that share one visit of a load unit are counted for that visit once a full station.

Per order: each line's source is fetched and goes back (lines that one visit serves share it), one empty is fetched,
one carrier comes from the dock and one leaves.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from simulation.spec import RunSpec, StaffSpec
from wcs.plant.check_rates import bounds
from wcs.plant.cycle_times import CraneCycle, kinds_of, vehicle_trip_ms
from wcs.plant.finding import Finding
from wcs.plant.model import Plant, Record, Vehicle

HOUR_MS = 3_600_000


class DeviceLoad(Record):
    """How busy devices of one kind would be on average: 1 is always; `most_per_hour` orders would make it 1."""

    devices: str
    share: float
    most_per_hour: float
    reason: str


class Demand(Record):
    """What comes, an hour: orders, their lines, and load units through the inbound docks."""

    orders: float
    lines: float
    inbound: float


def demand_of(spec: RunSpec) -> Demand:
    """The mean demand of drawn orders, or of those that are replayed within the run."""
    workload = spec.workload
    if workload.replay:
        hours = spec.warm_up_hours + spec.hours
        coming = [o for o in workload.replay if o.at_ms <= spec.end_ms]
        orders = len(coming) / hours
        lines = sum(len(o.lines) for o in coming) / hours
    else:
        orders = workload.orders_per_hour
        lines = orders * (1 + workload.lines_max) / 2
    return Demand(orders=orders, lines=lines, inbound=max(orders, workload.inbound_per_hour or 0.0))


def loads(spec: RunSpec) -> tuple[DeviceLoad, ...]:
    """Every kind of device of this plant under this workload, the busiest first."""
    demand = demand_of(spec)
    if demand.orders <= 0:
        return ()
    plant = _open_part(spec)
    found = (
        _cranes(plant, demand),
        *_stations(plant, demand, spec.staff),
        *_conveyors(spec.plant, demand),
        *_vehicles(spec.plant, demand),
    )
    return tuple(sorted(found, key=lambda load: -load.share))


def saturated(spec: RunSpec) -> tuple[Finding, ...]:
    """Why this workload is out of reach of this plant, a finding for each kind of device; empty: it may be in reach.

    Example:
        >>> from simulation.spec import WorkloadSpec
        >>> from wcs.plant.file import load_plant
        >>> saturated(RunSpec(plant=load_plant("tiny"), workload=WorkloadSpec(orders_per_hour=60)))
        ()
    """
    found = tuple(load for load in loads(spec) if load.share >= 1)
    demand = demand_of(spec)
    if found and demand.inbound > demand.orders:
        without = replace(spec, workload=replace(spec.workload, inbound_per_hour=None))
        if all(load.share < 1 for load in loads(without)):
            what = f"{demand.inbound:g} load units an hour inbound beside {demand.orders:g} orders"
            return tuple(
                Finding(key="workload.inbound_per_hour", reason=f"{what} cannot be reached: {_works(load)}")
                for load in found
            )
    return tuple(
        Finding(
            key="workload.orders_per_hour",
            reason=f"{demand.orders:g} orders an hour cannot be reached: {_works(load)},"
            f" {load.most_per_hour:.0f} an hour are the most ({load.reason})",
        )
        for load in found
    )


def _works(load: DeviceLoad) -> str:
    return f"{load.devices} would have to work {load.share:.0%} of the time"


def _open_part(spec: RunSpec) -> Plant:
    """The plant without the aisles and stations that are closed in this run."""
    plant = spec.plant
    return replace(
        plant,
        aisles=tuple(aisle for aisle in plant.aisles if aisle.name not in spec.closed),
        cranes=tuple(crane for crane in plant.cranes if crane.aisle not in spec.closed),
        stations=tuple(station for station in plant.stations if station.name not in spec.closed),
    )


def _visits(plant: Plant, demand: Demand) -> float:
    """Source load units that come to stations: at best one serves all orders that stand open there at once."""
    together = max((len(s.order_places) for s in plant.stations), default=1)
    return demand.lines / together


def _cranes(plant: Plant, demand: Demand) -> DeviceLoad:
    """Dual cycles for what goes in and out in equal numbers, single ones for the rest; aisles share evenly."""
    aisles = {aisle.name: aisle for aisle in plant.aisles}
    cycles = [CraneCycle(crane, aisles[crane.aisle]) for crane in plant.cranes]
    visits = _visits(plant, demand)
    out, back = visits + demand.orders, visits + demand.inbound
    dual, single = min(out, back) / len(cycles), abs(out - back) / len(cycles)
    busy = [(dual * c.dual_ms + single * c.single_ms) / HOUR_MS for c in cycles]
    worst = max(range(len(cycles)), key=lambda n: (busy[n], -n))
    cycle = cycles[worst]
    names = [crane.name for crane in plant.cranes]
    return DeviceLoad(
        devices=_named("crane", [n for n, share in zip(names, busy, strict=True) if share == busy[worst]]),
        share=busy[worst],
        most_per_hour=demand.orders / busy[worst],
        reason=f"mean cycles of {cycle.single_ms / 1000:.1f} s single and {cycle.dual_ms / 1000:.1f} s dual, FEM 9.851",
    )


def _stations(plant: Plant, demand: Demand, staff: StaffSpec) -> Iterator[DeviceLoad]:
    """A picker confirms each line, and lifts an order's load unit twice: to its place, and on the belt again."""
    order_ms = demand.lines / demand.orders * staff.pick_ms + 2 * staff.carry_ms
    if not plant.stations:
        return
    most = len(plant.stations) * HOUR_MS / max(1.0, order_ms)
    yield DeviceLoad(
        devices=_named("station", [s.name for s in plant.stations]),
        share=demand.orders / most,
        most_per_hour=most,
        reason=f"{order_ms / 1000:.1f} s by hand an order",
    )


def _conveyors(plant: Plant, demand: Demand) -> Iterator[DeviceLoad]:
    visits = _visits(plant, demand)
    for bound in bounds(plant):
        if bound.machines != "conveyors":
            continue
        wanted = ((visits + demand.orders, bound.retrieval_per_hour), (visits + demand.inbound, bound.storage_per_hour))
        share = max(rate / max(1, most) for rate, most in wanted if most is not None)
        yield DeviceLoad(
            devices=_named("conveyor", [c.name for c in plant.conveyors]),
            share=share,
            most_per_hour=demand.orders / share,
            reason=bound.reason,
        )


def _vehicles(plant: Plant, demand: Demand) -> Iterator[DeviceLoad]:
    """Loaded both ways at best: in from a dock to a belt, out from a belt to a dock."""
    if not any(bound.machines == "vehicles" for bound in bounds(plant)):
        return
    nodes = {s.transfer_point: n.name for n in plant.track.nodes for s in n.stops}
    starts = {s.origin for c in plant.conveyors for s in c.segments}
    ends = {s.end for c in plant.conveyors for s in c.segments}
    inbound = [nodes[p] for d in plant.docks for p in d.inbound_points]
    outbound = [nodes[p] for d in plant.docks for p in d.outbound_points]
    entries, exits = [nodes[p] for p in nodes if p in starts], [nodes[p] for p in nodes if p in ends]
    capacity = 0.0
    for vehicle, count in kinds_of(plant.vehicles):
        there = _mean_ms(plant, vehicle, inbound, entries)
        away = _mean_ms(plant, vehicle, exits, outbound)
        capacity += count * HOUR_MS / max(1.0, there * demand.inbound / demand.orders + away)
    yield DeviceLoad(
        devices=_named("vehicle", [v.name for v in plant.vehicles]),
        share=demand.orders / capacity,
        most_per_hour=capacity,
        reason=f"{len(plant.vehicles)} of them, never empty and never in each other's way",
    )


def _mean_ms(plant: Plant, vehicle: Vehicle, origins: list[str], sinks: list[str]) -> float:
    """A loaded trip over all pairs of stops that are connected."""
    trips = vehicle_trip_ms(plant.track, vehicle)
    times = [trips[origin][sink] for origin in origins for sink in sinks if sink in trips[origin]]
    return sum(times) / len(times) if times else 0.0


def _named(kind: str, names: list[str]) -> str:
    return f"{kind} {names[0]}" if len(names) == 1 else f"{kind}s {', '.join(names[:4])}{', …' if names[4:] else ''}"
