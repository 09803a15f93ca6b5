"""The program of a task-driven PLC (crane, vehicle): rules 1–12 of docs/device-interface.md, and nothing else.

    IDLE ──TASK──▶ ASSIGNED ─▶ TO_PICK ─▶ PICKING ─▶ TO_DEPOSIT ─▶ DEPOSITING ─▶ DONE ──RECEIPT──▶ IDLE
                      │           │          │            │             │          ▲
                      └───────────┴────┬─────┴────────────┴─────────────┘          │ RESUME or CANCEL, where
          fault ──▶ FAULT ──RESET_FAULT──▶ PAUSED ◀── PAUSE, mode left             │ nothing is left to do
          start-up ─▶ INTERRUPTED          └──RESUME──▶ the step, or ──────────────┘

Rule: pure functions on frozen data. `judge` answers a command, the others record what the machine did; what is not
listed is refused with INTERLOCK and changes nothing. The CRC (rule 2) is checked where words are decoded.
"""

from __future__ import annotations

import enum
from typing import Protocol

from msgspec.structs import replace

from wcs.core.ports import (
    AckCode,
    CommandCode,
    DeviceCommand,
    DeviceState,
    DeviceTask,
    DoneEntry,
    OperatingMode,
    ResultCode,
    TaskType,
)
from wcs.plant.model import Record

RING_LENGTH = 4  # words 66–81
FLAG_HOLD_ON_WCS_LOSS = 1  # CmdFlags bit 0: do not deposit after loss of the WCS

RUNNING = (
    DeviceState.ASSIGNED,
    DeviceState.TO_PICK,
    DeviceState.PICKING,
    DeviceState.TO_DEPOSIT,
    DeviceState.DEPOSITING,
)
STOPPED = (DeviceState.FAULT, DeviceState.PAUSED, DeviceState.INTERRUPTED)
FORK_STEPS = (DeviceState.PICKING, DeviceState.DEPOSITING)


class TaskMemory(Record):
    """What the PLC keeps without power. `way` are the nodes of a vehicle's POSITION, extensions included; the load is
    the one that the last task named: a PLC sees that a load is on board, not which.
    """

    boot_count: int = 1
    latched_epoch: int = 0
    ack_sequence: int = 0
    ack_code: AckCode = AckCode.NONE
    valid: bool = True
    state: DeviceState = DeviceState.IDLE
    task: DeviceTask | None = None
    flags: int = 0
    way: tuple[int, ...] = ()
    result: ResultCode = ResultCode.NONE
    step_at_stop: int = 0
    done_ring: tuple[DoneEntry, ...] = ()
    event_sequence: int = 0
    pause_wanted: bool = False
    cancel_wanted: bool = False
    load_type: int = 0
    load_id: int = 0

    @property
    def active(self) -> int:
        """Number of the active task, 0 if there is none."""
        return self.task.number if self.task is not None else 0


class Senses(Record):
    """What the machine sees in this scan. `centred`: fork in the middle, or a vehicle's load handler at rest."""

    mode: OperatingMode = OperatingMode.AUTOMATIC
    load_present: bool = False
    centred: bool = True
    source_occupied: bool = False
    sink_occupied: bool = False
    fault_standing: bool = False
    fault_latched: bool = False
    wcs_alive: bool = True
    homing: bool = False
    stops_at_nodes: bool = False


class Act(enum.Enum):
    """What the machine does because of an accepted command, besides what its state says."""

    NONE = enum.auto()
    CLEAR_FAULT = enum.auto()
    HOME = enum.auto()
    CHANGE_MODE = enum.auto()
    EXTEND = enum.auto()


class Verdict(Record):
    """The answer to a fresh command and what it leaves behind."""

    code: AckCode
    memory: TaskMemory
    act: Act = Act.NONE


