"""Shops and suppliers of a run: orders and deliveries come as the workload says."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

from simulation.spec import WorkloadSpec
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import events as v

HOUR_MS = 3_600_000


def add_shops(twin: Twin, workload: Workload, spec: WorkloadSpec) -> None:
    """Processes that place orders and announce deliveries."""
    twin.env.process(_orders(twin, workload, spec))


def _orders(twin: Twin, workload: Workload, spec: WorkloadSpec) -> Generator[Any, Any, None]:
    n = 0
    while spec.orders_per_hour > 0:
        n += 1
        mean_ms = HOUR_MS / spec.orders_per_hour
        share = 1.0 if spec.arrivals == "even" else -math.log(1.0 - workload.chance.unit("arrivals", n))
        yield twin.env.timeout(max(1, round(mean_ms * share)))
        number, lines = workload.order(n)
        twin.handle(v.OrderRequested(at_ms=twin.now_ms, actor="shop", number=number, lines=lines))
