"""The twin against virtual PLCs at their own speed over real protocols: the same orders take as long."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import pytest

from tests.simulation.validation.twin_beside_plant import all_at_once, latency_of, twin_times_s, workload_of

SEEDS = (1, 2, 3, 4, 5)
ORDERS_MIN = 200
MEAN_WITHIN, P95_WITHIN = 0.03, 0.05


def p95_s(times_s: Iterable[float]) -> float:
    """The nearest-rank 95th percentile."""
    ordered = sorted(times_s)
    return ordered[-(-len(ordered) * 95 // 100) - 1]


def say(name: str, real_s: Sequence[float], twin_s: Sequence[Sequence[float]]) -> tuple[float, float]:
    """A row of the table; by how much the twin's mean and 95th percentile differ from the plant's."""
    mean_s, high_s = fmean(map(fmean, twin_s)), fmean(map(p95_s, twin_s))
    mean, high = mean_s / fmean(real_s) - 1, high_s / p95_s(real_s) - 1
    sys.stdout.write(
        f"{name:8}{len(real_s):4} orders   mean {fmean(real_s):6.1f} s, twin {mean_s:6.1f} s {100 * mean:+6.2f} %"
        f"   p95 {p95_s(real_s):6.1f} s, twin {high_s:6.1f} s {100 * high:+6.2f} %\n"
    )
    return mean, high


@pytest.mark.soak
def test_order_times_of_the_twin_are_those_of_a_site_over_real_protocols(tmp_path: Path) -> None:
    specs = {seed: workload_of(seed) for seed in SEEDS}
    real = all_at_once(tmp_path, SEEDS, specs, speed=1.0)
    twin = {}
    for n, seed in enumerate(SEEDS):
        another = SEEDS[(n + 1) % len(SEEDS)]  # no run lends the twin the times it is compared with
        twin[seed] = twin_times_s(seed, specs[seed], latency_of(tmp_path / str(another)))
        say(f"seed {seed}", list(real[seed].values()), twin[seed])
    real_s = [time_s for seed in SEEDS for time_s in real[seed].values()]
    twin_s = [[time_s for run in runs for time_s in run] for runs in zip(*twin.values(), strict=True)]
    mean, high = say("all", real_s, twin_s)
    assert min(len(real_s), *map(len, twin_s)) >= ORDERS_MIN
    assert abs(mean) <= MEAN_WITHIN
    assert abs(high) <= P95_WITHIN
