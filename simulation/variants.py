"""The same building with more or fewer machines: what a planner asks "what if" about.

Rule: a variant is a plant like any other and passes the same checks; nothing in it is half built.
"""

from __future__ import annotations

from msgspec.structs import replace

from wcs.plant.check import check_plant
from wcs.plant.model import Plant, Plc, Rates, Track, TrackEdge, TrackNode, Vehicle

VEHICLES_MAX = 1_000


def with_vehicles(plant: Plant, count: int) -> Plant:
    """The plant with so many vehicles: the last ones leave, or more of the same kinds come, each with a bay to park.

    A new bay stands beside that of the vehicle which is copied, with the same lanes; a new vehicle has its own PLC.
    What the plant was built for (`rates`) is asked of its own fleet only; of a variant a run asks.

    Raises:
        ValueError: no such fleet can drive in this plant.
    """
    if not 0 <= count <= VEHICLES_MAX:
        raise ValueError(f"{count} vehicles: wanted 0 to {VEHICLES_MAX}")
    if count > len(plant.vehicles) and not plant.vehicles:
        raise ValueError(f"{plant.name} has no vehicle of which there could be {count}")
    fewer = _without(plant, plant.vehicles[count:])
    unrated = fewer if count == len(plant.vehicles) else replace(fewer, rates=Rates())
    variant = _with(unrated, [plant.vehicles[n % len(plant.vehicles)] for n in range(len(plant.vehicles), count)])
    findings = check_plant(variant)
    if findings:
        raise ValueError(f"{plant.name} with {count} vehicles: {findings[0].key}: {findings[0].reason}")
    return variant


def _without(plant: Plant, vehicles: tuple[Vehicle, ...]) -> Plant:
    gone = {v.name for v in vehicles}
    if not gone:
        return plant
    left = (replace(plc, devices=tuple(d for d in plc.devices if d not in gone)) for plc in plant.plcs)
    return replace(
        plant,
        vehicles=tuple(v for v in plant.vehicles if v.name not in gone),
        plcs=tuple(plc for plc in left if plc.devices),
    )


def _with(plant: Plant, models: list[Vehicle]) -> Plant:
    parking = [n.name for n in plant.track.nodes if n.parking]
    protocol = {device: plc.protocol for plc in plant.plcs for device in plc.devices}
    names = {v.name for v in plant.vehicles} | {p.name for p in plant.plcs} | {n.name for n in plant.track.nodes}
    track, vehicles, plcs = plant.track, [*plant.vehicles], [*plant.plcs]
    for model in models:
        beside = model.start_node if model.start_node in parking else parking[len(vehicles) % len(parking)]
        name = _fresh("V", names)
        bay, controller = _fresh(f"{beside}-", names), _fresh(f"PLC-{name}-", names)
        track = _with_bay(track, beside, bay)
        vehicles.append(replace(model, name=name, start_node=bay))
        plcs.append(Plc(name=controller, protocol=protocol[model.name], devices=(name,)))
    return replace(plant, track=track, vehicles=tuple(vehicles), plcs=tuple(plcs))


def _with_bay(track: Track, beside: str, name: str) -> Track:
    """One parking node more, with the lanes of the one that it stands beside."""
    node = next(n for n in track.nodes if n.name == beside)
    bay = TrackNode(
        name=name,
        number=max(n.number for n in track.nodes) + 1,
        x_mm=node.x_mm,
        y_mm=node.y_mm,
        parking=True,
        charging=node.charging,
    )
    lanes: list[TrackEdge] = []
    for edge in track.edges:
        if edge.end == beside:
            lanes.append(replace(edge, end=name))
        elif edge.origin == beside:
            lanes.append(replace(edge, origin=name))
    return Track(nodes=(*track.nodes, bay), edges=(*track.edges, *lanes))


def _fresh(stem: str, names: set[str]) -> str:
    """A name that nothing has yet, noted as taken."""
    name = next(made for n in range(1, len(names) + 2) if (made := f"{stem}{n}") not in names)
    names.add(name)
    return name
