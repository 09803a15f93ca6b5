"""A stacker crane from outside: hand-computed times, results, pause, cancel, faults, what it refuses."""

from __future__ import annotations

import pytest

from tests.devices.machine_drive import HOUR_MS, at, crane_bench, tote, transfer
from wcs.core.ports import AckCode, Address, CommandCode, DeviceState, OperatingMode, ResultCode, TaskType

# 2 m/s and 1 m/s with 1 m/s², 4 s a fork cycle. From A1.IN (0, 500) to bay 10, level 5 (10,000, 2,500): 10 m in
# 10/2 + 2 = 7 s, 2 m up in 2 + 1 = 3 s, so 7 s.
BIN = "A1-L-10-05-1"
FAR = at(10, 5)


def test_a_transfer_takes_the_time_worked_out_by_hand() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    assert bench.task(TaskType.TRANSFER, source=transfer(1), sink=FAR) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    # it stands at A1.IN: half a fork cycle to the pick, half back, 7 s travel, half to the set-down, half back
    assert bench.moves() == ["2000 A1.IN > CR1", f"13000 CR1 > {BIN}"]
    assert bench.now_ms == 15_000


def test_the_way_to_the_source_is_the_slower_of_two_axes() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1-L-01-05-1", by="test", now_ms=0)
    bench.task(TaskType.PICK, source=at(1, 5))
    assert bench.until_done() == ResultCode.OK
    # 1 m along in 2·sqrt(1) = 2 s, 2 m up in 3 s
    assert bench.moves() == ["5000 A1-L-01-05-1 > CR1"]
    assert bench.now_ms == 7_000
    assert bench.status.confirmed == (1, 1, 5)
    assert bench.status.load_id == 5


def test_telemetry_follows_the_mast_and_the_carriage() -> None:
    bench = crane_bench()
    bench.task(TaskType.POSITION, sink=FAR)
    bench.pass_time(3_500)
    middle = bench.machine.telemetry("CR1", 3_500)
    assert (middle.x_mm, middle.y_mm) == (5_000, 2_500)
    assert bench.until_done() == ResultCode.OK
    assert (bench.now_ms, bench.machine.telemetry("CR1", 7_000).odometer_m) == (7_000, 12)


def test_an_idle_crane_has_nothing_due() -> None:
    bench = crane_bench()
    assert bench.machine.next_due_ms() is None
    bench.task(TaskType.POSITION, sink=FAR)
    bench.until_done()
    assert bench.machine.next_due_ms() is None


def test_the_fork_is_not_centred_and_the_place_is_engaged_during_a_fork_cycle() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.task(TaskType.PICK, source=transfer(1))
    bench.pass_time(1_000)
    assert bench.world.engaged("A1.IN")
    bench.until_done()
    assert not bench.world.engaged("A1.IN")


def test_an_empty_source_is_a_result() -> None:
    bench = crane_bench()
    bench.task(TaskType.TRANSFER, source=at(3, 3), sink=FAR)
    assert bench.until_done() == ResultCode.SOURCE_EMPTY
    assert bench.status.alarms[0] & 1 << 5
    assert not bench.status.load_present


def test_an_occupied_bin_is_a_result_and_the_load_stays_on_board() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.world.place(tote(6), BIN, by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=transfer(1), sink=FAR)
    assert bench.until_done() == ResultCode.SINK_OCCUPIED
    assert bench.status.load_present
    bench.send(CommandCode.RECEIPT, 7)
    assert bench.task(TaskType.DEPOSIT, number=8, sink=at(9, 5)) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    assert bench.world.place_of(5) == "A1-L-09-05-1"


def test_a_giver_waits_sixty_seconds_for_a_transfer_point() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1-L-01-01-1", by="test", now_ms=0)
    bench.world.set_accepts("A1.OUT", False)
    bench.task(TaskType.TRANSFER, source=at(1, 1), sink=transfer(2))
    # 1 m: 2 s, pick 4 s, 1 m: 2 s; then it waits
    assert bench.until_done() == ResultCode.SINK_OCCUPIED
    assert bench.now_ms == 8_000 + 60_000


def test_a_giver_sets_down_as_soon_as_the_transfer_point_is_ready() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1-L-01-01-1", by="test", now_ms=0)
    bench.world.set_accepts("A1.OUT", False)
    bench.task(TaskType.TRANSFER, source=at(1, 1), sink=transfer(2))
    bench.pass_time(20_000)
    bench.world.set_accepts("A1.OUT", True)
    assert "A1.OUT" in bench.machine.watched_places()
    bench.machine.advance(20_000)
    assert bench.status.state == DeviceState.DEPOSITING
    assert bench.until_done() == ResultCode.OK
    assert bench.now_ms == 24_000


