"""Traffic on random tracks: nobody collides, every errand ends, and the kernels agree with their plain twins."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotting.compiled import IntArray
from tests.traffic.tracks import Drivers, track, traffic
from wcs.plant.file import read_plant
from wcs.plant.model import Track
from wcs.traffic import plain
from wcs.traffic.homes import assign_homes, check_track, start_traffic
from wcs.traffic.safety import NOBODY, ROAD, WaysHome, can_go_home, free_way
from wcs.traffic.ways import FAR, quickest_to, way_past

# The track is cleared for an errand older than 600 steps: each may need one clearing and its own way.
STEPS_MAX_AN_ERRAND = 1500


def random_track(draws: random.Random, vehicles: int) -> Track:
    """A ring or a two-way line, so that every node reaches every other, with some more lanes and a spur a vehicle."""
    count = draws.randint(3, 9)
    names = [f"N{n}" for n in range(count)]
    lanes = [">".join([*names, names[0]]) if draws.random() < 0.6 else "-".join(names)]
    for _ in range(draws.randint(0, 3)):
        origin, end = draws.sample(names, 2)
        between = f"M{len(lanes)}"
        lanes.append(draws.choice([">", "-"]).join([origin, between, end]))
    homes = [f"H{n}" for n in range(vehicles)]
    lanes += [f"{draws.choice(names)}-{home}" for home in homes]
    return track(lanes, parking=homes)


def drive(seed: int, *, breakdowns: bool = False) -> None:
    draws = random.Random(seed)
    vehicles = draws.randint(2, 5)
    on = random_track(draws, vehicles)
    homes = {f"V{n}": f"H{n}" for n in range(vehicles)}
    assert check_track(on, homes) == ()
    sinks = [node.name for node in on.nodes if not node.parking]
    errands = {name: [draws.choice(sinks) for _ in range(draws.randint(0, 4))] for name in homes}
    wanted = sum(len(row) for row in errands.values())
    drivers = Drivers(traffic(on, **homes), errands)
    slowness = draws.choice([0.0, 0.3, 0.8])
    broken: str | None = None
    while not drivers.finished():
        if drivers.steps % 40 == 39 and breakdowns:
            if broken is not None:
                drivers.state.set_able(broken, True, 0)
            broken = draws.choice(drivers.state.names) if broken is None and drivers.steps < 1000 else None
            if broken is not None:
                drivers.state.set_able(broken, False, 0)
        assert drivers.steps < STEPS_MAX_AN_ERRAND * max(1, wanted), f"seed {seed}: {drivers.state.vehicles}"
        drivers.step(lambda name: draws.random() < slowness, lambda: draws.randint(0, 5))
    assert len(drivers.done) == wanted


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_on_any_well_formed_track_nobody_collides_and_every_errand_ends(seed: int) -> None:
    drive(seed)


@pytest.mark.parametrize("seed", range(60))
def test_the_same_for_seeds_that_never_change(seed: int) -> None:
    drive(seed)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_same_when_vehicles_break_down_anywhere_and_are_repaired(seed: int) -> None:
    drive(seed, breakdowns=True)


@pytest.mark.parametrize("seed", [596, 2190, 4034, 6696])
def test_seeds_that_once_drove_in_circles(seed: int) -> None:
    drive(seed)


@pytest.mark.parametrize("name", ["tiny", "demo"])
def test_the_shipped_tracks_are_well_formed(name: str) -> None:
    plant = read_plant(name)
    assert check_track(plant.track, assign_homes(plant.track, plant.vehicles)) == ()


def test_six_vehicles_on_the_demo_track_do_at_least_300_errands_an_hour() -> None:
    plant = read_plant("demo")
    draws = random.Random(1)
    state = start_traffic(plant.track, plant.vehicles)
    stops = [node.name for node in plant.track.nodes if node.stops]
    drivers = Drivers(state, {name: [draws.choice(stops) for _ in range(1000)] for name in state.names})
    while drivers.steps < 3600:
        drivers.step(lambda name: draws.random() < 0.6, lambda: 8)
    assert len(drivers.done) >= 300


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_safety_check_equals_sending_everybody_home_by_hand(seed: int) -> None:
    draws = random.Random(seed)
    vehicles = draws.randint(1, 6)
    nodes = draws.randint(vehicles, 14)
    onward = {n: sorted(draws.sample(range(nodes), draws.randint(0, min(nodes, 3)))) for n in range(nodes)}
    homes = draws.sample(range(nodes), vehicles)
    ends = draws.sample(range(nodes), vehicles)
    able = [draws.random() < 0.9 for _ in range(vehicles)]
    able[0] = True
    obstacles = {end for end, works in zip(ends, able, strict=True) if not works}
    others = {ends[v] for v in range(1, vehicles)}
    node = draws.choice([n for n in range(nodes) if n not in others])
    home_of = np.full(nodes, ROAD)
    home_of[homes] = np.arange(vehicles)
    first = np.cumsum([0, *(len(onward[n]) for n in range(nodes))])
    edges = np.array([end for n in range(nodes) for end in onward[n]], dtype=np.int64)
    blocked = np.isin(np.arange(nodes), sorted(obstacles))
    known = (home_of, np.array(homes), np.array(ends), np.array(able), WaysHome(vehicles))
    answer = can_go_home(first, edges, blocked, *known, vehicle=0, node=node)
    assert answer == plain.can_go_home(onward, obstacles, homes, ends, able, 0, node)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_is_remembered_of_other_places_homes_and_obstacles_decides_nothing(seed: int) -> None:
    draws = random.Random(seed)
    vehicles = draws.randint(1, 6)
    nodes = draws.randint(2 * vehicles, 16)
    onward = {n: sorted(draws.sample(range(nodes), draws.randint(1, min(nodes, 3)))) for n in range(nodes)}
    first = np.cumsum([0, *(len(onward[n]) for n in range(nodes))])
    edges = np.array([end for n in range(nodes) for end in onward[n]], dtype=np.int64)
    parking = draws.sample(range(nodes), vehicles)
    remembered = WaysHome(vehicles)
    ends, homes = draws.sample(range(nodes), vehicles), parking
    for _ in range(8):
        moved = draws.randrange(vehicles)
        homes = draws.sample(parking, vehicles) if draws.random() < 0.3 else homes
        ends[moved] = draws.choice([n for n in range(nodes) if n == ends[moved] or n not in ends])
        able = [draws.random() < 0.9 for _ in range(vehicles)]
        who = draws.randrange(vehicles)
        able[who] = True
        obstacles = {end for end, works in zip(ends, able, strict=True) if not works}
        node = draws.choice([n for n in range(nodes) if n == ends[who] or n not in ends])
        home_of = np.full(nodes, ROAD)
        home_of[homes] = np.arange(vehicles)
        blocked = np.isin(np.arange(nodes), sorted(obstacles))
        known = (home_of, np.array(homes), np.array(ends), np.array(able), remembered)
        answer = can_go_home(first, edges, blocked, *known, vehicle=who, node=node)
        assert answer == plain.can_go_home(onward, obstacles, homes, ends, able, who, node)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_free_way_has_as_few_nodes_as_the_plain_twin_finds(seed: int) -> None:
    draws = random.Random(seed)
    nodes = draws.randint(2, 14)
    onward = {n: sorted(draws.sample(range(nodes), draws.randint(0, min(nodes, 3)))) for n in range(nodes)}
    shut = {n for n in range(nodes) if draws.random() < 0.3}
    origin, sink = draws.sample(range(nodes), 2)
    first = np.cumsum([0, *(len(onward[n]) for n in range(nodes))])
    edges = np.array([end for n in range(nodes) for end in onward[n]], dtype=np.int64)
    way = free_way(first, edges, np.isin(np.arange(nodes), sorted(shut)), origin=origin, sink=sink)
    steps = plain.reached(onward, shut, origin)
    assert len(way) == steps.get(sink, 0)
    for here, there in zip([origin, *way], way, strict=False):
        assert there in onward[here]
        assert there not in shut


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_way_past_all_others_costs_what_the_plain_twin_finds(seed: int) -> None:
    draws = random.Random(seed)
    nodes = draws.randint(2, 14)
    onward = {n: sorted(draws.sample(range(nodes), draws.randint(0, min(nodes, 3)))) for n in range(nodes)}
    times = {(n, end): draws.randint(1, 5) for n in range(nodes) for end in onward[n]}
    shut = {n for n in range(nodes) if draws.random() < 0.3}
    delays = [draws.choice([0, 0, 3, 6]) for _ in range(nodes)]
    origin, sink = draws.sample(range(nodes), 2)
    first = np.cumsum([0, *(len(onward[n]) for n in range(nodes))])
    edges = np.array([end for n in range(nodes) for end in onward[n]], dtype=np.int64)
    lanes = np.array([times[n, end] for n in range(nodes) for end in onward[n]], dtype=np.int64)
    closed = np.isin(np.arange(nodes), sorted(shut))
    left, _ = quickest_to(*rows_into(onward, times), closed, sink=sink)
    way = way_past(first, edges, lanes, closed, np.array(delays), left, origin=origin, sink=sink)
    assert way == plain.way_past(onward, times, shut, delays, origin, sink)
    cheapest = plain.cheapest(onward, times, shut - {sink}, delays, origin)
    assert bool(way) == (sink in cheapest)
    assert not shut & set(way[:-1])
    if way:
        assert sum(times[pair] + delays[pair[1]] for pair in pairwise([origin, *way])) == cheapest[sink]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_quickest_ways_to_a_node_are_those_of_the_plain_twin(seed: int) -> None:
    draws = random.Random(seed)
    nodes = draws.randint(2, 14)
    onward = {n: sorted(draws.sample(range(nodes), draws.randint(0, min(nodes, 3)))) for n in range(nodes)}
    lanes = {(n, end): draws.randint(1, 5) for n in range(nodes) for end in onward[n]}
    shut = {n for n in range(nodes) if draws.random() < 0.3}
    sink = draws.randrange(nodes)
    closed = np.isin(np.arange(nodes), sorted(shut))
    times, steps = quickest_to(*rows_into(onward, lanes), closed, sink=sink)
    for origin in range(nodes):
        found = plain.cheapest(onward, lanes, shut - {sink}, [0] * nodes, origin).get(sink, FAR)
        assert times[origin] == found
        through = [
            end
            for end in onward[origin]
            if (end not in shut or end == sink) and lanes[origin, end] + times[end] == found
        ]
        assert steps[origin] == min(through, default=-1)


def rows_into(onward: dict[int, list[int]], times: dict[tuple[int, int], int]) -> tuple[IntArray, IntArray, IntArray]:
    """Compressed rows of the edges into each node."""
    into = [(end, n, times[n, end]) for n in onward for end in onward[n]]
    into.sort()
    first = np.searchsorted(np.array([end for end, _, _ in into]), np.arange(len(onward) + 1))
    return first, np.array([n for _, n, _ in into], np.int64), np.array([time for _, _, time in into], np.int64)


def test_a_parking_node_that_is_nobodys_is_not_driven_through() -> None:
    first, edges = np.array([0, 1, 2, 2]), np.array([1, 2])
    nothing, place = np.zeros(3, np.bool_), np.array([0])
    able = np.array([True])
    known = np.array([2]), place, able, WaysHome(1)
    road = can_go_home(first, edges, nothing, np.array([ROAD, ROAD, 0]), *known, vehicle=0, node=0)
    parking = can_go_home(first, edges, nothing, np.array([ROAD, NOBODY, 0]), *known, vehicle=0, node=0)
    assert (road, parking) == (True, False)
