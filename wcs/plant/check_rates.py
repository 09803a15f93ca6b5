"""Whether the machines can do what the plant is built for: computed bounds, and the wanted rates beside them.

Rule: bounds are for mean distances without any waiting, so a rate that is refused is out of reach, and one that passes
may still need the twin. All that is stored is taken to come from the docks, and all that is retrieved to go there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import networkx as nx

from wcs.plant.cycle_times import CraneCycle, drive_times_ms, kinds_of, vehicle_trip_ms
from wcs.plant.finding import Finding
from wcs.plant.model import Conveyor, Plant, Record, Vehicle

HOUR_MS = 3_600_000
_ALL_IN = "all in"
_ALL_OUT = "all out"


class Bound(Record):
    """What one group of machines can do an hour at most; None: it is not needed for that."""

    machines: str
    storage_per_hour: int | None
    retrieval_per_hour: int | None
    reason: str


def check_rates(plant: Plant) -> tuple[Finding, ...]:
    """Rates beyond what cranes, conveyors or vehicles can do, with the bound in the reason."""
    return (*_beyond(plant), *_cranes_together(plant), *_fleet_together(plant))


def bounds(plant: Plant) -> tuple[Bound, ...]:
    """What cranes, conveyors and vehicles can do an hour at most."""
    found = [_crane_bound(plant)]
    storage = _belt_bound(plant, _entries(plant), _crane_points(plant, ends=True))
    retrieval = _belt_bound(plant, _crane_points(plant, ends=False), _leaving(plant))
    if storage is not None or retrieval is not None:
        words = " and ".join(filter(None, (storage and storage[1], retrieval and retrieval[1])))
        found.append(
            Bound(
                machines="conveyors",
                storage_per_hour=storage and storage[0],
                retrieval_per_hour=retrieval and retrieval[0],
                reason=f"slowest necessary segments: {words}",
            )
        )
    fleet = _fleet_bound(plant)
    return (*found, fleet) if fleet is not None else tuple(found)


def _beyond(plant: Plant) -> Iterator[Finding]:
    for bound in bounds(plant):
        for field in ("storage_per_hour", "retrieval_per_hour"):
            wanted = getattr(plant.rates, field)
            most = getattr(bound, field)
            if most is not None and wanted > most:
                reason = f"{wanted} an hour cannot be reached: the {bound.machines} do at most {most} ({bound.reason})"
                yield Finding(key=f"rates.{field}", reason=reason)


def _cranes_together(plant: Plant) -> Iterator[Finding]:
    """What is stored and retrieved in equal numbers goes in dual cycles, the rest in single ones."""
    dual, single = _crane_cycles_per_hour(plant)
    storage, retrieval = plant.rates.storage_per_hour, plant.rates.retrieval_per_hour
    if max(storage, retrieval) > single:
        return  # said already, of one alone
    needed = min(storage, retrieval) / dual + abs(storage - retrieval) / single
    if needed > 1:
        reason = (
            f"{storage} in and {retrieval} out an hour cannot be reached together: the cranes do at most"
            f" {math.floor(dual)} dual or {math.floor(single)} single cycles"
        )
        yield Finding(key="rates", reason=reason)


def _crane_cycles_per_hour(plant: Plant) -> tuple[float, float]:
    aisles = {a.name: a for a in plant.aisles}
    cycles = [CraneCycle(crane, aisles[crane.aisle]) for crane in plant.cranes]
    return sum(HOUR_MS / c.dual_ms for c in cycles), sum(HOUR_MS / c.single_ms for c in cycles)


def _crane_bound(plant: Plant) -> Bound:
    dual, single = _crane_cycles_per_hour(plant)
    most = math.floor(single)
    return Bound(
        machines="cranes",
        storage_per_hour=most,
        retrieval_per_hour=most,
        reason=f"{math.floor(dual)} dual or {most} single cycles",
    )


def _entries(plant: Plant) -> list[str]:
    """Where loads for the racks come onto the belts: from vehicles and docks, and back from the stations."""
    starts = {s.origin for c in plant.conveyors for s in c.segments}
    stops = [s.transfer_point for n in plant.track.nodes for s in n.stops]
    docks = [p for d in plant.docks for p in d.inbound_points]
    stations = [p for s in plant.stations for p in (s.pick_point, s.put_on_point)]
    return [p for p in dict.fromkeys((*stops, *docks, *stations)) if p in starts]


def _leaving(plant: Plant) -> list[str]:
    """Where what was retrieved leaves the belts: at stations, to vehicles and docks."""
    ends = {s.end for c in plant.conveyors for s in c.segments}
    stops = [s.transfer_point for n in plant.track.nodes for s in n.stops]
    docks = [p for d in plant.docks for p in d.outbound_points]
    return [p for p in dict.fromkeys((*stops, *docks, *(s.pick_point for s in plant.stations))) if p in ends]


def _crane_points(plant: Plant, *, ends: bool) -> list[str]:
    """The cranes' points at which a segment ends (or starts); empty if a crane also works without belts."""
    belts = {s.end if ends else s.origin for c in plant.conveyors for s in c.segments}
    stops = {s.transfer_point for n in plant.track.nodes for s in n.stops}
    points = [p.transfer_point for c in plant.cranes for p in c.transfer_points]
    return [] if any(p in stops for p in points) else [p for p in points if p in belts]


