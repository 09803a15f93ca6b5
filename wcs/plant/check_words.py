"""Whether everything has its place in the words on the wire: numbers, word blocks, controllers.

Source: docs/device-interface.md, version 1.0 (a block has 8 transfer points and 3 points; Modbus base = 256·n).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from wcs.plant.finding import Finding
from wcs.plant.model import Conveyor, Plant, Protocol

WORD_MAX = 0xFFFF
DOUBLE_WORD_MAX = 0xFFFF_FFFF
POSITION_MAX_MM = 0x7FFF_FFFF
TRANSFER_POINTS_MAX = 8  # words 96 to 127, four each
POINTS_MAX = 3  # words 136 to 255, forty each
MODBUS_BLOCKS_MAX = 255  # base = 256·n must leave its whole block below address 65,536


def check_words(plant: Plant) -> tuple[Finding, ...]:
    """Doubled numbers, numbers that do not fit their words, and devices without exactly one block."""
    return (*_doubled_numbers(plant), *_too_large(plant), *_controllers(plant), *_blocks(plant))


def _doubled_numbers(plant: Plant) -> Iterator[Finding]:
    yield from _unlike("load_types", "number", ((t.name, t.number) for t in plant.load_types))
    yield from _unlike("aisles", "number", ((a.name, a.number) for a in plant.aisles))
    yield from _unlike("track.nodes", "number", ((n.name, n.number) for n in plant.track.nodes))
    for crane in plant.cranes:
        numbers = ((p.transfer_point, p.number) for p in crane.transfer_points)
        yield from _unlike(f"cranes.{crane.name}.transfer_points", "number", numbers)
    for node in plant.track.nodes:
        levels = ((s.transfer_point, s.level) for s in node.stops)
        yield from _unlike(f"track.nodes.{node.name}.stops", "level", levels)


def _unlike(key: str, field: str, numbers: Iterable[tuple[str, int]]) -> Iterator[Finding]:
    first: dict[int, str] = {}
    for name, number in numbers:
        if number in first:
            yield Finding(key=f"{key}.{name}.{field}", reason=f"{field} {number} is already {first[number]}'s")
        first.setdefault(number, name)


def _too_large(plant: Plant) -> Iterator[Finding]:
    for key, number, most in _numbers_on_wire(plant):
        if abs(number) > most:
            yield Finding(key=key, reason=f"{number} does not fit its word: at most {most}")


def _numbers_on_wire(plant: Plant) -> Iterator[tuple[str, int, int]]:
    for load_type in plant.load_types:
        key = f"load_types.{load_type.name}"
        yield f"{key}.number", load_type.number, WORD_MAX
        yield f"{key}.height_max_mm", load_type.height_max_mm, WORD_MAX
        yield f"{key}.mass_max_g", load_type.mass_max_g, DOUBLE_WORD_MAX
    for aisle in plant.aisles:
        key = f"aisles.{aisle.name}"
        yield f"{key}.number", aisle.number, WORD_MAX
        yield f"{key}.bays", aisle.bays, WORD_MAX
        yield f"{key}.levels", aisle.levels, WORD_MAX
        yield f"{key}.depth", max(aisle.sides) * 10 + aisle.depth, WORD_MAX
        yield f"{key}.bay_pitch_mm", aisle.x0_mm + aisle.bays * aisle.bay_pitch_mm, POSITION_MAX_MM
        yield f"{key}.level_pitch_mm", aisle.y0_mm + aisle.levels * aisle.level_pitch_mm, POSITION_MAX_MM
    for crane in plant.cranes:
        for crane_point in crane.transfer_points:
            key = f"cranes.{crane.name}.transfer_points.{crane_point.transfer_point}"
            yield f"{key}.number", crane_point.number, WORD_MAX
            yield f"{key}.x_mm", crane_point.x_mm, POSITION_MAX_MM
            yield f"{key}.y_mm", crane_point.y_mm, POSITION_MAX_MM
    for conveyor in plant.conveyors:
        for point in conveyor.points:
            key = f"conveyors.{conveyor.name}.points.{point.name}"
            yield f"{key}.deadline_ms", point.deadline_ms, WORD_MAX
            yield f"{key}.exits", max(point.exits, default=0), WORD_MAX
    for node in plant.track.nodes:
        key = f"track.nodes.{node.name}"
        yield f"{key}.number", node.number, WORD_MAX
        yield f"{key}.x_mm", node.x_mm, POSITION_MAX_MM
        yield f"{key}.y_mm", node.y_mm, POSITION_MAX_MM
        for stop in node.stops:
            yield f"{key}.stops.{stop.transfer_point}.level", stop.level, WORD_MAX
    for position, edge in enumerate(plant.track.edges):
        yield f"track.edges[{position}].speed_max_mm_s", edge.speed_max_mm_s, WORD_MAX
    for vehicle in plant.vehicles:
        yield f"vehicles.{vehicle.name}.speed_mm_s", vehicle.speed_mm_s, WORD_MAX


def _controllers(plant: Plant) -> Iterator[Finding]:
    kinds = {c.name: "cranes" for c in plant.cranes} | {v.name: "vehicles" for v in plant.vehicles}
    kinds |= {device: f"conveyors.{c.name}.devices" for c in plant.conveyors for device in c.devices}
    owner: dict[str, str] = {}
    for plc in plant.plcs:
        key = f"plcs.{plc.name}.devices"
        for device in plc.devices:
            if device not in kinds:
                yield Finding(key=key, reason=f"there is no device {device}")
            elif device in owner:
                yield Finding(key=key, reason=f"{device} has a block already, in {owner[device]}")
            owner.setdefault(device, plc.name)
        if plc.protocol is Protocol.MODBUS and len(plc.devices) > MODBUS_BLOCKS_MAX:
            reason = f"{len(plc.devices)} devices, but Modbus addresses end after {MODBUS_BLOCKS_MAX} blocks of 256"
            yield Finding(key=key, reason=reason)
    for device, kind in sorted(kinds.items()):
        if device not in owner:
            yield Finding(key=f"{kind}.{device}", reason=f"{device} belongs to no PLC")
    for conveyor in plant.conveyors:
        owners = sorted({owner[device] for device in conveyor.devices if device in owner})
        if len(owners) > 1:
            reason = f"its blocks are in {' and '.join(owners)}: a conveyor is behind one PLC"
            yield Finding(key=f"conveyors.{conveyor.name}.devices", reason=reason)


def _blocks(plant: Plant) -> Iterator[Finding]:
    for conveyor in plant.conveyors:
        yield from _block_of(conveyor, "transfer_points", TRANSFER_POINTS_MAX)
        yield from _block_of(conveyor, "points", POINTS_MAX)


def _block_of(conveyor: Conveyor, kind: str, most: int) -> Iterator[Finding]:
    things = getattr(conveyor, kind)
    words = kind.replace("_", " ")
    for device, count in Counter(thing.device for thing in things).items():
        if count > most:
            reason = f"{count} {words} on {device}: a block has room for {most}"
            yield Finding(key=f"conveyors.{conveyor.name}.{kind}", reason=reason)
    first: dict[tuple[str, int], str] = {}
    for thing in things:
        key = f"conveyors.{conveyor.name}.{kind}.{thing.name}.index"
        if thing.index >= most:
            yield Finding(key=key, reason=f"index {thing.index} is beyond the block: 0 to {most - 1}")
        taken = first.get((thing.device, thing.index))
        if taken is not None:
            yield Finding(key=key, reason=f"index {thing.index} of {thing.device} is already {taken}'s")
        first.setdefault((thing.device, thing.index), thing.name)
