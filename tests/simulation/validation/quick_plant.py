"""The tiny plant with machines that take next to no time, so that what takes time is what a test lets take time.

The order's own load unit goes to the hand-over point by an exit of its own, past a source that rests at the pick point.
"""

from __future__ import annotations

from msgspec.structs import replace

from wcs.plant.file import load_plant
from wcs.plant.model import Conveyor, Plant, Point, Segment, StackerCrane

AT_ONCE = 10**7  # mm/s and mm/s²: a metre a tenth of a millisecond
HAND = "DST1.HAND"
QUICK_FORK_MS = 2


def quick_plant(*, order_places: int) -> Plant:
    plant = load_plant("tiny")
    loop = _quick(next(c for c in plant.conveyors if c.name == "CV"))
    gone = {"DK1", "V1"}
    return replace(
        plant,
        aisles=tuple(replace(a, bay_pitch_mm=1, level_pitch_mm=1, x0_mm=1, y0_mm=1) for a in plant.aisles),
        cranes=tuple(_quick_crane(crane) for crane in plant.cranes),
        conveyors=(loop,),
        vehicles=(),
        docks=(replace(plant.docks[0], inbound_points=("IN1",), outbound_points=("OUT1",)),),
        stations=(
            replace(
                plant.stations[0],
                order_places=tuple(f"ST1.O{n}" for n in range(1, order_places + 1)),
            ),
        ),
        track=replace(plant.track, nodes=(), edges=()),
        plcs=tuple(replace(plc, devices=tuple(d for d in plc.devices if d not in gone)) for plc in plant.plcs),
    )


def _quick(conveyor: Conveyor) -> Conveyor:
    by_hand = Segment(name=HAND, origin="DST1", end="ST1.HAND", length_mm=1_000, speed_mm_s=AT_ONCE, capacity=5)
    return replace(
        conveyor,
        segments=(*(replace(s, speed_mm_s=AT_ONCE) for s in conveyor.segments), by_hand),
        points=tuple(_quick_point(point) for point in conveyor.points),
    )


def _quick_point(point: Point) -> Point:
    exits = {**point.exits, 3: HAND} if point.name == "DST1" else point.exits
    return replace(point, deadline_ms=min(point.deadline_ms, 2), exits=exits)


def _quick_crane(crane: StackerCrane) -> StackerCrane:
    return replace(
        crane,
        speed_x_mm_s=100_000,
        speed_y_mm_s=100_000,
        accel_x_mm_s2=100_000,
        accel_y_mm_s2=100_000,
        fork_cycle_ms=QUICK_FORK_MS,
        transfer_points=tuple(replace(point, x_mm=1, y_mm=1) for point in crane.transfer_points),
        home_x_mm=1,
        home_y_mm=1,
    )
