"""What belts do with their time, from the world's log: each from one node of its conveyor to the next.

| state | a belt |
|---|---|
| faulted | its word block cannot work: a fault, another mode, lost |
| busy | its first load is under way to the end, or from a scanner to its divert |
| blocked | its first load is there, and waits to go on |
| starved | nothing is on it |

Rule: the first load decides, for who stands behind it waits for it; when it is at the end is the closed form of
`devices.machines.conveyor_belt`, so nothing is computed but when a load enters an empty belt or the first one leaves.
Busy is not full: a belt with one load on it is as busy as one with three.
"""

from __future__ import annotations

import msgspec

from devices.machines.conveyor_belt import BeltClock, Belts, Lane
from devices.machines.world import WorldLine
from simulation.spec import Shares, Span
from wcs.plant.model import Conveyor, Plant, PointKind


class _Belt(msgspec.Struct):
    """One belt: when each of its loads would be at the end (belt times), and up to when its time has been counted."""

    name: str
    clock: BeltClock
    travel_ms: int
    pitch_ms: int
    since_ms: int
    ms: dict[str, int]
    due_ms: dict[int, int] = msgspec.field(default_factory=dict)
    end_free_ms: int = 0


class BeltActivity:
    """Fed with the lines of the world's log, and with which word blocks are able.

    Args:
        plant: whose belts.
        from_ms: what was before counts in no share.
        keep: also keep the spans.
    """

    def __init__(self, plant: Plant, from_ms: int, *, keep: bool = False) -> None:
        self._from_ms = from_ms
        self._keep = keep
        self.spans: list[Span] = []
        self._belts: list[_Belt] = []
        self._of_segment: dict[str, _Belt] = {}
        self._of_device: dict[str, list[_Belt]] = {}
        for conveyor in plant.conveyors:
            for lane in Belts(conveyor).lanes.values():
                self._add(lane, conveyor)

    def _add(self, lane: Lane, conveyor: Conveyor) -> None:
        decides = (p for p in conveyor.points if p.name == lane.end and p.kind is not PointKind.STATION)
        divert_ms = sum(point.deadline_ms for point in decides)  # from the scanner to the divert
        lane.clock.start(0)
        belt = _Belt(
            name=lane.name,
            clock=lane.clock,
            travel_ms=lane.travel_ms + divert_ms,
            pitch_ms=lane.pitch_ms,
            since_ms=self._from_ms,
            ms=dict.fromkeys(Shares.__struct_fields__, 0),
        )
        self._belts.append(belt)
        self._of_segment.update(dict.fromkeys(lane.segments, belt))
        self._of_device.setdefault(lane.device, []).append(belt)

    def line(self, line: WorldLine) -> None:
        """A load was moved."""
        left, entered = self._of_segment.get(line.source), self._of_segment.get(line.sink)
        if left is not None:
            self._leave(left, line.number, line.time_ms)
        if entered is not None:
            if not entered.due_ms:
                self._count(entered, line.time_ms)
            entered.due_ms[line.number] = entered.clock.belt_ms(line.time_ms) + entered.travel_ms

    def seen(self, device: str, able: bool, at_ms: int) -> None:
        """A word block can work, or cannot: its belts run or stand."""
        belts = self._of_device.get(device)
        if belts is None or belts[0].clock.running == able:
            return
        for belt in belts:
            self._count(belt, at_ms)
        clock = belts[0].clock  # one for the block
        if able:
            clock.start(at_ms)
        else:
            clock.stop(at_ms)

    def shares(self, now_ms: int) -> dict[str, Shares]:
        """How each belt has spent its time; nothing if no time has passed."""
        whole = now_ms - self._from_ms
        if whole <= 0:
            return {}
        for belt in self._belts:
            self._count(belt, now_ms)
        return {belt.name: Shares(**{s: ms / whole for s, ms in belt.ms.items()}) for belt in self._belts}

    def _leave(self, belt: _Belt, number: int, at_ms: int) -> None:
        if next(iter(belt.due_ms), None) == number:
            self._count(belt, at_ms)
            belt.end_free_ms = belt.clock.belt_ms(at_ms) + belt.pitch_ms
        belt.due_ms.pop(number, None)

    def _count(self, belt: _Belt, at_ms: int) -> None:
        """What it has done since that was last counted."""
        if at_ms <= belt.since_ms:
            return
        first = next(iter(belt.due_ms), 0)
        if not belt.clock.running:
            self._span(belt, at_ms, "faulted", first)
        elif not first:
            self._span(belt, at_ms, "starved", 0)
        else:
            there_ms = belt.clock.plant_ms(max(belt.due_ms[first], belt.end_free_ms))
            self._span(belt, min(there_ms, at_ms), "busy", first)
            self._span(belt, at_ms, "blocked", first)

    def _span(self, belt: _Belt, to_ms: int, state: str, load: int) -> None:
        from_ms = belt.since_ms
        if to_ms <= from_ms:
            return
        belt.since_ms = to_ms
        belt.ms[state] += to_ms - from_ms
        if self._keep:
            self.spans.append(Span(device=belt.name, from_ms=from_ms, to_ms=to_ms, state=state, load_unit=load))
