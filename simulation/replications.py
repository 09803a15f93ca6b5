"""Several runs of one scenario with seeds one after another, until their interval is narrow enough.

Rule: run n has the seed of the first plus n, so scenarios are compared on the same orders, and more replications only
add to what fewer gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import fmean

from msgspec.structs import replace

from simulation.figures import half_width
from simulation.run import run
from simulation.spec import RunResult, RunSpec

# With a wanted half-width, at least so many: of fewer the interval itself is a matter of luck.
REPLICATIONS_MIN = 3
REPLICATIONS_MAX = 200  # a half-width that these do not reach wants a longer run, not more of them


def seeded(spec: RunSpec, n: int) -> RunSpec:
    """Replication n (from 0) of this scenario."""
    return replace(spec, seed=spec.seed + n)


def replicate(
    spec: RunSpec,
    replications: int,
    *,
    relative_half_width: float | None = None,
    progress: Callable[[int, float], None] = lambda n, share: None,
    one: Callable[[RunSpec, Callable[[float], None]], RunResult] = run,
) -> Iterator[RunResult]:
    """Run after run.

    Args:
        spec: of the first.
        replications: how many; with a wanted half-width at least so many.
        relative_half_width: go on until the throughput's 95 % interval is narrower, in shares of its mean.
        progress: hears which replication is how far.
        one: how a run is made.
    """
    results: list[RunResult] = []
    first = max(replications, REPLICATIONS_MIN) if relative_half_width is not None else replications
    while len(results) < first or (
        relative_half_width is not None
        and len(results) < REPLICATIONS_MAX
        and not is_narrow(results, relative_half_width)
    ):
        n = len(results)
        results.append(one(seeded(spec, n), partial(progress, n)))
        yield results[-1]


def is_narrow(results: Sequence[RunResult], relative_half_width: float) -> bool:
    """Whether the throughput of these runs is known to this share of its mean."""
    half = half_width([r.row for r in results])
    return half is not None and half <= relative_half_width * fmean(r.row.throughput_per_hour for r in results)
