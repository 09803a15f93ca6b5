"""Travel times against numbers worked out by hand, and the laws that any of them obeys."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.machines.kinematics import plan_run, position_mm, run_state, travel_time_ms

distances = st.integers(0, 200_000)
speeds = st.integers(1, 6_000)
accelerations = st.integers(50, 5_000)


@pytest.mark.parametrize(
    ("distance_mm", "speed_mm_s", "accel_mm_s2", "time_ms"),
    [
        (0, 2_000, 1_000, 0),
        (10_000, 2_000, 1_000, 7_000),  # 10/2 + 2/1 s
        (4_000, 2_000, 1_000, 4_000),  # just reaches its speed: 2·sqrt(4/1) s
        (1_000, 2_000, 1_000, 2_000),  # triangle: 2·sqrt(1/1) s
        (2_000, 1_000, 1_000, 3_000),  # 2/1 + 1/1 s
        (500, 1_000, 1_000, 1_414),  # 2·sqrt(0.5) s = 1.41421 s
        (30_000, 3_000, 500, 16_000),
        (1, 1_000, 1_000, 63),  # 2·sqrt(0.001) s = 63.2 ms
    ],
)
def test_travel_times_are_those_worked_out_by_hand(
    distance_mm: int, speed_mm_s: int, accel_mm_s2: int, time_ms: int
) -> None:
    assert travel_time_ms(distance_mm, speed_mm_s, accel_mm_s2) == time_ms


@given(distances, speeds, accelerations)
def test_the_integer_time_is_the_formula_rounded(distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> None:
    if distance_mm < speed_mm_s**2 / accel_mm_s2:
        formula_ms = 2_000 * sqrt(distance_mm / accel_mm_s2)
    else:
        formula_ms = 1_000 * (distance_mm / speed_mm_s + speed_mm_s / accel_mm_s2)
    assert abs(travel_time_ms(distance_mm, speed_mm_s, accel_mm_s2) - formula_ms) <= 0.501


@given(distances, speeds, accelerations, st.integers(0, 100_000), st.integers(0, 1_000))
def test_a_move_never_goes_back_and_ends_at_its_sink(
    distance_mm: int, speed_mm_s: int, accel_mm_s2: int, first_ms: int, more_ms: int
) -> None:
    first = position_mm(first_ms, distance_mm, speed_mm_s, accel_mm_s2)
    assert 0 <= first <= position_mm(first_ms + more_ms, distance_mm, speed_mm_s, accel_mm_s2) <= distance_mm
    end_ms = travel_time_ms(distance_mm, speed_mm_s, accel_mm_s2)
    assert abs(position_mm(end_ms, distance_mm, speed_mm_s, accel_mm_s2) - distance_mm) <= 1


@pytest.mark.parametrize(("distance_mm", "speed_mm_s", "accel_mm_s2"), [(-1, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_negative_distances_and_speeds_of_nothing_are_refused(
    distance_mm: int, speed_mm_s: int, accel_mm_s2: int
) -> None:
    with pytest.raises(ValueError, match=r"distance|speed"):
        travel_time_ms(distance_mm, speed_mm_s, accel_mm_s2)


def test_a_run_brakes_before_a_slower_stretch() -> None:
    run = plan_run([10_000, 4_000], [2_000, 1_000], 1_000)
    # 2 s to 2 m/s (2 m), 6.5 m in 3.25 s, 1 s down to 1 m/s (1.5 m); then 3.5 m in 3.5 s and 1 s to a stop (0.5 m)
    assert run.passes_ms == (6_250, 10_750)
    assert run_state(run, 6_250) == (10_000, 1_000.0)


@given(st.lists(st.tuples(st.integers(1, 30_000), st.integers(100, 3_000)), min_size=1, max_size=6), accelerations)
def test_a_run_is_at_each_boundary_when_it_says_and_never_too_fast(
    stretches: list[tuple[int, int]], accel_mm_s2: int
) -> None:
    lengths, limits = [length for length, _ in stretches], [limit for _, limit in stretches]
    run = plan_run(lengths, limits, accel_mm_s2)
    for stretch, pass_ms in enumerate(run.passes_ms):
        come_mm, speed_mm_s = run_state(run, pass_ms)
        assert abs(come_mm - sum(lengths[: stretch + 1])) <= 3
        assert speed_mm_s <= limits[stretch] + accel_mm_s2 / 1_000 + 1
    assert all(piece.speed_mm_s <= max(limits) + 1e-6 for piece in run.pieces)


@given(distances.filter(bool), speeds, accelerations)
def test_a_run_over_one_stretch_takes_the_time_of_a_move(distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> None:
    (pass_ms,) = plan_run([distance_mm], [speed_mm_s], accel_mm_s2).passes_ms
    assert abs(pass_ms - travel_time_ms(distance_mm, speed_mm_s, accel_mm_s2)) <= 1