class Geometry(Protocol):
    """What the rules ask a machine about its own addresses."""

    has_home: bool

    def objection(self, task: DeviceTask) -> AckCode | None:
        """BAD_PARAMETER or INTERLOCK if this machine cannot do this task from where it stands; None: it can."""

    def extension_objection(self, task: DeviceTask) -> AckCode | None:
        """The same for the stretch of an EXTEND, which begins at its Source A."""

    def way(self, task: DeviceTask) -> tuple[int, ...]:
        """The nodes of a POSITION from where the machine stands, its sink last (cranes: none)."""

    def extension(self, task: DeviceTask) -> tuple[int, ...]:
        """The nodes of an EXTEND from its Source A, its sink last."""


class Continuation(enum.Enum):
    """What RESUME does."""

    PICK = enum.auto()
    FINISH_PICK = enum.auto()
    DEPOSIT = enum.auto()
    FINISH_DEPOSIT = enum.auto()
    GO_ON = enum.auto()
    DONE_OK = enum.auto()
    DONE_UNKNOWN = enum.auto()


STEP_TO_GO_ON = {
    Continuation.PICK: DeviceState.TO_PICK,
    Continuation.FINISH_PICK: DeviceState.PICKING,
    Continuation.DEPOSIT: DeviceState.TO_DEPOSIT,
    Continuation.FINISH_DEPOSIT: DeviceState.DEPOSITING,
    Continuation.GO_ON: DeviceState.TO_DEPOSIT,
}


def judge(memory: TaskMemory, command: DeviceCommand, senses: Senses, geometry: Geometry) -> tuple[TaskMemory, Act]:
    """Rules 1 and 3 to 9: the memory after this scan (the very same object if the telegram was ignored)."""
    if command.sequence <= memory.ack_sequence or command.epoch < memory.latched_epoch:
        return memory, Act.NONE
    verdict = _answer(memory, command, senses, geometry)
    after = replace(
        verdict.memory,
        latched_epoch=command.epoch,
        ack_sequence=command.sequence,
        ack_code=verdict.code,
    )
    return after, verdict.act


def _answer(memory: TaskMemory, command: DeviceCommand, senses: Senses, geometry: Geometry) -> Verdict:
    """Rules 4 to 9, in their order."""
    match command.code:
        case CommandCode.SYNC:
            return Verdict(code=AckCode.ACCEPTED, memory=replace(memory, valid=memory.valid or command.p1 == 1))
        case CommandCode.TASK:
            return _judge_task(memory, command, senses, geometry)
        case CommandCode.HOME | CommandCode.REQUEST_MODE:
            return _judge_in_idle(memory, command, senses, geometry)
        case CommandCode.RESET_FAULT:
            return _judge_reset(memory, command, senses)
        case _:
            return _judge_for_task(memory, command, senses, geometry)


def _judge_for_task(memory: TaskMemory, command: DeviceCommand, senses: Senses, geometry: Geometry) -> Verdict:
    """Rules 7 to 9: commands that mean the active task."""
    if command.code == CommandCode.RECEIPT and _in_ring(memory, command.task_number):
        return Verdict(code=AckCode.DUPLICATE_DONE, memory=memory)
    if named_task(command) != memory.active:
        return Verdict(code=AckCode.UNKNOWN_TASK, memory=memory)
    match memory.state, command.code:
        case DeviceState.DONE, CommandCode.RECEIPT:
            return Verdict(code=AckCode.ACCEPTED, memory=_receipted(memory))
        case state, CommandCode.CANCEL if state in RUNNING:
            return _cancel_running(memory, senses)
        case state, CommandCode.CANCEL if state in STOPPED:
            return _cancel_stopped(memory, senses)
        case state, CommandCode.PAUSE if state in FORK_STEPS:
            return Verdict(code=AckCode.ACCEPTED, memory=replace(memory, pause_wanted=True))
        case state, CommandCode.PAUSE if state in RUNNING:
            return Verdict(code=AckCode.ACCEPTED, memory=stopped(memory, DeviceState.PAUSED))
        case ((DeviceState.PAUSED | DeviceState.INTERRUPTED), CommandCode.RESUME):
            return _resume(memory, senses)
        case ((DeviceState.ASSIGNED | DeviceState.TO_DEPOSIT), CommandCode.EXTEND):
            return _extend(memory, command, geometry)
        case _:
            return Verdict(code=AckCode.INTERLOCK, memory=memory)


