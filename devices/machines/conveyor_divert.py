"""Between scanner and divert: when a load is there, until when it may be decided, and which exit has room for it.

Rule: times are belt times of the point's block, so that a stop of the belts stops the deadline with the load.
"""

from __future__ import annotations

from devices.machines.conveyor_belt import Belts, Lane
from devices.machines.conveyor_point import ScannedLoad
from wcs.core.ports import OutcomeReason
from wcs.plant.model import Point


class Diverts:
    """The diverts of one conveyor.

    Args:
        belts: the segments before and after them.
        deadline_factor: plant time a unit of wall time. The load is at the divert after DeadlineMs of plant time, and
            is held there until it is judged or DeadlineMs of wall time have passed.
    """

    def __init__(self, belts: Belts, deadline_factor: int) -> None:
        self._belts = belts
        self._factor = deadline_factor
        self._times: dict[int, tuple[int, int | None]] = {}
        self._free: dict[str, int] = {}
        self._pitch_ms = {node: max(lane.pitch_ms for lane in lanes) for node, lanes in belts.into.items()}

    def clear(self) -> None:
        """Power-up."""
        self._times.clear()
        self._free.clear()

    def expect(self, point: Point, number: int, now_ms: int) -> None:
        """A load has been scanned now."""
        belt_ms = self._belts.clocks[point.device].belt_ms(now_ms)
        deadline_ms = belt_ms + point.deadline_ms * self._factor if point.deadline_ms else None
        self._times[number] = (belt_ms + point.deadline_ms, deadline_ms)

    def passed(self, point: Point, number: int, now_ms: int) -> None:
        """A load has left the divert; the next one is there a pitch later at the earliest."""
        del self._times[number]
        self._free[point.name] = self._belts.clocks[point.device].belt_ms(now_ms) + self._pitch_ms.get(point.name, 0)

    def release_ms(self, point: Point, number: int) -> int:
        """Plant time from which a decided load may take its exit (of a running belt)."""
        at_divert_ms = max(self._times[number][0], self._free.get(point.name, 0))
        return self._belts.clocks[point.device].plant_ms(at_divert_ms)

    def deadline_ms(self, point: Point, number: int) -> int | None:
        """Plant time until which the load may be decided (of a running belt); None: it waits."""
        deadline_ms = self._times[number][1]
        return None if deadline_ms is None else self._belts.clocks[point.device].plant_ms(deadline_ms)

    def under_way_max(self, point: Point) -> int:
        """How many loads find room between scanner and divert (a station: the one that rests there)."""
        if point.name in self._belts.stops:
            return 1
        return 1 + point.deadline_ms // max(1, self._pitch_ms.get(point.name, 0))

    def exit_with_room(
        self, point: Point, load: ScannedLoad, loop: int, now_ms: int
    ) -> tuple[int, OutcomeReason] | None:
        """The table at the top of conveyor_point, once the load is at the divert. None: it waits."""
        assert load.exit is not None
        decided = self._belts.lanes[point.exits[load.exit]]
        if self._belts.admits(decided, loop):
            return (load.exit, load.reason) if _open(decided, now_ms) else None
        if point.deadline_ms == 0 or load.exit == point.default_exit:
            return None
        default = self._belts.lanes[point.exits[point.default_exit]]
        if self._belts.admits(default, loop) and _open(default, now_ms):
            return point.default_exit, OutcomeReason.EXIT_FULL
        return None


def _open(lane: Lane, now_ms: int) -> bool:
    """Whether a load may enter this instant, given that there is room."""
    return lane.clock.running and lane.entry_ms() <= now_ms
