"""What the shops want: the same for the same seed, as busy and as skewed as the spec says."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise, takewhile

import pytest

from simulation.arrivals import HOUR_MS, arrivals_ms
from simulation.chance import Chance
from simulation.shops import drawn
from simulation.spec import WorkloadSpec
from simulation.workload import Workload
from wcs.plant.file import load_plant

TINY = load_plant("tiny")


def orders(spec: WorkloadSpec, count: int, seed: int = 1) -> list[tuple[str, ...]]:
    """The SKUs of the first orders."""
    workload = Workload(TINY, seed, shape=spec)
    return [tuple(line.sku for line in workload.order(n)[1]) for n in range(1, count + 1)]


def test_poisson_arrivals_have_the_wanted_mean_and_the_variance_of_a_poisson_process() -> None:
    hours = Counter(at // HOUR_MS for at in takewhile(lambda at: at < 400 * HOUR_MS, arrivals_ms(Chance(3), "x", 50)))
    counts = [hours[h] for h in range(400)]
    mean = sum(counts) / len(counts)
    variance = sum((c - mean) ** 2 for c in counts) / (len(counts) - 1)
    assert mean == pytest.approx(50, rel=0.03)
    assert variance / mean == pytest.approx(1, abs=0.25)


def test_even_arrivals_have_equal_gaps_and_a_phase_of_their_seed() -> None:
    first, second = (list(islice(arrivals_ms(Chance(seed), "x", 100, even=True), 50)) for seed in (1, 2))
    assert {b - a for a, b in pairwise(first)} == {36_000}
    assert first[0] != second[0]
    assert 0 <= first[0] < 36_000


@pytest.mark.parametrize("even", [True, False])
def test_a_profile_gives_each_hour_its_share_and_keeps_the_mean_of_the_day(even: bool) -> None:
    profile = (0.0,) * 8 + (3.0,) * 8 + (1.0,) * 8
    day = takewhile(lambda at: at < 24 * HOUR_MS, arrivals_ms(Chance(1), "x", 200, even=even, profile=profile))
    hours = Counter(at // HOUR_MS for at in day)
    assert sum(hours[h] for h in range(8)) <= 1  # the very first instant of the busy hours may round down
    assert sum(hours[h] for h in range(8, 16)) == pytest.approx(3600, rel=0.05)
    assert sum(hours.values()) == pytest.approx(4800, rel=0.05)


def test_another_rate_asks_for_the_same_orders_at_other_moments() -> None:
    slow, fast = (WorkloadSpec(orders_per_hour=rate) for rate in (10, 40))
    first, second = (list(islice(drawn(Workload(TINY, 1, shape=spec), spec), 20)) for spec in (slow, fast))
    assert [o.lines for o in first] == [o.lines for o in second]
    assert [o.at_ms for o in first] == pytest.approx([4 * o.at_ms for o in second], abs=4)


def test_skew_decides_how_much_of_the_lines_falls_on_the_fast_movers() -> None:
    for skew, share in ((1.0, 0.25), (2.0, 0.5)):
        spec = WorkloadSpec(abc_skew=skew, sku_count=40, lines_max=1)
        wanted = Counter(sku for order in orders(spec, 4_000) for sku in order)
        fast = sum(count for sku, count in wanted.items() if int(sku[1:]) <= 10)
        assert fast / wanted.total() == pytest.approx(share, abs=0.03)


def test_affinity_draws_further_lines_from_the_neighbours_of_the_first() -> None:
    spec = WorkloadSpec(sku_count=200, abc_skew=1.0, lines_max=4, affinity=1.0)
    for first, *others in orders(spec, 300):
        for other in others:
            apart = abs(int(first[1:]) - int(other[1:]))
            assert min(apart, 200 - apart) <= 5
    loose = WorkloadSpec(sku_count=200, abc_skew=1.0, lines_max=4)
    assert any(abs(int(a[1:]) - int(b[1:])) > 20 for a, b, *_ in (o for o in orders(loose, 300) if len(o) > 1))


def test_a_usual_shape_keeps_the_orders_that_a_demo_has_always_had() -> None:
    assert Workload(TINY, 1).order(7) == Workload(TINY, 1, shape=WorkloadSpec(orders_per_hour=5)).order(7)


def test_a_skew_of_nearly_none_names_only_articles_that_there_are() -> None:
    assert orders(WorkloadSpec(abc_skew=1e-300), 20)
