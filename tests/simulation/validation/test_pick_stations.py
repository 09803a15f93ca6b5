"""c pickers at a pick station, and orders that come at random, are an M/M/c queue.

Orders go through the whole product: reserved, released to the station, an empty load unit and the source brought there
by crane and conveyor, picked, packed, shipped. Machines and telegrams take next to no time, a pick takes an exponential
one, so what an order waits for is a picker. As a few hundred orders say little about a mean at rho = .9, the waits of
the same draws in the bare recursion of Kiefer and Wolfowitz, whose mean is Erlang's, are the control variate. What is
left is what the machines take, some 40 ms an order, so the control's own interval is far narrower than the 2 % that are
allowed: Erlang's wait must lie in the interval of that width around the measured mean.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator
from math import factorial, log, sqrt
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest

from simulation.chance import Chance
from simulation.twin import Twin
from tests.simulation.validation.crew import Crew
from tests.simulation.validation.quick_plant import quick_plant
from wcs.core import entities as e
from wcs.core import events as v
from wcs.plant.locations import LocationTable

SERVICE_MS = 60_000
CONNECTED_MS = 1_000
ORDERS = 200
BATCHES = 10
STUDENT_95 = 2.262  # 9 degrees of freedom
STUDENT_999 = 3.883  # 19 degrees of freedom
LONG_RUN = 2_000_000
QUEUES = ((2, 0.5), (2, 0.8), (2, 0.9), (1, 0.8), (4, 0.8))  # c and rho


class Station:
    """The quick plant with c pickers, one who carries, a dock worker, a source that never ends, and a shop."""

    def __init__(self, servers: int, rho: float, seed: int) -> None:
        self.twin = Twin(quick_plant(order_places=servers + 2))
        self.twin.wire = lambda way, device, telegram: (0,)
        self.asked_ms: list[int] = []
        self.begun_ms: list[int] = []
        self._gap_ms = SERVICE_MS / (servers * rho)
        self._chance = Chance(seed)
        self._open()
        self.crew = Crew(self.twin, servers, self._begin_pick)
        self.twin.env.process(self._shop())

    def waits_ms(self, orders: int) -> list[int]:
        """What passed between each order and its pick, in order."""
        limit_ms = CONNECTED_MS + 2 * round(orders * self._gap_ms) + 100 * SERVICE_MS
        assert self.twin.run_until(lambda: len(self.begun_ms) >= orders, limit_ms=limit_ms)
        return [begun - asked for begun, asked in zip(self.begun_ms, self.asked_ms[:orders], strict=True)]

    def service_ms(self, n: int) -> int:
        """How long the nth pick takes."""
        return round(-SERVICE_MS * log(1 - self._chance.unit("service", n)))

    def _open(self) -> None:
        """A source of a million pieces, and empties in every other location."""
        twin, table = self.twin, LocationTable(self.twin.plant)
        twin.start()
        twin.run_to(CONNECTED_MS)
        twin.handle(v.SkuChanged(at_ms=twin.now_ms, actor="planner", sku=e.Sku(sku="S", unit_mass_g=1)))
        source = (v.StockQuantity(sku="S", lot="L", quantity=1_000_000),)
        units = [
            v.OpeningLoadUnit(
                barcode=f"T{n:06d}", load_type=1, place=table.name(index), mass_g=2_000, height_mm=300, load_unit=n,
                role=e.LoadUnitRole.STOCK if n == 1 else e.LoadUnitRole.EMPTY, contents=source if n == 1 else (),
            )
            for n, index in enumerate(range(0, table.count, 2), 1)
        ]  # fmt: skip
        twin.open_stock(units)

    def _shop(self) -> Generator[Any, Any, None]:
        at_ms = float(CONNECTED_MS)
        while True:
            n = len(self.asked_ms)
            at_ms -= self._gap_ms * log(1 - self._chance.unit("gap", n))
            yield self.twin.env.timeout(max(0, round(at_ms) - self.twin.now_ms))
            self.asked_ms.append(self.twin.now_ms)
            wish = v.OrderLineWish(sku="S", quantity=1)
            self.twin.handle(v.OrderRequested(at_ms=self.twin.now_ms, actor="shop", number=f"O{n}", lines=(wish,)))

    def _begin_pick(self) -> int:
        self.begun_ms.append(self.twin.now_ms)
        return self.service_ms(len(self.begun_ms))


def recursion_waits(asked: list[int], services: list[int], servers: int) -> list[int]:
    """First come, first served by whoever is free first (Kiefer and Wolfowitz 1955)."""
    free, waits = [0] * servers, []
    for at, service in zip(asked, services, strict=True):
        begun = max(at, heapq.heappop(free))
        waits.append(begun - at)
        heapq.heappush(free, begun + service)
    return waits


def erlang_wait(servers: int, rho: float) -> float:
    """Mean wait before service in units of the mean service."""
    load = servers * rho
    all_busy = load**servers / factorial(servers) / (1 - rho)
    waits = all_busy / (sum(load**n / factorial(n) for n in range(servers)) + all_busy)
    return waits / (servers * (1 - rho))


def wait_and_interval_ms(servers: int, rho: float) -> tuple[float, float]:
    """The mean wait, and the whole width of its 95 % interval."""
    station = Station(servers, rho, seed=1)
    measured = station.waits_ms(ORDERS)
    services = [station.service_ms(n) for n in range(1, ORDERS + 1)]
    control = recursion_waits(station.asked_ms[:ORDERS], services, servers)
    more = [a - b for a, b in zip(measured, control, strict=True)]
    estimates = [SERVICE_MS * erlang_wait(servers, rho) + fmean(more[n::BATCHES]) for n in range(BATCHES)]
    return fmean(estimates), 2 * STUDENT_95 * stdev(estimates) / sqrt(BATCHES)


@pytest.mark.parametrize(("servers", "rho"), QUEUES)
def test_orders_wait_for_c_pickers_as_in_an_mmc_queue(servers: int, rho: float) -> None:
    exact_ms = SERVICE_MS * erlang_wait(servers, rho)
    wait_ms, interval_ms = wait_and_interval_ms(servers, rho)
    assert interval_ms <= 0.02 * exact_ms
    assert abs(wait_ms - exact_ms) <= 0.02 * exact_ms / 2


@pytest.mark.parametrize(("servers", "rho"), QUEUES)
def test_the_recursion_has_the_mean_of_erlang(servers: int, rho: float) -> None:
    draws = np.random.default_rng(servers)
    asked = np.cumsum(draws.exponential(1 / (servers * rho), LONG_RUN)).tolist()
    waits = np.array(recursion_waits(asked, draws.exponential(1.0, LONG_RUN).tolist(), servers))
    batches = waits.reshape(20, -1).mean(axis=1)
    half_width = STUDENT_999 * float(batches.std(ddof=1)) / sqrt(20)
    assert abs(float(waits.mean()) - erlang_wait(servers, rho)) <= half_width
