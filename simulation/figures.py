"""What several runs of one scenario say together: the document of `wcs simulate --json`.

Rule: half-widths are Student intervals over replications, never over orders of one run; a run that diverged counts as
it is and is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from statistics import fmean

from simulation.spec import KpiRow, RunResult
from simulation.statistics import COUNT_DEVIATION_MIN, Difference, contenders, paired_difference
from simulation.student import half_width_of
from wcs.plant.model import Record

CONFIDENCE = 0.95


class Throughput(Record):
    """Shipped orders an hour; `half_width` of the 95 % interval, None for a single run."""

    mean: float
    half_width: float | None


class OrderTime(Record):
    """From placing to leaving, s: means over runs of each run's percentile; None if no order left."""

    p50: float | None
    p95: float | None


class Figures(Record):
    """One scenario. `utilisation` is a device's busy share; `digest` the hash of all facts of all runs."""

    label: str
    throughput_per_hour: Throughput
    order_time_s: OrderTime
    utilisation: dict[str, float]
    transports: int
    events_per_transport: float | None
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
    transports = sum(row.transports for row in rows)
    wall_s = sum(r.timing.wall_s for r in results)
    return Figures(
        label=rows[0].label,
        throughput_per_hour=Throughput(
            mean=fmean(row.throughput_per_hour for row in rows), half_width=half_width(rows)
        ),
        order_time_s=OrderTime(
            p50=_mean([row.order_time_p50_s for row in rows]),
            p95=_mean([row.order_time_p95_s for row in rows]),
        ),
        utilisation={
            device: fmean(row.utilisation[device].busy for row in rows if device in row.utilisation)
            for device in dict.fromkeys(device for row in rows for device in row.utilisation)
        },
        transports=transports,
        events_per_transport=sum(row.events for row in rows) / transports if transports else None,
        real_time_factor=sum(r.timing.real_time_factor * r.timing.wall_s for r in results) / wall_s,
        planner_share=sum(r.timing.planner_share * r.timing.wall_s for r in results) / wall_s,
        digest=_digest([row.digest for row in rows]),
        replications=len(rows),
        orders_shipped=sum(row.orders_shipped for row in rows),
        open_orders=max(row.open_orders for row in rows),
        diverged=tuple(f"seed {row.seed}: {row.diverged}" for row in rows if row.diverged),
    )


def half_width(rows: Sequence[KpiRow], confidence: float = CONFIDENCE) -> float | None:
    """Of the Student interval of the throughput; None where one run says nothing about its spread."""
    rates = [row.throughput_per_hour for row in rows]
    shortest = min(row.hours for row in rows)
    return half_width_of(rates, confidence, COUNT_DEVIATION_MIN / shortest) if len(rows) > 1 else None


def throughput_difference(ours: Sequence[KpiRow], theirs: Sequence[KpiRow]) -> Difference | None:
    """Orders an hour that the first ship more, on the seeds that both have; None with fewer than two."""
    at_seed = {row.seed: row for row in theirs}
    pairs = [(row, at_seed[row.seed]) for row in ours if row.seed in at_seed]
    if len(pairs) < 2:
        return None
    more, less = ([row.throughput_per_hour for row in rows] for rows in zip(*pairs, strict=True))
    return paired_difference(more, less, CONFIDENCE, step=1 / min(row.hours for pair in pairs for row in pair))


def _mean(values: Sequence[float | None]) -> float | None:
    """Of the runs that have the figure."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _digest(digests: Sequence[str]) -> str:
    """Of one run its own; of several the hash of theirs, in order."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def candidates(scenarios: Sequence[Sequence[RunResult]]) -> list[str]:
    """Labels of the scenarios that may have the highest throughput, the one that leads first: one is decided, several
    are not. Those who do not keep up with their orders are none of them, unless nobody does.
    """
    keep_up = [runs for runs in scenarios if not any(run.row.diverged for run in runs)] or list(scenarios)
    step = 1 / min(run.row.hours for runs in keep_up for run in runs)
    found = contenders([[run.row.throughput_per_hour for run in runs] for runs in keep_up], step=step)
    return [keep_up[n][0].row.label for n in found]
