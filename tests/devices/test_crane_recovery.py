"""Loss of power and random misfortune: each pick and deposit happens once, and nothing is guessed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from devices.machines.crane import CraneMachine
from devices.machines.task_plc import TaskMemory
from tests.devices.machine_drive import Bench, at, crane_bench, tote, transfer
from tests.devices.machine_plants import crane_plant
from wcs.core.ports import AckCode, CommandCode, DeviceState, ResultCode, TaskType

BIN = "A1-L-10-05-1"
ALL_OF_A_TRANSFER_MS = range(0, 16_000, 500)


def half_way(now_ms: int) -> Bench:
    """A transfer from A1.IN to bay 10, level 5 (0 pick 4 s, travel to 11 s, deposit to 15 s) at a moment of it."""
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=transfer(1), sink=at(10, 5))
    bench.pass_time(now_ms)
    return bench


@pytest.mark.parametrize("now_ms", ALL_OF_A_TRANSFER_MS)
def test_a_transfer_survives_a_loss_of_power_at_any_moment_with_each_move_once(now_ms: int) -> None:
    bench = half_way(now_ms)
    before = bench.status.state
    bench.lose_power()
    assert bench.machine.next_due_ms() is None  # it never moves by itself
    if before == DeviceState.DONE:
        assert bench.status.state == DeviceState.DONE
        return
    assert (bench.status.state, bench.status.step_at_stop) == (DeviceState.INTERRUPTED, int(before))
    assert bench.send(CommandCode.RESUME, 7) == AckCode.ACCEPTED
    result = bench.until_done()
    # with the fork out and no load on it nobody can know: the pick not yet made, or the set-down just made
    unknowable = 0 <= now_ms < 2_000 or 13_000 <= now_ms < 15_000
    assert result == (ResultCode.UNKNOWN if unknowable else ResultCode.OK)
    sources = [line.source for line in bench.lines if line.load is None]
    assert sources == (["A1.IN", "CR1"] if bench.world.place_of(5) == BIN else [])


@pytest.mark.parametrize("now_ms", ALL_OF_A_TRANSFER_MS)
def test_a_crane_in_a_new_process_stands_where_the_old_one_stopped(now_ms: int) -> None:
    bench = half_way(now_ms)
    old = bench.machine
    assert isinstance(old, CraneMachine)
    plant = crane_plant()
    new = CraneMachine(plant, plant.cranes[0], bench.world, physical=old.physical(), stopped_ms=now_ms)
    new.restart(old.memory(), now_ms + 9_999)
    then, now = old.telemetry("CR1", now_ms), new.telemetry("CR1", now_ms + 9_999)
    assert (then.x_mm, then.y_mm) == (now.x_mm, now.y_mm)
    assert new.snapshot("CR1").status.load_present == old.snapshot("CR1").status.load_present


@pytest.mark.parametrize("now_ms", ALL_OF_A_TRANSFER_MS)
def test_after_lost_memory_nothing_moves_and_no_task_is_taken(now_ms: int) -> None:
    bench = half_way(now_ms)
    moves = bench.moves()
    bench.lose_power(memory_lost=True)
    assert bench.status.state == DeviceState.IDLE
    assert not bench.status.retentive_valid
    assert bench.machine.next_due_ms() is None
    bench.epoch = 2
    assert bench.task(TaskType.TRANSFER, source=transfer(1), sink=at(10, 5)) == AckCode.INTERLOCK
    assert bench.moves() == moves
    assert bench.send(CommandCode.SYNC, p1=1) == AckCode.ACCEPTED
    assert bench.status.retentive_valid


@pytest.mark.parametrize("now_ms", ALL_OF_A_TRANSFER_MS)
def test_a_stopped_transfer_can_be_cancelled_at_any_moment_and_the_sensor_says_how(now_ms: int) -> None:
    bench = half_way(now_ms)
    if bench.status.state == DeviceState.DONE:
        return
    bench.inject("fault", alarm="jam")
    bench.send(CommandCode.CANCEL, 7)
    moves = bench.moves()
    expected = ResultCode.CANCELLED_LOADED if bench.status.load_present else ResultCode.UNKNOWN
    assert bench.status.result == expected
    bench.pass_time(100_000)
    assert bench.moves() == moves


def test_memory_is_kept_before_the_world_changes() -> None:
    kept: list[TaskMemory] = []
    bench = crane_bench(keep=kept.append)
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    at_move: list[DeviceState] = []
    bench.world.subscribe(("CR1",), lambda place: at_move.append(kept[-1].state))
    bench.task(TaskType.TRANSFER, source=transfer(1), sink=at(10, 5))
    bench.machine.advance(100_000)
    assert at_move == [DeviceState.PICKING, DeviceState.DEPOSITING]
    assert [memory.state for memory in kept] == [
        DeviceState.ASSIGNED,
        DeviceState.TO_PICK,
        DeviceState.PICKING,
        DeviceState.TO_DEPOSIT,
        DeviceState.DEPOSITING,
        DeviceState.DONE,
    ]


def test_after_an_unknown_end_the_next_task_centres_the_fork_first() -> None:
    bench = half_way(14_000)
    bench.lose_power()
    bench.send(CommandCode.RESUME, 7)
    assert bench.status.result == ResultCode.UNKNOWN
    assert bench.status.alarms[0] & 1 << 2
    bench.send(CommandCode.RECEIPT, 7)
    bench.task(TaskType.POSITION, number=8, sink=at(10, 5))
    assert bench.until_done() == ResultCode.OK
    assert bench.now_ms == 14_000 + 2_000
    assert not bench.status.alarms[0] & 1 << 2


class MisfortuneOfACrane(RuleBasedStateMachine):
    """Random commands, faults and losses of power; the world's log counts what each task did."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = crane_bench()
        for number, place in enumerate(("A1.IN", "A1-L-01-01-1", "A1-R-02-02-1"), start=1):
            self.bench.world.place(tote(number), place, by="test", now_ms=0)
        self.number = 0

    addresses = st.sampled_from([transfer(1), transfer(2), at(1, 1), at(2, 2, side=2), at(10, 5), at(99, 1)])

    @rule(
        type=st.sampled_from([TaskType.TRANSFER, TaskType.PICK, TaskType.DEPOSIT, TaskType.POSITION]),
        source=addresses,
        sink=addresses,
        again=st.booleans(),
    )
    def task(self, type: TaskType, source: object, sink: object, again: bool) -> None:
        self.number += 0 if again and self.number else 1
        self.bench.task(type, number=self.number, source=source, sink=sink)  # type: ignore[arg-type]

    @rule(
        code=st.sampled_from([code for code in CommandCode if code not in (CommandCode.TASK, CommandCode.EXTEND)]),
        p1=st.integers(0, 3),
    )
    def order(self, code: CommandCode, p1: int) -> None:
        self.bench.send(code, self.bench.status.active_task, p1=p1)

    @rule(ms=st.sampled_from([1, 500, 1_999, 2_000, 4_000, 20_000]))
    def wait(self, ms: int) -> None:
        self.bench.pass_time(self.bench.now_ms + ms)

    @rule(ms=st.integers(0, 20_000))
    def sleep(self, ms: int) -> None:
        """Late: everything at once."""
        self.bench.now_ms += ms
        self.bench.machine.advance(self.bench.now_ms)

    @rule(fault=st.sampled_from(["fault", "local_reset", "clear_fault"]))
    def misfortune(self, fault: str) -> None:
        self.bench.inject(fault)

    @rule(mode=st.sampled_from(["automatic", "automatic", "manual"]))
    def key_switch(self, mode: str) -> None:
        self.bench.inject("mode", mode=mode)

    @rule(lost=st.booleans())
    def power(self, lost: bool) -> None:
        self.bench.lose_power(memory_lost=lost)
        if lost:
            self.number += 1  # the WCS never sends a task again whose PLC lost its memory
            self.bench.send(CommandCode.SYNC, p1=1)

    @rule(accepts=st.booleans())
    def belt(self, accepts: bool) -> None:
        self.bench.world.set_accepts("A1.OUT", accepts)

    @precondition(lambda self: self.bench.status.state == DeviceState.DONE)
    @rule()
    def receipt(self) -> None:
        assert self.bench.send(CommandCode.RECEIPT, self.bench.status.active_task) == AckCode.ACCEPTED

    @invariant()
    def no_task_did_a_thing_twice(self) -> None:
        acts = Counter(line.by for line in self.bench.lines if line.load is None)
        assert all(count == 1 for count in acts.values()), acts

    @invariant()
    def a_stopped_crane_has_nothing_due(self) -> None:
        if self.bench.status.state in (DeviceState.FAULT, DeviceState.PAUSED, DeviceState.INTERRUPTED):
            assert self.bench.machine.next_due_ms() is None

    @invariant()
    def what_is_done_with_ok_was_done(self) -> None:
        memory = self.bench.machine.memory()
        if memory.state == DeviceState.DONE and memory.result == ResultCode.OK and memory.task is not None:
            loaded = self.bench.status.load_present
            if memory.task.type == TaskType.PICK:
                assert loaded
            elif memory.task.type != TaskType.POSITION:
                assert not loaded


TestMisfortuneOfACrane = MisfortuneOfACrane.TestCase
TestMisfortuneOfACrane.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
