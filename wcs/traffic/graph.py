"""The track as arrays, and the quickest way between two nodes.

Rule: a way never leads through a home (a parking node that belongs to one vehicle) or through an obstacle (a closed
node, or one under a vehicle that will not move); it may begin or end there. Ties go to the lower node number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from slotting.compiled import BoolArray, IntArray
from wcs.plant.model import Track
from wcs.traffic.ways import FAR, quickest_to


class WaysTo(NamedTuple):
    """The quickest ways to one node: from each node the time, and the next node."""

    times_ms: list[int]
    onward: list[int]
    times_row: IntArray  # the same times, for kernels


class TrackGraph:
    """Nodes by index (in order of node number), edges in compressed rows, quickest ways cached per sink.

    Obstacles and homes are set from outside; setting them forgets the cache, which holds at most one entry a node.
    """

    def __init__(self, track: Track) -> None:
        nodes = sorted(track.nodes, key=lambda node: node.number)
        self.names: tuple[str, ...] = tuple(node.name for node in nodes)
        self.index: dict[str, int] = {name: n for n, name in enumerate(self.names)}
        self._edges = sorted(
            (self.index[e.origin], self.index[e.end], max(1, e.length_mm * 1000 // e.speed_max_mm_s))
            for e in track.edges
        )
        count = len(self.names)
        self.homes = np.zeros(count, np.bool_)
        self.obstacles = np.zeros(count, np.bool_)
        self._closed_edges: frozenset[tuple[int, int]] = frozenset()
        self._arrange()

    def _arrange(self) -> None:
        count = len(self.names)
        into: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        onto: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        self._edge_ms: dict[tuple[int, int], int] = {}
        for origin, end, time_ms in self._edges:
            if (origin, end) not in self._closed_edges:
                onto[origin].append((end, time_ms))
                into[end].append((origin, time_ms))
                self._edge_ms.setdefault((origin, end), time_ms)
        self.first, self.ends, self.times_ms = _rows(onto)
        self._first_into, self._origins, self._times_into_ms = _rows(into)
        self._forget_ways()

    def _forget_ways(self) -> None:
        self.shut: BoolArray = self.obstacles | self.homes
        self._ways: dict[int, WaysTo] = {}

    def set_homes(self, homes: Iterable[int]) -> None:
        """Which nodes belong to one vehicle each."""
        self.homes[:] = False
        for node in homes:
            self.homes[node] = True
        self._forget_ways()

    def set_obstacles(self, nodes: Iterable[int]) -> None:
        """Which nodes no way may lead through."""
        before = self.obstacles.copy()
        self.obstacles[:] = False
        for node in nodes:
            self.obstacles[node] = True
        if not np.array_equal(self.obstacles, before):
            self._forget_ways()

    def set_closed_edges(self, edges: Iterable[tuple[int, int]]) -> None:
        """Which edges may not be driven."""
        self._closed_edges = frozenset(edges)
        self._arrange()

    def has_edge(self, origin: int, end: int) -> bool:
        """Whether the track has this edge, open or closed."""
        return any(e[0] == origin and e[1] == end for e in self._edges)

    def edge_ms(self, origin: int, end: int) -> int:
        """How long one drives from a node to the next; FAR if no open edge leads there."""
        return self._edge_ms.get((origin, end), FAR)

    def next_node(self, origin: int, sink: int) -> int:
        """The first node of the quickest way from origin to sink, or -1 if there is no way (or none is needed)."""
        return self.ways_to(sink).onward[origin]

    def time_ms(self, origin: int, sink: int) -> int:
        """Travel time of the quickest way, or FAR."""
        return self.ways_to(sink).times_ms[origin]

    def ways_to(self, sink: int) -> WaysTo:
        """The quickest ways from everywhere to this node."""
        ways = self._ways.get(sink)
        if ways is None:
            times, onward = quickest_to(self._first_into, self._origins, self._times_into_ms, self.shut, sink=sink)
            ways = self._ways[sink] = WaysTo(times.tolist(), onward.tolist(), times)
        return ways


def _rows(edges: list[list[tuple[int, int]]]) -> tuple[IntArray, IntArray, IntArray]:
    """Compressed rows: where each node's edges begin, their other ends, their times."""
    first = np.concatenate([[0], np.cumsum([len(row) for row in edges])]).astype(np.int64)
    ends = np.array([end for row in edges for end, _ in row], np.int64)
    times = np.array([time_ms for row in edges for _, time_ms in row], np.int64)
    return first, ends, times
