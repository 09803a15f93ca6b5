"""Shops and suppliers of a run: orders and deliveries come as the workload says.

Rule: what comes, and when, depends on the spec and the seed alone, never on what the warehouse does with it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

from simulation.arrivals import arrivals_ms
from simulation.spec import ReplayedOrder, WorkloadSpec
from simulation.twin import Twin
from simulation.workload import UNITS_A_LOAD, Workload
from wcs.core import events as v
from wcs.core.entities import DeliveryLine

REFILL_AT = sum(UNITS_A_LOAD) // 2  # ordered of a SKU since its last delivery: what a load unit holds on average


def add_shops(twin: Twin, workload: Workload, spec: WorkloadSpec) -> None:
    """Processes that place orders and announce deliveries."""
    supplier = Supplier(workload, lambda: twin.now_ms, partial(_notify, twin))
    refills = spec.inbound_per_hour is None
    twin.env.process(_orders(twin, replayed(spec.replay) or drawn(workload, spec), supplier if refills else None))
    if not refills:
        twin.env.process(_deliveries(twin, workload, spec, supplier))


def drawn(workload: Workload, spec: WorkloadSpec) -> Iterator[ReplayedOrder]:
    """The orders of the seed, without end."""
    moments = arrivals_ms(
        workload.chance,
        "arrivals",
        spec.orders_per_hour,
        even=spec.arrivals == "even",
        profile=spec.hourly_profile,
    )
    for n, at_ms in enumerate(moments, start=1):
        number, lines = workload.order(n)
        yield ReplayedOrder(at_ms=at_ms, number=number, lines=lines)


def replayed(orders: tuple[ReplayedOrder, ...]) -> Iterator[ReplayedOrder] | None:
    """Real orders by their moments; None if there are none."""
    return iter(sorted(orders, key=lambda order: (order.at_ms, order.number))) if orders else None


def _orders(twin: Twin, orders: Iterable[ReplayedOrder], supplier: Supplier | None) -> Generator[Any, Any, None]:
    began_ms = twin.now_ms
    for order in orders:
        yield twin.env.timeout(max(0, began_ms + order.at_ms - twin.now_ms))
        twin.handle(v.OrderRequested(at_ms=twin.now_ms, actor="shop", number=order.number, lines=order.lines))
        if supplier is not None:
            supplier.replace(order)


def _deliveries(twin: Twin, workload: Workload, spec: WorkloadSpec, supplier: Supplier) -> Generator[Any, Any, None]:
    began_ms = twin.now_ms
    even = spec.arrivals == "even"
    moments = arrivals_ms(workload.chance, "inbound", spec.inbound_per_hour or 0.0, even=even)
    for n, at_ms in enumerate(moments, start=1):
        yield twin.env.timeout(max(0, began_ms + at_ms - twin.now_ms))
        supplier.announce(workload.what_sells(n))


class Supplier:
    """Announces load units, one a delivery; `notify` hears the delivery's number and its lines."""

    def __init__(
        self, workload: Workload, now_ms: Callable[[], int], notify: Callable[[str, tuple[DeliveryLine, ...]], None]
    ) -> None:
        self._workload = workload
        self._now_ms = now_ms
        self._notify = notify
        self._announced = 0
        self._missing: dict[str, int] = {}  # ordered of each SKU, less what was announced since

    def replace(self, order: ReplayedOrder) -> None:
        """What an order takes is brought again, a load unit at a time."""
        for line in order.lines:
            missing = self._missing.get(line.sku, 0) + line.quantity
            while missing >= REFILL_AT:
                missing -= self.announce(line.sku).quantity
            self._missing[line.sku] = missing

    def announce(self, sku: str) -> DeliveryLine:
        """One load unit of this SKU is on its way."""
        self._announced += 1
        number, lines = self._workload.refill(self._announced, sku, self._now_ms())
        self._notify(number, lines)
        return lines[0]


def _notify(twin: Twin, number: str, lines: tuple[DeliveryLine, ...]) -> None:
    twin.handle(v.DeliveryNotified(at_ms=twin.now_ms, actor="supplier", number=number, lines=lines))
