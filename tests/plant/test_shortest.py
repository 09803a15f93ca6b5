"""The compiled search finds what networkx finds, and of equally fast ways the first by name."""

from __future__ import annotations

from itertools import pairwise, product

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wcs.plant.model import Plant
from wcs.plant.routes import NoRoute, Routes
from wcs.plant.shortest import ShortestCosts

NAMES = "ABCDEFGH"
edges = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(1, 4)), max_size=30)


@given(edges=edges)
def test_it_costs_what_networkx_finds(edges: list[tuple[str, str, int]]) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(NAMES)
    graph.add_weighted_edges_from(edges, weight="cost")
    costs = ShortestCosts(graph)
    for origin in NAMES:
        assert costs.from_node(origin) == nx.single_source_dijkstra_path_length(graph, origin, weight="cost")


def test_costs_must_be_above_0() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edge("A", "B", cost=0)
    with pytest.raises(ValueError, match="costs"):
        ShortestCosts(graph)


@pytest.mark.parametrize("avoid", [frozenset(), frozenset({"CR1"}), frozenset({"IN1"})])
def test_every_way_is_the_first_by_name_of_the_soonest(tiny: Plant, avoid: frozenset[str]) -> None:
    routes = Routes(tiny)
    graph = routes._graph(avoid)
    for origin, sink in product(graph, graph):
        if origin == sink or sink.startswith("to ") or origin.startswith("to "):
            continue
        arrival = routes._arrival(sink)
        if arrival not in graph or not nx.has_path(graph, origin, arrival):
            with pytest.raises(NoRoute):
                routes.legs(origin, sink, avoid)
            continue
        first = min(nx.all_shortest_paths(graph, origin, arrival, weight="cost"))
        found = [(leg.carrier, leg.source) for leg in routes.legs(origin, sink, avoid)]
        assert found == [(graph.edges[a, b]["carrier"], a) for a, b in pairwise(first)]
