"""The rules of a task-driven PLC: every (state, command) pair against a committed table, and RESUME row by row.

The table is documentation too. After a deliberate change: `UPDATE_GOLDEN=1 pytest tests/devices/test_task_plc.py`,
and read the difference as you would read code.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from devices.machines.task_plc import (
    RUNNING,
    STOPPED,
    Continuation,
    Senses,
    TaskMemory,
    continuation,
    judge,
    started,
    stopped,
)
from wcs.core.ports import (
    AckCode,
    Address,
    CommandCode,
    DeviceCommand,
    DeviceState,
    DeviceTask,
    DoneEntry,
    OperatingMode,
    ResultCode,
    TaskType,
)

GOLDEN = Path(__file__).parent / "golden" / "task_plc.txt"
ACTIVE, IN_RING, NEW = 7, 5, 9
S, T, C = DeviceState, TaskType, Continuation


class AnyWay:
    """A machine that can go everywhere."""

    has_home = True

    def objection(self, task: DeviceTask) -> AckCode | None:
        return None

    def extension_objection(self, task: DeviceTask) -> AckCode | None:
        return None

    def way(self, task: DeviceTask) -> tuple[int, ...]:
        return (task.sink.a,)

    def extension(self, task: DeviceTask) -> tuple[int, ...]:
        return (task.sink.a,)


def memory_in(state: DeviceState, type: TaskType = T.TRANSFER, step: DeviceState = S.TO_DEPOSIT) -> TaskMemory:
    """A PLC in a state, with task 7 (ends at node 3) and task 5 in its ring."""
    return TaskMemory(
        latched_epoch=3,
        ack_sequence=100,
        state=state,
        task=DeviceTask(number=ACTIVE, type=type, sink=Address(a=3)) if state != S.IDLE else None,
        result=ResultCode.OK if state == S.DONE else ResultCode.NONE,
        step_at_stop=int(step) if state in STOPPED else 0,
        done_ring=(DoneEntry(task_number=IN_RING, result=ResultCode.OK),),
        way=(3,) if state != S.IDLE else (),
    )


def command(code: CommandCode, number: int = 0, *, type: TaskType | None = None, p1: int = 0) -> DeviceCommand:
    task = None if type is None else DeviceTask(number=number, type=type, source=Address(a=3), sink=Address(a=4))
    return DeviceCommand(
        device="CR1", epoch=3, sequence=101, code=code, task_number=0 if task else number, task=task, p1=p1
    )


def telegrams() -> list[tuple[str, DeviceCommand]]:
    """Every command, naming the active task, one in the ring, a new one, or none."""
    named = {"none": 0, "active": ACTIVE, "in ring": IN_RING, "other": NEW}
    rows = [
        (f"TASK {type.name} {which}", command(CommandCode.TASK, named[which], type=type))
        for type in (T.TRANSFER, T.DEPOSIT, T.POSITION)
        for which in ("active", "in ring", "other")
    ]
    rows += [
        (f"EXTEND {which}", command(CommandCode.EXTEND, named[which], type=T.POSITION)) for which in ("active", "other")
    ]
    for code in (
        CommandCode.CANCEL,
        CommandCode.RESET_FAULT,
        CommandCode.PAUSE,
        CommandCode.RESUME,
        CommandCode.RECEIPT,
    ):
        rows += [(f"{code.name} {which}", command(code, number)) for which, number in named.items()]
    rows += [
        ("HOME", command(CommandCode.HOME)),
        ("SYNC", command(CommandCode.SYNC)),
        ("SYNC P1=1", command(CommandCode.SYNC, p1=1)),
        ("REQUEST_MODE 1", command(CommandCode.REQUEST_MODE, p1=1)),
        ("REQUEST_MODE 9", command(CommandCode.REQUEST_MODE, p1=9)),
    ]
    return rows


def table() -> str:
    lines = ["state | task | load | command | answer | state after | result | step at stop | act"]
    for state in DeviceState:
        for type in (T.TRANSFER, T.POSITION) if state != S.IDLE else (T.TRANSFER,):
            for loaded in (False, True):
                for name, telegram in telegrams():
                    before = memory_in(state, type)
                    senses = Senses(load_present=loaded, fault_latched=state == S.FAULT)
                    after, act = judge(before, telegram, senses, AnyWay())
                    shown = "-" if state == S.IDLE else type.name
                    changed = after.state.name if after.state != state else "="
                    row = [state.name, shown, "loaded" if loaded else "empty", name, after.ack_code.name, changed]
                    row += [after.result.name, str(after.step_at_stop), act.name]
                    lines.append(" | ".join(row))
    return "\n".join(lines) + "\n"


def test_every_state_answers_every_command_as_the_golden_table_says() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(table())
    assert table() == GOLDEN.read_text()


@pytest.mark.parametrize(
    ("type", "step", "loaded", "centred", "source", "sink", "then"),
    [
        (T.TRANSFER, S.ASSIGNED, False, True, True, False, C.PICK),
        (T.TRANSFER, S.TO_PICK, False, True, True, False, C.PICK),
        (T.TRANSFER, S.TO_PICK, False, False, True, False, C.PICK),
        (T.TRANSFER, S.ASSIGNED, True, True, True, False, C.DONE_UNKNOWN),
        (T.TRANSFER, S.TO_PICK, True, True, False, False, C.DONE_UNKNOWN),
        (T.TRANSFER, S.PICKING, False, True, True, False, C.PICK),
        (T.TRANSFER, S.PICKING, False, True, False, False, C.DONE_UNKNOWN),
        (T.TRANSFER, S.PICKING, False, False, True, False, C.DONE_UNKNOWN),
        (T.TRANSFER, S.PICKING, True, True, False, False, C.DEPOSIT),
        (T.TRANSFER, S.PICKING, True, False, False, False, C.FINISH_PICK),
        (T.TRANSFER, S.TO_DEPOSIT, True, True, False, False, C.DEPOSIT),
        (T.TRANSFER, S.TO_DEPOSIT, True, False, False, False, C.DONE_UNKNOWN),
        (T.TRANSFER, S.TO_DEPOSIT, False, True, False, False, C.DONE_UNKNOWN),
        (T.TRANSFER, S.DEPOSITING, True, True, False, False, C.DEPOSIT),
        (T.TRANSFER, S.DEPOSITING, True, False, False, False, C.FINISH_DEPOSIT),
        (T.TRANSFER, S.DEPOSITING, False, True, False, True, C.DONE_OK),
        (T.TRANSFER, S.DEPOSITING, False, True, False, False, C.DONE_UNKNOWN),
        (T.TRANSFER, S.DEPOSITING, False, False, False, True, C.DONE_UNKNOWN),
        (T.PICK, S.ASSIGNED, False, True, True, False, C.PICK),
        (T.PICK, S.TO_PICK, False, True, True, False, C.PICK),
        (T.PICK, S.TO_PICK, True, True, True, False, C.DONE_UNKNOWN),
        (T.PICK, S.PICKING, False, True, True, False, C.PICK),
        (T.PICK, S.PICKING, False, False, True, False, C.DONE_UNKNOWN),
        (T.PICK, S.PICKING, True, True, False, False, C.FINISH_PICK),
        (T.PICK, S.PICKING, True, False, False, False, C.FINISH_PICK),
        (T.DEPOSIT, S.ASSIGNED, True, True, False, False, C.DEPOSIT),
        (T.DEPOSIT, S.ASSIGNED, True, False, False, False, C.DONE_UNKNOWN),
        (T.DEPOSIT, S.ASSIGNED, False, True, False, False, C.DONE_UNKNOWN),
        (T.DEPOSIT, S.TO_DEPOSIT, True, True, False, False, C.DEPOSIT),
        (T.DEPOSIT, S.TO_DEPOSIT, False, True, False, True, C.DONE_UNKNOWN),
        (T.DEPOSIT, S.DEPOSITING, True, True, False, False, C.DEPOSIT),
        (T.DEPOSIT, S.DEPOSITING, True, False, False, False, C.FINISH_DEPOSIT),
        (T.DEPOSIT, S.DEPOSITING, False, True, False, True, C.DONE_OK),
        (T.DEPOSIT, S.DEPOSITING, False, True, False, False, C.DONE_UNKNOWN),
        (T.POSITION, S.ASSIGNED, True, True, False, False, C.GO_ON),
        (T.POSITION, S.TO_DEPOSIT, False, True, False, False, C.GO_ON),
        (T.POSITION, S.TO_DEPOSIT, True, False, False, False, C.DONE_UNKNOWN),
        (T.CHARGE, S.TO_DEPOSIT, False, True, False, False, C.GO_ON),
    ],
)
def test_resume_goes_on_as_task_type_step_and_sensors_say(
    type: TaskType, step: DeviceState, loaded: bool, centred: bool, source: bool, sink: bool, then: Continuation
) -> None:
    senses = Senses(load_present=loaded, centred=centred, source_occupied=source, sink_occupied=sink)
    for state in (S.PAUSED, S.INTERRUPTED):
        assert continuation(memory_in(state, type, step), senses) is then


def test_an_old_sequence_or_epoch_leaves_the_very_same_memory() -> None:
    memory = memory_in(S.IDLE)
    repeated = replace(command(CommandCode.SYNC), sequence=100)
    fenced = replace(command(CommandCode.SYNC), epoch=2)
    assert judge(memory, repeated, Senses(), AnyWay())[0] is memory
    assert judge(memory, fenced, Senses(), AnyWay())[0] is memory


def test_a_new_epoch_is_latched_with_its_first_telegram() -> None:
    after, _ = judge(memory_in(S.IDLE), replace(command(CommandCode.SYNC), epoch=4), Senses(), AnyWay())
    assert after.latched_epoch == 4


def test_reasons_against_a_task_are_given_in_the_order_of_the_rule() -> None:
    everything = Senses(mode=OperatingMode.MANUAL, fault_standing=True, load_present=True, wcs_alive=False)
    transfer = command(CommandCode.TASK, NEW, type=T.TRANSFER)

    def answer(memory: TaskMemory, senses: Senses) -> AckCode:
        return judge(memory, transfer, senses, AnyWay())[0].ack_code

    invalid = replace(memory_in(S.IDLE), valid=False)
    assert answer(invalid, everything) == AckCode.INTERLOCK
    assert answer(memory_in(S.TO_PICK), everything) == AckCode.NOT_AUTOMATIC
    automatic = replace(everything, mode=OperatingMode.AUTOMATIC)
    assert answer(memory_in(S.TO_PICK), automatic) == AckCode.FAULTED
    faultless = replace(automatic, fault_standing=False)
    assert answer(memory_in(S.TO_PICK), faultless) == AckCode.BUSY
    assert answer(memory_in(S.IDLE), faultless) == AckCode.INTERLOCK
    assert answer(memory_in(S.IDLE), replace(faultless, wcs_alive=True)) == AckCode.INTERLOCK
    assert answer(memory_in(S.IDLE), Senses()) == AckCode.ACCEPTED


def test_lost_memory_takes_no_task_until_a_sync_says_that_all_is_settled() -> None:
    memory = started(None)
    assert not memory.valid
    for p1, valid in ((0, False), (1, True)):
        after, _ = judge(memory, command(CommandCode.SYNC, p1=p1), Senses(), AnyWay())
        assert after.valid is valid
        assert after.ack_code == AckCode.ACCEPTED


@pytest.mark.parametrize("state", RUNNING)
def test_start_up_interrupts_each_step_and_keeps_it(state: DeviceState) -> None:
    after = started(memory_in(state))
    assert (after.state, after.step_at_stop, after.boot_count) == (S.INTERRUPTED, int(state), 2)


@pytest.mark.parametrize("state", [S.FAULT, S.PAUSED])
def test_start_up_turns_a_stop_into_an_interruption_with_its_step(state: DeviceState) -> None:
    after = started(memory_in(state, step=S.PICKING))
    assert (after.state, after.step_at_stop) == (S.INTERRUPTED, int(S.PICKING))


@pytest.mark.parametrize("state", [S.IDLE, S.DONE])
def test_start_up_and_faults_leave_idle_and_done_as_they_are(state: DeviceState) -> None:
    assert started(memory_in(state)).state == state
    assert stopped(memory_in(state), S.FAULT).state == state


def test_the_ring_keeps_the_last_four_newest_first() -> None:
    memory = TaskMemory()
    for number in range(1, 7):
        memory = replace(
            memory,
            state=S.DONE,
            task=DeviceTask(number=number, type=T.PICK),
            result=ResultCode.OK,
            ack_sequence=0,
            latched_epoch=0,
        )
        memory, _ = judge(memory, command(CommandCode.RECEIPT, number), Senses(), AnyWay())
    assert [entry.task_number for entry in memory.done_ring] == [6, 5, 4, 3]
