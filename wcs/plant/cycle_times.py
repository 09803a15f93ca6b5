"""How long machines take on average: for choosing ways, and for judging whether a plant can do what it is built for.

Rule: estimates without waiting, in whole milliseconds; nothing here is a promise to a customer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import networkx as nx
from msgspec.structs import replace

from wcs.plant.model import Aisle, StackerCrane, Track, Vehicle
from wcs.plant.shortest import ShortestCosts


class CraneCycle:
    """Mean cycle times of a crane over its rack, every location equally often.

    Travel is by Bozer and White (1984), IIE Transactions 16(4): with t_x and t_y the times to the far end and to the
    top, T = max(t_x, t_y), b = min(t_x, t_y) / T, a single cycle travels (1 + b²/3)·T and a dual one
    (4/3 + b²/2 - b³/30)·T. As FEM 9.851 does, half of v/a is added for each start and each stop.
    """

    def __init__(self, crane: StackerCrane, aisle: Aisle) -> None:
        t_x = (aisle.x0_mm + (aisle.bays - 1) * aisle.bay_pitch_mm) / crane.speed_x_mm_s
        t_y = ((aisle.levels - 1) * aisle.level_pitch_mm) / crane.speed_y_mm_s
        longest = max(t_x, t_y, 1e-9)
        b = min(t_x, t_y) / longest
        start_s = max(crane.speed_x_mm_s / crane.accel_x_mm_s2, crane.speed_y_mm_s / crane.accel_y_mm_s2)
        fork_s = crane.fork_cycle_ms / 1000
        self.single_ms = round(1000 * ((1 + b * b / 3) * longest + 2 * start_s + 2 * fork_s))
        self.dual_ms = round(1000 * ((4 / 3 + b * b / 2 - b**3 / 30) * longest + 3 * start_s + 4 * fork_s))


def mean_crane_leg_ms(crane: StackerCrane, aisle: Aisle) -> int:
    """One load between a transfer point and a location of the mean distance: half a dual cycle."""
    return CraneCycle(crane, aisle).dual_ms // 2


def track_graph(track: Track) -> nx.DiGraph[str]:
    """The vehicles' roads; edges carry `length_mm` and `speed_max_mm_s`."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(n.name for n in track.nodes))
    for edge in sorted(track.edges, key=lambda e: (e.origin, e.end)):
        graph.add_edge(edge.origin, edge.end, length_mm=edge.length_mm, speed_max_mm_s=edge.speed_max_mm_s)
    return graph


def drive_times_ms(track: Track, vehicle: Vehicle) -> dict[str, dict[str, int]]:
    """Driving time without a load handled and without traffic, from every node to every node that can be reached."""
    graph = track_graph(track)
    for _, _, lane in graph.edges(data=True):
        lane["cost"] = math.ceil(lane["length_mm"] * 1000 / min(lane["speed_max_mm_s"], vehicle.speed_mm_s))
    start_ms = math.ceil(1000 * vehicle.speed_mm_s / vehicle.accel_mm_s2)
    costs = ShortestCosts(graph)
    return {
        origin: {node: cost + (start_ms if node != origin else 0) for node, cost in costs.from_node(origin).items()}
        for origin in graph
    }


def kinds_of(vehicles: Iterable[Vehicle]) -> list[tuple[Vehicle, int]]:
    """One vehicle of each kind, and how many are like it: their times are the same, and take long to find."""
    kinds: dict[Vehicle, list[Vehicle]] = {}
    for vehicle in vehicles:
        kinds.setdefault(replace(vehicle, name="", start_node=""), []).append(vehicle)
    return [(alike[0], len(alike)) for alike in kinds.values()]


def vehicle_trip_ms(track: Track, vehicle: Vehicle) -> dict[str, dict[str, int]]:
    """As `drive_times_ms`, with one pick and one deposit."""
    drives = drive_times_ms(track, vehicle)
    return {
        origin: {node: cost + 2 * vehicle.handling_ms for node, cost in found.items()}
        for origin, found in drives.items()
    }
