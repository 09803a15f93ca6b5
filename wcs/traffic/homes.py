"""Where vehicles live and charge, and whether the track lets every vehicle live in peace.

Rule: a home is a parking node of one vehicle; no way leads through it, so who is at home is in nobody's way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wcs.plant.model import Track, Vehicle
from wcs.traffic.graph import TrackGraph
from wcs.traffic.records import VehicleTraffic
from wcs.traffic.state import Traffic
from wcs.traffic.ways import FAR


def assign_homes(track: Track, vehicles: Sequence[Vehicle]) -> dict[str, str]:
    """A parking node for each vehicle: where it starts if that is one, else the nearest that is left.

    ValueError if there are fewer parking nodes than vehicles.
    """
    graph = TrackGraph(track)
    left = {node.name for node in track.nodes if node.parking}
    homes: dict[str, str] = {}
    for vehicle in sorted(vehicles, key=lambda v: v.name):
        if vehicle.start_node in left:
            homes[vehicle.name] = vehicle.start_node
            left.discard(vehicle.start_node)
    for vehicle in sorted(vehicles, key=lambda v: v.name):
        if vehicle.name in homes:
            continue
        if not left:
            raise ValueError(f"no parking node for {vehicle.name}: every vehicle needs one of its own")
        start = graph.index[vehicle.start_node]
        homes[vehicle.name] = min(left, key=lambda node: (graph.time_ms(start, graph.index[node]), node))
        left.discard(homes[vehicle.name])
    return homes


def start_traffic(track: Track, vehicles: Sequence[Vehicle]) -> Traffic:
    """The state of the track with every vehicle at its start node and nothing asked."""
    homes = assign_homes(track, vehicles)
    return Traffic(track, (VehicleTraffic(vehicle=v.name, home=homes[v.name], node=v.start_node) for v in vehicles))


def check_track(track: Track, homes: Mapping[str, str]) -> tuple[str, ...]:
    """Why vehicles on this track could be in each other's way for ever; empty: they cannot be.

    The track is well-formed if every home reaches every other node, and is reached from there, past all other homes.
    """
    graph = TrackGraph(track)
    graph.set_homes(graph.index[home] for home in homes.values())
    others = [node.name for node in track.nodes if node.name not in set(homes.values())]
    findings = []
    for vehicle, home in sorted(homes.items()):
        there = [node for node in others if graph.time_ms(graph.index[home], graph.index[node]) == FAR]
        back = [node for node in others if graph.time_ms(graph.index[node], graph.index[home]) == FAR]
        if there:
            findings.append(f"{vehicle} cannot drive from its home {home} to {there[0]} but through another's home")
        if back:
            findings.append(f"{vehicle} cannot drive from {back[0]} to its home {home} but through another's home")
    return tuple(findings)


def may_stand(traffic: Traffic, vehicle: str, node: str) -> bool:
    """Whether this vehicle may have an errand to this node: it is nobody else's home, or they can exchange homes."""
    owner = traffic.home_owner(node)
    if owner is None or owner == vehicle:
        return True
    away = node not in (traffic.vehicles[owner].node, *traffic.vehicles[owner].ahead)
    number = traffic.numbers[vehicle]
    return away and traffic.can_exchange(number, int(traffic.end_nodes[number]), traffic.node(node))


def nearest_charger(traffic: Traffic, vehicle: str) -> str | None:
    """The charging node this vehicle reaches soonest that is free for it: nobody else's sink, place or home
    (but for a home that can be exchanged)."""
    v = traffic.vehicles[vehicle]
    taken = {other.sink for other in traffic.vehicles.values() if other.vehicle != vehicle}
    best: tuple[int, str] | None = None
    for node in traffic.chargers:
        if node.name in taken or traffic.held_by(node.name) not in (None, vehicle):
            continue
        if not may_stand(traffic, vehicle, node.name):
            continue
        time_ms = traffic.graph.time_ms(traffic.node(v.end), traffic.node(node.name))
        if time_ms < FAR and (best is None or (time_ms, node.name) < best):
            best = (time_ms, node.name)
    return None if best is None else best[1]


def travel_time_ms(traffic: Traffic, vehicle: str, node: str) -> int | None:
    """How long this vehicle would drive to this node if nobody were in its way; None: there is no way."""
    time_ms = traffic.graph.time_ms(traffic.node(traffic.vehicles[vehicle].end), traffic.node(node))
    return None if time_ms == FAR else time_ms
