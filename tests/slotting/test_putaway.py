"""Put-away: the compiled kernels against their plain twins, and the rules in named small racks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotting import plain
from slotting.putaway import BLOCKED, FreeLocations, choose_location
from slotting.travel import travel_times_ms

PENALTY_MS = 600_000


def two_aisles_three_locations_each() -> FreeLocations:
    return FreeLocations(
        aisle=np.array([0, 0, 0, 1, 1, 1]),
        travel_ms=np.array([3000, 1000, 2000, 1500, 2500, 3500]),
        aisle_count=2,
    )


def choose(free: FreeLocations, load: tuple[int, int], sku: tuple[int, int], able: tuple[bool, bool]) -> int:
    return choose_location(free, np.array(load), np.array(sku), np.array(able), spread_penalty_ms=PENALTY_MS)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 40_000)), min_size=1, max_size=5),
    st.tuples(st.integers(1, 6000), st.integers(1, 4000)),
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
)
def test_travel_times_equal_those_of_exact_arithmetic(
    sinks: list[tuple[int, int]], speed: tuple[int, int], accel: tuple[int, int]
) -> None:
    times = travel_times_ms(
        np.array([700, 300]), np.array(sinks), speed_mm_s=np.array(speed), accel_mm_s2=np.array(accel)
    )
    assert times.tolist() == [
        max(
            plain.travel_time_ms(abs(x - 700), speed[0], accel[0]),
            plain.travel_time_ms(abs(y - 300), speed[1], accel[1]),
        )
        for x, y in sinks
    ]


def test_a_travel_time_refuses_a_crane_that_cannot_move() -> None:
    with pytest.raises(ValueError, match="speed_mm_s"):
        travel_times_ms(np.array([0, 0]), np.array([[1, 1]]), speed_mm_s=np.array([0, 1]), accel_mm_s2=np.array([1, 1]))
    with pytest.raises(ValueError, match="sinks_mm"):
        travel_times_ms(np.array([0, 0]), np.array([1, 1]), speed_mm_s=np.array([1, 1]), accel_mm_s2=np.array([1, 1]))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_chosen_location_is_that_of_looking_at_every_one(data: st.DataObject) -> None:
    aisles = data.draw(st.integers(1, 4))
    # Up to 2,200 locations, so that an aisle has more than one summary word.
    count = data.draw(st.integers(1, 40)) * data.draw(st.sampled_from([1, 55]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    draws = np.random.default_rng(seed)
    aisle = draws.integers(0, aisles, count)
    travel = draws.integers(0, 30, count) * 100
    free = FreeLocations(aisle=aisle, travel_ms=travel, aisle_count=aisles)
    status = [0] * count
    for location in draws.integers(0, count, count * 2).tolist():
        match int(draws.integers(0, 5)):
            case 0:
                free.give(location)
                status[location] &= 2
            case 1:
                free.block(location)
                status[location] |= 2
            case 2:
                free.unblock(location)
                status[location] &= 1
            case _:
                free.take(location)
                status[location] |= 1
    load = draws.integers(0, 4, aisles) * 100
    sku = draws.integers(0, 3, aisles)
    able = draws.integers(0, 4, aisles) > 0
    is_free = [not s for s in status]
    chosen = choose_location(free, load, sku, able, spread_penalty_ms=500)
    assert chosen == plain.choose_location(
        aisle.tolist(), travel.tolist(), is_free, load.tolist(), sku.tolist(), able.tolist(), 500
    )
    assert [free.free_count(a) for a in range(aisles)] == [
        sum(1 for f, home in zip(is_free, aisle.tolist(), strict=True) if f and home == a) for a in range(aisles)
    ]
    rebuilt = FreeLocations(aisle=aisle, travel_ms=travel, aisle_count=aisles, status=free.status)
    assert [rebuilt.first_free(a) for a in range(aisles)] == [free.first_free(a) for a in range(aisles)]


def test_the_nearest_free_location_is_chosen() -> None:
    free = two_aisles_three_locations_each()
    assert choose(free, (0, 0), (0, 0), (True, True)) == 1
    free.take(1)
    assert choose(free, (0, 0), (0, 0), (True, True)) == 3


def test_a_crane_with_much_work_waiting_is_spared() -> None:
    assert choose(two_aisles_three_locations_each(), (60_000, 0), (0, 0), (True, True)) == 3


def test_an_sku_comes_to_stand_in_two_aisles_whenever_two_have_room() -> None:
    free = two_aisles_three_locations_each()
    assert choose(free, (0, 100_000), (5, 0), (True, True)) == 3
    assert choose(free, (0, 100_000), (5, 1), (True, True)) == 1


def test_an_sku_stays_in_one_aisle_when_the_other_has_no_room() -> None:
    free = two_aisles_three_locations_each()
    for location in (3, 4, 5):
        free.block(location)
    assert choose(free, (0, 0), (5, 0), (True, True)) == 1
    assert choose(free, (0, 0), (5, 0), (False, True)) == -1


def test_a_blocked_location_stays_blocked_when_its_load_is_gone() -> None:
    free = two_aisles_three_locations_each()
    free.take(1)
    free.block(1)
    free.give(1)
    assert not free.is_free(1)
    assert free.status[1] == BLOCKED
    free.unblock(1)
    assert free.first_free(0) == 1


def test_wrong_shapes_are_refused_by_name() -> None:
    free = two_aisles_three_locations_each()
    with pytest.raises(ValueError, match="aisle_load_ms"):
        choose_location(free, np.array([0]), np.array([0, 0]), np.array([True, True]), spread_penalty_ms=0)
    with pytest.raises(ValueError, match="aisle_able"):
        choose_location(free, np.array([0, 0]), np.array([0, 0]), np.array([1, 1]), spread_penalty_ms=0)
    with pytest.raises(ValueError, match="travel_ms"):
        FreeLocations(aisle=np.array([0]), travel_ms=np.array([-1]), aisle_count=1)
    with pytest.raises(ValueError, match="no aisle 2"):
        free.first_free(2)
