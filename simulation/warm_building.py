"""The building of a warm start: each load where the paper has it, and conveyors that remember their TrackNumbers.

Rule: made from the rows alone. A load that is booked on a conveyor as a whole is put on a stretch before a place where
loads are read, so that the paper and the belt agree again at the first scanner.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from devices.machines.conveyor import ConveyorMachine, ConveyorMemory
from devices.machines.conveyor_flow import TRACK_MAX
from devices.machines.conveyor_point import PointMemory, ScannedLoad
from devices.machines.conveyor_transfer import TransferMemory
from devices.machines.machine import Load
from simulation.twin import Twin
from wcs.core import entities as e
from wcs.core.ports import PointStatus, ScanFlags
from wcs.core.state import State
from wcs.plant.model import OUTSIDE_PLACES, Conveyor, PointKind


def furnish(twin: Twin) -> None:
    """Put every load of the book into the world, and what was bound into the conveyors' memories.

    Raises:
        ValueError: a place of the book holds more than it can.
    """
    state = twin.warehouse.state
    for unit in sorted(state.load_unit, key=lambda unit: unit.load_unit):
        if unit.place not in OUTSIDE_PLACES and unit.place not in twin.warehouse.layout.conveyors:
            _put(twin, unit, unit.place)
    for conveyor in twin.plant.conveyors:
        room = _room(conveyor)
        for number in state.units_at.get(conveyor.name, ()):
            segment = next(room, None)
            if segment is None:
                raise ValueError(f"{conveyor.name} has no room for the load units that are booked on it")
            _put(twin, state.load_unit[number], segment)
    for machine in twin.machines:
        if isinstance(machine, ConveyorMachine):
            conveyor = next(c for c in twin.plant.conveyors if c.devices == machine.devices)
            machine.restart(_memory(machine.memory(), conveyor, state), twin.now_ms)


def _put(twin: Twin, unit: e.LoadUnit, place: str) -> None:
    load = Load(
        number=unit.load_unit,
        barcode=unit.barcode,
        load_type=unit.load_type,
        mass_g=unit.mass_g,
        height_mm=unit.height_mm,
    )
    if twin.world.is_single(place) and twin.world.loads(place):
        raise ValueError(f"{place} would hold {unit.load_unit} and {twin.world.loads(place)[0].number}")
    twin.world.place(load, place, by="warm start", now_ms=twin.now_ms)


def _room(conveyor: Conveyor) -> Iterator[str]:
    """Places for loads on the belts, one after the other: first where they are read next."""
    read = {p.name for p in conveyor.points if p.scanner and p.kind is not PointKind.STATION}
    merges = set(conveyor.merges)
    loops = [s for s in conveyor.segments if s.end in read] + [s for s in conveyor.segments if s.end in merges]
    for turn in range(max((s.capacity for s in loops), default=0)):
        for segment in loops:
            if turn < segment.capacity:
                yield segment.name


def _memory(memory: ConveyorMemory, conveyor: Conveyor, state: State) -> ConveyorMemory:
    """As if the PLC had been switched off with its loads and on again."""
    tracks = {track.load_unit: track.track for track in state.track if track.conveyor == conveyor.name}
    flow = replace(
        memory.flow,
        next_track=max(tracks.values(), default=0) % TRACK_MAX + 1,
        tracks=tuple(sorted(tracks.items())),
        transfers=tuple(_transfer(place.name, state) for place in conveyor.transfer_points),
        points=tuple(_point(point.name, state) for point in conveyor.points),
    )
    return replace(memory, flow=flow)


def _transfer(name: str, state: State) -> TransferMemory:
    """A load that stands there has been acknowledged."""
    seen = state.transfer_point.get(name)
    if seen is None:
        return TransferMemory()
    sequence = seen.event_sequence
    return TransferMemory(number=state.unit_at(name), track=seen.track, event_sequence=sequence, acknowledged=sequence)


def _point(name: str, state: State) -> PointMemory:
    """A load that rests there is still the one that was scanned."""
    seen = state.point.get(name)
    if seen is None:
        return PointMemory()
    scanned = ScannedLoad(number=state.unit_at(name), scan_sequence=seen.scan_sequence, track=seen.track)
    event = PointStatus(scan_sequence=seen.scan_sequence, track=seen.track, flags=ScanFlags.READ)
    return PointMemory(event=event, under_way=(scanned,))
