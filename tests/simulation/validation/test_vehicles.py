"""A closed network of 1 to 16 vehicles against exact mean value analysis (Reiser and Lavenberg 1980).

Exact means: exponential service at single servers, first come first served, and delays of any distribution, for then
the network has a product form. Services are drawn; the same draws in a bare recursion of the same network, whose
throughput is that of the analysis, are the control variate.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from math import log, sqrt

import numpy as np
import pytest

from simulation.chance import Chance
from tests.simulation.validation.closed_fleet import HANDLING_MS, ClosedFleet
from tests.simulation.validation.dispatched_fleet import CONNECTED_MS, DispatchedFleet
from wcs.core.transports import BROUGHT_AT_ONCE_MAX

MEANS_MS = (6_000, 4_000)
HOME_LANE_MS = 10_000
LONGEST_MS = 55_000  # a vehicle waits 60 s for a taker, then gives up: one service in ten thousand is cut
ROUNDS = 150
LONG_RUN = 250_000
FLEETS = range(1, 17)
DISPATCHED_FLEETS = (1, 2, 4, 16)
DISPATCHED_ROUNDS = 150


def throughput_by_mva(vehicles: int, home_lane_ms: int = HOME_LANE_MS) -> float:
    """Rounds a second of single servers with MEANS_MS and a delay of two lanes."""
    queues, rounds_a_s = [0.0, 0.0], 0.0
    for n in range(1, vehicles + 1):
        times_s = [mean / 1_000 * (1 + queue) for mean, queue in zip(MEANS_MS, queues, strict=True)]
        rounds_a_s = n / (2 * home_lane_ms / 1_000 + sum(times_s))
        queues = [rounds_a_s * time_s for time_s in times_s]
    return rounds_a_s


def bare_rounds_ms(
    vehicles: int, rounds: int, service_ms: Callable[[int, int], int], home_lane_ms: int = HOME_LANE_MS
) -> int:
    """When that many rounds have ended: arrivals at the stations in order of time, nothing else."""
    arrivals = [(home_lane_ms, n, 0) for n in range(vehicles)]
    free, served, ended, number = [0, 0], [0, 0], 0, vehicles
    while True:
        at_ms, _, station = heapq.heappop(arrivals)
        if station == 2:
            ended += 1
            if ended == rounds:
                return at_ms
            leaves_ms = at_ms + home_lane_ms
        else:
            leaves_ms = max(at_ms, free[station]) + service_ms(station, served[station])
            free[station] = leaves_ms
            served[station] += 1
            leaves_ms += home_lane_ms if station == 1 else 0
        number += 1
        heapq.heappush(arrivals, (leaves_ms, number, (station + 1) % 3))


def drawn_services(seed: int) -> Callable[[int, int], int]:
    """Exponential, of the station's mean."""
    chance = Chance(seed)

    def service_ms(station: int, served: int) -> int:
        drawn_ms = round(-MEANS_MS[station] * log(1 - chance.unit("service", station, served)))
        return min(max(drawn_ms, 2 * HANDLING_MS), LONGEST_MS)

    return service_ms


def fleet_throughput(vehicles: int) -> float:
    """Rounds a second of the machines."""
    service_ms = drawn_services(vehicles)
    fleet = ClosedFleet(vehicles, HOME_LANE_MS, service_ms)
    fleet.run(ROUNDS)
    bare_ms = bare_rounds_ms(vehicles, ROUNDS, service_ms)
    return ROUNDS * 1_000 / fleet.rounds_ms[-1] - ROUNDS * 1_000 / bare_ms + throughput_by_mva(vehicles)


@pytest.mark.parametrize("vehicles", FLEETS)
def test_a_closed_fleet_goes_round_as_often_as_mean_value_analysis_says(vehicles: int) -> None:
    assert fleet_throughput(vehicles) == pytest.approx(throughput_by_mva(vehicles), rel=0.01)


def at_work(vehicles: int) -> int:
    """Of a fleet that the mind sends, those who go round: it lets no more be on their way to one entry."""
    return min(vehicles, BROUGHT_AT_ONCE_MAX)


def dispatched_throughput(vehicles: int) -> float:
    """Rounds a second of the whole product."""
    service_ms = drawn_services(vehicles)
    fleet = DispatchedFleet(vehicles, service_ms)
    fleet.run(DISPATCHED_ROUNDS, limit_ms=100 * DISPATCHED_ROUNDS * sum(MEANS_MS))
    measured_ms = fleet.rounds_ms[-1] - CONNECTED_MS
    bare_ms = bare_rounds_ms(at_work(vehicles), DISPATCHED_ROUNDS, service_ms, 0)
    return DISPATCHED_ROUNDS * 1_000 * (1 / measured_ms - 1 / bare_ms) + throughput_by_mva(at_work(vehicles), 0)


@pytest.mark.parametrize("vehicles", DISPATCHED_FLEETS)
def test_a_fleet_that_the_mind_sends_goes_round_as_often_as_mean_value_analysis_says(vehicles: int) -> None:
    assert dispatched_throughput(vehicles) == pytest.approx(throughput_by_mva(at_work(vehicles), 0), rel=0.01)


@pytest.mark.parametrize("vehicles", [1, 2, 4, 8, 16])
def test_the_bare_network_has_the_throughput_of_mean_value_analysis(vehicles: int) -> None:
    draws = np.random.default_rng(vehicles)
    services = [np.rint(draws.exponential(mean, LONG_RUN)).astype(int).tolist() for mean in MEANS_MS]
    rounds = LONG_RUN - vehicles
    time_ms = bare_rounds_ms(vehicles, rounds, lambda station, served: services[station][served])
    assert rounds * 1_000 / time_ms == pytest.approx(throughput_by_mva(vehicles), rel=4 / sqrt(LONG_RUN))
