"""Ways through the plant: which machines carry a load from here to there, in legs. Each is found once, then kept.

A node of the transfer graph is a place where a load rests between two legs; an edge is one leg by one carrier (a
crane, a conveyor, or the fleet of vehicles). Rule: a way never leads through a rack or a point of a conveyor: aisles
and points are only beginnings and ends, so each has a node to leave from (its name) and one to arrive at.
"""

from __future__ import annotations

from itertools import pairwise

import networkx as nx

from wcs.plant.belts import Belts
from wcs.plant.cycle_times import mean_crane_leg_ms, vehicle_trip_ms
from wcs.plant.model import Plant, Record, StackerCrane
from wcs.plant.shortest import ShortestCosts

FLEET = "VEHICLES"
WAYS_KEPT_MAX = 20_000  # a plant of 100 aisles and 50 stations and docks has fewer pairs
TREES_KEPT_MAX = 500  # one for each place where a load rests: 100 aisles, 100 stations and docks, and some closures
CLOSURES_KEPT_MAX = 64  # sets of avoided devices with a graph of their own: failures come one or two at a time
# A crane that only passes a load from its inbound to its outbound point blocks its aisle: the last of all ways.
RELAY_PENALTY_MS = 600_000

_NOTHING: frozenset[str] = frozenset()


class LegPlan(Record):
    """One leg: `carrier` is a crane, a conveyor or `FLEET`; source or sink may be an aisle's name (any location)."""

    carrier: str
    source: str
    sink: str


class NoRoute(Exception):
    """No way leads from origin to sink (with what is to be avoided)."""

    def __init__(self, origin: str, sink: str, avoid: frozenset[str]) -> None:
        self.origin = origin
        self.sink = sink
        self.avoid = avoid
        without = f" without {', '.join(sorted(avoid))}" if avoid else ""
        super().__init__(f"no way from {origin} to {sink}{without}")


