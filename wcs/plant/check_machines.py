"""Whether aisles, cranes, stations, docks and the vehicles' track are whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import networkx as nx

from wcs.plant.cycle_times import track_graph
from wcs.plant.finding import Finding
from wcs.plant.model import PickStation, Plant, Point, PointKind

DEPTH_MAX = 1
LOCATIONS_MAX = 10_000_000  # the largest warehouses have a tenth of them; each takes some bytes in every table
# 5 km, 100 m/s, 100 m/s²: within them travel times are exact whole numbers (slotting.travel).
RACK_MAX_MM = 5_000_000
SPEED_MAX_MM_S = ACCEL_MAX_MM_S2 = 100_000


def check_machines(plant: Plant) -> tuple[Finding, ...]:
    """Aisles without a crane, stations without their exits, docks without points, a track in pieces."""
    return (
        *_aisles(plant),
        *_cranes(plant),
        *_cranes_beyond_reason(plant),
        *_stations(plant),
        *_docks(plant),
        *_clarification(plant),
        *_track(plant),
        *_vehicles(plant),
    )


def _aisles(plant: Plant) -> Iterator[Finding]:
    cranes = Counter(c.aisle for c in plant.cranes)
    for aisle in plant.aisles:
        key = f"aisles.{aisle.name}"
        if cranes[aisle.name] == 0:
            yield Finding(key=key, reason="its locations cannot be reached: no crane runs in this aisle")
        if cranes[aisle.name] > 1:
            yield Finding(key=key, reason=f"{cranes[aisle.name]} cranes in one aisle")
        if aisle.depth > DEPTH_MAX:
            yield Finding(key=f"{key}.depth", reason="double-deep relocation is not built yet")
        if len(set(aisle.sides)) < len(aisle.sides):
            yield Finding(key=f"{key}.sides", reason="a side is named twice")
        if all(t.height_max_mm > aisle.location_height_mm for t in plant.load_types):
            yield Finding(key=f"{key}.location_height_mm", reason="no load type fits into its locations")
        lightest_g = min((t.mass_empty_g for t in plant.load_types), default=0)
        if lightest_g > aisle.location_mass_max_g:
            reason = f"its locations bear no load type: the lightest has {lightest_g} g empty"
            yield Finding(key=f"{key}.location_mass_max_g", reason=reason)


def _cranes_beyond_reason(plant: Plant) -> Iterator[Finding]:
    """Numbers with which nobody could say how long a crane travels."""
    locations = sum(aisle.location_count for aisle in plant.aisles)
    if locations > LOCATIONS_MAX:
        yield Finding(key="aisles", reason=f"{locations} locations: at most {LOCATIONS_MAX}")
    numbers: list[tuple[str, int, int]] = []
    for aisle in plant.aisles:
        key = f"aisles.{aisle.name}"
        numbers.append((f"{key}.bay_pitch_mm", aisle.x0_mm + aisle.bays * aisle.bay_pitch_mm, RACK_MAX_MM))
        numbers.append((f"{key}.level_pitch_mm", aisle.y0_mm + aisle.levels * aisle.level_pitch_mm, RACK_MAX_MM))
    for crane in plant.cranes:
        key = f"cranes.{crane.name}"
        for field in ("speed_x_mm_s", "speed_y_mm_s"):
            numbers.append((f"{key}.{field}", getattr(crane, field), SPEED_MAX_MM_S))
        for field in ("accel_x_mm_s2", "accel_y_mm_s2"):
            numbers.append((f"{key}.{field}", getattr(crane, field), ACCEL_MAX_MM_S2))
        for point in crane.transfer_points:
            for field in ("x_mm", "y_mm"):
                where = f"{key}.transfer_points.{point.transfer_point}.{field}"
                numbers.append((where, abs(getattr(point, field)), RACK_MAX_MM))
    for where, number, most in numbers:
        if number > most:
            yield Finding(key=where, reason=f"{number} is beyond reason: at most {most}")


def _cranes(plant: Plant) -> Iterator[Finding]:
    starts = {s.origin for c in plant.conveyors for s in c.segments}
    ends = {s.end for c in plant.conveyors for s in c.segments}
    stops = {s.transfer_point for n in plant.track.nodes for s in n.stops}
    inbound = ends | stops | {p for d in plant.docks for p in d.inbound_points}
    outbound = starts | stops | {p for d in plant.docks for p in d.outbound_points}
    served: dict[str, str] = {}
    for crane in plant.cranes:
        key = f"cranes.{crane.name}.transfer_points"
        points = [p.transfer_point for p in crane.transfer_points]
        if not any(p in inbound for p in points):
            yield Finding(key=key, reason="no inbound transfer point: nothing can be stored in its aisle")
        if not any(p in outbound for p in points):
            yield Finding(key=key, reason="no outbound transfer point: nothing can be retrieved from its aisle")
        for point in points:
            if point in served:
                yield Finding(key=f"{key}.{point}", reason=f"is served by {served[point]} already")
            served.setdefault(point, crane.name)


def _stations(plant: Plant) -> Iterator[Finding]:
    points = {p.name: (c.name, p) for c in plant.conveyors for p in c.points}
    ends = {s.name: s.end for c in plant.conveyors for s in c.segments}
    owner: dict[str, str] = {}
    for station in plant.stations:
        conveyor, point = points[station.pick_point]
        if station.pick_point in owner:
            reason = f"is {owner[station.pick_point]}'s already"
            yield Finding(key=f"stations.{station.name}.pick_point", reason=reason)
        owner.setdefault(station.pick_point, station.name)
        if point.kind is not PointKind.STATION:
            reason = f"{point.name} of {conveyor} is a point of kind {point.kind.value}, not station"
            yield Finding(key=f"stations.{station.name}.pick_point", reason=reason)
        yield from _station_exits(station, point, ends)
    for conveyor, point in points.values():
        if point.kind is PointKind.STATION and point.name not in owner:
            yield Finding(key=f"conveyors.{conveyor}.points.{point.name}.kind", reason="is no station's pick point")


def _station_exits(station: PickStation, point: Point, ends: dict[str, str]) -> Iterator[Finding]:
    key = f"stations.{station.name}"
    for field in ("onward_exit", "handover_exit"):
        number = getattr(station, field)
        if number not in point.exits:
            yield Finding(key=f"{key}.{field}", reason=f"{point.name} has no exit {number}")
    if station.onward_exit == station.handover_exit:
        yield Finding(key=f"{key}.handover_exit", reason="is the onward exit too")
    handed = point.exits.get(station.handover_exit)
    if handed is not None and ends[handed] != station.handover_point:
        reason = f"leads to {ends[handed]}, not to {station.handover_point}"
        yield Finding(key=f"{key}.handover_exit", reason=reason)


def _docks(plant: Plant) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    for dock in plant.docks:
        if not dock.inbound_points and not dock.outbound_points:
            yield Finding(key=f"docks.{dock.name}", reason="has neither inbound nor outbound points")
        for field in ("inbound_points", "outbound_points"):
            for point in getattr(dock, field):
                if point in owner:
                    yield Finding(key=f"docks.{dock.name}.{field}", reason=f"{point} is {owner[point]}'s already")
                owner.setdefault(point, f"{dock.name}.{field}")


def _clarification(plant: Plant) -> Iterator[Finding]:
    ends = {s.end for c in plant.conveyors for s in c.segments}
    if not plant.clarification_points:
        yield Finding(key="clarification_points", reason="there is no clarification lane")
    for point in plant.clarification_points:
        if point not in ends:
            yield Finding(key="clarification_points", reason=f"no segment leads to {point}")


def _track(plant: Plant) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for position, edge in enumerate(plant.track.edges):
        if edge.origin == edge.end:
            yield Finding(key=f"track.edges[{position}]", reason=f"starts and ends at {edge.end}")
        if (edge.origin, edge.end) in seen:
            yield Finding(key=f"track.edges[{position}]", reason=f"a second lane from {edge.origin} to {edge.end}")
        seen.add((edge.origin, edge.end))
    stops = Counter(s.transfer_point for n in plant.track.nodes for s in n.stops)
    for node in plant.track.nodes:
        for stop in node.stops:
            if stops[stop.transfer_point] > 1:
                reason = f"{stop.transfer_point} is a stop more than once"
                yield Finding(key=f"track.nodes.{node.name}.stops", reason=reason)
    graph = track_graph(plant.track)
    if len(graph) > 1 and not nx.is_strongly_connected(graph):
        largest = max(nx.strongly_connected_components(graph), key=lambda c: (len(c), min(c)))
        outside = sorted(set(graph) - largest)
        reason = f"vehicles cannot drive from every node to every other: {', '.join(outside[:5])} is cut off"
        yield Finding(key="track.edges", reason=reason)


def _vehicles(plant: Plant) -> Iterator[Finding]:
    if not plant.vehicles:
        return
    parking = [n.name for n in plant.track.nodes if n.parking]
    if len(parking) < len(plant.vehicles):
        reason = f"{len(parking)} parking nodes for {len(plant.vehicles)} vehicles"
        yield Finding(key="track.nodes", reason=reason)
    if not any(n.charging for n in plant.track.nodes):
        yield Finding(key="track.nodes", reason="no charging node for the vehicles")
    taken: dict[str, str] = {}
    for vehicle in plant.vehicles:
        if vehicle.start_node in taken:
            reason = f"{taken[vehicle.start_node]} stands at {vehicle.start_node} already"
            yield Finding(key=f"vehicles.{vehicle.name}.start_node", reason=reason)
        taken.setdefault(vehicle.start_node, vehicle.name)
