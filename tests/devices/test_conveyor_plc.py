"""The PLC of a conveyor: what its blocks answer, faults and modes, and what a power cut leaves."""

from __future__ import annotations

import msgspec
import pytest

from devices.machines.conveyor import ConveyorMemory
from tests.devices.conveyor_bench import HOUR_MS, ConveyorBench, fork_in_the_way, loop, straight, table, tote
from wcs.core.ports import AckCode, CommandCode, DeviceCommand, DeviceState, OperatingMode

JAM = 1 << 8
WCS_LOST = 1 << 4


@pytest.mark.parametrize(
    "code", [CommandCode.TASK, CommandCode.CANCEL, CommandCode.RECEIPT, CommandCode.EXTEND, CommandCode.HOME]
)
def test_commands_for_tasks_are_bad_parameters(code: CommandCode) -> None:
    assert ConveyorBench(straight()).send(code) == AckCode.BAD_PARAMETER


def test_a_command_that_names_a_task_is_for_someone_else() -> None:
    assert ConveyorBench(straight()).send(CommandCode.PAUSE, task_number=4) == AckCode.UNKNOWN_TASK


def test_a_telegram_that_is_not_fresh_or_of_an_older_epoch_is_ignored() -> None:
    bench = ConveyorBench(straight())
    bench.send(CommandCode.SYNC, epoch=3)
    before = bench.status()
    bench.machine.command(DeviceCommand(device="CV1", epoch=3, sequence=2, code=CommandCode.PAUSE), 0)
    bench.machine.command(DeviceCommand(device="CV1", epoch=2, sequence=9, code=CommandCode.PAUSE), 0)
    assert bench.status() == before


def test_after_start_up_the_belt_stands_until_resume() -> None:
    bench = ConveyorBench(straight(), running=False)
    assert bench.status().state == DeviceState.INTERRUPTED
    bench.put(tote(7), "IN")
    bench.wait(10_000)
    assert bench.at("IN") == [7]
    assert bench.send(CommandCode.RESUME) == AckCode.ACCEPTED
    assert bench.at("IN-OUT") == [7]


def test_resume_of_a_running_and_pause_of_a_standing_belt_are_interlocked() -> None:
    bench = ConveyorBench(straight())
    assert bench.send(CommandCode.RESUME) == AckCode.INTERLOCK
    bench.send(CommandCode.PAUSE)
    assert bench.send(CommandCode.PAUSE) == AckCode.INTERLOCK


def test_every_change_of_state_is_one_event() -> None:
    bench = ConveyorBench(straight())
    before = bench.status().event_sequence
    bench.send(CommandCode.PAUSE)
    bench.send(CommandCode.SYNC)
    bench.send(CommandCode.RESUME)
    assert bench.status().event_sequence == before + 2


def test_a_jam_stops_the_belt_until_local_reset_reset_fault_and_resume() -> None:
    bench = ConveyorBench(straight())
    bench.put(tote(7), "IN")
    bench.wait(1_000)
    bench.machine.inject("fault", {"device": "CV1", "alarm": "jam"}, bench.now_ms)
    assert (bench.status().state, bench.status().alarms[0]) == (DeviceState.FAULT, JAM)
    assert not bench.status().ready
    assert bench.send(CommandCode.RESET_FAULT) == AckCode.FAULTED
    bench.wait(20_000)
    bench.machine.inject("local_reset", {"device": "CV1"}, bench.now_ms)
    assert bench.send(CommandCode.RESUME) == AckCode.FAULTED
    assert bench.send(CommandCode.RESET_FAULT) == AckCode.ACCEPTED
    assert (bench.status().state, bench.status().alarms[0]) == (DeviceState.PAUSED, 0)
    assert bench.send(CommandCode.RESUME) == AckCode.ACCEPTED
    bench.wait(HOUR_MS)
    assert bench.times("OUT") == [23_000]


def test_a_belt_that_left_automatic_is_paused_and_can_be_asked_back() -> None:
    bench = ConveyorBench(straight())
    bench.machine.inject("mode", {"device": "CV1", "mode": "manual"}, 0)
    assert (bench.status().state, bench.status().mode) == (DeviceState.PAUSED, OperatingMode.MANUAL)
    assert bench.send(CommandCode.RESUME) == AckCode.NOT_AUTOMATIC
    assert bench.send(CommandCode.REQUEST_MODE, p1=9) == AckCode.BAD_PARAMETER
    assert bench.send(CommandCode.REQUEST_MODE, p1=2) == AckCode.ACCEPTED
    assert bench.send(CommandCode.RESUME) == AckCode.ACCEPTED


