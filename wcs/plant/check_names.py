"""Every name means one thing, and every name that is used means something."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from wcs.plant.finding import Finding
from wcs.plant.model import OUTSIDE_PLACES, Conveyor, Plant
from wcs.plant.routes import FLEET

RESERVED = (*OUTSIDE_PLACES, FLEET)


def check_names(plant: Plant) -> tuple[Finding, ...]:
    """Doubled and reserved names, and names that nothing has."""
    return (*_doubled(plant), *_reserved(plant), *_unknown(plant))


def _named(plant: Plant) -> Iterator[tuple[str, str]]:
    """(key, name) of everything that has a name of its own, in the order of the file."""
    for kind in ("load_types", "aisles", "cranes", "conveyors", "stations", "docks", "vehicles", "plcs"):
        for thing in getattr(plant, kind):
            yield f"{kind}.{thing.name}", thing.name
    for conveyor in plant.conveyors:
        yield from _named_on(conveyor)
    for station in plant.stations:
        for place in station.order_places:
            yield f"stations.{station.name}.order_places", place
    for node in plant.track.nodes:
        yield f"track.nodes.{node.name}", node.name


def _named_on(conveyor: Conveyor) -> Iterator[tuple[str, str]]:
    key = f"conveyors.{conveyor.name}"
    for device in conveyor.devices:
        yield f"{key}.devices", device
    for merge in conveyor.merges:
        yield f"{key}.merges", merge
    for transfer_point in conveyor.transfer_points:
        yield f"{key}.transfer_points.{transfer_point.name}", transfer_point.name
    for point in conveyor.points:
        yield f"{key}.points.{point.name}", point.name
    for segment in conveyor.segments:
        yield f"{key}.segments.{segment.name}", segment.name


def _doubled(plant: Plant) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for key, name in _named(plant):
        if name in first:
            yield Finding(key=key, reason=f"the name {name} is used twice, first by {first[name]}")
        first.setdefault(name, key)


def _reserved(plant: Plant) -> Iterator[Finding]:
    for aisle in plant.aisles:
        if "-" in aisle.name:
            yield Finding(key=f"aisles.{aisle.name}.name", reason="an aisle's name may not contain '-'")
    prefixes = tuple(f"{aisle.name}-" for aisle in plant.aisles)
    for key, name in _named(plant):
        if name in RESERVED:
            yield Finding(key=key, reason=f"the name {name} is reserved")
        elif name.startswith(prefixes):
            yield Finding(key=key, reason=f"{name} reads like a storage location")


def _unknown(plant: Plant) -> Iterator[Finding]:
    transfer_points = {t.name for c in plant.conveyors for t in c.transfer_points}
    points = {p.name for c in plant.conveyors for p in c.points}
    nodes = {n.name for n in plant.track.nodes}

    def missing(key: str, name: str, known: Collection[str], what: str) -> Iterator[Finding]:
        if name not in known:
            yield Finding(key=key, reason=f"there is no {what} {name}")

    for crane in plant.cranes:
        key = f"cranes.{crane.name}"
        yield from missing(f"{key}.aisle", crane.aisle, {a.name for a in plant.aisles}, "aisle")
        for crane_point in crane.transfer_points:
            yield from missing(f"{key}.transfer_points", crane_point.transfer_point, transfer_points, "transfer point")
    for conveyor in plant.conveyors:
        yield from _unknown_on(conveyor)
    for station in plant.stations:
        key = f"stations.{station.name}"
        yield from missing(f"{key}.pick_point", station.pick_point, points, "point")
        yield from missing(f"{key}.handover_point", station.handover_point, transfer_points, "transfer point")
        yield from missing(f"{key}.put_on_point", station.put_on_point, transfer_points, "transfer point")
    for dock in plant.docks:
        for name in dock.inbound_points:
            yield from missing(f"docks.{dock.name}.inbound_points", name, transfer_points, "transfer point")
        for name in dock.outbound_points:
            yield from missing(f"docks.{dock.name}.outbound_points", name, transfer_points, "transfer point")
    for name in plant.clarification_points:
        yield from missing("clarification_points", name, transfer_points, "transfer point")
    for node in plant.track.nodes:
        for stop in node.stops:
            yield from missing(f"track.nodes.{node.name}.stops", stop.transfer_point, transfer_points, "transfer point")
    for position, edge in enumerate(plant.track.edges):
        yield from missing(f"track.edges[{position}].origin", edge.origin, nodes, "track node")
        yield from missing(f"track.edges[{position}].end", edge.end, nodes, "track node")
    for vehicle in plant.vehicles:
        yield from missing(f"vehicles.{vehicle.name}.start_node", vehicle.start_node, nodes, "track node")


def _unknown_on(conveyor: Conveyor) -> Iterator[Finding]:
    key = f"conveyors.{conveyor.name}"
    nodes = {t.name for t in conveyor.transfer_points} | {p.name for p in conveyor.points} | set(conveyor.merges)
    segments = {s.name: s for s in conveyor.segments}
    for transfer_point in conveyor.transfer_points:
        if transfer_point.device not in conveyor.devices:
            place = f"{key}.transfer_points.{transfer_point.name}.device"
            yield Finding(key=place, reason=f"{conveyor.name} has no device {transfer_point.device}")
    for point in conveyor.points:
        place = f"{key}.points.{point.name}"
        if point.device not in conveyor.devices:
            yield Finding(key=f"{place}.device", reason=f"{conveyor.name} has no device {point.device}")
        for number, name in sorted(point.exits.items()):
            if name not in segments:
                yield Finding(key=f"{place}.exits.{number}", reason=f"{conveyor.name} has no segment {name}")
            elif segments[name].origin != point.name:
                reason = f"segment {name} starts at {segments[name].origin}, not at {point.name}"
                yield Finding(key=f"{place}.exits.{number}", reason=reason)
    for segment in conveyor.segments:
        for end in ("origin", "end"):
            name = getattr(segment, end)
            if name not in nodes:
                reason = f"{conveyor.name} has no transfer point, point or merge {name}"
                yield Finding(key=f"{key}.segments.{segment.name}.{end}", reason=reason)
