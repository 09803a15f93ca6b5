"""Crane cycles against FEM 9.851 by hand, Bozer and White (1984), and Hausman, Schwarz and Graves (1976)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, combinations, count, islice, pairwise
from math import log

import pytest

from tests.simulation.validation.crane_cycles import (
    CELLS,
    LONGEST_S,
    CraneCycles,
    rack_plant,
    single_travels_ms,
    uniform_rack,
)
from tests.simulation.validation.dual_cycles import LONGEST_S as DISPATCHED_LONGEST_S
from tests.simulation.validation.dual_cycles import DualCycles
from tests.simulation.validation.quick_plant import QUICK_FORK_MS

SHAPES = (0.25, 0.5, 0.75, 1.0)
DUAL_CYCLES = 3_000
DISPATCHED_SHAPES = (0.5, 1.0)
DISPATCHED_CYCLES = 600
FIRST_CYCLES = 5  # the rack is not in turn yet
SKEW = log(0.8) / log(0.2)  # of the 20/80 curve: a fifth of the articles are asked for in four fifths of all cases


def reference_crane() -> CraneCycles:
    """30 m by 15 m, 3 m/s and 1 m/s, both with 0.5 m/s²: P1 is bay 6, level 10 and P2 is bay 20, level 3."""
    crane = rack_plant(
        bays=30, levels=15, pitch_mm=(1_000, 1_000), first_mm=(1_000, 1_000), speed_mm_s=(3_000, 1_000),
        accel_mm_s2=500,
    )  # fmt: skip
    return CraneCycles(crane)


P1, P2 = (6, 10), (20, 3)  # (1/5 L, 2/3 H) and (2/3 L, 1/5 H)


@pytest.mark.parametrize(
    ("point", "one_way_ms"),
    [
        (P1, 12_000),  # 6 m: triangle, 2·sqrt(6/0.5) = 6.928 s; 10 m: 10/1 + 1/0.5 = 12 s
        (P2, 12_667),  # 20 m: 20/3 + 3/0.5 = 12.667 s; 3 m: 3/1 + 1/0.5 = 5 s
        ((1, 1), 2_828),  # 1 m on both axes, less than v²/a on both: triangle, 2·sqrt(1/0.5) = 2.828 s
        ((30, 1), 16_000),  # 30 m: 30/3 + 3/0.5
        ((3, 1), 4_899),  # 3 m: triangle, 2·sqrt(3/0.5) = 4.899 s
    ],
)
def test_a_single_cycle_takes_what_the_trapezoid_says_by_hand(point: tuple[int, int], one_way_ms: int) -> None:
    assert abs(reference_crane().single_ms(*point) - 2 * one_way_ms) <= 1


def test_the_single_cycle_of_fem_9851_is_the_mean_over_its_two_points() -> None:
    crane = reference_crane()
    assert abs((crane.single_ms(*P1) + crane.single_ms(*P2)) / 2 - (12_000 + 12_667)) <= 1


def test_the_dual_cycle_of_fem_9851_runs_over_both_points() -> None:
    # between them 14 m: triangle, 2·sqrt(14/0.5) = 10.583 s; 7 m: 7/1 + 1/0.5 = 9 s
    assert abs(reference_crane().dual_ms(P1, P2) - (12_000 + 10_583 + 12_667)) <= 1


def mean_single(shape: float) -> float:
    """Mean travel of a single cycle over all locations, in units of the longest one-way travel."""
    travels_ms = single_travels_ms(shape)
    return sum(travels_ms) / len(travels_ms) / 1_000 / LONGEST_S


def mean_dual(shape: float) -> float:
    """The same of a dual cycle over pairs of locations."""
    crane = CraneCycles(uniform_rack(shape))
    travels_ms = [crane.dual_ms(storage, retrieval) for storage, retrieval in islice(spread_pairs(), DUAL_CYCLES)]
    return sum(travels_ms) / len(travels_ms) / 1_000 / LONGEST_S


def bozer_white_single(shape: float) -> float:
    return 1 + shape**2 / 3


def bozer_white_dual(shape: float) -> float:
    return 4 / 3 + shape**2 / 2 - shape**3 / 30


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mean_single_cycle_is_that_of_bozer_and_white(shape: float) -> None:
    assert mean_single(shape) == pytest.approx(bozer_white_single(shape), rel=0.005)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mean_dual_cycle_is_that_of_bozer_and_white(shape: float) -> None:
    assert mean_dual(shape) == pytest.approx(bozer_white_dual(shape), rel=0.005)


@pytest.mark.parametrize("shape", DISPATCHED_SHAPES)
def test_the_dual_cycles_that_the_mind_pairs_are_those_of_bozer_and_white(shape: float) -> None:
    assert mean_dispatched(shape) == pytest.approx(bozer_white_dual(shape), rel=0.005)


@pytest.mark.soak
@pytest.mark.parametrize("shape", SHAPES)
def test_over_a_thousand_cycles_they_are_so_for_every_shape(shape: float) -> None:
    assert mean_dispatched(shape, cycles=1_000) == pytest.approx(bozer_white_dual(shape), rel=0.002)


def mean_dispatched(shape: float, cycles: int = DISPATCHED_CYCLES) -> float:
    """Mean travel of the dual cycles of a plant at work, from one load at the transfer point to the next."""
    plant = DualCycles(shape, (((a, b), (c, d)) for a, b, c, d in spread_points()))
    plant.run(cycles + FIRST_CYCLES)
    done_ms = plant.done_ms[FIRST_CYCLES - 1 :]
    moves = [line.sink for line in plant.lines if line.source == "CR1" and line.time_ms > done_ms[0]]
    assert all((first == "A1.OUT") != (second == "A1.OUT") for first, second in pairwise(moves)), "always in turn"
    travel_ms = (done_ms[-1] - done_ms[0]) / (len(done_ms) - 1) - 4 * QUICK_FORK_MS
    return travel_ms / 1_000 / DISPATCHED_LONGEST_S


def spread_points() -> Iterator[tuple[float, float, float, float]]:
    """Halton's sequence in four dimensions."""
    for n in count(1):
        yield halton(n, 2), halton(n, 3), halton(n, 5), halton(n, 7)