def _judge_task(memory: TaskMemory, command: DeviceCommand, senses: Senses, geometry: Geometry) -> Verdict:
    """Rule 5. A refused task latches nothing."""
    code = _objection_to_task(memory, command, senses, geometry)
    if code is not None:
        return Verdict(code=code, memory=memory)
    assert command.task is not None
    latched = replace(
        memory,
        state=DeviceState.ASSIGNED,
        task=command.task,
        flags=command.flags,
        way=geometry.way(command.task),
        result=ResultCode.NONE,
        step_at_stop=0,
        event_sequence=memory.event_sequence + 1,
    )
    if command.task.type in (TaskType.TRANSFER, TaskType.PICK, TaskType.DEPOSIT):
        latched = replace(latched, load_type=command.task.load_type, load_id=command.task.load_id)
    return Verdict(code=AckCode.ACCEPTED, memory=latched)


def _objection_to_task(
    memory: TaskMemory, command: DeviceCommand, senses: Senses, geometry: Geometry
) -> AckCode | None:
    task = command.task
    if task is None or task.number <= 0:
        return AckCode.BAD_PARAMETER
    if task.number == memory.active:
        return AckCode.DUPLICATE_ACTIVE
    if _in_ring(memory, task.number):
        return AckCode.DUPLICATE_DONE
    if not memory.valid:
        return AckCode.INTERLOCK
    if senses.mode != OperatingMode.AUTOMATIC:
        return AckCode.NOT_AUTOMATIC
    if senses.fault_standing or senses.fault_latched or memory.state == DeviceState.FAULT:
        return AckCode.FAULTED
    if memory.state != DeviceState.IDLE or senses.homing:
        return AckCode.BUSY
    if not senses.wcs_alive:
        return AckCode.INTERLOCK
    if task.type in (TaskType.PICK, TaskType.TRANSFER) and senses.load_present:
        return AckCode.INTERLOCK
    if task.type == TaskType.DEPOSIT and not senses.load_present:
        return AckCode.INTERLOCK
    return geometry.objection(task)


def _judge_in_idle(memory: TaskMemory, command: DeviceCommand, senses: Senses, geometry: Geometry) -> Verdict:
    """HOME and REQUEST_MODE: in IDLE only."""
    code, act = AckCode.ACCEPTED, Act.HOME
    if memory.state != DeviceState.IDLE:
        code = AckCode.INTERLOCK
    elif command.code == CommandCode.REQUEST_MODE:
        act = Act.CHANGE_MODE
        if command.p1 not in tuple(OperatingMode):
            code = AckCode.BAD_PARAMETER
    elif not geometry.has_home:
        code = AckCode.BAD_PARAMETER
    elif senses.mode != OperatingMode.AUTOMATIC:
        code = AckCode.NOT_AUTOMATIC
    elif senses.fault_standing or senses.fault_latched:
        code = AckCode.FAULTED
    elif not senses.wcs_alive:
        code = AckCode.INTERLOCK
    return Verdict(code=code, memory=memory, act=act if code == AckCode.ACCEPTED else Act.NONE)


def _judge_reset(memory: TaskMemory, command: DeviceCommand, senses: Senses) -> Verdict:
    """RESET_FAULT names the faulted task; with no task, and in DONE, it names 0 (rule 10)."""
    named = 0 if memory.state == DeviceState.DONE else memory.active
    if command.task_number != named:
        return Verdict(code=AckCode.UNKNOWN_TASK, memory=memory)
    if memory.state in RUNNING or not (senses.fault_latched or memory.state == DeviceState.FAULT):
        return Verdict(code=AckCode.INTERLOCK, memory=memory)
    if senses.fault_standing:
        return Verdict(code=AckCode.FAULTED, memory=memory)
    if memory.state == DeviceState.FAULT:
        memory = replace(memory, state=DeviceState.PAUSED, event_sequence=memory.event_sequence + 1)
    return Verdict(code=AckCode.ACCEPTED, memory=memory, act=Act.CLEAR_FAULT)


