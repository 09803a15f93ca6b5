"""What several runs of one scenario say together: the document of `wcs simulate --json`.

Rule: half-widths are Student intervals over replications, never over orders of one run; a run that diverged or fell
behind its orders counts as it is and is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from statistics import fmean

from simulation.spec import KpiRow, RunResult
from simulation.statistics import COUNT_DEVIATION_MIN, Difference, contenders, mean_series, mser5, paired_difference
from simulation.student import half_width_of
from wcs.plant.model import Record

CONFIDENCE = 0.95
GOALS = ("throughput", "order_time")  # what the best scenario has most of, or least


class Throughput(Record):
    """Shipped orders an hour; `half_width` of the 95 % interval, None for a single run."""

    mean: float
    half_width: float | None


class OrderTime(Record):
    """From placing to leaving, s: means over runs of each run's mean and percentiles; None if no order left."""

    mean: float | None
    p50: float | None
    p95: float | None


class Figures(Record):
    """One scenario. `utilisation` is a device's busy share; `digest` the hash of all facts of all runs.

    warm_up_minutes: what MSER-5 would cut; None: it finds no end of the warm-up.
    diverged, behind: runs that were ended for it, and runs to the end, that did not keep up with their orders, and why.
    """

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
    warm_up_minutes: float | None
    diverged: tuple[str, ...]
    behind: tuple[str, ...]


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
            mean=_mean([row.order_time_mean_s for row in rows]),
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
        warm_up_minutes=warm_up_minutes(results),
        diverged=tuple(f"seed {row.seed}: {row.diverged}" for row in rows if row.diverged),
        behind=tuple(f"seed {row.seed}: {row.behind}" for row in rows if row.behind),
    )


def warm_up_minutes(results: Sequence[RunResult]) -> float | None:
    """What MSER-5 would cut of the mean course of the open orders."""
    cut = mser5(mean_series([run.series.open_orders for run in results]))
    return None if cut is None else cut * results[0].series.bucket_ms / 60_000


def half_width(rows: Sequence[KpiRow], confidence: float = CONFIDENCE) -> float | None:
    """Of the Student interval of the throughput; None where one run says nothing about its spread."""
    rates = [row.throughput_per_hour for row in rows]
    shortest = min(row.hours for row in rows)
    return half_width_of(rates, confidence, COUNT_DEVIATION_MIN / shortest) if len(rows) > 1 else None


def throughput_difference(ours: Sequence[KpiRow], theirs: Sequence[KpiRow]) -> Difference | None:
    """Orders an hour that the first ship more, on the seeds that both have; None with fewer than two."""
    pairs = _pairs(ours, theirs)
    if len(pairs) < 2:
        return None
    more, less = ([row.throughput_per_hour for row in rows] for rows in zip(*pairs, strict=True))
    return paired_difference(more, less, CONFIDENCE, step=1 / min(row.hours for pair in pairs for row in pair))


def order_time_difference(ours: Sequence[KpiRow], theirs: Sequence[KpiRow]) -> Difference | None:
    """Seconds that the mean order of the first takes longer, on the seeds on which orders left in both; None with
    fewer than two.
    """
    means = [(a.order_time_mean_s, b.order_time_mean_s) for a, b in _pairs(ours, theirs)]
    known = [(a, b) for a, b in means if a is not None and b is not None]
    return paired_difference([a for a, _ in known], [b for _, b in known], CONFIDENCE) if len(known) > 1 else None


def _pairs(ours: Sequence[KpiRow], theirs: Sequence[KpiRow]) -> list[tuple[KpiRow, KpiRow]]:
    at_seed = {row.seed: row for row in theirs}
    return [(row, at_seed[row.seed]) for row in ours if row.seed in at_seed]


def _mean(values: Sequence[float | None]) -> float | None:
    """Of the runs that have the figure."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _digest(digests: Sequence[str]) -> str:
    """Of one run its own; of several the hash of theirs, in order."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def keeps_up(runs: Sequence[RunResult]) -> bool:
    """Whether a scenario keeps up with its orders: no run was ended for it, and fewer than half of them fell behind."""
    rows = [run.row for run in runs]
    return not any(row.diverged for row in rows) and 2 * sum(bool(row.behind) for row in rows) < len(rows)


def not_kept_up(figures: Figures) -> list[str]:
    """Why a scenario does not keep up, one run's reason and how many runs have one: those ended, and those behind."""
    found = []
    for runs in (figures.diverged, figures.behind):
        if runs:
            of = f"{len(runs)} of {figures.replications} runs, " if figures.replications > 1 else ""
            found.append(f"{of}{runs[0]}")
    return found


def scores(runs: Sequence[RunResult], goal: str) -> list[float]:
    """What each run has of the goal, more being better: orders an hour, or the mean order time with a minus.

    An order time that a run does not have, since no order left, is all of its measured time.
    """
    rows = [run.row for run in runs]
    if goal == "throughput":
        return [row.throughput_per_hour for row in rows]
    return [-(row.hours * 3_600 if row.order_time_mean_s is None else row.order_time_mean_s) for row in rows]


def candidates(scenarios: Sequence[Sequence[RunResult]], goal: str = GOALS[0]) -> list[str]:
    """Labels of the scenarios that may be the best by this goal, the one that leads first: one is decided, several are
    not. Those who do not keep up with their orders are none of them, unless nobody does.
    """
    taking_part = [runs for runs in scenarios if keeps_up(runs)] or list(scenarios)
    step = 1 / min(run.row.hours for runs in taking_part for run in runs) if goal == "throughput" else 0.0
    found = contenders([scores(runs, goal) for runs in taking_part], step=step)
    return [taking_part[n][0].row.label for n in found]
