"""The track as arrays, and the quickest way between two nodes.

Rule: a way never leads through a home (a parking node that belongs to one vehicle) or through an obstacle (a closed
node, or one under a vehicle that will not move); it may begin or end there. Ties go to the lower node number.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from slotting.compiled import IntArray
from wcs.plant.model import Track

FAR = 1 << 60
"""Travel time to a node that cannot be reached."""


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
        self._into: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        ends: list[list[int]] = [[] for _ in range(count)]
        times: list[int] = []
        for origin, end, time_ms in self._edges:
            if (origin, end) not in self._closed_edges:
                ends[origin].append(end)
                times.append(time_ms)
                self._into[end].append((origin, time_ms))
        self.first: IntArray = np.concatenate([[0], np.cumsum([len(e) for e in ends])]).astype(np.int64)
        self.ends: IntArray = np.array([end for row in ends for end in row], dtype=np.int64)
        self.times_ms: IntArray = np.array(times, dtype=np.int64)
        self._ways: dict[int, tuple[list[int], list[int]]] = {}

    def set_homes(self, homes: Iterable[int]) -> None:
        """Which nodes belong to one vehicle each."""
        self.homes[:] = False
        for node in homes:
            self.homes[node] = True
        self._ways = {}

    def set_obstacles(self, nodes: Iterable[int]) -> None:
        """Which nodes no way may lead through."""
        before = self.obstacles.copy()
        self.obstacles[:] = False
        for node in nodes:
            self.obstacles[node] = True
        if not np.array_equal(self.obstacles, before):
            self._ways = {}

    def set_closed_edges(self, edges: Iterable[tuple[int, int]]) -> None:
        """Which edges may not be driven."""
        self._closed_edges = frozenset(edges)
        self._arrange()

    def has_edge(self, origin: int, end: int) -> bool:
        """Whether the track has this edge, open or closed."""
        return any(e[0] == origin and e[1] == end for e in self._edges)

    def edge_ms(self, origin: int, end: int) -> int:
        """How long one drives from a node to the next; FAR if no open edge leads there."""
        for edge in range(int(self.first[origin]), int(self.first[origin + 1])):
            if self.ends[edge] == end:
                return int(self.times_ms[edge])
        return FAR

    def next_node(self, origin: int, sink: int) -> int:
        """The first node of the quickest way from origin to sink, or -1 if there is no way (or none is needed)."""
        return self._way(sink)[1][origin]

    def time_ms(self, origin: int, sink: int) -> int:
        """Travel time of the quickest way, or FAR."""
        return self._way(sink)[0][origin]

    def _way(self, sink: int) -> tuple[list[int], list[int]]:
        way = self._ways.get(sink)
        if way is None:
            way = self._ways[sink] = self._search(sink)
        return way

    def _search(self, sink: int) -> tuple[list[int], list[int]]:
        times = [FAR] * len(self.names)
        onward = [-1] * len(self.names)
        times[sink] = 0
        waiting = [(0, sink)]
        done = [False] * len(self.names)
        while waiting:
            time_ms, node = heapq.heappop(waiting)
            if done[node]:
                continue
            done[node] = True
            if node != sink and (self.homes[node] or self.obstacles[node]):
                continue
            for origin, edge_ms in self._into[node]:
                through = time_ms + edge_ms
                if through < times[origin] or (through == times[origin] and node < onward[origin]):
                    times[origin] = through
                    onward[origin] = node
                    heapq.heappush(waiting, (through, origin))
        return times, onward