def _cancel_running(memory: TaskMemory, senses: Senses) -> Verdict:
    """Rule 8, first half: only what has not begun to move a load can be cancelled under way."""
    assert memory.task is not None
    match memory.task.type, memory.state:
        case ((TaskType.POSITION | TaskType.CHARGE), _):
            pass
        case ((TaskType.PICK | TaskType.TRANSFER), (DeviceState.ASSIGNED | DeviceState.TO_PICK)):
            if senses.load_present:
                return Verdict(code=AckCode.INTERLOCK, memory=memory)
        case _:
            return Verdict(code=AckCode.INTERLOCK, memory=memory)
    if senses.stops_at_nodes:
        return Verdict(code=AckCode.ACCEPTED, memory=replace(memory, cancel_wanted=True))
    return Verdict(code=AckCode.ACCEPTED, memory=finished(memory, cancelled(senses)))


def _cancel_stopped(memory: TaskMemory, senses: Senses) -> Verdict:
    """Rule 8, second half: what RESUME would find out without moving; else by the sensor, a load stays on board."""
    match continuation(memory, senses):
        case Continuation.DONE_UNKNOWN:
            result = ResultCode.UNKNOWN
        case Continuation.DONE_OK:
            result = ResultCode.OK
        case Continuation.FINISH_PICK if memory.task is not None and memory.task.type == TaskType.PICK:
            result = ResultCode.OK
        case _:
            result = cancelled(senses)
    return Verdict(code=AckCode.ACCEPTED, memory=finished(memory, result))


def _resume(memory: TaskMemory, senses: Senses) -> Verdict:
    """Rule 9 and the RESUME table."""
    if senses.mode != OperatingMode.AUTOMATIC:
        return Verdict(code=AckCode.NOT_AUTOMATIC, memory=memory)
    if senses.fault_standing:
        return Verdict(code=AckCode.FAULTED, memory=memory)
    match continuation(memory, senses):
        case Continuation.DONE_UNKNOWN:
            after = finished(memory, ResultCode.UNKNOWN)
        case Continuation.DONE_OK:
            after = finished(memory, ResultCode.OK)
        case go_on:
            after = _resumed(memory, STEP_TO_GO_ON[go_on])
    return Verdict(code=AckCode.ACCEPTED, memory=after, act=Act.CLEAR_FAULT)


def continuation(memory: TaskMemory, senses: Senses) -> Continuation:
    """The RESUME table: by task type, retentive step and live sensors. UNKNOWN never moves anything."""
    assert memory.task is not None
    step = DeviceState(memory.step_at_stop)
    if senses.load_present and not senses.centred:
        match step:
            case DeviceState.PICKING:
                return Continuation.FINISH_PICK
            case DeviceState.DEPOSITING:
                return Continuation.FINISH_DEPOSIT
            case _:
                return Continuation.DONE_UNKNOWN
    match memory.task.type, step, senses.load_present:
        case ((TaskType.POSITION | TaskType.CHARGE), _, _):
            return Continuation.GO_ON
        case ((TaskType.TRANSFER | TaskType.PICK), (DeviceState.ASSIGNED | DeviceState.TO_PICK), False):
            return Continuation.PICK
        case ((TaskType.TRANSFER | TaskType.PICK), DeviceState.PICKING, False):
            pick_again = senses.centred and senses.source_occupied
            return Continuation.PICK if pick_again else Continuation.DONE_UNKNOWN
        case TaskType.PICK, DeviceState.PICKING, True:
            return Continuation.FINISH_PICK
        case TaskType.TRANSFER, (DeviceState.PICKING | DeviceState.TO_DEPOSIT | DeviceState.DEPOSITING), True:
            return Continuation.DEPOSIT
        case TaskType.DEPOSIT, (DeviceState.ASSIGNED | DeviceState.TO_DEPOSIT | DeviceState.DEPOSITING), True:
            return Continuation.DEPOSIT
        case ((TaskType.TRANSFER | TaskType.DEPOSIT), DeviceState.DEPOSITING, False):
            set_down = senses.centred and senses.sink_occupied
            return Continuation.DONE_OK if set_down else Continuation.DONE_UNKNOWN
        case _:
            return Continuation.DONE_UNKNOWN


