"""What runs say: where the warm-up ends, what two scenarios differ by, and where more runs help most.

Sources:
    White, Cobb and Spratt 2000 (MSER-5); Welch 1983 (moving averages); Chen, Lin, Yücesan and Chick 2000 (OCBA);
    Welch 1938 (two samples, Biometrika 29); Law 2015, Simulation Modeling and Analysis, ch. 9 to 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev, variance

from simulation.student import half_width_of, t_quantile
from wcs.plant.model import Record

MSER_BATCH = 5
# Whole orders are counted between two moments, and one that leaves just before or after either of them makes the count
# one more or less: rounded at both ends, it varies by at least this much (in orders), however alike a few runs are.
COUNT_DEVIATION_MIN = math.sqrt(2 / 12)
# When a backlog is no chance: see `falls_behind`.
BEHIND_DEVIATIONS, BEHIND_SHARE, BEHIND_LATE_SHARE = 3.0, 0.05, 0.25


def mean_series(series: Sequence[Sequence[float]]) -> list[float]:
    """The mean over replications, bucket by bucket, as far as all of them go."""
    return [fmean(values) for values in zip(*series, strict=False)]


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile of ordered figures; None of none."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


def falls_behind(placed: int, grown: int, grown_late: int) -> bool:
    """Whether the open orders grow as they do not by chance: a plant does not keep up with what is placed.

    Where a plant ships just as many as come, the number that stand open walks at random: its deviation after so many
    orders is about the root of their number (drawn arrivals, work of even length; reflected random walk). Three roots
    are past that, a twentieth of all orders makes it matter, and the later half must have its part in it: a shop that
    begins with nothing open fills the pipeline once, in the beginning.

    Args:
        placed: orders that came in the measured time.
        grown: by how many more orders stand open at its end than at its beginning.
        grown_late: the same for its later half.

    >>> falls_behind(435, 169, 83), falls_behind(435, 30, 15), falls_behind(435, 80, 2)
    (True, False, False)
    """
    chance, matters = BEHIND_DEVIATIONS * math.sqrt(placed), BEHIND_SHARE * placed
    return grown > max(chance, matters) and grown_late >= BEHIND_LATE_SHARE * grown


def mser5(values: Sequence[float]) -> int | None:
    """How many of the first values are warm-up: what, cut off, leaves the mean of the rest known best.

    Batches of five; at most half of them are cut off, for a later minimum is one of too few values. Where the half is
    what would be cut, the warm-up may not have ended: None, as of fewer than three batches. A longer run would tell.
    """
    batches = [fmean(values[n : n + MSER_BATCH]) for n in range(0, len(values) - MSER_BATCH + 1, MSER_BATCH)]
    if len(batches) < 3:
        return None
    errors = []
    for first in range(len(batches) // 2 + 1):
        rest = batches[first:]
        mean = fmean(rest)
        errors.append(sum((batch - mean) ** 2 for batch in rest) / len(rest) ** 2)
    cut = errors.index(min(errors))
    return None if cut == len(batches) // 2 else cut * MSER_BATCH


def welch(values: Sequence[float], window: int) -> list[float]:
    """Moving averages over 2·window + 1 values, over fewer at the beginning; the last `window` have none."""
    averages = []
    for n in range(max(0, len(values) - window)):
        reach = min(n, window)
        averages.append(fmean(values[n - reach : n + reach + 1]))
    return averages


class Difference(Record):
    """Of paired runs, seed by seed: mean, half-width of its interval, and how often less the variance is than of
    unpaired runs (common random numbers).
    """

    mean: float
    half_width: float
    variance_factor: float


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95, *, step: float = 0.0
) -> Difference:
    """What the first is above the second; `step` is what one more makes where things are counted.

    Raises:
        ValueError: not as many of both, or fewer than two.
    """
    if len(ours) != len(theirs) or len(ours) < 2:
        raise ValueError(f"{len(ours)} and {len(theirs)} runs: wanted as many of both, at least 2")
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    paired, unpaired = variance(differences), variance(ours) + variance(theirs)
    return Difference(
        mean=fmean(differences),
        half_width=half_width_of(differences, confidence, math.sqrt(2) * COUNT_DEVIATION_MIN * step),
        variance_factor=unpaired / paired if paired else math.inf,
    )


def unpaired_half_width(
    ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95, *, step: float = 0.0
) -> float:
    """Of the interval for what two means differ by, over all runs of each, at least two (Welch 1938).

    Its degrees of freedom are rounded down. It takes the two for independent: common seeds, which make runs of one
    seed alike, leave it wider than it need be, never too narrow.
    """
    least = (COUNT_DEVIATION_MIN * step) ** 2
    parts = [(max(variance(values), least) / len(values), len(values) - 1) for values in (ours, theirs)]
    whole = sum(part for part, _ in parts)
    if not whole:
        return 0.0
    degrees = whole**2 / sum(part**2 / own for part, own in parts)
    return t_quantile(confidence, max(1, int(degrees))) * math.sqrt(whole)


def is_ahead(ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95, *, step: float = 0.0) -> bool:
    """Whether the first mean is shown to be above the second; runs stand in order of the seeds, from the same one.

    As many of both are compared seed by seed. Where one has more, the seeds that both have do not know what the others
    say, so all runs of each are asked as well, and either may decide. Each is then asked at half the error, so that
    both together err no more often than one (Bonferroni): the narrower of two intervals, chosen after the runs were
    seen, would not have its confidence.
    """
    both = min(len(ours), len(theirs))
    if both < 2:
        return False
    if len(ours) == len(theirs):
        ahead = paired_difference(ours, theirs, confidence, step=step)
        return ahead.mean > ahead.half_width
    each = 1 - (1 - confidence) / 2
    ahead = paired_difference(ours[:both], theirs[:both], each, step=step)
    return ahead.mean > ahead.half_width or (
        fmean(ours) - fmean(theirs) > unpaired_half_width(ours, theirs, each, step=step)
    )


def contenders(runs: Sequence[Sequence[float]], confidence: float = 0.95, *, step: float = 0.0) -> list[int]:
    """Which scenarios may be the best (highest mean): the one that leads, and whoever is not shown to be behind it.

    With k others each is compared at the confidence 1 - (1 - confidence) / k, so that all comparisons together have
    the one asked for (Bonferroni). Two that never differ are not decided, nor is a single run, nor are a few that
    differ by the same number of orders; `step` is what one more makes.

    >>> contenders([[10.0, 11.0, 12.0], [20.0, 21.0, 22.5], [19.0, 23.0, 20.0]])
    [1, 2]
    >>> contenders([[10.0, 30.0], [20.0, 40.0]], step=10.0)
    [1, 0]
    """
    best = max(range(len(runs)), key=lambda n: (fmean(runs[n]), -n))
    each = 1 - (1 - confidence) / max(1, len(runs) - 1)
    others = (n for n in range(len(runs)) if n != best)
    return [best, *(n for n in others if not is_ahead(runs[best], runs[n], each, step=step))]


def ocba(runs: Sequence[Sequence[float]], more: int) -> list[int]:
    """How many of `more` runs each scenario gets, so that the best (highest mean) is told from the others soonest."""
    means, deviations = [fmean(values) for values in runs], [stdev(values) for values in runs]
    best = max(range(len(runs)), key=lambda n: (means[n], -n))
    floor = max(max(deviations), 1e-9) * 1e-3  # a scenario that has not varied yet is not known for ever
    spread = [max(deviation, floor) for deviation in deviations]
    weight = [0.0 if n == best else (spread[n] / max(means[best] - means[n], floor)) ** 2 for n in range(len(runs))]
    others = sum((w / s) ** 2 for w, s in zip(weight, spread, strict=True))
    weight[best] = spread[best] * math.sqrt(others) if others else 1.0
    total = sum(len(values) for values in runs) + more
    wanted = [total * w / sum(weight) - len(values) for w, values in zip(weight, runs, strict=True)]
    given = [0] * len(runs)
    for _ in range(more):
        n = max(range(len(runs)), key=lambda n: (wanted[n] - given[n], -n))
        given[n] += 1
    return given
