"""Whether lengths, speeds, masses and batteries fit together: a slip of the pen by a few noughts is found here.

Rule: only what no building can be is refused; what is merely odd is the planner's business.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import networkx as nx

from wcs.plant.check_machines import ACCEL_MAX_MM_S2, SPEED_MAX_MM_S
from wcs.plant.cycle_times import track_graph
from wcs.plant.finding import Finding
from wcs.plant.model import BATTERY_LOW_PERMILLE, Plant

LOAD_LENGTH_MIN_MM = 100  # on a belt; the smallest totes of the trade are twice as long
LANE_SHARE_MIN = 0.9  # of the straight line between its ends: places on a plan are rounded


def check_measures(plant: Plant) -> tuple[Finding, ...]:
    """Load types heavier empty than they may be, belts that hold more than fits, lanes shorter than the way, …"""
    return (*_load_types(plant), *_belts(plant), *_lanes(plant), *_accelerations(plant), *_ranges(plant))


def _load_types(plant: Plant) -> Iterator[Finding]:
    for kind in plant.load_types:
        if kind.mass_empty_g >= kind.mass_max_g:
            reason = f"{kind.mass_empty_g} g empty, and {kind.mass_max_g} g at most: nothing could be put in"
            yield Finding(key=f"load_types.{kind.name}.mass_empty_g", reason=reason)


def _belts(plant: Plant) -> Iterator[Finding]:
    for conveyor in plant.conveyors:
        for segment in conveyor.segments:
            key = f"conveyors.{conveyor.name}.segments.{segment.name}"
            most = max(1, segment.length_mm // LOAD_LENGTH_MIN_MM)
            if segment.capacity > most:
                reason = f"{segment.capacity} loads on {segment.length_mm} mm: at most {most}"
                yield Finding(key=f"{key}.capacity", reason=reason)
            if segment.speed_mm_s > SPEED_MAX_MM_S:
                yield _beyond_reason(f"{key}.speed_mm_s", segment.speed_mm_s, SPEED_MAX_MM_S)


def _lanes(plant: Plant) -> Iterator[Finding]:
    at = {node.name: (node.x_mm, node.y_mm) for node in plant.track.nodes}
    for position, edge in enumerate(plant.track.edges):
        straight_mm = math.dist(at[edge.origin], at[edge.end])
        if edge.length_mm < LANE_SHARE_MIN * straight_mm:
            reason = f"{edge.length_mm} mm from {edge.origin} to {edge.end}, which lie {straight_mm:.0f} mm apart"
            yield Finding(key=f"track.edges[{position}].length_mm", reason=reason)


def _accelerations(plant: Plant) -> Iterator[Finding]:
    for vehicle in plant.vehicles:
        if vehicle.accel_mm_s2 > ACCEL_MAX_MM_S2:
            yield _beyond_reason(f"vehicles.{vehicle.name}.accel_mm_s2", vehicle.accel_mm_s2, ACCEL_MAX_MM_S2)


def _ranges(plant: Plant) -> Iterator[Finding]:
    """With what is left when it must charge, a vehicle reaches the nearest charger from everywhere."""
    chargers = [node.name for node in plant.track.nodes if node.charging]
    if not chargers or not plant.vehicles:
        return
    back = track_graph(plant.track).reverse(copy=False)
    ways_mm = nx.multi_source_dijkstra_path_length(back, set(chargers), weight="length_mm")
    node, way_mm = max(ways_mm.items(), key=lambda pair: (pair[1], pair[0]))
    for vehicle in plant.vehicles:
        needed_wh = vehicle.drain_wh_per_km * way_mm / 1_000_000
        left_wh = vehicle.battery_wh * BATTERY_LOW_PERMILLE / 1000
        if needed_wh > left_wh:
            reason = (
                f"from {node} it is {way_mm / 1000:.0f} m to a charger: {needed_wh:.0f} Wh,"
                f" and {left_wh:.0f} Wh are left when it must charge"
            )
            yield Finding(key=f"vehicles.{vehicle.name}.drain_wh_per_km", reason=reason)


def _beyond_reason(key: str, number: int, most: int) -> Finding:
    return Finding(key=key, reason=f"{number} is beyond reason: at most {most}")
