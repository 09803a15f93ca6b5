"""Whether every transfer point has someone who brings and someone else who takes."""

from __future__ import annotations

from collections.abc import Iterator

from wcs.plant.finding import Finding
from wcs.plant.model import Plant


def check_hand_over(plant: Plant) -> tuple[Finding, ...]:
    """Transfer points with one side."""
    return tuple(_one_sided(plant))


def _one_sided(plant: Plant) -> Iterator[Finding]:
    brings, takes = _sides(plant)
    for conveyor in plant.conveyors:
        for transfer_point in conveyor.transfer_points:
            givers = brings.get(transfer_point.name, [])
            takers = takes.get(transfer_point.name, [])
            if any(giver != taker for giver in givers for taker in takers):
                continue
            key = f"conveyors.{conveyor.name}.transfer_points.{transfer_point.name}"
            sides = sorted({*givers, *takers})
            if not sides:
                reason = "a transfer point that nothing and nobody serves"
            elif len(sides) == 1:
                reason = f"a transfer point with one side: only {sides[0]}"
            else:
                reason = f"{' and '.join(sides)} meet here, but nobody {'takes' if givers else 'brings'}"
            yield Finding(key=key, reason=reason)


def _sides(plant: Plant) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Who brings loads to, and who takes them from, each transfer point."""
    brings: dict[str, list[str]] = {}
    takes: dict[str, list[str]] = {}

    def both(place: str, side: str) -> None:
        brings.setdefault(place, []).append(side)
        takes.setdefault(place, []).append(side)

    for conveyor in plant.conveyors:
        for segment in conveyor.segments:
            takes.setdefault(segment.origin, []).append(f"segment {segment.name}")
            brings.setdefault(segment.end, []).append(f"segment {segment.name}")
    for crane in plant.cranes:
        for crane_point in crane.transfer_points:
            both(crane_point.transfer_point, f"crane {crane.name}")
    if plant.vehicles:
        for node in plant.track.nodes:
            for stop in node.stops:
                both(stop.transfer_point, "vehicles")
    for dock in plant.docks:
        for place in dock.inbound_points:
            brings.setdefault(place, []).append(f"people at dock {dock.name}")
        for place in dock.outbound_points:
            takes.setdefault(place, []).append(f"people at dock {dock.name}")
    for station in plant.stations:
        takes.setdefault(station.handover_point, []).append(f"people at station {station.name}")
        brings.setdefault(station.put_on_point, []).append(f"people at station {station.name}")
    for place in plant.clarification_points:
        takes.setdefault(place, []).append("people at clarification")
    return brings, takes