def _belt_bound(plant: Plant, origins: Iterable[str], sinks: Iterable[str]) -> tuple[int, str] | None:
    """Loads an hour that the belts carry from all origins to all sinks at most: a maximum flow, and its cut."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    names: dict[tuple[str, str], str] = {}
    for conveyor in plant.conveyors:
        _add_belts(graph, names, conveyor)
    firsts, lasts = list(origins), list(sinks)
    if not firsts or not lasts:
        return None
    graph.add_edges_from((_ALL_IN, origin) for origin in firsts)  # no capacity: without bound
    graph.add_edges_from((sink, _ALL_OUT) for sink in lasts)
    try:
        most, (before, after) = nx.minimum_cut(graph, _ALL_IN, _ALL_OUT)
    except nx.NetworkXUnbounded:
        return None
    cut = sorted(names[edge] for edge in graph.edges if edge[0] in before and edge[1] in after)
    return int(most), ", ".join(cut)


def _add_belts(graph: nx.DiGraph[str], names: dict[tuple[str, str], str], conveyor: Conveyor) -> None:
    stations = {p.name for p in conveyor.points if p.deadline_ms == 0}
    for segment in conveyor.segments:
        # A station is where loads stop: in the flow, arriving and leaving are two places.
        end = f"{segment.end} arrived" if segment.end in stations else segment.end
        per_hour = 3600 * segment.speed_mm_s * segment.capacity // segment.length_mm
        known = graph.get_edge_data(segment.origin, end, {"capacity": 0})["capacity"]
        graph.add_edge(segment.origin, end, capacity=known + per_hour)
        names[segment.origin, end] = segment.name
    for name in stations:
        graph.add_edge(f"{name} arrived", name)


class _Ways(Record):
    """Where the fleet loads and unloads: docks and belts, by the track's nodes."""

    inbound: list[str]
    entries: list[str]
    exits: list[str]
    outbound: list[str]


def _ways(plant: Plant) -> _Ways | None:
    """None: docks and belts do without vehicles."""
    nodes = {s.transfer_point: n.name for n in plant.track.nodes for s in n.stops}
    starts = {s.origin for c in plant.conveyors for s in c.segments}
    ends = {s.end for c in plant.conveyors for s in c.segments}
    inbound = [p for d in plant.docks for p in d.inbound_points]
    outbound = [p for d in plant.docks for p in d.outbound_points]
    direct = [p for p in (*inbound, *outbound) if p in starts | ends or p not in nodes]
    if direct or not plant.vehicles:
        return None
    return _Ways(
        inbound=[nodes[p] for p in inbound],
        entries=[nodes[p] for p in nodes if p in starts],
        exits=[nodes[p] for p in nodes if p in ends],
        outbound=[nodes[p] for p in outbound],
    )


def _fleet_bound(plant: Plant) -> Bound | None:
    """The fleet between docks and belts: loaded there, empty back, the mean of all pairs of stops."""
    ways = _ways(plant)
    if ways is None:
        return None
    return Bound(
        machines="vehicles",
        storage_per_hour=_trips_per_hour(plant, ways.inbound, ways.entries),
        retrieval_per_hour=_trips_per_hour(plant, ways.exits, ways.outbound),
        reason=f"{len(plant.vehicles)} vehicles, loaded one way and empty back",
    )


def _fleet_together(plant: Plant) -> Iterator[Finding]:
    """What comes and goes in equal numbers is carried on rounds loaded both ways, the rest one way and empty back."""
    ways, bound = _ways(plant), _fleet_bound(plant)
    storage, retrieval = plant.rates.storage_per_hour, plant.rates.retrieval_per_hour
    if ways is None or bound is None or not bound.storage_per_hour or not bound.retrieval_per_hour:
        return
    if storage > bound.storage_per_hour or retrieval > bound.retrieval_per_hour:
        return  # said already, of one alone
    rounds = sum(count * HOUR_MS / _mean_round_ms(plant, v, ways) for v, count in kinds_of(plant.vehicles))
    single = bound.storage_per_hour if storage > retrieval else bound.retrieval_per_hour
    needed = min(storage, retrieval) / rounds + abs(storage - retrieval) / single
    if needed > 1:
        reason = (
            f"{storage} in and {retrieval} out an hour cannot be reached together: the vehicles do at most"
            f" {math.floor(rounds)} rounds loaded both ways, or {single} trips loaded one way"
        )
        yield Finding(key="rates", reason=reason)


def _mean_round_ms(plant: Plant, vehicle: Vehicle, ways: _Ways) -> float:
    """In from a dock, empty to where something goes out, out to a dock, empty to where something comes in: loaded the
    mean of all pairs of stops, empty the way to the nearest, for that is chosen.
    """
    loaded, empty = vehicle_trip_ms(plant.track, vehicle), drive_times_ms(plant.track, vehicle)

    def carried(origins: list[str], sinks: list[str]) -> float:
        return sum(loaded[origin][sink] for origin in origins for sink in sinks) / (len(origins) * len(sinks))

    def to_the_nearest(origins: list[str], sinks: list[str]) -> float:
        return sum(min(empty[origin][sink] for sink in sinks) for origin in origins) / len(origins)

    return (
        carried(ways.inbound, ways.entries)
        + to_the_nearest(ways.entries, ways.exits)
        + carried(ways.exits, ways.outbound)
        + to_the_nearest(ways.outbound, ways.inbound)
    )


def _trips_per_hour(plant: Plant, origins: list[str], sinks: list[str]) -> int | None:
    if not origins or not sinks:
        return None
    kinds = kinds_of(plant.vehicles)
    return math.floor(sum(count * HOUR_MS / _mean_trip_ms(plant, v, origins, sinks) for v, count in kinds))


def _mean_trip_ms(plant: Plant, vehicle: Vehicle, origins: list[str], sinks: list[str]) -> float:
    loaded = vehicle_trip_ms(plant.track, vehicle)
    empty = drive_times_ms(plant.track, vehicle)
    trips = [loaded[origin][sink] + empty[sink][origin] for origin in origins for sink in sinks]
    return sum(trips) / len(trips)
