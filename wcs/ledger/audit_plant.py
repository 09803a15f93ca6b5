"""Paper against plant. Rule: a conveyor on paper is any place on its belts; what is lost on paper is not looked for."""

from __future__ import annotations

from collections.abc import Mapping

from wcs.core.layout import Kind, Layout
from wcs.core.ports import DeviceSnapshot
from wcs.ledger.audit_findings import Findings
from wcs.plant.model import LOST, OUTSIDE, Plant


def paper_equals_world(plant: Plant, paper: Mapping[int, str], world: Mapping[int, str], findings: Findings) -> str:
    """Every load unit stands where the book says."""
    belts = belt_places(plant)
    for unit in sorted({*paper, *world}):
        booked, stands = paper.get(unit, OUTSIDE), world.get(unit, OUTSIDE)
        if booked in (LOST, stands) or stands in belts.get(booked, ()):
            continue
        findings.add(f"load unit {unit} is booked at {booked} and stands at {stands}")
    return f"{len(paper)} load units on paper, {len(world)} in the world"


def belt_places(plant: Plant) -> dict[str, frozenset[str]]:
    """Where a load may be that is booked on a conveyor: its segments, merges, points and transfer points."""
    return {
        conveyor.name: frozenset(
            {
                *(segment.name for segment in conveyor.segments),
                *conveyor.merges,
                *(point.name for point in conveyor.points),
                *(point.name for point in conveyor.transfer_points),
            }
        )
        for conveyor in plant.conveyors
    }


def paper_equals_devices(
    plant: Plant, paper: Mapping[int, str], snapshots: Mapping[str, DeviceSnapshot], findings: Findings
) -> str:
    """Each device that answers has on board, and at its transfer points, what the book says."""
    layout = Layout(plant)
    units_at: dict[str, list[int]] = {}
    for unit, place in paper.items():
        units_at.setdefault(place, []).append(unit)
    for device, snapshot in sorted(snapshots.items()):
        if layout.kinds.get(device) in (Kind.CRANE, Kind.VEHICLE):
            _on_board(device, snapshot, units_at.get(device, []), findings)
        for index, transfer in enumerate(snapshot.transfers):
            point = layout.transfer_point_at.get((device, index))
            if point is None:
                continue
            units = units_at.get(point.name, [])
            if transfer.occupied != bool(units):
                seen = "occupied" if transfer.occupied else "empty"
                findings.add(f"{point.name} is {seen}, the book has {units or 'nothing'} there")
    silent = len(layout.kinds) - len(snapshots)
    return f"{len(snapshots)} devices answered" + (f", {silent} did not" if silent else "")


def _on_board(device: str, snapshot: DeviceSnapshot, units: list[int], findings: Findings) -> None:
    status = snapshot.status
    if status.load_present != bool(units):
        seen = "has a load on board" if status.load_present else "is empty"
        findings.add(f"{device} {seen}, the book has {units or 'nothing'} there")
    elif units and status.load_id and status.load_id not in units:
        findings.add(f"{device} carries {status.load_id}, the book says {units}")
