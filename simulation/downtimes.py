"""Availability of each device by FEM 9.222, from an event log: the facts of a run, or of a site's journal.

    able ──▶ down, a malfunction ──▶ tA1 ──(a person is at it)──▶ tA2 ──(alarm answered)──▶ tA3 | tA4 ──▶ able
         └─▶ down, by a person's wish ──▶ tI

| time | FEM 9.222 | what of the log counts as it |
|---|---|---|
| tA1 | from the fault to the start of the search | until a person shows: mode or service changed, alarm answered |
| tA2 | search | from then until the device's alarm is answered |
| tA3 | organisation of the repair | answered, and taken out of service |
| tA4 | clearance, until it is ready again | answered, and in service |
| tI | maintenance | cannot work, and no fault is known: another mode or out of service |

Rule: nothing is guessed; a stop that ends with nobody near it is tA1 as a whole. Facts before `from_ms` set the scene.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from simulation.spec import DeviceTimes
from wcs.core import facts as f
from wcs.core.entities import Link
from wcs.core.ports import DeviceState, OperatingMode, ResultCode
from wcs.core.tasks import FAULT_BITS
from wcs.plant.model import Record

FAULT = DeviceState.FAULT.name.lower()  # as `stopped` of a device says it
OF_ITSELF = "plant"  # the actor of an alarm that ended because its condition was over
PHASES = ("a1", "a2", "a3", "a4", "maintenance")


class _Known:
    """One device: what is known of it, the phase it is in and since when."""

    __slots__ = (
        "answered", "begun", "broken", "drives", "faults", "faulty", "in_service", "link", "mode", "ms", "phase",
        "seen_able", "since_ms", "spoilt", "task", "task_began_ms", "task_ms", "tasks", "tasks_faulty",
    )  # fmt: skip

    def __init__(self, from_ms: int) -> None:
        self.link = Link.LOST
        self.begun = False  # until it was able for the first time it is not in operation
        self.seen_able = False
        self.drives = self.in_service = True
        self.mode = OperatingMode.AUTOMATIC
        self.faulty = self.broken = self.answered = self.spoilt = False
        self.phase = ""
        self.since_ms = from_ms
        self.ms = dict.fromkeys(PHASES, 0)
        self.faults = self.task = self.task_began_ms = self.task_ms = self.tasks = self.tasks_faulty = 0

    def now(self) -> str:
        """The phase that follows from what is known."""
        away = self.link is not Link.SYNCHRONISED
        if self.seen_able and self.drives and self.in_service and not away:
            self.begun, self.broken, self.answered = True, False, False
            return ""
        if not self.begun:
            return ""
        by_person = self.mode is not OperatingMode.AUTOMATIC or not self.in_service
        # What a person has stopped is not broken because the key switch is back before the device is.
        of_itself = not by_person and self.phase != "maintenance"
        self.broken = self.broken or self.faulty or away or of_itself
        if not self.broken:
            return "maintenance"
        if self.answered:
            return "a4" if self.in_service else "a3"
        return "a2" if by_person else "a1"


class Downtimes:
    """Fed with every turn's facts; asked at the end.

    Args:
        kinds: what each device is: "crane", "vehicle" or "conveyor".
        from_ms: what was before counts in no time.
    """

    def __init__(self, kinds: Mapping[str, str], from_ms: int) -> None:
        self._kinds = kinds
        self._from_ms = from_ms
        self._known = {device: _Known(from_ms) for device in kinds}
        self._alarms: dict[int, str] = {}
        self._tasks: dict[int, str] = {}

    def facts(self, facts: Sequence[f.Fact], at_ms: int) -> None:
        """One turn's facts."""
        for fact in facts:
            for device in self._concerned(fact, at_ms):
                if device in self._known:
                    self._settle(self._known[device], at_ms)

    def times(self, now_ms: int) -> tuple[DeviceTimes, ...]:
        """The times of each device up to now."""
        service_ms = max(0, now_ms - self._from_ms)
        for known in self._known.values():
            self._count(known, now_ms)
        return tuple(
            DeviceTimes(
                device=device,
                kind=self._kinds[device],
                service_ms=service_ms,
                a1_ms=known.ms["a1"],
                a2_ms=known.ms["a2"],
                a3_ms=known.ms["a3"],
                a4_ms=known.ms["a4"],
                maintenance_ms=known.ms["maintenance"],
                faults=known.faults,
                tasks=known.tasks,
                tasks_faulty=known.tasks_faulty,
                task_ms=known.task_ms,
            )
            for device, known in self._known.items()
        )

    def _settle(self, known: _Known, at_ms: int) -> None:
        phase = known.now()
        if phase == known.phase:
            return
        self._count(known, at_ms)
        begins = phase.startswith("a") and not known.phase.startswith("a")
        if begins:
            known.spoilt = bool(known.task)
            known.faults += at_ms >= self._from_ms
        known.phase = phase

    def _count(self, known: _Known, at_ms: int) -> None:
        since_ms = max(known.since_ms, self._from_ms)
        if known.phase and at_ms > since_ms:
            known.ms[known.phase] += at_ms - since_ms
        known.since_ms = at_ms

    def _concerned(self, fact: f.Fact, at_ms: int) -> Iterator[str]:
        """Takes a fact in; whose it is."""
        match fact:
            case f.DeviceSeen() if (known := self._known.get(fact.device)) is not None:
                known.mode, known.seen_able = fact.mode, fact.able
                known.faulty = fact.stopped == FAULT or bool(fact.alarms[0] & FAULT_BITS)
                yield fact.device
            case f.DeviceLinkChanged() if (known := self._known.get(fact.device)) is not None:
                known.link = fact.link
                yield fact.device
            case f.DeviceServiceChanged() if (known := self._known.get(fact.device)) is not None:
                known.in_service = fact.in_service
                yield fact.device
            case f.VehicleAbleChanged() if (known := self._known.get(fact.vehicle)) is not None:
                known.drives = fact.able
                yield fact.vehicle
            case f.AlarmRaised():
                self._alarms[fact.alarm.number] = fact.alarm.subject
            case f.AlarmEnded():
                device = self._alarms.pop(fact.number, "")
                if fact.actor != OF_ITSELF and device in self._known and self._known[device].phase.startswith("a"):
                    self._known[device].answered = True
                yield device
            case f.DeviceTaskStarted() | f.DeviceTaskEnded():
                self._task(fact, at_ms)
            case _:
                pass

    def _task(self, fact: f.DeviceTaskStarted | f.DeviceTaskEnded, at_ms: int) -> None:
        if isinstance(fact, f.DeviceTaskStarted):
            task = fact.open_task
            known = self._known.get(task.device)
            if known is not None:
                known.task, known.task_began_ms = task.number, at_ms
                known.spoilt = known.phase.startswith("a")
                self._tasks[task.number] = task.device
            return
        device = self._tasks.pop(fact.number, "")
        if not device:
            return
        known = self._known[device]
        if known.task_began_ms >= self._from_ms:
            known.tasks += 1
            known.tasks_faulty += known.spoilt or fact.outcome != ResultCode.OK.name
            known.task_ms += at_ms - known.task_began_ms
        known.task, known.spoilt = 0, False


class Weighted(Record):
    """Availability of all devices of a kind: what each one's downtime takes from it, by its weight k.

    by_units: each device has the same k. by_tasks: k is its share in the tasks of the kind, None without tasks.
    """

    kind: str
    devices: int
    by_units: float
    by_tasks: float | None
    reliability: float | None


def weighted(times: Iterable[DeviceTimes]) -> tuple[Weighted, ...]:
    """1 - Σ k·tA / tE for each kind of device, with Σ k = 1."""
    kinds: dict[str, list[DeviceTimes]] = {}
    for one in times:
        kinds.setdefault(one.kind, []).append(one)
    return tuple(_weighted(kind, devices) for kind, devices in kinds.items())


def _weighted(kind: str, devices: Sequence[DeviceTimes]) -> Weighted:
    tasks, faulty = sum(d.tasks for d in devices), sum(d.tasks_faulty for d in devices)
    return Weighted(
        kind=kind,
        devices=len(devices),
        by_units=sum(d.availability for d in devices) / len(devices),
        by_tasks=sum(d.availability * d.tasks for d in devices) / tasks if tasks else None,
        reliability=1 - faulty / tasks if tasks else None,
    )