def _extend(memory: TaskMemory, command: DeviceCommand, geometry: Geometry) -> Verdict:
    """EXTEND: while its POSITION runs and Source A is its present end."""
    running, extension = memory.task, command.task
    assert running is not None
    if extension is None:
        return Verdict(code=AckCode.BAD_PARAMETER, memory=memory)
    runs = running.type == TaskType.POSITION and not memory.cancel_wanted
    if not runs or extension.source.a != running.sink.a:
        return Verdict(code=AckCode.INTERLOCK, memory=memory)
    code = geometry.extension_objection(extension)
    if code is not None:
        return Verdict(code=code, memory=memory)
    longer = replace(
        memory, task=replace(running, sink=extension.sink), way=(*memory.way, *geometry.extension(extension))
    )
    return Verdict(code=AckCode.ACCEPTED, memory=longer, act=Act.EXTEND)


def named_task(command: DeviceCommand) -> int:
    """The task number that a telegram carries."""
    return command.task.number if command.task is not None else command.task_number


def refused(memory: TaskMemory, epoch: int, sequence: int) -> TaskMemory:
    """A telegram with a right CRC and a code that the interface does not have: BAD_PARAMETER, if it is fresh."""
    if sequence <= memory.ack_sequence or epoch < memory.latched_epoch:
        return memory
    return replace(memory, latched_epoch=epoch, ack_sequence=sequence, ack_code=AckCode.BAD_PARAMETER)


def _in_ring(memory: TaskMemory, number: int) -> bool:
    return any(entry.task_number == number for entry in memory.done_ring)


def _receipted(memory: TaskMemory) -> TaskMemory:
    entry = DoneEntry(task_number=memory.active, result=memory.result)
    return replace(
        memory,
        state=DeviceState.IDLE,
        task=None,
        flags=0,
        way=(),
        result=ResultCode.NONE,
        done_ring=(entry, *memory.done_ring)[:RING_LENGTH],
        event_sequence=memory.event_sequence + 1,
    )


def _resumed(memory: TaskMemory, step: DeviceState) -> TaskMemory:
    return replace(memory, state=step, step_at_stop=0, event_sequence=memory.event_sequence + 1)


def cancelled(senses: Senses) -> ResultCode:
    """The result of a cancelled task: the sensor says whether a load stays on board."""
    return ResultCode.CANCELLED_LOADED if senses.load_present else ResultCode.CANCELLED_EMPTY


def stepped(memory: TaskMemory, step: DeviceState) -> TaskMemory:
    """The next step, retentive before the motion that it permits; a pause that waited for the fork begins here."""
    if memory.pause_wanted:
        return replace(stopped(memory, DeviceState.PAUSED), step_at_stop=int(step))
    return replace(memory, state=step, event_sequence=memory.event_sequence + 1)


def finished(memory: TaskMemory, result: ResultCode) -> TaskMemory:
    """DONE with a result, latched until RECEIPT."""
    return replace(
        memory,
        state=DeviceState.DONE,
        result=result,
        step_at_stop=0,
        pause_wanted=False,
        cancel_wanted=False,
        event_sequence=memory.event_sequence + 1,
    )


def stopped(memory: TaskMemory, state: DeviceState) -> TaskMemory:
    """Steps 1–5 stop in FAULT, PAUSED or INTERRUPTED and keep their step; other states stay as they are."""
    if memory.state not in RUNNING:
        return memory
    return replace(
        memory,
        state=state,
        step_at_stop=int(memory.state),
        pause_wanted=False,
        event_sequence=memory.event_sequence + 1,
    )


def started(memory: TaskMemory | None) -> TaskMemory:
    """Rule 11, start-up: nothing moves by itself; memory lost clears the valid bit."""
    if memory is None:
        return TaskMemory(valid=False)
    after = replace(stopped(memory, DeviceState.INTERRUPTED), boot_count=memory.boot_count + 1)
    if memory.state in (DeviceState.FAULT, DeviceState.PAUSED):
        after = replace(after, state=DeviceState.INTERRUPTED, event_sequence=after.event_sequence + 1)
    return after