def test_a_load_that_is_gone_when_the_fork_is_out_is_an_empty_source() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.task(TaskType.PICK, source=transfer(1))
    bench.pass_time(1_000)
    bench.world.move(5, "A1.IN", "outside", by="a person", now_ms=1_000)
    assert bench.until_done() == ResultCode.SOURCE_EMPTY
    assert bench.now_ms == 4_000


def test_a_load_before_the_one_that_is_wanted_is_a_fault() -> None:
    bench = crane_bench(depth=2)
    bench.world.place(tote(5), "A1-L-03-03-2", by="test", now_ms=0)
    bench.world.place(tote(6), "A1-L-03-03-1", by="test", now_ms=0)
    bench.task(TaskType.PICK, source=at(3, 3, depth=2))
    bench.until(lambda status: status.state == DeviceState.FAULT)
    assert bench.status.alarms[0] & 1 << 8
    assert bench.world.place_of(5) == "A1-L-03-03-2"


@pytest.mark.parametrize(
    ("type", "source", "sink"),
    [
        (TaskType.TRANSFER, Address(a=2, b=1, c=1, d=11), FAR),  # not its aisle
        (TaskType.TRANSFER, at(11, 1), FAR),
        (TaskType.TRANSFER, at(1, 6), FAR),
        (TaskType.TRANSFER, at(1, 1, depth=2), FAR),
        (TaskType.TRANSFER, at(1, 1, side=3), FAR),
        (TaskType.TRANSFER, transfer(1), transfer(3)),
        (TaskType.TRANSFER, transfer(1), Address()),
        (TaskType.CHARGE, Address(), FAR),
    ],
)
def test_addresses_that_the_crane_has_not_are_bad_parameters(type: TaskType, source: Address, sink: Address) -> None:
    bench = crane_bench()
    assert bench.task(type, source=source, sink=sink) == AckCode.BAD_PARAMETER
    assert bench.status.state == DeviceState.IDLE
    assert bench.status.active_task == 0


def test_a_pause_while_travelling_stops_at_once_and_resume_goes_on() -> None:
    bench = crane_bench()
    bench.task(TaskType.POSITION, sink=FAR)
    bench.pass_time(3_500)
    assert bench.send(CommandCode.PAUSE, 7) == AckCode.ACCEPTED
    bench.pass_time(HOUR_MS)
    assert (bench.status.state, bench.status.step_at_stop) == (DeviceState.PAUSED, 4)
    assert bench.machine.telemetry("CR1", HOUR_MS).x_mm == 5_000
    assert bench.send(CommandCode.RESUME, 7) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    assert bench.now_ms == HOUR_MS + 4_500  # 5 m: 5/2 + 2 s


def test_a_pause_in_a_fork_cycle_waits_for_its_end() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=transfer(1), sink=FAR)
    bench.pass_time(1_000)
    assert bench.send(CommandCode.PAUSE, 7) == AckCode.ACCEPTED
    assert bench.status.state == DeviceState.PICKING
    bench.until(lambda status: status.state == DeviceState.PAUSED)
    assert (bench.now_ms, bench.status.step_at_stop, bench.status.load_present) == (4_000, 4, True)


@pytest.mark.parametrize("now_ms", [0, 1_500, 6_000])
def test_what_has_not_begun_to_pick_can_be_cancelled(now_ms: int) -> None:
    bench = crane_bench()
    bench.world.place(tote(5), BIN, by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=FAR, sink=transfer(2))
    bench.pass_time(now_ms)
    assert bench.send(CommandCode.CANCEL, 7) == AckCode.ACCEPTED
    assert (bench.status.state, bench.status.result) == (DeviceState.DONE, ResultCode.CANCELLED_EMPTY)
    bench.pass_time(HOUR_MS)
    assert bench.moves() == []


@pytest.mark.parametrize("now_ms", [7_500, 10_000, 12_000, 20_000])
def test_from_picking_on_a_running_transfer_cannot_be_cancelled(now_ms: int) -> None:
    bench = crane_bench()
    bench.world.place(tote(5), BIN, by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=FAR, sink=transfer(2))
    bench.pass_time(now_ms)
    assert bench.send(CommandCode.CANCEL, 7) == AckCode.INTERLOCK
    assert bench.until_done() == ResultCode.OK


