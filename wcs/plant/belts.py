"""The belts of one conveyor as a graph: what is reached from where, and by which exit.

Rule: a load *rests* at transfer points and at stations' pick points, so no way leads through one; identification and
decision points and merges are passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import networkx as nx

from wcs.plant.model import Conveyor, Point, PointKind, Segment

PASSED_MAX = 10_000  # nodes on one default flow: a conveyor with more is no plant, so the walk has gone astray


class Belts:
    """Look-ups on the segments of one conveyor. Distances are in ms of belt travel."""

    def __init__(self, conveyor: Conveyor) -> None:
        self.conveyor = conveyor
        self.points: Mapping[str, Point] = {p.name: p for p in conveyor.points}
        self.segments: Mapping[str, Segment] = {s.name: s for s in conveyor.segments}
        self.device_of: dict[str, str] = {t.name: t.device for t in conveyor.transfer_points}
        self.device_of.update({p.name: p.device for p in conveyor.points})
        self.resting = {t.name for t in conveyor.transfer_points}
        self.resting.update(p.name for p in conveyor.points if p.kind is PointKind.STATION)
        self.nodes: tuple[str, ...] = tuple(sorted((*self.device_of, *conveyor.merges)))
        self._to: dict[str, dict[str, int]] = {}  # one for each node of this conveyor that was asked for
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        self.graph.add_nodes_from(self.nodes)
        for segment in sorted(conveyor.segments, key=lambda s: s.name):
            self._add(segment)

    def _add(self, segment: Segment) -> None:
        cost = belt_travel_ms(segment)
        known = self.graph.get_edge_data(segment.origin, segment.end)
        if known is None or cost < known["cost"]:
            self.graph.add_edge(segment.origin, segment.end, cost=cost)

    def from_node(self, origin: str, avoid: frozenset[str] = frozenset()) -> dict[str, int]:
        """Travel time to every node that a load from `origin` can come to before it rests again."""
        return self._distances(self.graph, origin, avoid)

    def to_node(self, sink: str) -> dict[str, int]:
        """Travel time from every node from which a load can come to `sink` without resting before."""
        return self._distances(self.graph.reverse(copy=False), sink, frozenset())

    def _distances(self, graph: nx.DiGraph[str], start: str, avoid: frozenset[str]) -> dict[str, int]:
        usable = nx.subgraph_view(
            graph,
            filter_node=lambda node: node not in avoid and self.device_of.get(node) not in avoid,
            filter_edge=lambda origin, _end: origin == start or origin not in self.resting,
        )
        if start not in usable:
            return {}
        found = nx.single_source_dijkstra_path_length(usable, start, weight="cost")
        return {node: int(cost) for node, cost in found.items()}

    def exit_towards(self, point: str, sink: str) -> int | None:
        """The exit of `point` by which a load comes soonest to `sink`; None if none leads there."""
        left = self._to.get(sink)
        if left is None:
            left = self._to[sink] = self.to_node(sink)
        best: tuple[int, int] | None = None
        for number, name in sorted(self.points[point].exits.items()):
            segment = self.segments[name]
            rests = segment.end in self.resting and segment.end != sink
            if rests or segment.end not in left:
                continue
            offer = (belt_travel_ms(segment) + left[segment.end], number)
            best = offer if best is None else min(best, offer)
        return None if best is None else best[1]

    def next_points(self, place: str) -> tuple[str, ...]:
        """The points and transfer points that a load from `place` meets first, by name."""
        met: set[str] = set()
        waiting = list(self.graph.successors(place))
        passed = set(waiting)
        while waiting:
            node = waiting.pop()
            if node in self.device_of:
                met.add(node)
                continue
            fresh = [n for n in self.graph.successors(node) if n not in passed]
            passed.update(fresh)
            waiting.extend(fresh)
        return tuple(sorted(met))

    def default_flow(self, start: str) -> Iterator[str]:
        """The nodes that a load from `start` passes when nobody decides: ends where it rests or would go round."""
        seen: set[str] = set()
        node: str | None = start
        while node is not None and len(seen) < PASSED_MAX:
            node = self._by_default(node)
            if node is None or node in seen:
                return
            seen.add(node)
            yield node
            if node in self.resting:
                return

    def _by_default(self, node: str) -> str | None:
        point = self.points.get(node)
        if point is not None:
            segment = self.segments.get(point.exits.get(point.default_exit, ""))
            return None if segment is None else segment.end
        if node not in self.graph:
            return None
        return next(iter(self.graph.successors(node)), None)

    def identification_after(self, entry: str) -> str | None:
        """The identification point that a load from `entry` meets first along the default flow."""
        for node in self.default_flow(entry):
            if node in self.points and self.points[node].kind is PointKind.IDENTIFICATION:
                return node
        return None


def belt_travel_ms(segment: Segment) -> int:
    """Time on this segment at its speed, rounded up."""
    return -(-segment.length_mm * 1000 // segment.speed_mm_s)
