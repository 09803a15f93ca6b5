"""One turn of the mind: the event's time, what was decided so far, and who should look again in this turn's cycle.

Rule: `record` applies a fact at once, so every later decision of the turn sees it; a refusal may only be raised before
the first fact.
"""

from __future__ import annotations

from collections.abc import Callable

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.evolve_machines import EVOLVE as EVOLVE_MACHINES
from wcs.core.evolve_machines import SITE
from wcs.core.evolve_stock import EVOLVE as EVOLVE_STOCK
from wcs.core.ports import Command, CommandCode, DeviceCommand
from wcs.core.state import State
from wcs.plant.model import Record

EVOLVE: dict[type[f.Fact], Callable[[State, f.Fact], None]] = {**EVOLVE_STOCK, **EVOLVE_MACHINES}  # type: ignore[dict-item]


# Cranes and stations that a tick wakes: all of a plant like the demo's, each of twenty aisles within five seconds.
CRANES_A_TICK = 4
STATIONS_A_TICK = 2

# Alarms about a load unit that stands, or is missing, where the book has it.
STOOD_THERE = ("clarification", "no_route", "vanished")


class RequestRefused(Exception):
    """The caller's fault: nothing changed. `field` names what is wrong, `reason` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)  # as it was made, or no copy of it could be made (pickle, SimPy)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class AlreadyOtherwise(RequestRefused):
    """The number is taken already, with other content."""


class Step(Record):
    """What one event led to."""

    facts: tuple[f.Fact, ...]
    commands: tuple[Command, ...]


class Turn:
    """The working hands of `handle`."""

    def __init__(self, state: State, now_ms: int) -> None:
        self.state = state
        self.layout = state.layout
        self.now_ms = now_ms
        self.facts: list[f.Fact] = []
        self.commands: list[Command] = []
        self.woken: dict[str, None] = {}
        self.stations_to_serve: dict[str, None] = {}
        self.orders_changed = False
        self.planned_for_cranes: dict[int, None] = {}  # transport orders that were given a crane's leg
        self.asked_again: dict[str, None] = {}  # devices that refused, and whose time to be asked again is now

    def record(self, fact: f.Fact) -> None:
        """It is so from now on."""
        EVOLVE[type(fact)](self.state, fact)
        self.facts.append(fact)

    def wake(self, carrier: str) -> None:
        """This crane, fleet or conveyor should look for work in this turn's cycle."""
        self.woken[carrier] = None

    def wake_all(self) -> None:
        """Much may have changed at once: everybody looks again."""
        for crane in self.layout.cranes:
            self.woken[crane] = None
        self.woken["VEHICLES"] = None
        self.state.attention.wake_legs()
        for station in self.layout.stations:
            self.stations_to_serve[station] = None
        self.orders_changed = True

    def wake_some(self) -> None:
        """The fleet, the order queue, and in turn a few cranes and stations look again: what a tick does.

        Every change wakes whom it concerns; this is for what nobody reports, and no tick may cost more in a larger
        plant.
        """
        second = self.now_ms // 1000
        for crane in _in_turn(tuple(self.layout.cranes), second, CRANES_A_TICK):
            self.woken[crane] = None
        self.woken["VEHICLES"] = None
        self.state.attention.wake_legs()
        for station in _in_turn(tuple(self.layout.stations), second, STATIONS_A_TICK):
            self.stations_to_serve[station] = None
        self.orders_changed = True

    @property
    def epoch(self) -> int:
        return self.state.site[SITE].epoch

    def send(self, device: str, code: CommandCode, task_number: int = 0, p1: int = 0, sequence: int = 0) -> None:
        """Issue a command that is not a task; the sequence rises strictly per device."""
        sequence = sequence or self.state.device[device].sequence + 1
        self.record(f.CommandIssued(device=device, sequence=sequence, code=code, task_number=task_number, p1=p1))
        self.commands.append(
            DeviceCommand(device=device, epoch=self.epoch, sequence=sequence, code=code, task_number=task_number, p1=p1)
        )

    def send_task(self, open_task: e.OpenTask, sequence: int, code: CommandCode = CommandCode.TASK) -> None:
        """Put a task's telegram on its way; its fact is already recorded."""
        self.commands.append(
            DeviceCommand(
                device=open_task.device,
                epoch=self.epoch,
                sequence=sequence,
                code=code,
                task_number=open_task.number,
                task=open_task.task,
            )
        )

    def move(self, load_unit: int, sink: str, key: str, reason: str = "") -> None:
        """Post one containment line from where the book says it stands; alarms about it at that place are over."""
        source = self.state.load_unit[load_unit].place
        self.record(
            f.LoadUnitMoved(
                load_unit=load_unit, source=source, sink=sink, key=key, occurred_ms=self.now_ms, reason=reason
            )
        )
        for number in tuple(self.state.alarms_of_subject.get(source, ())):
            alarm = self.state.alarm[number]
            if alarm.load_unit == load_unit and alarm.code in STOOD_THERE:
                self.record(f.AlarmEnded(number=number, answer="moved", actor="plant"))

    def manual_key(self) -> str:
        return f"M{self.state.next_number('manual_move')}"

    def post(self, source: str, sink: str, sku: str, lot: str, owner: str, quantity: int, reason: str) -> None:
        """Post one content line."""
        self.record(
            f.QuantityPosted(
                source=source,
                sink=sink,
                sku=sku,
                lot=lot,
                owner=owner,
                quantity=quantity,
                key=f"C{self.state.next_number('content_line')}",
                occurred_ms=self.now_ms,
                reason=reason,
            )
        )

    def raise_alarm(
        self,
        subject: str,
        code: str,
        text: str,
        *,
        answers: tuple[str, ...] = (),
        task: int = 0,
        load_unit: int = 0,
    ) -> None:
        """Raise it once: the same code on the same subject (and load unit) is not raised twice."""
        for number in self.state.alarms_of_subject.get(subject, ()):
            known = self.state.alarm[number]
            if known.code == code and known.load_unit == load_unit and known.task == task:
                return
        number = self.state.next_number("alarm")
        self.record(
            f.AlarmRaised(
                alarm=e.Alarm(
                    number=number,
                    subject=subject,
                    code=code,
                    text=text,
                    raised_ms=self.now_ms,
                    task=task,
                    load_unit=load_unit,
                    answers=answers,
                )
            )
        )

    def end_alarms(self, subject: str, code: str, answer: str, actor: str = "plant") -> None:
        """The condition is over by itself."""
        for number in tuple(self.state.alarms_of_subject.get(subject, ())):
            if self.state.alarm[number].code == code:
                self.record(f.AlarmEnded(number=number, answer=answer, actor=actor))


def _in_turn(names: tuple[str, ...], second: int, count: int) -> tuple[str, ...]:
    """`count` of the names, the next ones each second; all of them if there are no more."""
    if len(names) <= count:
        return names
    first = second * count % len(names)
    return (names + names)[first : first + count]