def test_loss_of_the_wcs_is_an_alarm_and_stops_nothing() -> None:
    bench = ConveyorBench(fork_in_the_way())
    bench.machine.set_wcs_alive("CV1", False, 0)
    bench.put(tote(7), "IN")
    bench.wait(HOUR_MS)
    assert bench.at("A") == [7]
    assert bench.status().alarms[0] == WCS_LOST


def test_a_paused_block_leaves_the_other_block_running() -> None:
    bench = ConveyorBench(loop())
    bench.send(CommandCode.PAUSE, "CV2")
    bench.put(tote(7), "IN")
    bench.wait(HOUR_MS)
    assert bench.status("CV1").state == DeviceState.IDLE
    assert bench.at("IN-M") == [7]
    bench.send(CommandCode.RESUME, "CV2")
    assert bench.at("M-D") == [7]


def test_unused_words_read_zero() -> None:
    snapshot = ConveyorBench(table()).machine.snapshot("CV1")
    assert (len(snapshot.transfers), len(snapshot.points)) == (8, 3)
    assert not snapshot.transfers[7].ready_to_accept


def test_with_memory_kept_loads_go_on_with_the_same_tracks_after_resume() -> None:
    bench = ConveyorBench(straight())
    for number in (1, 2):
        bench.put(tote(number), "IN")
        bench.acknowledge(0)
        bench.wait(bench.now_ms + 2_000)
    bench.wait(5_000)
    assert (bench.at("OUT"), bench.at("IN-OUT")) == ([1], [2])
    bench.power_cycle(bench.machine.memory())
    assert (bench.status().state, bench.status().boot_count) == (DeviceState.INTERRUPTED, 2)
    assert (bench.transfer(1).track, bench.transfer(1).event_sequence) == (1, 1)
    bench.wait(30_000)
    assert bench.at("IN-OUT") == [2]
    bench.send(CommandCode.RESUME)
    bench.acknowledge(1)
    bench.lift(1, "OUT")
    bench.acknowledge(1)
    bench.wait(HOUR_MS)
    assert (bench.at("OUT"), bench.transfer(1).track) == ([2], 2)


def test_with_memory_kept_an_open_event_is_still_open() -> None:
    bench = ConveyorBench(fork_in_the_way(deadline_ms=0))
    bench.put(tote(7), "IN")
    bench.wait(5_000)
    event = bench.point()
    bench.power_cycle(bench.machine.memory())
    assert bench.point() == event
    bench.send(CommandCode.RESUME)
    bench.decide(2)
    assert bench.at("D-B") == [7]


def test_with_memory_kept_a_judged_load_takes_its_exit_after_resume() -> None:
    bench = ConveyorBench(fork_in_the_way())
    bench.put(tote(7), "IN")
    bench.wait(4_500)
    bench.decide(2)
    bench.power_cycle(bench.machine.memory())
    bench.send(CommandCode.RESUME)
    bench.wait(HOUR_MS)
    assert bench.times("D-B") == [6_500]


def test_what_happened_at_a_transfer_point_while_the_power_was_off_is_an_event() -> None:
    bench = ConveyorBench(table())
    bench.put(tote(7), "T")
    memory = bench.machine.memory()
    bench.world.move(7, "T", "outside", by="person", now_ms=0)
    bench.power_cycle(memory)
    assert (bench.transfer(0).occupied, bench.transfer(0).event_sequence) == (False, 2)


def test_with_memory_lost_loads_get_numbers_that_were_never_given() -> None:
    bench = ConveyorBench(fork_in_the_way())
    bench.put(tote(7), "IN")
    bench.wait(4_500)
    bench.power_cycle(None)
    assert not bench.status().retentive_valid
    assert bench.point().scan_sequence == 0
    bench.send(CommandCode.RESUME)
    bench.wait(9_000)
    assert (bench.point().scan_sequence, bench.point().track) == (1, 47)
    assert bench.send(CommandCode.SYNC, p1=1) == AckCode.ACCEPTED
    assert bench.status().retentive_valid


def test_memory_is_kept_at_the_end_of_the_scan_that_changed_it_and_survives_being_written_down() -> None:
    bench = ConveyorBench(fork_in_the_way())
    bench.put(tote(7, mass_g=31_000), "IN")
    bench.wait(4_500)
    memory = bench.machine.memory()
    assert bench.kept[-1] is memory
    bench.machine.advance(4_501)
    assert bench.machine.memory() is memory
    assert msgspec.json.decode(msgspec.json.encode(memory), type=ConveyorMemory) == memory


def test_an_unknown_fault_or_place_of_a_fault_is_refused() -> None:
    bench = ConveyorBench(straight())
    for fault, arguments in (("flood", {}), ("fault", {"device": "CV9"}), ("no_read", {"point": "D9"})):
        with pytest.raises(ValueError, match=r"CV (knows|has) no"):
            bench.machine.inject(fault, arguments, 0)
