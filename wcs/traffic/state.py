"""The state of the track: what every vehicle holds and wants, and what is closed.

Rule: a node is held by one vehicle, and everything here follows from the records of the vehicles and what is closed.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

import numpy as np
from msgspec.structs import replace

from slotting.compiled import IntArray
from wcs.plant.model import Track
from wcs.traffic.graph import TrackGraph
from wcs.traffic.records import Grant, VehicleTraffic
from wcs.traffic.safety import NOBODY, ROAD, WaysHome, can_go_home, free_way
from wcs.traffic.ways import FAR, way_past

STANDING_MS = (
    6_000  # what a vehicle that stands in the way is likely to cost: until it starts, and clears a node or two
)
PASSING_MS = 3_000  # the same of one that drives: until it has cleared the node that it is granted
EXCHANGES_MAX = 6  # nearest parking nodes that are tried: beyond them another grant is the better answer


class Traffic:
    """One `VehicleTraffic` a vehicle, and what is closed. All else follows from these and is kept to be quick.

    The methods from `grant` on apply what `grants.next_grant` decided or what has happened; the others only look.

    Args:
        track: the track.
        vehicles: where each vehicle is and what it holds; homes must be different nodes.
    Raises:
        ValueError: a node that does not exist, or one that two vehicles hold or have as home.
    """

    def __init__(self, track: Track, vehicles: Iterable[VehicleTraffic]) -> None:
        self.track = track
        self.graph = TrackGraph(track)
        self.chargers = tuple(node for node in track.nodes if node.charging)
        ordered = sorted(vehicles, key=lambda v: v.vehicle)
        self.vehicles: dict[str, VehicleTraffic] = {v.vehicle: v for v in ordered}
        self.closed_nodes: frozenset[str] = frozenset()
        self.closed_edges: frozenset[tuple[str, str]] = frozenset()
        self.names = tuple(self.vehicles)
        self.numbers = {name: n for n, name in enumerate(self.names)}
        nodes = len(self.graph.names)
        self.holders = np.full(nodes, -1, np.int64)
        self.keepers = np.full(nodes, -1, np.int64)
        self.home_of = np.full(nodes, ROAD, np.int64)
        parking = [self.node(node.name) for node in track.nodes if node.parking]
        self.home_of[parking] = NOBODY
        self.home_nodes = np.array([self.node(v.home) for v in ordered], dtype=np.int64)
        self.end_nodes = np.array([self.node(v.end) for v in ordered], dtype=np.int64)
        self.delays = np.zeros(nodes, np.int64)
        self.mobile = np.ones(len(ordered), np.bool_)
        self.errands: list[tuple[int, str]] = sorted((v.asked_ms, v.vehicle) for v in ordered if v.sink is not None)
        self.detours: dict[str, None] = {v.vehicle: None for v in ordered if v.detour}  # who drives one now
        self._changed: dict[str, None] = {}
        self._ways_home = WaysHome(len(ordered))
        for n, v in enumerate(ordered):
            home = self.node(v.home)
            if self.home_of[home] >= 0:
                raise ValueError(f"{v.vehicle} and {self.names[self.home_of[home]]} have the same home {v.home}")
            self.home_of[home] = n
            self._hold(n, (v.node, *v.ahead))
            self._note_delays(v)
            self._keep(n, (*v.detour, *v.kept))
        self.graph.set_homes([*parking, *self.home_nodes.tolist()])
        self._find_obstacles()

    def node(self, name: str) -> int:
        """The index of a node. ValueError if the track has none of this name."""
        number = self.graph.index.get(name)
        if number is None:
            raise ValueError(f"no track node {name}")
        return number

    def held_by(self, node: str) -> str | None:
        """The vehicle that holds this node."""
        holder = int(self.holders[self.node(node)])
        return None if holder < 0 else self.names[holder]

    def home_owner(self, node: str) -> str | None:
        """The vehicle whose home this node is."""
        owner = int(self.home_of[self.node(node)])
        return self.names[owner] if owner >= 0 else None

    def waiting(self) -> list[str]:
        """Vehicles that have an errand, the oldest first: the order in which to ask for grants."""
        return [name for _, name in self.errands]

    def route(self, vehicle: str) -> tuple[str, ...]:
        """Base and horizon: the nodes this vehicle will pass, as planned now."""
        v = self.vehicles[vehicle]
        if v.detour:
            return (*v.ahead, *v.detour)
        return (*v.ahead, *(self.graph.names[n] for n in self.way(v, v.towards, len(self.graph.names))))

    def way(self, v: VehicleTraffic, towards: str, nodes_max: int) -> list[int]:
        """The next nodes of a vehicle's way: home by the quickest, to its errand by the quickest past all others.

        Empty if there is none or an obstacle stands at its end.
        """
        if towards == v.home:
            return self._quickest_way(v.end, towards, nodes_max)
        sink = self.graph.index[towards]
        if self.graph.obstacles[sink]:
            return []
        graph = self.graph
        way = way_past(
            graph.first,
            graph.ends,
            graph.times_ms,
            graph.shut,
            self.delays,
            graph.ways_to(sink).times_row,
            origin=graph.index[v.end],
            sink=sink,
        )
        return way[:nodes_max]

    def _quickest_way(self, end: str, towards: str, nodes_max: int) -> list[int]:
        node, sink = self.graph.index[end], self.graph.index[towards]
        way: list[int] = []
        if self.graph.obstacles[sink]:
            return way
        while node != sink and len(way) < nodes_max:
            node = self.graph.next_node(node, sink)
            if node < 0:
                return []
            way.append(node)
        return way

    def is_free(self, node: int, number: int) -> bool:
        """Whether nobody holds this node, and it is not kept free for another than vehicle `number`."""
        return bool(self.holders[node] < 0 and self.keepers[node] in (-1, number))

    def exchange_for(self, number: int, node: int) -> tuple[tuple[str, str], ...]:
        """Homes with which vehicle `number` could go home from this node, and whoever gave it that home as well."""
        near = sorted(
            (self.graph.time_ms(node, home), home)
            for home in np.flatnonzero(self.home_of != ROAD).tolist()
            if self.home_of[home] != number and self.holders[home] < 0
        )
        for time_ms, home in near[:EXCHANGES_MAX]:
            if time_ms < FAR and self.can_exchange(number, node, home):
                mine = (self.names[number], self.graph.names[home])
                owner = int(self.home_of[home])
                return (mine, (self.names[owner], self.vehicles[mine[0]].home)) if owner >= 0 else (mine,)
        return ()

    def can_exchange(self, number: int, node: int, home: int) -> bool:
        """Whether vehicle `number`, at this node, and the owner of this parking node, if any, could then go home.

        The owner must be out and on no detour. All others go home as before: no way leads through a parking node.
        """
        owner = int(self.home_of[home])
        if owner >= 0 and (not self.mobile[owner] or self.vehicles[self.names[owner]].detour):
            return False
        homes, home_of, ends = self.home_nodes.copy(), self.home_of.copy(), self.end_nodes.copy()
        given = int(homes[number])
        ends[number], homes[number], home_of[home], home_of[given] = node, home, number, owner
        pair = [(number, node)]
        if owner >= 0:
            homes[owner] = given
            pair.append((owner, int(ends[owner])))
        return all(self._can_go_home(home_of, homes, ends, who, at) for who, at in pair)

    def is_safe(self, number: int, node: int) -> bool:
        """Whether vehicle `number` could go home from this node, others having gone home before it."""
        return self._can_go_home(self.home_of, self.home_nodes, self.end_nodes, number, node)

    def _can_go_home(self, home_of: IntArray, homes: IntArray, ends: IntArray, number: int, node: int) -> bool:
        graph = self.graph
        return can_go_home(
            graph.first,
            graph.ends,
            graph.obstacles,
            home_of,
            homes,
            ends,
            self.mobile,
            self._ways_home,
            vehicle=number,
            node=node,
        )

    def take_changed(self) -> list[str]:
        """The vehicles whose records have changed since this was last asked: one change may touch several."""
        changed = sorted(self._changed)
        self._changed.clear()
        return changed

    def grant(self, grant: Grant, now_ms: int) -> None:
        """Apply a grant. ValueError if one of its nodes is held by another: it was not decided on this state."""
        v = self.vehicles[grant.vehicle]
        self._hold(self.numbers[v.vehicle], grant.nodes)
        ahead = v.ahead + grant.nodes
        self._replace(
            v,
            replace(v, ahead=ahead, moved_ms=now_ms, detour=grant.detour, kept=grant.kept, retreating=grant.retreat),
        )
        self._set_homes(grant.homes)
        if not v.able:
            self._find_obstacles()  # what it holds is in the way of the others

    def confirm(self, vehicle: str, node: str, now_ms: int) -> None:
        """The vehicle has reached this node: what lies behind it is free. ValueError if it was not led there."""
        v = self.vehicles[vehicle]
        if node == v.node:
            return
        if node not in v.ahead:
            raise ValueError(f"{vehicle} is at {node}, but was led along {', '.join((v.node, *v.ahead))}")
        passed = v.ahead.index(node) + 1
        ahead = v.ahead[passed:]
        for left in (v.node, *v.ahead[:passed]):
            if left != node and left not in ahead:
                self._free(left)
        self._replace(v, _arrived(replace(v, node=node, ahead=ahead, moved_ms=now_ms)))

    def set_errand(self, vehicle: str, sink: str, now_ms: int) -> None:
        """This vehicle is to go to `sink`. If that is the home of another that is out, they exchange homes.

        ValueError if the other has the node, or it is not on the track. Ask `homes.may_stand` first.
        """
        owner = self.home_owner(sink)
        v = self.vehicles[vehicle]
        if owner is not None and owner != vehicle:
            if sink in (self.vehicles[owner].node, *self.vehicles[owner].ahead):
                raise ValueError(f"{sink} is the home of {owner}")
            self._set_homes(((vehicle, sink), (owner, v.home)))
            v = self.vehicles[vehicle]
        wanted = replace(v, sink=sink, asked_ms=now_ms, moved_ms=now_ms, detour=(), kept=())
        self._replace(v, _arrived(wanted))

    def cancel_errand(self, vehicle: str) -> None:
        """This vehicle has no errand any more; it keeps its released stretch until it has driven or left it."""
        v = self.vehicles[vehicle]
        self._replace(v, replace(v, sink=None, detour=(), kept=(), retreating=False))

    def stop(self, vehicle: str, node: str, now_ms: int) -> None:
        """The vehicle stands at this node and drives no further on what it was granted (cancelled, or put there).

        ValueError if another vehicle holds the node: the building contradicts the book.
        """
        v = self.vehicles[vehicle]
        holder = self.held_by(node)
        if holder not in (None, vehicle):
            raise ValueError(f"{vehicle} is said to stand at {node}, which {holder} holds")
        for left in (v.node, *v.ahead):
            self._free(left)
        self._hold(self.numbers[vehicle], (node,))
        self._replace(v, _arrived(replace(v, node=node, ahead=(), moved_ms=now_ms)))
        self._drop_detours()
        self._find_obstacles()

    def set_able(self, vehicle: str, able: bool, now_ms: int) -> None:
        """Whether this vehicle drives; one that does not blocks what it holds, and ways are planned around it.

        The time for which it could not drive does not count as time for which it stood.
        """
        v = self.vehicles[vehicle]
        moved_ms = max(v.moved_ms, now_ms) if able else v.moved_ms
        self._replace(v, replace(v, able=able, moved_ms=moved_ms, detour=(), kept=()))
        self._find_obstacles()

    def set_closed(self, nodes: frozenset[str], edges: frozenset[tuple[str, str]]) -> None:
        """These nodes and edges, and no others, are closed to traffic; detours are given up and sought again.

        ValueError if the track has not one of them.
        """
        closed = [self.node(node) for node in sorted(nodes)]
        pairs = [(self.node(origin), self.node(end)) for origin, end in sorted(edges)]
        for origin, end in pairs:
            if not self.graph.has_edge(origin, end):
                raise ValueError(f"no edge from {self.graph.names[origin]} to {self.graph.names[end]}")
        self.closed_nodes, self.closed_edges = frozenset(self.graph.names[n] for n in closed), edges
        self.graph.set_closed_edges(pairs)
        self._ways_home = WaysHome(len(self.names))
        self._drop_detours()
        self._find_obstacles()

    def _drop_detours(self) -> None:
        for v in tuple(self.vehicles.values()):
            if v.detour:
                self._replace(v, replace(v, detour=(), kept=()))

    def _hold(self, number: int, nodes: tuple[str, ...]) -> None:
        for name in nodes:
            node = self.node(name)
            if self.holders[node] not in (-1, number):
                raise ValueError(f"{name} is held by {self.names[self.holders[node]]} and {self.names[number]}")
            self.holders[node] = number

    def _free(self, name: str) -> None:
        node = self.graph.index[name]
        self.holders[node] = -1
        self.delays[node] = 0

    def _note_delays(self, v: VehicleTraffic) -> None:
        for name in (v.node, *v.ahead):
            self.delays[self.graph.index[name]] = PASSING_MS if v.ahead else STANDING_MS

    def _keep(self, number: int, nodes: tuple[str, ...]) -> None:
        for name in nodes:
            self.keepers[self.node(name)] = number

    def _set_homes(self, homes: tuple[tuple[str, str], ...]) -> None:
        for name, _ in homes:
            self.home_of[self.home_nodes[self.numbers[name]]] = NOBODY
        for name, home in homes:
            number, node = self.numbers[name], self.node(home)
            self.home_of[node] = number
            self.home_nodes[number] = node
            self.vehicles[name] = replace(self.vehicles[name], home=home)
            self._changed[name] = None

    def _replace(self, old: VehicleTraffic, new: VehicleTraffic) -> None:
        number = self.numbers[new.vehicle]
        if (old.asked_ms, old.sink is None) != (new.asked_ms, new.sink is None):
            if old.sink is not None:
                self.errands.remove((old.asked_ms, old.vehicle))
            if new.sink is not None:
                insort(self.errands, (new.asked_ms, new.vehicle))
        if old.detour or new.detour:
            self.keepers[self.keepers == number] = -1
            self._keep(number, (*new.detour, *new.kept))
            self.detours.pop(new.vehicle, None)
            if new.detour:
                self.detours[new.vehicle] = None
        if old.ahead != new.ahead or old.node != new.node:
            self._note_delays(new)
        self.vehicles[new.vehicle] = new
        self._changed[new.vehicle] = None
        self.end_nodes[number] = self.node(new.end)

    def _find_obstacles(self) -> None:
        """Closed nodes, what vehicles out of service hold, and whoever these cut off from home, until no more are."""
        obstacles = {self.node(node) for node in self.closed_nodes}
        for n, v in enumerate(self.vehicles.values()):
            self.mobile[n] = v.able
            if not v.able:
                obstacles |= {self.node(node) for node in (v.node, *v.ahead)}
        found = True
        while found:
            self.graph.set_obstacles(sorted(obstacles))
            found = False
            for n, v in enumerate(self.vehicles.values()):
                if self.mobile[n] and self._is_cut_off(n):
                    self.mobile[n] = False
                    obstacles |= {self.node(node) for node in (v.node, *v.ahead)}
                    found = True

    def _is_cut_off(self, number: int) -> bool:
        """Whether no way at all leads this vehicle home (it may begin and end anywhere)."""
        graph, origin, home = self.graph, int(self.end_nodes[number]), int(self.home_nodes[number])
        shut = graph.shut.copy()
        shut[home] = False
        return origin != home and not free_way(graph.first, graph.ends, shut, origin=origin, sink=home)


def _arrived(v: VehicleTraffic) -> VehicleTraffic:
    """v, without its errand if it stands where that leads."""
    if v.ahead or v.node != v.sink:
        return v
    return replace(v, sink=None, detour=(), kept=(), retreating=False)