class Routes:
    """Ways through one plant."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._belts = {c.name: Belts(c) for c in plant.conveyors}
        self._belts_of = {node: belts for belts in self._belts.values() for node in belts.nodes}
        self._cranes = {c.aisle: c for c in plant.cranes}
        self._aisles = {a.name: a for a in plant.aisles}
        self._stops = {s.transfer_point: n.name for n in plant.track.nodes for s in n.stops}
        self._trips_ms = self._fleet_trips_ms()
        self._sinks = {name for belts in self._belts.values() for name in belts.points if name not in belts.resting}
        self._sinks.update(self._aisles)
        self._taken_from = self._transfer_points_with(given=True)
        self._given_to = self._transfer_points_with(given=False)
        self._graphs: dict[frozenset[str], nx.DiGraph[str]] = {}
        self._costs: dict[frozenset[str], ShortestCosts] = {}  # of the same graphs, and forgotten with them
        self._trees: dict[tuple[str, frozenset[str]], _Tree] = {}
        self._ways: dict[tuple[str, str, frozenset[str]], tuple[LegPlan, ...]] = {}
        self._exits: dict[tuple[str, str], int | None] = {}
        self._first_legs: dict[tuple[str, str], tuple[LegPlan, ...]] = {}

    def legs(self, origin: str, sink: str, avoid: frozenset[str] = _NOTHING) -> tuple[LegPlan, ...]:
        """The soonest way from `origin` to `sink`, in legs; of equally fast ways the first by name.

        Origin may be a transfer point, any point, an aisle (from any of its locations) or a crane or vehicle that has
        the load on board; sink a transfer point, any point or an aisle. From an aisle to itself it is one leg of its
        crane. `avoid` names devices (one vehicle does not close the fleet), conveyors, `FLEET` or places.

        Raises:
            NoRoute: there is none.
        """
        key = (origin, sink, avoid)
        known = self._ways.get(key)
        if known is None:
            known = self._find(origin, sink, avoid)
            if len(self._ways) >= WAYS_KEPT_MAX:
                self._ways.clear()
            self._ways[key] = known
        return known

    def first_legs(self, origin: str, sink: str) -> tuple[LegPlan, ...]:
        """The first leg of the soonest way, and those to transfer points beside its own from where the next leg is by
        the same carrier to the same place; the soonest first, then by name.

        Raises:
            NoRoute: there is no way.
        """
        key = (origin, sink)
        known = self._first_legs.get(key)
        if known is None:
            if len(self._first_legs) >= WAYS_KEPT_MAX:
                self._first_legs.clear()
            known = self._first_legs[key] = self._beside(self.legs(origin, sink))
        return known

    def _beside(self, way: tuple[LegPlan, ...]) -> tuple[LegPlan, ...]:
        first, *later = way
        if not later:
            return (first,)
        graph, onward = self._graph(_NOTHING), self._arrival(later[0].sink)
        beside = [first]
        for node in sorted(graph.successors(first.source)):
            edge, next_edge = graph.edges[first.source, node], graph.get_edge_data(node, onward)
            same = next_edge is not None and edge["carrier"] == first.carrier
            if same and next_edge["carrier"] == later[0].carrier and node != first.sink and node in self._stops:
                beside.append(LegPlan(carrier=first.carrier, source=first.source, sink=node))
        return tuple(beside)

    def exit_towards(self, point: str, sink_place: str) -> int | None:
        """Which exit of `point` leads soonest to `sink_place` of the same conveyor; None if none does."""
        key = (point, sink_place)
        if key not in self._exits:
            if len(self._exits) >= WAYS_KEPT_MAX:
                self._exits.clear()
            belts = self._belts_of.get(point)
            same = belts is not None and point in belts.points and sink_place in belts.graph
            self._exits[key] = belts.exit_towards(point, sink_place) if same and belts is not None else None
        return self._exits[key]

    def next_points(self, place: str) -> tuple[str, ...]:
        """The points and transfer points of its conveyor that a load leaving `place` can meet first, by name."""
        belts = self._belts_of.get(place)
        return () if belts is None else belts.next_points(place)

    def identification_after(self, entry: str) -> str | None:
        """The identification point that a load from conveyor entry `entry` meets first if nobody decides."""
        belts = self._belts_of.get(entry)
        return None if belts is None else belts.identification_after(entry)

    def inbound_points(self, aisle: str) -> tuple[str, ...]:
        """Transfer points from which the aisle's crane stores, in the order of its transfer numbers."""
        return tuple(p for p in self._crane_points(aisle) if p in self._taken_from)

    def outbound_points(self, aisle: str) -> tuple[str, ...]:
        """Transfer points on which the aisle's crane sets down what it retrieved, in the order of their numbers."""
        return tuple(p for p in self._crane_points(aisle) if p in self._given_to)

    def travel_time_ms(self, origin: str, sink: str, avoid: frozenset[str] = _NOTHING) -> int:
        """How long the soonest way takes, roughly and without waiting; raises NoRoute as `legs` does."""
        graph = self._graph(avoid)
        return sum(graph.edges[leg.source, self._arrival(leg.sink)]["cost"] for leg in self.legs(origin, sink, avoid))

    def _find(self, origin: str, sink: str, avoid: frozenset[str]) -> tuple[LegPlan, ...]:
        graph = self._graph(avoid)
        arrival = self._arrival(sink)
        if origin == sink and origin not in self._aisles:
            return ()
        if origin not in graph or arrival not in graph:
            raise NoRoute(origin, sink, avoid)
        way = self._soonest(origin, arrival, avoid)
        if not way:
            raise NoRoute(origin, sink, avoid)
        return tuple(
            LegPlan(carrier=graph.edges[a, b]["carrier"], source=a, sink=b.removeprefix(_ARRIVAL))
            for a, b in pairwise(way)
        )

    def _soonest(self, origin: str, arrival: str, avoid: frozenset[str]) -> list[str]:
        """The nodes of the soonest way, of equally fast ways the first by name; empty if there is none."""
        tree = self._trees.get((origin, avoid))
        if tree is None:
            if len(self._trees) >= TREES_KEPT_MAX:
                self._trees.clear()
            tree = self._trees[origin, avoid] = _Tree(self._costs_of(avoid), origin)
        return tree.way(arrival)

    def _costs_of(self, avoid: frozenset[str]) -> ShortestCosts:
        graph = self._graph(avoid)
        return self._costs.get(avoid) or self._costs.setdefault(avoid, ShortestCosts(graph))

    def _arrival(self, place: str) -> str:
        return f"{_ARRIVAL}{place}" if place in self._sinks else place

    def _graph(self, avoid: frozenset[str]) -> nx.DiGraph[str]:
        graph = self._graphs.get(avoid)
        if graph is None:
            if len(self._graphs) >= CLOSURES_KEPT_MAX:
                self._graphs.clear()
                self._costs.clear()
            graph = self._graphs[avoid] = self._build(avoid)
        return graph

    def _build(self, avoid: frozenset[str]) -> nx.DiGraph[str]:
        graph: nx.DiGraph[str] = nx.DiGraph()
        for crane in sorted(self._cranes.values(), key=lambda c: c.name):
            if crane.name not in avoid and crane.aisle not in avoid:
                self._add_crane(graph, crane, avoid)
        for name, belts in sorted(self._belts.items()):
            if name not in avoid:
                self._add_conveyor(graph, belts, avoid)
        if FLEET not in avoid and not all(v.name in avoid for v in self._plant.vehicles):
            self._add_fleet(graph, avoid)
        return graph

    def _add_crane(self, graph: nx.DiGraph[str], crane: StackerCrane, avoid: frozenset[str]) -> None:
        cost = mean_crane_leg_ms(crane, self._aisles[crane.aisle])
        inbound = [p for p in self.inbound_points(crane.aisle) if p not in avoid]
        outbound = [p for p in self.outbound_points(crane.aisle) if p not in avoid]
        arrival = self._arrival(crane.aisle)
        for origin in (crane.aisle, crane.name, *inbound):
            self._add(graph, origin, arrival, crane.name, cost)
        for sink in outbound:
            for origin in (crane.aisle, crane.name):
                self._add(graph, origin, sink, crane.name, cost)
            for origin in inbound:
                self._add(graph, origin, sink, crane.name, cost + RELAY_PENALTY_MS)

    def _add_conveyor(self, graph: nx.DiGraph[str], belts: Belts, avoid: frozenset[str]) -> None:
        for origin in belts.nodes:
            if origin not in belts.device_of:
                continue
            for node, cost in sorted(belts.from_node(origin, avoid).items()):
                if node != origin and node in belts.device_of:
                    self._add(graph, origin, self._arrival(node), belts.conveyor.name, cost)

    def _add_fleet(self, graph: nx.DiGraph[str], avoid: frozenset[str]) -> None:
        stops = {place: node for place, node in sorted(self._stops.items()) if not {place, node} & avoid}
        for origin, origin_node in stops.items():
            for sink, sink_node in stops.items():
                trip = self._trips_ms.get(origin_node, {}).get(sink_node)
                if sink != origin and trip is not None:
                    self._add(graph, origin, sink, FLEET, trip)
        for vehicle in self._plant.vehicles:
            for sink, sink_node in stops.items():
                trip = self._trips_ms.get(vehicle.start_node, {}).get(sink_node)
                if trip is not None and vehicle.name not in avoid:
                    self._add(graph, vehicle.name, sink, FLEET, trip)

    @staticmethod
    def _add(graph: nx.DiGraph[str], origin: str, sink: str, carrier: str, cost: int) -> None:
        known = graph.get_edge_data(origin, sink)
        if known is None or cost < known["cost"]:
            graph.add_edge(origin, sink, carrier=carrier, cost=cost)

    def _crane_points(self, aisle: str) -> tuple[str, ...]:
        crane = self._cranes.get(aisle)
        if crane is None:
            return ()
        return tuple(p.transfer_point for p in sorted(crane.transfer_points, key=lambda p: p.number))

    def _transfer_points_with(self, *, given: bool) -> set[str]:
        """Transfer points to which something other than a crane brings loads (given), or from which it takes them."""
        places = set(self._stops)
        for belts in self._belts.values():
            places.update(s.end if given else s.origin for s in belts.segments.values())
        for dock in self._plant.docks:
            places.update(dock.inbound_points if given else dock.outbound_points)
        return places

    def _fleet_trips_ms(self) -> dict[str, dict[str, int]]:
        vehicles = self._plant.vehicles
        return vehicle_trip_ms(self._plant.track, vehicles[0]) if vehicles else {}


class _Tree:
    """The soonest ways from one origin, each made when it is asked for."""

    def __init__(self, shortest: ShortestCosts, origin: str) -> None:
        self._shortest = shortest
        self._costs = shortest.from_node(origin)
        self._ways = {origin: [origin]}

    def way(self, node: str) -> list[str]:
        """The nodes up to this one; of equally fast ways the first by name, none if it cannot be reached."""
        known = self._ways.get(node)
        if known is None:
            known = self._ways[node] = self._find(node) if node in self._costs else []
        return known

    def _find(self, node: str) -> list[str]:
        # Costs are above 0: whoever stands before a node on a soonest way has been reached sooner.
        before = self._shortest.before(node, self._costs)
        return [*min(map(self.way, before)), node]


_ARRIVAL = "to "  # no name in a plant has this shape of a node at which one only arrives
