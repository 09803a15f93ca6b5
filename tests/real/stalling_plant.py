"""The tiny plant with a second vehicle and a way round: where one stands, the other can pass.

    P1 ─┐                       ┌─ B1 … B10 ─┐
        N2 (from N1: the dock) ─┤            ├─ N3 (IN1) ── N4 (OUT1) ── N1
    P2 ─┘                       └──── C1 ────┘

The way over B is the quicker one. V1 is nearer to the ring than V2, so it is sent first.
"""

from __future__ import annotations

import itertools

from msgspec.structs import replace

from wcs.plant.file import load_plant
from wcs.plant.model import Plant, Track, TrackEdge, TrackNode

QUICK_WAY = tuple(f"B{n}" for n in range(1, 11))
WAY_ROUND = "C1"
LANE_MM = 10_000  # of the quick way: at speed 25 a vehicle takes a quarter of a second, so that it is caught on it
FURTHER_MM = 30_000


def plant_with_a_way_round() -> Plant:
    """Two vehicles, V1 and V2, behind the same OPC UA server as crane CR1."""
    tiny = load_plant("tiny")
    first = tiny.vehicles[0]
    vehicles = (first, replace(first, name="V2", start_node="P2"))
    plcs = tuple(replace(p, devices=(*p.devices, "V2")) if first.name in p.devices else p for p in tiny.plcs)
    return replace(tiny, track=_track(tiny.track), vehicles=vehicles, plcs=plcs)


def _track(ring: Track) -> Track:
    extra = [TrackNode(name=name, number=20 + n, x_mm=5_000 + n, y_mm=1_000) for n, name in enumerate(QUICK_WAY)]
    extra.append(TrackNode(name=WAY_ROUND, number=40, x_mm=9_000, y_mm=3_000))
    extra.append(TrackNode(name="P2", number=41, x_mm=9_000, y_mm=0, parking=True, charging=True))
    quick = ("N2", *QUICK_WAY, "N3")
    lanes = [(origin, end, LANE_MM, 1500) for origin, end in itertools.pairwise(quick)]
    half_mm = LANE_MM * len(QUICK_WAY)
    lanes += [("N2", WAY_ROUND, half_mm, 1500), (WAY_ROUND, "N3", half_mm, 1500)]
    lanes += [("N2", "P2", FURTHER_MM, 500), ("P2", "N2", FURTHER_MM, 500)]
    kept = [edge for edge in ring.edges if (edge.origin, edge.end) != ("N2", "N3")]
    edges = [TrackEdge(origin=a, end=b, length_mm=mm, speed_max_mm_s=speed) for a, b, mm, speed in lanes]
    return Track(nodes=(*ring.nodes, *extra), edges=(*kept, *edges))
