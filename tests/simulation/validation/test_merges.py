"""A merge of two Poisson flows is an M/D/1 queue: the belt behind it takes one load a pitch.

Arrivals are drawn, so a mean over a few thousand loads is noise by much more than 2 %. Two steps get round that: entry
by entry the merge does what Lindley's recursion says of the same arrivals, to the millisecond; over four million loads
the recursion's mean is that of Pollaczek and Khinchine. The mean of the merge is then its own mean less that of the
recursion on the same arrivals (whose expectation is known: a control variate), plus that expectation. Which of two
loads goes first is the merge's affair (a belt knows only the load at its end); the mean does not depend on it.
"""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from simulation.chance import Chance
from slotting.compiled import IntArray
from tests.devices.conveyor_bench import ConveyorBench, conveyor, segment, tote
from wcs.plant.model import Conveyor

PITCH_MS = 4_000  # the server: 20 m at 0.5 m/s hold 10 loads
FEEDER_MS = 4_000  # 2 m at 0.5 m/s, and a pitch of 1 ms: a Poisson flow arrives as it was sent
LOADS = 20_000
LOADS_OF_SOAK = {0.5: 200_000, 0.8: 800_000, 0.9: 2_500_000}  # standard error of the plain mean about 0.6 %
OUT = 2
RHOS = (0.5, 0.8, 0.9)


def two_poisson_feeders() -> Conveyor:
    """IN1 and IN2 ─▶ M ─▶ OUT."""
    return conveyor(
        segment("IN1", "M", capacity=FEEDER_MS),
        segment("IN2", "M", capacity=FEEDER_MS),
        segment("M", "OUT", length_mm=20_000, capacity=10),
        transfer_points=("IN1", "IN2", "OUT"),
        merges=("M",),
    )


def poisson_arrivals_ms(rho: float, seed: int, loads: int = LOADS) -> list[tuple[int, int]]:
    """Time and feeder of each load, in order: two independent flows of rho/2 each, one load a millisecond at most."""
    chance = Chance(seed)
    arrivals = []
    for feeder in (0, 1):
        at_ms, last_ms = 0.0, 0
        for n in range(loads // 2):
            at_ms -= 2 * PITCH_MS / rho * log(1 - chance.unit("gap", feeder, n))
            last_ms = max(last_ms + 1, round(at_ms))
            arrivals.append((last_ms, feeder))
    return sorted(arrivals)


def measured_waits_ms(arrivals: list[tuple[int, int]]) -> list[int]:
    """What passed between the nth arrival at the merge and the nth entry into the belt behind it."""
    bench = ConveyorBench(two_poisson_feeders())
    coming = iter([*enumerate(arrivals, 1), (0, (1 << 60, 0))])
    number, (at_ms, feeder) = next(coming)
    gone = 0
    entries_ms: list[int] = []
    while gone < len(arrivals):
        due_ms = bench.machine.next_due_ms()
        if due_ms is None or at_ms <= due_ms:
            bench.wait(at_ms)
            bench.put(tote(number), ("IN1", "IN2")[feeder])
            bench.acknowledge(feeder)
            number, (at_ms, feeder) = next(coming)
        else:
            bench.wait(due_ms)
        for load in bench.at("OUT"):
            bench.lift(load, "OUT")
            bench.acknowledge(OUT)
            gone += 1
        entries_ms += [line.time_ms for line in bench.lines if line.sink == "M-OUT"]
        bench.lines.clear()
        bench.kept.clear()
    return [entry_ms - sent_ms - FEEDER_MS for entry_ms, (sent_ms, _) in zip(entries_ms, arrivals, strict=True)]


def lindley_waits_ms(arrivals_ms: IntArray) -> IntArray:
    """Waits of a single server that takes PITCH_MS each: W(n+1) = max(0, W(n) + service - gap), unrolled."""
    drift = np.concatenate(([0], np.cumsum(PITCH_MS - np.diff(arrivals_ms))))
    waits: IntArray = drift - np.minimum.accumulate(drift)
    return waits


def pollaczek_wait_ms(rho: float) -> float:
    return rho * PITCH_MS / (2 * (1 - rho))


def waits_of_merge_and_recursion_ms(rho: float) -> tuple[list[int], list[int]]:
    """The same arrivals through both."""
    arrivals = poisson_arrivals_ms(rho, seed=1)
    recursion: list[int] = lindley_waits_ms(np.array([at_ms for at_ms, _ in arrivals])).tolist()
    return measured_waits_ms(arrivals), recursion


def mean_wait_ms(rho: float, merge_ms: list[int], recursion_ms: list[int]) -> float:
    return (sum(merge_ms) - sum(recursion_ms)) / LOADS + pollaczek_wait_ms(rho)


@pytest.mark.parametrize("rho", RHOS)
def test_two_poisson_flows_wait_at_their_merge_as_an_md1_queue_does(rho: float) -> None:
    merge_ms, recursion_ms = waits_of_merge_and_recursion_ms(rho)
    assert merge_ms == recursion_ms
    assert mean_wait_ms(rho, merge_ms, recursion_ms) == pytest.approx(pollaczek_wait_ms(rho), rel=0.02)


@pytest.mark.parametrize("rho", RHOS)
def test_the_recursion_has_the_mean_of_pollaczek_and_khinchine(rho: float) -> None:
    gaps = np.random.default_rng(1).exponential(PITCH_MS / rho, 4_000_000)
    waits = lindley_waits_ms(np.rint(np.cumsum(gaps)).astype(np.int64))
    assert float(waits.mean()) == pytest.approx(pollaczek_wait_ms(rho), rel=0.02)


@pytest.mark.soak
@pytest.mark.parametrize("rho", LOADS_OF_SOAK)
def test_over_millions_of_loads_the_plain_mean_of_the_merge_is_that_of_an_md1_queue(rho: float) -> None:
    measured = measured_waits_ms(poisson_arrivals_ms(rho, seed=2, loads=LOADS_OF_SOAK[rho]))
    assert sum(measured) / len(measured) == pytest.approx(pollaczek_wait_ms(rho), rel=0.02)
