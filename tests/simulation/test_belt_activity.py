"""What belts do with their time: the first load on a belt decides, and the log of the world tells it."""

from __future__ import annotations

import pytest
from msgspec.structs import astuple, replace

from devices.machines.world import WorldLine
from simulation.belt_activity import BeltActivity
from simulation.run import run
from simulation.sensitivity import CONVEYORS, bottlenecks, candidates, with_faster
from simulation.spec import RunSpec, WorkloadSpec
from wcs.plant.file import load_plant
from wcs.plant.model import Plant

PLANT = load_plant("tiny")
TO_STATION = "DST1.IN"  # 3 m at 0.5 m/s for five loads: 6 s to its end, which the next load reaches 1.2 s later
SECOND_ON_LOOP = "LOOP2"  # 2 m at 0.5 m/s to a scanner, its divert 2 s behind it


def doing(*lines: tuple[int, int, str, str], until_ms: int, belt: str) -> list[tuple[str, int, int]]:
    """(state, from, to) of a belt after these moves (time, load, source, sink)."""
    activity = BeltActivity(PLANT, 0, keep=True)
    for n, (at_ms, load, source, sink) in enumerate(lines):
        activity.line(WorldLine(sequence=n + 1, time_ms=at_ms, number=load, source=source, sink=sink, by="CV"))
    activity.shares(until_ms)
    return [(span.state, span.from_ms, span.to_ms) for span in activity.spans if span.device == belt]


def test_a_belt_is_busy_until_its_first_load_is_at_the_end_and_blocked_until_that_has_gone_on() -> None:
    came, went = (1_000, 7, "LOOP6", TO_STATION), (9_000, 7, TO_STATION, "ST1.PICK")
    assert doing(came, went, until_ms=10_000, belt=TO_STATION) == [
        ("starved", 0, 1_000), ("busy", 1_000, 7_000), ("blocked", 7_000, 9_000), ("starved", 9_000, 10_000),
    ]  # fmt: skip


def test_who_stood_behind_the_first_is_under_way_for_one_pitch() -> None:
    first, second = (0, 7, "LOOP6", TO_STATION), (2_000, 8, "LOOP6", TO_STATION)
    went = (20_000, 7, TO_STATION, "ST1.PICK")
    assert doing(first, second, went, until_ms=30_000, belt=TO_STATION) == [
        ("busy", 0, 6_000), ("blocked", 6_000, 20_000), ("busy", 20_000, 21_200), ("blocked", 21_200, 30_000),
    ]  # fmt: skip


def test_the_way_from_a_scanner_to_its_divert_belongs_to_the_belt_before_it() -> None:
    came, went = (0, 7, "LOOP1", SECOND_ON_LOOP), (6_000, 7, SECOND_ON_LOOP, "LOOP3")
    assert doing(came, went, until_ms=6_000, belt=SECOND_ON_LOOP) == [("busy", 0, 6_000)]


def test_a_load_that_people_lift_off_from_behind_leaves_the_first_where_it_is() -> None:
    first, second = (0, 7, "LOOP6", TO_STATION), (2_000, 8, "LOOP6", TO_STATION)
    lifted = (3_000, 8, TO_STATION, "outside")
    assert doing(first, second, lifted, until_ms=8_000, belt=TO_STATION) == [
        ("busy", 0, 6_000),
        ("blocked", 6_000, 8_000),
    ]


def test_while_its_word_block_cannot_work_a_belt_is_faulted_and_its_load_stands() -> None:
    activity = BeltActivity(PLANT, 0, keep=True)
    device = next(p.device for c in PLANT.conveyors for p in c.points if p.name == "ST1.PICK")
    activity.line(WorldLine(sequence=1, time_ms=0, number=7, source="LOOP6", sink=TO_STATION, by="CV"))
    activity.seen(device, False, 4_000)
    activity.seen(device, True, 9_000)
    shares = activity.shares(20_000)[TO_STATION]
    assert astuple(shares) == pytest.approx((0.3, 0.45, 0.0, 0.25, 0.0))  # 6 s under way, with 5 s between


def test_what_was_before_the_measured_time_counts_nowhere() -> None:
    activity = BeltActivity(PLANT, 5_000, keep=True)
    activity.line(WorldLine(sequence=1, time_ms=0, number=7, source="LOOP6", sink=TO_STATION, by="CV"))
    assert activity.shares(5_000) == {}
    assert activity.shares(10_000)[TO_STATION].busy == pytest.approx(0.2)


def slow_belts() -> Plant:
    """The tiny plant with its belts at 40 mm/s."""
    return replace(
        PLANT,
        conveyors=tuple(
            replace(conveyor, segments=tuple(replace(segment, speed_mm_s=40) for segment in conveyor.segments))
            for conveyor in PLANT.conveyors
        ),
    )


def test_of_slow_belts_the_twin_says_that_they_are_the_bottleneck_and_asks_what_faster_ones_bring() -> None:
    spec = RunSpec(plant=slow_belts(), workload=WorkloadSpec(orders_per_hour=16), hours=1.0, keep="log")
    result = run(spec)
    assert result.log is not None
    belts = {segment.name for conveyor in PLANT.conveyors for segment in conveyor.segments}
    assert bottlenecks(result.log.spans)[0].device in belts
    assert candidates(spec, result.log.spans)[0] == CONVEYORS
    before, after = (
        [segment.speed_mm_s for conveyor in one.plant.conveyors for segment in conveyor.segments]
        for one in (spec, with_faster(spec, CONVEYORS))
    )
    assert after == [44] * len(before)
