"""The program of one word block of a tracked PLC: what it answers to commands and when its belts run.

    INTERRUPTED ──RESUME──▶ IDLE (running) ──PAUSE, mode left──▶ PAUSED ──RESUME──▶ IDLE
     ▲ start-up                │ fault                            ▲
                               └──────▶ FAULT ──RESET_FAULT───────┘

Rules 1, 3 and 4 of the task-driven PLC hold. PAUSE, RESUME, RESET_FAULT and REQUEST_MODE name task 0; every other
command is BAD_PARAMETER, for this PLC knows no tasks. A mode may be asked for in every state but FAULT, since a
conveyor that has left AUTOMATIC is PAUSED and could not be brought back from afar otherwise.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from devices.machines.task_controller import FAULTS, Alarm
from wcs.core.ports import AckCode, CommandCode, DeviceCommand, DeviceState, DeviceStatus, OperatingMode
from wcs.plant.model import Record

COMMANDS = (CommandCode.PAUSE, CommandCode.RESUME, CommandCode.RESET_FAULT, CommandCode.REQUEST_MODE)


class BlockMemory(Record):
    """What the PLC keeps without power for one block."""

    boot_count: int = 1
    latched_epoch: int = 0
    ack_sequence: int = 0
    ack_code: AckCode = AckCode.NONE
    valid: bool = True
    state: DeviceState = DeviceState.INTERRUPTED
    event_sequence: int = 0


class Panel(msgspec.Struct):
    """The block's switches and lamps: causes that stand now, and alarms that are latched until reset."""

    mode: OperatingMode = OperatingMode.AUTOMATIC
    causes: Alarm = Alarm(0)
    latched: Alarm = Alarm(0)
    wcs_alive: bool = True


def in_state(memory: BlockMemory, state: DeviceState) -> BlockMemory:
    """The memory in this state; each change of state is one event."""
    if memory.state == state:
        return memory
    return replace(memory, state=state, event_sequence=memory.event_sequence + 1)


def started(memory: BlockMemory | None) -> BlockMemory:
    """Start-up: the belts stand until RESUME; memory lost clears the valid bit."""
    if memory is None:
        return BlockMemory(valid=False)
    return replace(in_state(memory, DeviceState.INTERRUPTED), boot_count=memory.boot_count + 1)


def judge(memory: BlockMemory, command: DeviceCommand, panel: Panel) -> BlockMemory:
    """The memory after this scan (the very same object if the telegram was ignored); may switch the panel."""
    if command.sequence <= memory.ack_sequence or command.epoch < memory.latched_epoch:
        return memory
    code, after = _answer(memory, command, panel)
    return replace(after, latched_epoch=command.epoch, ack_sequence=command.sequence, ack_code=code)


def _answer(memory: BlockMemory, command: DeviceCommand, panel: Panel) -> tuple[AckCode, BlockMemory]:
    if command.code == CommandCode.SYNC:
        return AckCode.ACCEPTED, replace(memory, valid=memory.valid or command.p1 == 1)
    if command.code not in COMMANDS:
        return AckCode.BAD_PARAMETER, memory
    if command.task_number != 0:
        return AckCode.UNKNOWN_TASK, memory
    match command.code, memory.state:
        case CommandCode.PAUSE, DeviceState.IDLE:
            return AckCode.ACCEPTED, in_state(memory, DeviceState.PAUSED)
        case CommandCode.RESUME, (DeviceState.PAUSED | DeviceState.INTERRUPTED):
            return _resume(memory, panel)
        case CommandCode.RESUME, DeviceState.FAULT:
            return AckCode.FAULTED, memory
        case CommandCode.RESET_FAULT, _:
            return _reset(memory, panel)
        case CommandCode.REQUEST_MODE, state if state != DeviceState.FAULT:
            return _change_mode(memory, command, panel)
    return AckCode.INTERLOCK, memory


def _resume(memory: BlockMemory, panel: Panel) -> tuple[AckCode, BlockMemory]:
    if panel.mode != OperatingMode.AUTOMATIC:
        return AckCode.NOT_AUTOMATIC, memory
    if panel.causes:
        return AckCode.FAULTED, memory
    panel.latched = Alarm(0)
    return AckCode.ACCEPTED, in_state(memory, DeviceState.IDLE)


def _reset(memory: BlockMemory, panel: Panel) -> tuple[AckCode, BlockMemory]:
    """After the local reset only: FAULT becomes PAUSED; when already stopped, the alarm alone is cleared."""
    if not panel.latched:
        return AckCode.INTERLOCK, memory
    if panel.causes:
        return AckCode.FAULTED, memory
    panel.latched = Alarm(0)
    if memory.state != DeviceState.FAULT:
        return AckCode.ACCEPTED, memory
    return AckCode.ACCEPTED, in_state(memory, DeviceState.PAUSED)


def _change_mode(memory: BlockMemory, command: DeviceCommand, panel: Panel) -> tuple[AckCode, BlockMemory]:
    if command.p1 not in tuple(OperatingMode):
        return AckCode.BAD_PARAMETER, memory
    return AckCode.ACCEPTED, turned(memory, panel, OperatingMode(command.p1))


def turned(memory: BlockMemory, panel: Panel, mode: OperatingMode) -> BlockMemory:
    """The mode switch is turned: leaving AUTOMATIC while running pauses."""
    panel.mode = mode
    if mode != OperatingMode.AUTOMATIC and memory.state == DeviceState.IDLE:
        return in_state(memory, DeviceState.PAUSED)
    return memory


def faulted(memory: BlockMemory, panel: Panel, alarm: Alarm) -> BlockMemory:
    """A cause appears: running belts stop in FAULT, standing belts keep their state and cannot be resumed."""
    if not alarm & FAULTS:
        raise ValueError(f"{alarm.name} does not stop a machine")
    panel.causes |= alarm
    panel.latched |= alarm
    return in_state(memory, DeviceState.FAULT) if memory.state == DeviceState.IDLE else memory


def status_of(memory: BlockMemory, panel: Panel) -> DeviceStatus:
    """The status words of the block."""
    alarms = panel.causes | panel.latched | (Alarm(0) if panel.wcs_alive else Alarm.WCS_LOST)
    return DeviceStatus(
        boot_count=memory.boot_count,
        latched_epoch=memory.latched_epoch,
        ack_sequence=memory.ack_sequence,
        ack_code=memory.ack_code,
        mode=panel.mode,
        state=memory.state,
        ready=memory.state == DeviceState.IDLE and not panel.latched,
        retentive_valid=memory.valid,
        wcs_alive=panel.wcs_alive,
        emergency_stop_clear=not alarms & Alarm.EMERGENCY_STOP,
        event_sequence=memory.event_sequence,
        alarms=(int(alarms), 0, 0, 0),
    )
