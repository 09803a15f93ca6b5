"""Loads on a conveyor: hand-over at its ends, travel, accumulation and merges."""

from __future__ import annotations

import pytest

from tests.devices.conveyor_bench import (
    HOUR_MS,
    ConveyorBench,
    conveyor,
    point,
    segment,
    straight,
    table,
    tote,
    two_become_one,
)
from wcs.core.ports import AckCode, CommandCode, TransferStatus


def test_a_load_handed_over_at_an_entry_gets_a_track_and_reaches_the_exit_after_its_travel_time() -> None:
    bench = ConveyorBench(straight())
    bench.put(tote(7), "IN")
    assert bench.transfer(0).track == 1
    bench.wait(HOUR_MS)
    assert bench.times("OUT") == [4_000]
    assert bench.transfer(1) == TransferStatus(occupied=True, ready_to_hand_over=True, track=1, event_sequence=1)


def test_every_move_of_the_belt_is_one_line_of_the_world_by_the_conveyor() -> None:
    bench = ConveyorBench(straight())
    bench.put(tote(7), "IN")
    bench.wait(HOUR_MS)
    moves = [(line.source, line.sink, line.by) for line in bench.lines[1:]]
    assert moves == [("IN", "IN-OUT", "CV"), ("IN-OUT", "OUT", "CV")]


def test_set_down_and_departure_are_two_events_and_the_words_keep_the_track() -> None:
    bench = ConveyorBench(straight())
    assert bench.transfer(0) == TransferStatus(ready_to_accept=True)
    bench.put(tote(7), "IN")
    assert bench.transfer(0) == TransferStatus(track=1, event_sequence=2)
    bench.acknowledge(0)
    assert bench.transfer(0) == TransferStatus(ready_to_accept=True, track=1, event_sequence=2)


def test_the_wire_to_the_giver_says_the_same_as_ready_to_accept() -> None:
    bench = ConveyorBench(straight())
    assert bench.world.accepts("IN")
    bench.put(tote(7), "IN")
    assert not bench.world.accepts("IN")
    bench.acknowledge(0)
    assert bench.world.accepts("IN")
    bench.send(CommandCode.PAUSE)
    assert not bench.world.accepts("IN")
    assert not bench.world.accepts("OUT")


def test_the_belt_stands_still_under_a_load_until_the_fork_is_clear() -> None:
    bench = ConveyorBench(straight())
    bench.world.set_engaged("IN", True)
    bench.put(tote(7), "IN")
    bench.wait(5_000)
    assert bench.at("IN") == [7]
    assert bench.transfer(0).occupied
    bench.world.set_engaged("IN", False)
    bench.machine.advance(5_000)
    bench.wait(HOUR_MS)
    assert bench.times("OUT") == [9_000]


def test_an_acknowledgement_of_an_older_event_does_not_make_a_place_ready() -> None:
    bench = ConveyorBench(table())
    bench.put(tote(7), "T")
    bench.acknowledge(0)
    bench.lift(7, "T")
    assert bench.transfer(0) == TransferStatus(track=1, event_sequence=2)


def test_a_table_is_ready_to_hand_over_when_occupied_and_to_accept_when_empty() -> None:
    bench = ConveyorBench(table())
    bench.put(tote(7), "T")
    assert bench.transfer(0) == TransferStatus(occupied=True, ready_to_hand_over=True, track=1, event_sequence=1)
    bench.lift(7, "T")
    bench.acknowledge(0)
    bench.put(tote(8), "T")
    assert bench.transfer(0).track == 2
    assert bench.transfer(0).event_sequence == 3


def test_a_load_exchanged_between_two_scans_is_two_events() -> None:
    bench = ConveyorBench(table())
    bench.put(tote(7), "T")
    bench.world.move(7, "T", "outside", by="person", now_ms=0)
    bench.put(tote(8), "T")
    assert bench.transfer(0).event_sequence == 3
    assert bench.transfer(0).track == 2


def test_no_load_comes_to_an_exit_before_the_lift_of_the_last_one_is_acknowledged() -> None:
    bench = ConveyorBench(straight())
    for number in (7, 8):
        bench.put(tote(number), "IN")
        bench.acknowledge(0)
        bench.wait(bench.now_ms + 2_000)
    bench.wait(10_000)
    assert (bench.at("OUT"), bench.at("IN-OUT")) == ([7], [8])
    bench.lift(7, "OUT")
    bench.wait(11_000)
    assert bench.at("OUT") == []
    bench.acknowledge(1)
    assert bench.at("OUT") == [8]