def spread_pairs() -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of different locations, spread evenly over all pairs."""
    for point in spread_points():
        a, b, c, d = (1 + int(share * CELLS) for share in point)
        if (a, b) != (c, d):
            yield (a, b), (c, d)


def halton(n: int, base: int) -> float:
    """The digits of n mirrored at the point."""
    mirrored, place = 0.0, 1.0
    while n:
        place /= base
        mirrored += place * (n % base)
        n //= base
    return mirrored


HAUSMAN_SCHWARZ_GRAVES = {2: 0.359, 3: 0.437, 0: 0.509}


@pytest.mark.parametrize("classes", HAUSMAN_SCHWARZ_GRAVES)
def test_storage_by_classes_saves_what_hausman_schwarz_and_graves_found(classes: int) -> None:
    assert class_saving(classes) == pytest.approx(HAUSMAN_SCHWARZ_GRAVES[classes], abs=0.01)


def class_saving(classes: int) -> float:
    """How much less the crane travels than with storage anywhere."""
    travels = sorted(float(travel_ms) for travel_ms in single_travels_ms(1.0))
    best = min(class_travel(travels, cuts) for cuts in class_cuts(len(travels), classes))
    return 1 - best * len(travels) / sum(travels)


def class_cuts(locations: int, classes: int) -> Iterator[tuple[int, ...]]:
    """Where the rack can be cut into classes, nearest first; 0 classes: each location is one of its own."""
    if not classes:
        return iter([tuple(range(locations + 1))])
    squares = [locations * n * n // CELLS**2 for n in range(1, CELLS)]
    return ((0, *cuts, locations) for cuts in combinations(squares, classes - 1))


def class_travel(travels: list[float], cuts: tuple[int, ...]) -> float:
    """Mean travel when the loads that turn over fastest stand nearest, anywhere within their class.

    With economic order quantities an article asked for twice as often has 1.41 times the stock, so of the turnover
    x^(2s/(1+s)) falls on the fastest share x of the loads, s being the skew of the demand.
    """
    before = [0.0, *accumulate(travels)]
    turnover = [float((cut / len(travels)) ** (2 * SKEW / (1 + SKEW))) for cut in cuts]
    means = [(before[last] - before[first]) / (last - first) for first, last in pairwise(cuts)]
    return sum((b - a) * mean for (a, b), mean in zip(pairwise(turnover), means, strict=True))
