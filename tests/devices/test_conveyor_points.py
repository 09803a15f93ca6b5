"""Points of a conveyor: the event, the decision, the deadline, the exit taken and why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.devices.conveyor_bench import HOUR_MS, ConveyorBench, fork_in_the_way, tote
from wcs.core.ports import CommandCode, OutcomeReason, PointOutcome, ScanFlags

SCANNED_MS = 4_000  # a load put down at 0 is scanned after 2 m, and at the divert 2 s later


def bench_with_a_scanned_load(*, deadline_ms: int = 2_000, deadline_factor: int = 1) -> ConveyorBench:
    """Load 7 stands under the scanner of D."""
    bench = ConveyorBench(fork_in_the_way(deadline_ms=deadline_ms), deadline_factor=deadline_factor)
    bench.put(tote(7), "IN")
    bench.acknowledge(0)
    bench.wait(SCANNED_MS)
    return bench


def outcome(exit_number: int, reason: OutcomeReason, scan: int = 1) -> PointOutcome:
    return PointOutcome(scan_sequence=scan, exit=exit_number, reason=reason)


def test_a_scanned_load_is_an_event_with_everything_that_was_measured() -> None:
    event = bench_with_a_scanned_load().point()
    assert (event.scan_sequence, event.flags, event.track, event.deadline_ms) == (1, ScanFlags.READ, 1, 2_000)
    assert (event.mass_g, event.height_mm, event.barcode) == (5_000, 200, "T7")


def test_overweight_and_contour_are_flagged_beside_the_code() -> None:
    bench = ConveyorBench(fork_in_the_way())
    bench.put(tote(7, mass_g=31_000, height_mm=400), "IN")
    bench.wait(SCANNED_MS)
    assert bench.point().flags == ScanFlags.READ | ScanFlags.OVERWEIGHT | ScanFlags.CONTOUR


def test_a_load_without_a_label_is_a_no_read() -> None:
    bench = ConveyorBench(fork_in_the_way())
    bench.put(tote(7, barcode=""), "IN")
    bench.wait(SCANNED_MS)
    assert (bench.point().flags, bench.point().barcode) == (ScanFlags.NO_READ, "")


def test_injected_no_reads_are_counted_down() -> None:
    bench = ConveyorBench(fork_in_the_way())
    bench.machine.inject("no_read", {"point": "D", "count": 1}, 0)
    flags = []
    for number in (7, 8):
        bench.put(tote(number), "IN")
        bench.acknowledge(0)
        bench.wait(bench.now_ms + 10_000)
        flags.append(bench.point().flags)
    assert flags == [ScanFlags.NO_READ, ScanFlags.READ]


def test_a_decision_in_time_is_done_at_the_divert() -> None:
    bench = bench_with_a_scanned_load()
    bench.decide(2)
    assert bench.point().outcomes == ()
    bench.wait(HOUR_MS)
    assert (bench.times("D-B"), bench.at("B")) == ([6_000], [7])
    assert bench.point().outcomes == (outcome(2, OutcomeReason.AS_DECIDED),)


def test_the_first_decision_counts() -> None:
    bench = bench_with_a_scanned_load()
    bench.decide(2)
    bench.decide(1)
    bench.wait(HOUR_MS)
    assert bench.at("B") == [7]


def test_no_decision_by_the_deadline_is_the_default_exit() -> None:
    bench = bench_with_a_scanned_load()
    bench.wait(HOUR_MS)
    assert bench.times("D-A") == [6_000]
    assert bench.point().outcomes == (outcome(1, OutcomeReason.TIMEOUT),)


def test_a_decision_at_the_deadline_is_too_late() -> None:
    bench = bench_with_a_scanned_load()
    bench.now_ms = 6_000
    bench.decide(2)
    assert bench.point().outcomes == (outcome(1, OutcomeReason.TIMEOUT),)


@pytest.mark.parametrize(("scan", "track", "epoch"), [(2, 1, 1), (1, 2, 1), (1, 1, 2)], ids=["scan", "track", "epoch"])
def test_a_decision_for_another_scan_or_track_or_of_another_epoch_is_ignored(scan: int, track: int, epoch: int) -> None:
    bench = bench_with_a_scanned_load()
    bench.decide(2, scan=scan, track=track, epoch=epoch)
    bench.wait(HOUR_MS)
    assert bench.point().outcomes == (outcome(1, OutcomeReason.TIMEOUT),)


def test_only_the_low_byte_of_the_epoch_is_compared() -> None:
    bench = bench_with_a_scanned_load()
    bench.decide(2, epoch=257)
    bench.wait(HOUR_MS)
    assert bench.at("B") == [7]


def test_an_unknown_exit_is_the_default_exit() -> None:
    bench = bench_with_a_scanned_load()
    bench.decide(3)
    bench.wait(HOUR_MS)
    assert bench.point().outcomes == (outcome(1, OutcomeReason.UNKNOWN_EXIT),)


def test_no_wish_is_the_default_exit_as_decided() -> None:
    bench = bench_with_a_scanned_load()
    bench.decide(0)
    bench.wait(HOUR_MS)
    assert bench.point().outcomes == (outcome(1, OutcomeReason.AS_DECIDED),)


def test_no_wish_for_a_load_that_could_not_be_read_says_so() -> None:
    bench = ConveyorBench(fork_in_the_way())
    bench.put(tote(7, barcode=""), "IN")
    bench.wait(SCANNED_MS)
    bench.decide(0)
    bench.wait(HOUR_MS)
    assert bench.point().outcomes == (outcome(1, OutcomeReason.NO_READ),)


def fill_exit_two(bench: ConveyorBench) -> None:
    """One load stands at B, one fills the segment before it."""
    for number in (1, 2):
        bench.put(tote(number), "IN")
        bench.acknowledge(0)
        bench.wait(bench.now_ms + SCANNED_MS)
        bench.decide(2)
        bench.wait(bench.now_ms + 10_000)
    assert (bench.at("B"), bench.at("D-B")) == ([1], [2])


def test_a_full_exit_is_the_default_exit() -> None:
    bench = ConveyorBench(fork_in_the_way())
    fill_exit_two(bench)
    bench.put(tote(7), "IN")
    bench.wait(bench.now_ms + SCANNED_MS)
    bench.decide(2)
    bench.wait(HOUR_MS)
    assert bench.at("A") == [7]
    assert bench.point().outcomes[0] == outcome(1, OutcomeReason.EXIT_FULL, scan=3)


def test_the_ring_keeps_two_outcomes_newest_first() -> None:
    bench = ConveyorBench(fork_in_the_way())
    fill_exit_two(bench)
    bench.put(tote(7), "IN")
    bench.wait(HOUR_MS)
    assert [entry.scan_sequence for entry in bench.point().outcomes] == [3, 2]


def test_a_station_waits_for_ever_and_its_load_rests_at_the_point_itself() -> None:
    bench = bench_with_a_scanned_load(deadline_ms=0)
    bench.wait(HOUR_MS)
    assert bench.at("D") == [7]
    bench.decide(2)
    assert bench.at("D-B") == [7]
    assert bench.point().outcomes == (outcome(2, OutcomeReason.AS_DECIDED),)


def test_the_next_load_waits_before_a_station_until_it_is_free() -> None:
    bench = bench_with_a_scanned_load(deadline_ms=0)
    bench.put(tote(8), "IN")
    bench.wait(20_000)
    assert (bench.at("D"), bench.at("IN-D")) == ([7], [8])
    bench.decide(2)
    bench.wait(22_000)
    assert bench.at("D") == [8]
    assert bench.point().track == 2


def test_at_a_station_a_full_exit_is_waited_for() -> None:
    bench = ConveyorBench(fork_in_the_way(deadline_ms=0))
    fill_exit_two(bench)
    bench.put(tote(7), "IN")
    bench.wait(bench.now_ms + SCANNED_MS)
    bench.decide(2)
    bench.wait(HOUR_MS)
    assert bench.at("D") == [7]
    bench.acknowledge(2)
    bench.lift(1, "B")
    bench.acknowledge(2)
    bench.wait(2 * HOUR_MS)
    assert (bench.at("B"), bench.at("D-B")) == ([2], [7])


def test_the_next_load_is_scanned_only_when_the_last_event_is_settled() -> None:
    bench = ConveyorBench(fork_in_the_way(deadline_ms=4_000))
    for number in (7, 8):
        bench.put(tote(number), "IN")
        bench.acknowledge(0)
    bench.wait(7_900)
    assert bench.point().track == 1
    bench.wait(8_000)
    assert bench.point().track == 2


def test_behind_a_judged_load_the_next_one_is_scanned_a_pitch_later() -> None:
    bench = ConveyorBench(fork_in_the_way(deadline_ms=4_000))
    for number in (7, 8):
        bench.put(tote(number), "IN")
        bench.acknowledge(0)
    bench.wait(4_100)
    bench.decide(2)
    bench.wait(6_000)
    assert bench.point().track == 2
    bench.decide(1)
    bench.wait(HOUR_MS)
    assert (bench.times("D-B"), bench.times("D-A")) == ([8_000], [10_000])
    assert [entry.exit for entry in bench.point().outcomes] == [1, 2]


def test_at_speed_eight_the_load_is_held_at_the_divert_until_the_deadline_of_the_wall_has_passed() -> None:
    bench = bench_with_a_scanned_load(deadline_factor=8)
    bench.wait(19_999)
    assert bench.at("IN-D") == [7]
    bench.decide(2)
    assert bench.times("D-B") == [19_999]


def test_a_pause_stops_the_deadline_with_the_load() -> None:
    bench = bench_with_a_scanned_load()
    bench.wait(5_000)
    bench.send(CommandCode.PAUSE)
    bench.wait(60_000)
    bench.decide(2)
    bench.send(CommandCode.RESUME)
    bench.wait(HOUR_MS)
    assert bench.times("D-B") == [61_000]


def test_a_load_lifted_at_the_scanner_closes_its_event_without_an_outcome() -> None:
    bench = bench_with_a_scanned_load()
    bench.lift(7, "IN-D")
    bench.put(tote(8), "IN")
    bench.wait(HOUR_MS)
    assert bench.point().outcomes == (outcome(1, OutcomeReason.TIMEOUT, scan=2),)


def test_scan_sequences_are_never_zero() -> None:
    bench = ConveyorBench(fork_in_the_way())
    memory = bench.machine.memory()
    point = memory.flow.points[0]
    worn = replace(point, event=replace(point.event, scan_sequence=0xFFFF))
    bench.power_cycle(replace(memory, flow=replace(memory.flow, points=(worn,))))
    bench.send(CommandCode.RESUME)
    bench.put(tote(7), "IN")
    bench.wait(SCANNED_MS)
    assert bench.point().scan_sequence == 1
