"""Shortest costs in a graph from one node to all: what tables of trips and ways in legs are made from.

Rule: networkx holds the graph and says what is in it; only the search is compiled here, for a plant of twenty aisles
has tens of thousands of legs, and each place asks once.
"""

from __future__ import annotations

from heapq import heappop, heappush

import networkx as nx
import numpy as np

from slotting.compiled import IntArray, compiled

UNREACHED = 1 << 60


@compiled("int64[:](int64[:], int64[:], int64[:], int64)")
def _costs_from(first: IntArray, ends: IntArray, costs: IntArray, origin: int) -> IntArray:
    nodes = first.shape[0] - 1
    best = np.full(nodes, UNREACHED, np.int64)
    best[origin] = 0
    waiting = [(0, origin)]
    while waiting:
        cost, node = heappop(waiting)
        if cost > best[node]:
            continue
        for edge in range(first[node], first[node + 1]):
            through = cost + costs[edge]
            if through < best[ends[edge]]:
                best[ends[edge]] = through
                heappush(waiting, (through, ends[edge]))
    return best


class ShortestCosts:
    """The graph as arrays: nodes in the order of their names, edges in compressed rows by their `cost`, whole and > 0.

    Source:
        Dijkstra (1959), Numerische Mathematik 1.
    Example:
        >>> graph = nx.DiGraph()
        >>> graph.add_weighted_edges_from([("A", "B", 2), ("B", "C", 2), ("A", "C", 5)], weight="cost")
        >>> ShortestCosts(graph).from_node("A")
        {'A': 0, 'B': 2, 'C': 4}
    """

    def __init__(self, graph: nx.DiGraph[str]) -> None:
        self._names = sorted(graph)
        self._index = {name: n for n, name in enumerate(self._names)}
        rows = [graph.adj[name] for name in self._names]
        self._first: IntArray = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        self._ends: IntArray = np.array([self._index[end] for row in rows for end in row], np.int64)
        self._into = {name: [(p, edge["cost"]) for p, edge in graph.pred[name].items()] for name in self._names}
        self._costs: IntArray = np.array([edge["cost"] for row in rows for edge in row.values()], np.int64)
        if self._costs.size and self._costs.min() <= 0:
            raise ValueError("costs: wanted above 0")

    def before(self, node: str, costs: dict[str, int]) -> list[str]:
        """Who stands just before this node on a soonest way, where `costs` are from its origin, and reach the node."""
        cost = costs[node]
        return [p for p, edge_cost in self._into[node] if costs.get(p, cost) + edge_cost == cost]

    def from_node(self, origin: str) -> dict[str, int]:
        """What it costs to reach each node that can be reached, by name. KeyError if there is no such origin."""
        found = _costs_from(self._first, self._ends, self._costs, self._index[origin]).tolist()
        return {name: cost for name, cost in zip(self._names, found, strict=True) if cost < UNREACHED}