def test_a_fault_with_a_load_on_board_goes_on_after_reset_and_resume() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=transfer(1), sink=FAR)
    bench.pass_time(3_000)  # the load is on the fork, the fork is still out
    bench.inject("fault", alarm="axis")
    assert (bench.status.state, bench.status.step_at_stop, bench.status.load_present) == (DeviceState.FAULT, 3, True)
    assert bench.send(CommandCode.RESET_FAULT, 7) == AckCode.FAULTED
    bench.inject("local_reset")
    assert bench.send(CommandCode.RESUME, 7) == AckCode.INTERLOCK
    assert bench.send(CommandCode.RESET_FAULT, 7) == AckCode.ACCEPTED
    assert bench.status.state == DeviceState.PAUSED
    assert bench.send(CommandCode.RESUME, 7) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK
    assert len(bench.moves()) == 2


def test_a_fault_without_a_task_shows_only_in_alarms() -> None:
    bench = crane_bench()
    bench.inject("fault", alarm="emergency_stop")
    assert bench.status.state == DeviceState.IDLE
    assert not bench.status.ready
    assert not bench.status.emergency_stop_clear
    assert bench.task(TaskType.POSITION, sink=FAR) == AckCode.FAULTED
    bench.inject("local_reset")
    assert bench.task(TaskType.POSITION, sink=FAR) == AckCode.FAULTED
    assert bench.send(CommandCode.RESET_FAULT) == AckCode.ACCEPTED
    assert bench.task(TaskType.POSITION, sink=FAR) == AckCode.ACCEPTED


def test_leaving_automatic_pauses_and_resume_needs_automatic() -> None:
    bench = crane_bench()
    bench.task(TaskType.POSITION, sink=FAR)
    bench.pass_time(1_000)
    bench.inject("mode", mode="manual")
    assert bench.status.state == DeviceState.PAUSED
    assert bench.send(CommandCode.RESUME, 7) == AckCode.NOT_AUTOMATIC
    bench.inject("mode", mode=int(OperatingMode.AUTOMATIC))
    assert bench.send(CommandCode.RESUME, 7) == AckCode.ACCEPTED
    assert bench.until_done() == ResultCode.OK


def test_without_the_wcs_a_task_is_finished_and_nothing_new_is_taken() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=transfer(1), sink=FAR)
    bench.machine.set_wcs_alive("CR1", False, 0)
    assert bench.until_done() == ResultCode.OK
    assert bench.status.alarms[0] & 1 << 4
    bench.send(CommandCode.RECEIPT, 7)
    assert bench.task(TaskType.POSITION, number=8, sink=FAR) == AckCode.INTERLOCK


def test_with_the_hold_flag_nothing_is_set_down_without_the_wcs() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=transfer(1), sink=FAR, flags=1)
    bench.machine.set_wcs_alive("CR1", False, 0)
    bench.until(lambda status: status.state == DeviceState.PAUSED)
    assert (bench.now_ms, bench.status.step_at_stop) == (11_000, 4)
    bench.machine.set_wcs_alive("CR1", True, 11_000)
    bench.send(CommandCode.RESUME, 7)
    assert bench.until_done() == ResultCode.OK


def test_home_is_a_way_of_its_own_in_idle() -> None:
    bench = crane_bench()
    bench.task(TaskType.POSITION, sink=FAR)
    assert bench.send(CommandCode.HOME) == AckCode.INTERLOCK
    bench.until_done()
    bench.send(CommandCode.RECEIPT, 7)
    assert bench.send(CommandCode.HOME) == AckCode.ACCEPTED
    assert bench.task(TaskType.POSITION, number=8, sink=FAR) == AckCode.BUSY
    bench.pass_time(14_000)
    assert bench.machine.telemetry("CR1", 14_000).x_mm == 0
    assert bench.task(TaskType.POSITION, number=8, sink=FAR) == AckCode.ACCEPTED


def test_a_late_call_does_what_was_due_at_the_time_it_was_due() -> None:
    bench = crane_bench()
    bench.world.place(tote(5), "A1.IN", by="test", now_ms=0)
    bench.task(TaskType.TRANSFER, source=transfer(1), sink=FAR)
    bench.machine.advance(HOUR_MS)
    assert bench.status.state == DeviceState.DONE
    assert bench.moves() == ["2000 A1.IN > CR1", f"13000 CR1 > {BIN}"]
