"""A plant in a few figures, for people: what stands there, and what it can do at most."""

from __future__ import annotations

from wcs.plant.check_rates import bounds
from wcs.plant.model import Plant, PointKind


def summary(plant: Plant) -> dict[str, int | str]:
    """Counts and computed bounds of a plant that passed `check_plant`, in the order in which to show them."""
    points = [p for c in plant.conveyors for p in c.points]
    rows: dict[str, int | str] = {
        "plant": plant.name,
        "aisles": len(plant.aisles),
        "storage locations": sum(a.location_count for a in plant.aisles),
        "cranes": len(plant.cranes),
        "conveyors": len(plant.conveyors),
        "segments": sum(len(c.segments) for c in plant.conveyors),
        "places on segments": sum(s.capacity for c in plant.conveyors for s in c.segments),
        "transfer points": sum(len(c.transfer_points) for c in plant.conveyors),
        "identification points": sum(p.kind is PointKind.IDENTIFICATION for p in points),
        "decision points": sum(p.kind is PointKind.DECISION for p in points),
        "pick stations": len(plant.stations),
        "order places": sum(len(s.order_places) for s in plant.stations),
        "docks": len(plant.docks),
        "vehicles": len(plant.vehicles),
        "track nodes": len(plant.track.nodes),
        "parking nodes": sum(n.parking for n in plant.track.nodes),
        "charging nodes": sum(n.charging for n in plant.track.nodes),
        "storage an hour, wanted": plant.rates.storage_per_hour,
        "retrieval an hour, wanted": plant.rates.retrieval_per_hour,
    }
    for bound in bounds(plant):
        for what, most in (("storage", bound.storage_per_hour), ("retrieval", bound.retrieval_per_hour)):
            if most is not None:
                rows[f"{what} an hour, {bound.machines} at most"] = most
    for plc in plant.plcs:
        rows[f"PLC {plc.name} ({plc.protocol.value})"] = ", ".join(plc.devices)
    return rows
