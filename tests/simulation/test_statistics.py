"""Warm-up, pairs and the choice of the best, against cases whose answer is known."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import pytest

from simulation.chance import Chance
from simulation.statistics import (
    contenders,
    falls_behind,
    is_ahead,
    mean_series,
    mser5,
    ocba,
    paired_difference,
    unpaired_half_width,
    welch,
)


def noise(n: int, seed: int = 1) -> float:
    return Chance(seed).unit("noise", n) - 0.5


def test_a_climb_is_found_to_be_warm_up_and_a_level_has_none() -> None:
    climbing = [min(1.0, n / 50) * 10 + noise(n) for n in range(400)]
    cut = mser5(climbing)
    assert cut is not None
    assert 40 <= cut <= 60
    assert mser5([5.0] * 100) == 0


def test_a_climb_that_does_not_end_has_no_end_of_the_warm_up_nor_have_a_few_values() -> None:
    assert mser5([n + noise(n) for n in range(120)]) is None
    assert mser5([1.0, 2.0]) is None
    assert mser5([5.0] * 15) == 0


def test_means_over_replications_go_as_far_as_the_shortest() -> None:
    assert mean_series([[1.0, 2.0, 3.0], [3.0, 4.0]]) == [2.0, 3.0]


def test_moving_averages_have_a_growing_window_at_the_beginning() -> None:
    assert welch([1.0, 2.0, 3.0, 4.0, 5.0], 1) == [1.0, 2.0, 3.0, 4.0]
    assert welch([6.0] * 7, 2) == [6.0] * 5


def test_pairs_on_the_same_orders_know_their_difference_better() -> None:
    orders = [100 + 20 * noise(n) for n in range(10)]
    ours = [order + 2 + 0.1 * noise(n, 2) for n, order in enumerate(orders)]
    difference = paired_difference(ours, orders)
    assert difference.mean == pytest.approx(2, abs=0.1)
    assert difference.half_width < 0.1
    assert difference.variance_factor > 1_000
    with pytest.raises(ValueError, match="as many of both"):
        paired_difference(ours, orders[:-1])


def test_a_few_runs_that_happen_to_be_alike_are_not_certain() -> None:
    assert paired_difference([20.0, 40.0], [10.0, 30.0], step=10.0).half_width > 10
    assert contenders([[20.0, 40.0], [10.0, 30.0]], step=10.0) == [0, 1]
    many = [float(n % 7) for n in range(30)]
    assert contenders([[rate + 1 for rate in many], many], step=1.0) == [0]


def spread(mean: float, deviation: float, count: int, seed: int) -> list[float]:
    """Runs with this mean and standard deviation, exactly."""
    drawn = [normal(n, seed) for n in range(count)]
    middle, wide = fmean(drawn), stdev(drawn)
    return [mean + deviation * (value - middle) / wide for value in drawn]


def normal(n: int, seed: int) -> float:
    chance = Chance(seed)
    return math.sqrt(-2 * math.log(1 - chance.unit("length", n))) * math.cos(2 * math.pi * chance.unit("angle", n))


def test_a_budget_that_gave_a_poor_one_few_runs_tells_it_from_the_best() -> None:
    runs = [spread(65.3, 4.6, 3, 1), spread(86.6, 8.8, 17, 2), spread(99.7, 19.4, 40, 4)]
    assert not is_ahead(runs[2][:3], runs[0], 0.975), "three pairs alone know too little"
    assert contenders(runs) == [2]
    near = [*runs[:2], spread(90.0, 19.4, 40, 4)]
    assert contenders(near) == [2, 1], "what is too near stays open"


def test_pairs_decide_where_orders_differ_more_than_scenarios() -> None:
    orders = spread(100.0, 20.0, 12, 1)
    ours = [order + 2 + 0.3 * noise(n, 2) for n, order in enumerate(orders)]
    assert unpaired_half_width(ours, orders[:10]) > 15
    assert is_ahead(ours, orders[:10])
    assert not is_ahead(orders[:10], ours)


def test_unequal_runs_of_equals_are_told_apart_no_oftener_than_the_error_allows() -> None:
    trials = 1_000
    wrong = 0
    for trial in range(trials):
        orders = [10 * normal(n, 3 * trial) for n in range(30)]
        few = [orders[n] + 5 * normal(n, 3 * trial + 1) for n in range(4)]
        many = [orders[n] + 5 * normal(n, 3 * trial + 2) for n in range(30)]
        wrong += len(contenders([few, many])) == 1
    assert wrong <= 0.05 * trials


def test_the_interval_of_two_samples_is_welchs() -> None:
    ours, theirs = [10.0, 12.0, 14.0, 16.0], [1.0, 2.0, 3.0]  # variances 20/3 and 1, so 4.54 degrees: t of 4
    assert unpaired_half_width(ours, theirs) == pytest.approx(2.7764 * math.sqrt(5 / 3 + 1 / 3), rel=1e-4)
    assert unpaired_half_width([3.0, 3.0], [2.0, 2.0, 2.0]) == 0.0


def test_a_backlog_that_grows_is_told_from_one_that_fills_the_pipeline_or_comes_by_chance() -> None:
    assert falls_behind(435, 169, 83)
    assert not falls_behind(435, 80, 5), "open from the beginning on, and no more since"
    assert not falls_behind(400, 55, 40), "three deviations are 60"
    assert not falls_behind(40_000, 1_000, 600), "one order of forty"
    assert not falls_behind(0, 0, 0)


def test_runs_go_where_the_best_is_in_doubt() -> None:
    clear = [10.0, 10.1, 9.9]
    rival = [19.0, 21.0, 20.0]
    best = [20.0, 22.0, 21.0]
    given = ocba([clear, rival, best], 12)
    assert sum(given) == 12
    assert given[0] == 0
    assert abs(given[1] - given[2]) <= 1, "two of the same spread get the same"


def test_the_allocation_is_that_of_the_formula() -> None:
    runs = [[10.0, 12.0, 14.0], [20.0, 21.0, 22.0], [30.0, 33.0, 36.0]]
    given = ocba(runs, 991)
    weights = [(2 / 21) ** 2, (1 / 12) ** 2]
    best = 3 * math.sqrt((weights[0] / 2) ** 2 + (weights[1] / 1) ** 2)
    whole = sum(weights) + best
    for n, weight in enumerate([*weights, best]):
        assert given[n] + 3 == pytest.approx(1_000 * weight / whole, abs=1.5)