def test_loads_accumulate_behind_a_full_exit_up_to_the_capacity() -> None:
    bench = ConveyorBench(straight())
    for number in range(1, 5):
        bench.put(tote(number), "IN")
        bench.acknowledge(0)
        bench.wait(bench.now_ms + 10_000)
    assert (bench.at("OUT"), bench.at("IN-OUT"), bench.at("IN")) == ([1], [2, 3], [4])
    assert not bench.transfer(0).ready_to_accept


def test_an_accumulated_load_closes_up_by_one_pitch_when_the_exit_is_cleared() -> None:
    bench = ConveyorBench(straight())
    for number in (1, 2, 3):
        bench.put(tote(number), "IN")
        bench.acknowledge(0)
        bench.wait(bench.now_ms + 10_000)
    for number, lifted_ms in ((1, 40_000), (2, 40_500)):
        bench.wait(lifted_ms)
        bench.acknowledge(1)
        bench.lift(number, "OUT")
        bench.acknowledge(1)
    bench.wait(HOUR_MS)
    assert bench.times("OUT") == [4_000, 40_000, 42_000]


def test_two_loads_enter_a_segment_one_pitch_apart() -> None:
    bench = ConveyorBench(straight())
    bench.put(tote(1), "IN")
    bench.acknowledge(0)
    bench.put(tote(2), "IN")
    bench.wait(3_000)
    assert bench.times("IN-OUT") == [0, 2_000]


def test_whoever_arrives_first_at_a_merge_goes_first() -> None:
    bench = ConveyorBench(two_become_one())
    bench.put(tote(2), "IN2")
    bench.wait(100)
    bench.put(tote(1), "IN1")
    bench.wait(HOUR_MS)
    assert [line.number for line in bench.lines if line.sink == "M-OUT"] == [2, 1]
    assert bench.times("M-OUT") == [4_000, 6_000]


def test_loads_that_arrive_together_at_a_merge_go_in_the_order_of_their_segments_names() -> None:
    bench = ConveyorBench(two_become_one())
    bench.put(tote(2), "IN2")
    bench.put(tote(1), "IN1")
    bench.wait(HOUR_MS)
    assert [line.number for line in bench.lines if line.sink == "M-OUT"] == [1, 2]


def test_a_load_lifted_off_the_belt_by_hand_is_forgotten_and_the_next_one_goes_on() -> None:
    bench = ConveyorBench(straight())
    bench.put(tote(1), "IN")
    bench.acknowledge(0)
    bench.wait(2_000)
    bench.put(tote(2), "IN")
    bench.wait(3_000)
    bench.lift(1, "IN-OUT")
    bench.wait(HOUR_MS)
    assert bench.at("OUT") == [2]


def test_a_stuck_photo_eye_reads_occupied_until_it_is_freed() -> None:
    bench = ConveyorBench(straight())
    bench.machine.inject("stuck_photo_eye", {"transfer_point": "IN"}, 0)
    assert bench.transfer(0).occupied
    assert not bench.transfer(0).ready_to_accept
    bench.machine.inject("free_photo_eye", {"transfer_point": "IN"}, 0)
    bench.acknowledge(0)
    assert bench.transfer(0).ready_to_accept


def test_a_paused_conveyor_stands_still_and_goes_on_with_the_remaining_time() -> None:
    bench = ConveyorBench(straight())
    bench.put(tote(7), "IN")
    bench.wait(1_000)
    assert bench.send(CommandCode.PAUSE) == AckCode.ACCEPTED
    bench.wait(50_000)
    assert bench.at("IN-OUT") == [7]
    assert bench.send(CommandCode.RESUME) == AckCode.ACCEPTED
    bench.wait(HOUR_MS)
    assert bench.times("OUT") == [53_000]


def test_a_late_scan_does_everything_that_was_due_at_its_due_time() -> None:
    bench = ConveyorBench(two_become_one())
    bench.put(tote(1), "IN1")
    bench.machine.advance(HOUR_MS)
    assert (bench.times("M-OUT"), bench.times("OUT")) == ([4_000], [8_000])


def test_a_transfer_point_in_the_middle_of_a_belt_is_refused() -> None:
    with pytest.raises(ValueError, match="T stands in the middle"):
        ConveyorBench(conveyor(segment("IN", "T"), segment("T", "OUT"), transfer_points=("IN", "T", "OUT")))


def test_a_second_way_into_a_point_on_a_loop_is_refused() -> None:
    plan = conveyor(
        segment("IN", "D"),
        segment("D", "D"),
        segment("D", "OUT"),
        transfer_points=("IN", "OUT"),
        points=(point("D", 0, {1: "D-D", 2: "D-OUT"}),),
    )
    with pytest.raises(ValueError, match="merge before the point"):
        ConveyorBench(plan)
