"""Mean cycle times of a crane by the two rules that acceptance tests name: FEM 9.851 and Bozer and White.

Rule: from the plant file alone, in seconds, fork cycles included; nothing is drawn and nothing is run.

Both take the rack as a rectangle that begins where the crane's transfer points stand or its first bay, whichever comes
first, and a cycle as input → rack → output; a dual cycle also goes back to the input.

Sources:
    FEM 9.851 (06.1978), Performance data of storage and retrieval machines, cycle times.
    Bozer and White (1984), IIE Transactions 16(4): uniform rack, input and output in its lower corner, no ramps.
"""

from __future__ import annotations

import math

from wcs.plant.model import Aisle, CranePoint, Plant, Record, StackerCrane

FORKS_SINGLE, FORKS_DUAL = 2, 4  # a pick or a deposit each
Spot = tuple[float, float]


class Cycles(Record):
    """Seconds of one single and one dual command cycle."""

    single_s: float
    dual_s: float


class Rack(Record):
    """The rectangle that a crane serves, mm, and where it takes loads over and hands them on."""

    left_mm: float
    bottom_mm: float
    length_mm: float
    height_mm: float
    input: CranePoint
    output: CranePoint

    @property
    def at_corner(self) -> bool:
        """Whether both transfer points stand in the lower near corner, as Bozer and White suppose."""
        points = ((p.x_mm, p.y_mm) for p in (self.input, self.output))
        return all(point == (self.left_mm, self.bottom_mm) for point in points)


class BozerWhite(Record):
    """`b` and `t_s` are the rack's shape and its longest travel.

    plain: travel at full speed, as published. ramped: with half of v/a more for each start and each stop of the axis
    that takes longer to reach its speed; too long where ways are too short to reach it.
    """

    b: float
    t_s: float
    plain: Cycles
    ramped: Cycles


def rack_of(plant: Plant, crane: StackerCrane) -> Rack:
    """The rack of a crane's aisle with its transfer points; where conveyors end is the input."""
    aisle = aisle_of(plant, crane)
    ends = {segment.end for conveyor in plant.conveyors for segment in conveyor.segments}
    origins = {segment.origin for conveyor in plant.conveyors for segment in conveyor.segments}
    points = crane.transfer_points
    entry = next((p for p in points if p.transfer_point in ends), points[0])
    leaving = next((p for p in points if p.transfer_point in origins), points[-1])
    left = min(entry.x_mm, leaving.x_mm, aisle.x0_mm)
    bottom = min(entry.y_mm, leaving.y_mm, aisle.y0_mm)
    return Rack(
        left_mm=left,
        bottom_mm=bottom,
        length_mm=aisle.x0_mm + (aisle.bays - 1) * aisle.bay_pitch_mm - left,
        height_mm=aisle.y0_mm + (aisle.levels - 1) * aisle.level_pitch_mm - bottom,
        input=entry,
        output=leaving,
    )


def aisle_of(plant: Plant, crane: StackerCrane) -> Aisle:
    return next(aisle for aisle in plant.aisles if aisle.name == crane.aisle)


def axis_s(way_mm: float, speed_mm_s: float, accel_mm_s2: float) -> float:
    """Time of one axis from rest to rest: a trapezoid, or a triangle if full speed is not reached.

    Example:
        >>> axis_s(10_000, 1_000, 500), round(axis_s(6_000, 3_000, 500), 3)
        (12.0, 6.928)
    """
    if way_mm * accel_mm_s2 < speed_mm_s**2:
        return 2 * math.sqrt(way_mm / accel_mm_s2)
    return way_mm / speed_mm_s + speed_mm_s / accel_mm_s2


def fem_9851(crane: StackerCrane, rack: Rack) -> Cycles:
    """The two-point cycles: single is the mean over P1 (L/5, 2H/3) and P2 (2L/3, H/5), dual runs over both."""
    p1 = (rack.left_mm + rack.length_mm / 5, rack.bottom_mm + rack.height_mm * 2 / 3)
    p2 = (rack.left_mm + rack.length_mm * 2 / 3, rack.bottom_mm + rack.height_mm / 5)
    start, end = _spot(rack.input), _spot(rack.output)
    fork_s = crane.fork_cycle_ms / 1000
    single = sum(_travel_s(crane, start, p) + _travel_s(crane, p, end) for p in (p1, p2)) / 2
    dual = sum(_travel_s(crane, a, b) for a, b in ((start, p1), (p1, p2), (p2, end), (end, start)))
    return Cycles(single_s=single + FORKS_SINGLE * fork_s, dual_s=dual + FORKS_DUAL * fork_s)


def bozer_white(crane: StackerCrane, rack: Rack) -> BozerWhite:
    """Mean cycles over all locations, every one equally often, as if both transfer points stood in the corner."""
    t_x, t_y = rack.length_mm / crane.speed_x_mm_s, rack.height_mm / crane.speed_y_mm_s
    longest = max(t_x, t_y)
    b = min(t_x, t_y) / longest if longest else 0.0
    single, dual = (1 + b**2 / 3) * longest, (4 / 3 + b**2 / 2 - b**3 / 30) * longest
    fork_s = crane.fork_cycle_ms / 1000
    single, dual = single + FORKS_SINGLE * fork_s, dual + FORKS_DUAL * fork_s
    ramp_s = max(crane.speed_x_mm_s / crane.accel_x_mm_s2, crane.speed_y_mm_s / crane.accel_y_mm_s2)
    return BozerWhite(
        b=b,
        t_s=longest,
        plain=Cycles(single_s=single, dual_s=dual),
        ramped=Cycles(single_s=single + 2 * ramp_s, dual_s=dual + 3 * ramp_s),
    )


def _spot(point: CranePoint) -> Spot:
    return (point.x_mm, point.y_mm)


def _travel_s(crane: StackerCrane, a: Spot, b: Spot) -> float:
    """Mast and carriage move at once: the slower axis counts."""
    return max(
        axis_s(abs(a[0] - b[0]), crane.speed_x_mm_s, crane.accel_x_mm_s2),
        axis_s(abs(a[1] - b[1]), crane.speed_y_mm_s, crane.accel_y_mm_s2),
    )
