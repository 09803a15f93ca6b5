"""A vehicle from outside: hand-computed times, extensions without a stop, cancel at the next node, battery, faults."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from devices.machines.vehicle import VehicleMachine
from tests.devices.machine_drive import HOUR_MS, Bench, tote, vehicle_bench
from tests.devices.machine_plants import vehicle_plant
from wcs.core.ports import AckCode, Address, CommandCode, DeviceState, ResultCode, TaskType

# A square of 10 m sides N1 → N2 → N3 → N4 → N1 and a slow place N5, 4 m off N2; 2 m/s, 1 m/s²; handling 6 s.


def node(number: int, level: int = 0) -> Address:
    return Address(a=number, b=level)


def position(bench: Bench, *nodes: int, number: int = 7, limit_mm_s: int = 0) -> AckCode:
    return bench.task(TaskType.POSITION, number=number, sink=node(nodes[-1]), nodes=nodes[:-1], limit_mm_s=limit_mm_s)


def extend(bench: Bench, end: int, *nodes: int) -> AckCode:
    return bench.task(
        TaskType.POSITION, code=CommandCode.EXTEND, source=node(end), sink=node(nodes[-1]), nodes=nodes[:-1]
    )


def test_a_position_takes_the_time_worked_out_by_hand_and_confirms_each_node() -> None:
    bench = vehicle_bench()
    assert position(bench, 2, 3) == AckCode.ACCEPTED
    before = bench.status.event_sequence
    bench.until(lambda status: status.confirmed[0] == 2)
    assert bench.now_ms == 6_000  # 2 s to 2 m/s (2 m), 8 m in 4 s
    assert bench.status.event_sequence > before + 1  # TO_DEPOSIT, and the node
    assert bench.until_done() == ResultCode.OK
    assert (bench.now_ms, bench.status.confirmed[0]) == (12_000, 3)  # 20/2 + 2/1 s


def test_telemetry_follows_the_vehicle_along_its_edges() -> None:
    bench = vehicle_bench()
    position(bench, 2, 3)
    bench.pass_time(3_000)
    assert bench.machine.telemetry("V1", 3_000).x_mm == 4_000
    bench.pass_time(8_000)
    there = bench.machine.telemetry("V1", 8_000)
    assert (there.x_mm, there.y_mm, there.odometer_m) == (10_000, 4_000, 14)


def test_a_speed_limit_of_the_task_is_kept() -> None:
    bench = vehicle_bench()
    position(bench, 2, limit_mm_s=1_000)
    bench.until_done()
    assert bench.now_ms == 11_000


def test_an_extension_in_time_costs_no_stop() -> None:
    bench = vehicle_bench()
    position(bench, 2, 3)
    bench.pass_time(9_000)
    assert extend(bench, 3, 4) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    assert abs(bench.now_ms - 17_000) <= 1  # 30/2 + 2/1 s
    assert bench.status.confirmed[0] == 4


def test_an_extension_while_it_brakes_makes_it_go_on_from_its_present_speed() -> None:
    bench = vehicle_bench()
    position(bench, 2, 3)
    bench.pass_time(11_000)  # 1 s before the end: 19.5 m, 1 m/s
    assert extend(bench, 3, 4) == AckCode.ACCEPTED
    bench.until_done()
    # 10.5 m: 1 s up to 2 m/s (1.5 m), 2 s down (2 m), 7 m in 3.5 s
    assert abs(bench.now_ms - 17_500) <= 1


def test_an_extension_onto_a_slower_edge_brakes_in_time() -> None:
    bench = vehicle_bench()
    position(bench, 2)
    bench.pass_time(3_000)
    assert extend(bench, 2, 5) == AckCode.ACCEPTED
    bench.until_done()
    assert abs(bench.now_ms - 10_750) <= 1  # as in the kinematics test: 6.25 s, then 4.5 s


def test_an_extension_that_does_not_follow_the_present_end_is_refused() -> None:
    bench = vehicle_bench()
    position(bench, 2)
    assert extend(bench, 3, 4) == AckCode.INTERLOCK
    assert extend(bench, 2, 4) == AckCode.BAD_PARAMETER
    bench.until_done()
    assert extend(bench, 2, 3) == AckCode.INTERLOCK
    assert bench.status.confirmed[0] == 2


@pytest.mark.parametrize("way", [(3,), (2, 4), (9,), (2, 1)])
def test_a_way_without_edges_is_a_bad_parameter(way: tuple[int, ...]) -> None:
    bench = vehicle_bench()
    assert position(bench, *way) == AckCode.BAD_PARAMETER
    assert bench.machine.next_due_ms() is None


def test_a_position_to_where_it_stands_is_done_at_once() -> None:
    bench = vehicle_bench()
    position(bench, 1)
    assert bench.until_done() == ResultCode.OK
    assert bench.now_ms == 0


def test_a_cancel_takes_effect_at_the_next_node() -> None:
    bench = vehicle_bench()
    position(bench, 2, 3, 4)
    bench.pass_time(3_000)
    assert bench.send(CommandCode.CANCEL, 7) == AckCode.ACCEPTED
    assert bench.status.state == DeviceState.TO_DEPOSIT
    assert bench.until_done() == ResultCode.CANCELLED_EMPTY
    assert bench.status.confirmed[0] == 2
    assert abs(bench.now_ms - 7_000) <= 1  # 10/2 + 2/1 s


def test_a_vehicle_that_cannot_stop_at_the_next_node_stops_at_the_one_after() -> None:
    bench = vehicle_bench()
    position(bench, 2, 3, 4)
    bench.pass_time(5_500)  # 1 m before N2 at 2 m/s: it needs 2 m
    bench.send(CommandCode.CANCEL, 7)
    assert bench.until_done() == ResultCode.CANCELLED_EMPTY
    assert bench.status.confirmed[0] == 3


def test_a_load_is_fetched_and_brought() -> None:
    bench = vehicle_bench()
    bench.world.place(tote(5), "T1", by="test", now_ms=0)
    assert bench.task(TaskType.PICK, number=1, source=node(1, 1)) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    assert bench.now_ms == 6_000
    bench.send(CommandCode.RECEIPT, 1)
    assert bench.task(TaskType.DEPOSIT, number=2, sink=node(3, 1)) == AckCode.INTERLOCK  # not there yet
    position(bench, 2, 3, number=3)
    bench.until_done()
    bench.send(CommandCode.RECEIPT, 3)
    assert bench.task(TaskType.DEPOSIT, number=2, sink=node(3, 1)) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    assert bench.moves() == ["3000 T1 > V1", "21000 V1 > T3"]


def test_a_giver_waits_for_its_transfer_point_and_gives_up_after_sixty_seconds() -> None:
    bench = vehicle_bench()
    bench.world.place(tote(5), "V1", by="test", now_ms=0)
    bench.world.set_accepts("T1", False)
    bench.task(TaskType.DEPOSIT, sink=node(1, 1))
    assert bench.until_done() == ResultCode.SINK_OCCUPIED
    assert bench.now_ms == 60_000
    assert bench.status.load_present


def test_an_empty_transfer_point_is_a_result() -> None:
    bench = vehicle_bench()
    bench.task(TaskType.PICK, source=node(1, 1))
    assert bench.until_done() == ResultCode.SOURCE_EMPTY


@pytest.mark.parametrize(("address", "code"), [(node(2, 1), AckCode.BAD_PARAMETER), (node(3, 1), AckCode.INTERLOCK)])
def test_a_station_that_is_not_there_or_not_here_is_refused(address: Address, code: AckCode) -> None:
    bench = vehicle_bench()
    assert bench.task(TaskType.PICK, source=address) == code


def test_the_battery_drains_by_distance_and_charges_until_it_is_full() -> None:
    bench = vehicle_bench()
    position(bench, 2, 5)
    bench.until_done()
    # 14 m at 50 Wh/km are 0.7 Wh of 100 Wh
    assert bench.machine.snapshot("V1").battery_permille == 993
    bench.send(CommandCode.RECEIPT, 7)
    bench.inject("battery", permille=100)
    assert bench.status.alarms[0] & 1 << 10
    assert bench.task(TaskType.CHARGE, number=8, sink=node(5)) == AckCode.ACCEPTED
    start_ms = bench.now_ms
    bench.until(lambda status: status.charging)
    assert bench.until_done() == ResultCode.OK
    assert bench.now_ms - start_ms == 324_000  # 90 Wh at 1 kW
    assert bench.machine.snapshot("V1").battery_permille == 1_000


def test_charging_can_be_cancelled_and_keeps_what_it_took() -> None:
    bench = vehicle_bench()
    position(bench, 2, 5)
    bench.until_done()
    bench.send(CommandCode.RECEIPT, 7)
    bench.inject("battery", permille=100)
    bench.task(TaskType.CHARGE, number=8, sink=node(5))
    bench.pass_time(bench.now_ms + 36_000)
    bench.send(CommandCode.CANCEL, 8)
    assert bench.status.result == ResultCode.CANCELLED_EMPTY
    assert bench.machine.snapshot("V1").battery_permille == 200  # 10 Wh more


def test_charging_elsewhere_is_refused() -> None:
    bench = vehicle_bench()
    assert bench.task(TaskType.CHARGE, sink=node(1)) == AckCode.BAD_PARAMETER
    assert bench.task(TaskType.CHARGE, sink=node(5)) == AckCode.INTERLOCK


def test_a_stalled_vehicle_stands_between_nodes_without_a_word_and_goes_on_when_freed() -> None:
    bench = vehicle_bench()
    position(bench, 2)
    bench.pass_time(3_000)
    bench.inject("stall")
    bench.pass_time(HOUR_MS)
    assert bench.status.state == DeviceState.TO_DEPOSIT
    assert bench.machine.next_due_ms() is None
    assert isinstance(bench.machine, VehicleMachine)
    assert bench.machine.occupied_nodes(HOUR_MS) == (1, 2)
    bench.inject("unstall")
    assert bench.until_done() == ResultCode.OK
    assert bench.now_ms == HOUR_MS + 5_000  # 6 m: 6/2 + 2/1 s


@pytest.mark.parametrize("alarm", ["axis", "localisation_lost"])
def test_a_fault_between_nodes_goes_on_after_reset_and_resume(alarm: str) -> None:
    bench = vehicle_bench()
    position(bench, 2, 3)
    bench.pass_time(7_000)
    bench.inject("fault", alarm=alarm)
    assert (bench.status.state, bench.status.step_at_stop, bench.status.confirmed[0]) == (DeviceState.FAULT, 4, 2)
    bench.inject("local_reset")
    bench.send(CommandCode.RESET_FAULT, 7)
    assert bench.send(CommandCode.RESUME, 7) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    assert bench.status.confirmed[0] == 3


def test_a_vehicle_stopped_between_nodes_can_be_cancelled_and_backs_to_its_node_for_another_way() -> None:
    bench = vehicle_bench()
    position(bench, 2, 5)
    bench.pass_time(8_000)
    bench.send(CommandCode.PAUSE, 7)
    assert bench.send(CommandCode.CANCEL, 7) == AckCode.ACCEPTED
    assert (bench.status.result, bench.status.confirmed[0]) == (ResultCode.CANCELLED_EMPTY, 2)
    bench.send(CommandCode.RECEIPT, 7)
    assert position(bench, 3, number=8) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    assert bench.status.confirmed[0] == 3


@pytest.mark.parametrize("now_ms", range(0, 17_000, 500))
def test_a_position_survives_a_loss_of_power_at_any_moment(now_ms: int) -> None:
    bench = vehicle_bench()
    position(bench, 2, 3)
    extend(bench, 3, 4)
    bench.pass_time(now_ms)
    here = bench.machine.telemetry("V1", now_ms)
    old = bench.machine
    assert isinstance(old, VehicleMachine)
    plant = vehicle_plant()
    new = VehicleMachine(plant, plant.vehicles[0], bench.world, physical=old.physical(), stopped_ms=now_ms)
    new.restart(old.memory(), now_ms)
    there = new.telemetry("V1", now_ms)
    assert (here.x_mm, here.y_mm) == (there.x_mm, there.y_mm)
    bench.machine = new
    assert bench.status.state == DeviceState.INTERRUPTED
    bench.send(CommandCode.RESUME, 7)
    assert bench.until_done() == ResultCode.OK
    assert bench.status.confirmed[0] == 4
    assert bench.machine.telemetry("V1", bench.now_ms).odometer_m == 30


class MisfortuneOfAVehicle(RuleBasedStateMachine):
    """Random commands, faults and losses of power."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = vehicle_bench()
        self.bench.world.place(tote(1), "T1", by="test", now_ms=0)
        self.bench.world.place(tote(2), "T3", by="test", now_ms=0)
        self.number = 0

    nodes = st.sampled_from([1, 2, 3, 4, 5])

    @rule(
        type=st.sampled_from([TaskType.POSITION, TaskType.POSITION, TaskType.PICK, TaskType.DEPOSIT, TaskType.CHARGE]),
        way=st.lists(nodes, min_size=1, max_size=4),
        again=st.booleans(),
    )
    def task(self, type: TaskType, way: list[int], again: bool) -> None:
        self.number += 0 if again and self.number else 1
        end = Address(a=way[-1], b=1)
        self.bench.task(type, number=self.number, source=end, sink=end, nodes=tuple(way[:-1]))

    @rule(step=st.sampled_from([2, 3, 4, 5]))
    def drive_on(self, step: int) -> None:
        self.number += 1
        position(self.bench, step, number=self.number)

    @rule(way=st.lists(nodes, min_size=2, max_size=4))
    def extend(self, way: list[int]) -> None:
        active = self.bench.status.active_task
        self.bench.task(
            TaskType.POSITION,
            code=CommandCode.EXTEND,
            number=active,
            source=node(way[0]),
            sink=node(way[-1]),
            nodes=tuple(way[1:-1]),
        )

    @rule(
        code=st.sampled_from([code for code in CommandCode if code not in (CommandCode.TASK, CommandCode.EXTEND)]),
        p1=st.sampled_from([1, 2, 2]),
    )
    def order(self, code: CommandCode, p1: int) -> None:
        self.bench.send(code, self.bench.status.active_task, p1=p1)

    @rule(ms=st.integers(0, 12_000))
    def wait(self, ms: int) -> None:
        self.bench.pass_time(self.bench.now_ms + ms)

    @rule(ms=st.integers(0, 30_000))
    def sleep(self, ms: int) -> None:
        self.bench.now_ms += ms
        self.bench.machine.advance(self.bench.now_ms)

    @rule(act=st.sampled_from(["fault", "local_reset", "stall", "unstall"]))
    def misfortune(self, act: str) -> None:
        self.bench.inject(act)

    @rule(lost=st.booleans())
    def power(self, lost: bool) -> None:
        self.bench.lose_power(memory_lost=lost)
        if lost:
            self.number += 1
            self.bench.send(CommandCode.SYNC, p1=1)

    @invariant()
    def no_task_did_a_thing_twice(self) -> None:
        acts = Counter(line.by for line in self.bench.lines if line.load is None)
        assert all(count == 1 for count in acts.values()), acts

    @invariant()
    def a_stopped_vehicle_has_nothing_due_and_stands_on_the_track(self) -> None:
        if self.bench.status.state in (DeviceState.FAULT, DeviceState.PAUSED, DeviceState.INTERRUPTED):
            assert self.bench.machine.next_due_ms() is None
        there = self.bench.machine.telemetry("V1", self.bench.now_ms)
        assert 0 <= there.x_mm <= 14_000
        assert 0 <= there.y_mm <= 10_000

    @invariant()
    def a_position_done_with_ok_ended_at_its_sink(self) -> None:
        memory = self.bench.machine.memory()
        ended = memory.state == DeviceState.DONE and memory.result == ResultCode.OK
        if ended and memory.task is not None and memory.task.type == TaskType.POSITION:
            assert self.bench.status.confirmed[0] == memory.task.sink.a
            assert self.bench.status.in_position


TestMisfortuneOfAVehicle = MisfortuneOfAVehicle.TestCase
TestMisfortuneOfAVehicle.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
