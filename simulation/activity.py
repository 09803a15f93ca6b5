"""What cranes, vehicles and pick stations do with their time, from facts alone.

| state | a device | a pick station |
|---|---|---|
| faulted | cannot work: a fault, another mode, lost, or a vehicle that stands without a word | |
| charging | has a CHARGE task | |
| busy | has another task | a load unit stands before the person |
| blocked | has a leg and no task: its way, its source or its sink is not free | it is to go on and cannot |
| starved | is able and has nothing to do | nothing stands there |

Rule: one state at a time, the first that holds in this order; so the shares of a device add up to 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from simulation.spec import Move, Passage, Shares, Span
from wcs.core import facts as f
from wcs.core.ports import TaskType

OPENING_STOCK = "opening stock"  # as the world's log names the hand that put it there

STATES = ("busy", "blocked", "starved", "faulted", "charging")


class _Doing:
    """One device: what is known of it, and since when it does what it does."""

    __slots__ = ("able", "charges", "leg", "load_unit", "ms", "since_ms", "state", "task")

    def __init__(self, since_ms: int) -> None:
        self.able = True
        self.task = 0
        self.charges = False
        self.leg = 0
        self.load_unit = 0
        self.state = "starved"
        self.since_ms = since_ms
        self.ms = dict.fromkeys(STATES, 0)

    def now(self) -> str:
        if not self.able:
            return "faulted"
        if self.task:
            return "charging" if self.charges else "busy"
        return "blocked" if self.leg else "starved"


class Activity:
    """Fed with every turn's facts.

    Args:
        devices: cranes and vehicles.
        stations: pick stations, by the point at which they pick.
        from_ms: what was before counts in no share.
        keep: also keep the spans, for Gantt charts and playback.
    """

    def __init__(
        self, devices: Iterable[str], from_ms: int, *, stations: Mapping[str, str] | None = None, keep: bool = False
    ) -> None:
        self._from_ms = from_ms
        self._stations = dict(stations or {})
        self._doing = {name: _Doing(from_ms) for name in (*devices, *self._stations.values())}
        self._device_of_task: dict[int, str] = {}
        self._device_of_leg: dict[int, str] = {}
        self._keep = keep
        self.spans: list[Span] = []

    def facts(self, facts: Sequence[f.Fact], at_ms: int) -> None:
        """One turn's facts."""
        for fact in facts:
            concerned = _CONCERNED.get(type(fact))
            if concerned is not None:
                device = concerned(self, fact)
                if device in self._doing:
                    self._settle(device, self._doing[device], at_ms)

    def shares(self, now_ms: int) -> dict[str, Shares]:
        """How each device has spent its time; nothing if no time has passed."""
        whole = now_ms - self._from_ms
        if whole <= 0:
            return {}
        for device, doing in self._doing.items():
            self._count(device, doing, now_ms)
        return {
            device: Shares(**{state: ms / whole for state, ms in doing.ms.items()})
            for device, doing in self._doing.items()
        }

    def _settle(self, device: str, doing: _Doing, at_ms: int) -> None:
        state = doing.now()
        if state != doing.state:
            self._count(device, doing, at_ms)
            doing.state = state

    def _count(self, device: str, doing: _Doing, at_ms: int) -> None:
        since_ms = max(doing.since_ms, self._from_ms)
        if at_ms > since_ms:
            doing.ms[doing.state] += at_ms - since_ms
            if self._keep:
                self.spans.append(
                    Span(
                        device=device,
                        from_ms=since_ms,
                        to_ms=at_ms,
                        state=doing.state,
                        task=doing.task,
                        load_unit=doing.load_unit,
                    )
                )
        doing.since_ms = at_ms

    def _started(self, fact: f.DeviceTaskStarted) -> str:
        task = fact.open_task
        doing = self._doing.get(task.device)
        if doing is not None:
            doing.task, doing.load_unit = task.number, task.task.load_id
            doing.charges = task.task.type is TaskType.CHARGE
            self._device_of_task[task.number] = task.device
        return task.device

    def _ended(self, fact: f.DeviceTaskEnded) -> str:
        device = self._device_of_task.pop(fact.number, "")
        if device:
            self._doing[device].task = 0
        return device

    def _assigned(self, fact: f.LegAssigned) -> str:
        if not fact.device:
            return self._leg_over(fact)
        if fact.device in self._doing:
            self._doing[fact.device].leg = fact.number
            self._device_of_leg[fact.number] = fact.device
        return fact.device

    def _leg_over(self, fact: f.LegAssigned | f.LegEnded) -> str:
        device = self._device_of_leg.pop(fact.number, "")
        if device and self._doing[device].leg == fact.number:
            self._doing[device].leg = 0
        return device

    def _seen(self, fact: f.DeviceSeen) -> str:
        if fact.device in self._doing:
            self._doing[fact.device].able = fact.able
        return fact.device

    def _drives(self, fact: f.VehicleAbleChanged) -> str:
        self._doing[fact.vehicle].able = fact.able
        return fact.vehicle

    def _moved(self, fact: f.LoadUnitMoved) -> str:
        """At a station a load unit is its task while there is something to pick, and its leg until it has gone."""
        arrived, left = self._stations.get(fact.sink, ""), self._stations.get(fact.source, "")
        if arrived:
            doing = self._doing[arrived]
            doing.task = doing.leg = doing.load_unit = fact.load_unit
        elif left and self._doing[left].leg == fact.load_unit:
            self._doing[left].task = self._doing[left].leg = 0
        return arrived or left

    def _decided(self, fact: f.ExitDecided) -> str:
        station = self._stations.get(fact.point, "")
        if station and not fact.waiting:
            self._doing[station].task = 0
        return station


_CONCERNED: dict[type[f.Fact], Callable[[Activity, Any], str]] = {
    f.DeviceTaskStarted: Activity._started,
    f.DeviceTaskEnded: Activity._ended,
    f.LegAssigned: Activity._assigned,
    f.LegEnded: Activity._leg_over,
    f.DeviceSeen: Activity._seen,
    f.VehicleAbleChanged: Activity._drives,
    f.LoadUnitMoved: Activity._moved,
    f.ExitDecided: Activity._decided,
}


def blocked_at(spans: Sequence[Span], seen: Sequence[tuple[int, str, str]]) -> dict[str, float]:
    """Where devices were blocked, s: each blocked span counts at the place where its device was last seen before.

    Args:
        spans: of all devices.
        seen: (time, device, place) in order of time. A span of a device not seen before counts nowhere.
    """
    times: dict[str, list[int]] = {}
    places: dict[str, list[str]] = {}
    for at_ms, device, place in seen:
        times.setdefault(device, []).append(at_ms)
        places.setdefault(device, []).append(place)
    blocked_ms: Counter[str] = Counter()
    for span in spans:
        if span.state == "blocked":
            n = bisect_right(times.get(span.device, []), span.from_ms)
            if n:
                blocked_ms[places[span.device][n - 1]] += span.to_ms - span.from_ms
    return {place: ms / 1000 for place, ms in blocked_ms.items()}


def seen_by_moves(moves: Sequence[Move], cranes: Iterable[str]) -> list[tuple[int, str, str]]:
    """Where cranes were, from what they took and put."""
    known = set(cranes)
    return [
        (move.at_ms, crane, place)
        for move in moves
        for crane, place in ((move.source, move.sink), (move.sink, move.source))
        if crane in known
    ]


def seen_by_passages(passages: Sequence[Passage]) -> list[tuple[int, str, str]]:
    """Where vehicles were, from the nodes that they confirmed."""
    return [(passage.at_ms, passage.vehicle, passage.node) for passage in passages]
