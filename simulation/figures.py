"""What several runs of one scenario say together: the document of `wcs simulate --json`.

Rule: half-widths are Student intervals over replications, never over orders of one run; a run that diverged counts as
it is and is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from statistics import fmean

from simulation.spec import RunResult
from simulation.statistics import contenders
from simulation.student import half_width_of
from wcs.plant.model import Record

CONFIDENCE = 0.95


class Throughput(Record):
    """Shipped orders an hour; `half_width` of the 95 % interval, None for a single run."""

    mean: float
    half_width: float | None


class OrderTime(Record):
    """From placing to leaving, s: means over runs of each run's percentile."""

    p50: float
    p95: float


class Figures(Record):
    """One scenario. `utilisation` is a device's busy share; `digest` the hash of all facts of all runs."""

    label: str
    throughput_per_hour: Throughput
    order_time_s: OrderTime
    utilisation: dict[str, float]
    transports: int
    events_per_transport: float
    real_time_factor: float
    planner_share: float
    digest: str
    replications: int
    orders_shipped: int
    open_orders: int
    diverged: tuple[str, ...]


def figures_of(results: Sequence[RunResult]) -> Figures:
    """The figures of one scenario's runs (at least one), in order of their seeds."""
    rows = [r.row for r in results]
    rates = [row.throughput_per_hour for row in rows]
    transports = sum(row.transports for row in rows)
    wall_s = sum(r.timing.wall_s for r in results)
    return Figures(
        label=rows[0].label,
        throughput_per_hour=Throughput(mean=fmean(rates), half_width=half_width(rates)),
        order_time_s=OrderTime(
            p50=fmean(row.order_time_p50_s for row in rows),
            p95=fmean(row.order_time_p95_s for row in rows),
        ),
        utilisation={
            device: fmean(row.utilisation[device].busy for row in rows if device in row.utilisation)
            for device in dict.fromkeys(device for row in rows for device in row.utilisation)
        },
        transports=transports,
        events_per_transport=sum(row.events for row in rows) / max(1, transports),
        real_time_factor=sum(r.timing.real_time_factor * r.timing.wall_s for r in results) / wall_s,
        planner_share=sum(r.timing.planner_share * r.timing.wall_s for r in results) / wall_s,
        digest=_digest([row.digest for row in rows]),
        replications=len(rows),
        orders_shipped=sum(row.orders_shipped for row in rows),
        open_orders=max(row.open_orders for row in rows),
        diverged=tuple(f"seed {row.seed}: {row.diverged}" for row in rows if row.diverged),
    )


def half_width(values: Sequence[float], confidence: float = CONFIDENCE) -> float | None:
    """Of the Student interval; None where one value says nothing about its spread."""
    return half_width_of(values, confidence) if len(values) > 1 else None


def _digest(digests: Sequence[str]) -> str:
    """Of one run its own; of several the hash of theirs, in order."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def candidates(scenarios: Sequence[Sequence[RunResult]]) -> list[str]:
    """Labels of the scenarios that may have the highest throughput, the one that leads first: one is decided, several
    are not. Those who do not keep up with their orders are none of them, unless nobody does.
    """
    keep_up = [runs for runs in scenarios if not any(run.row.diverged for run in runs)] or list(scenarios)
    found = contenders([[run.row.throughput_per_hour for run in runs] for runs in keep_up])
    return [keep_up[n][0].row.label for n in found]
