"""An experiment run: every scenario with the same seeds, in rounds, each round decided on when all its runs are there.

Rule: what is run depends on the rows alone, never on which worker was quicker; so a sweep that was stopped goes on to
the same end, on any number of workers and any engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from simulation.engine import Engine
from simulation.experiment import REPLICATIONS_MAX, Experiment
from simulation.figures import scores
from simulation.replications import REPLICATIONS_MIN, is_narrow, seeded
from simulation.spec import RunResult, RunSpec
from simulation.statistics import ocba
from simulation.store import ResultStore

ROUND = 2  # runs a scenario between two looks at its interval
OCBA_ROUND = 4  # runs between two allocations of a budget

Progress = Callable[[int, int], None]


def sweep(
    experiment: Experiment, store: ResultStore, engine: Engine[Any], progress: Progress = lambda done, of: None
) -> list[list[RunResult]]:
    """The results of each scenario, in order of their seeds; `progress` hears how many runs are there of how many."""
    first = experiment.replications
    if experiment.relative_half_width is not None:
        first = max(first, REPLICATIONS_MIN)
    results: list[list[RunResult]] = [[] for _ in experiment.scenarios]
    wanted = [first] * len(results)
    while any(len(have) < want for have, want in zip(results, wanted, strict=True)):
        _round(experiment, store, engine, results, wanted, progress)
        wanted = _more(experiment, results)
    return results


def _round(
    experiment: Experiment,
    store: ResultStore,
    engine: Engine[Any],
    results: list[list[RunResult]],
    wanted: Sequence[int],
    progress: Progress,
) -> None:
    """Every scenario has as many runs as are wanted."""
    asked: dict[str, list[tuple[int, int]]] = {}
    specs: dict[str, RunSpec] = {}
    # Seed by seed, so that a sweep that is stopped early has the same seeds of all.
    for n in range(max(wanted)):
        for scenario in range(len(results)):
            if len(results[scenario]) <= n < wanted[scenario]:
                spec = seeded(experiment.scenarios[scenario].spec, n)
                name = spec.name()
                asked.setdefault(name, []).append((scenario, n))
                specs[name] = spec
    found: dict[str, RunResult] = {}
    of = sum(wanted)
    for name in asked:
        known = store.get(name)
        if known is not None:
            found[name] = known
    progress(sum(map(len, results)) + len(found), of)
    for result in engine.map(spec for name, spec in specs.items() if name not in found):
        store.put(result)
        found[result.row.run] = result
        progress(sum(map(len, results)) + len(found), of)
    for name, places in asked.items():
        for scenario, _ in places:
            label = experiment.scenarios[scenario].label
            results[scenario].append(replace(found[name], row=replace(found[name].row, label=label)))
    for have in results:
        have.sort(key=lambda result: result.row.seed)


def _more(experiment: Experiment, results: Sequence[Sequence[RunResult]]) -> list[int]:
    """How many runs each scenario should have now."""
    have = [len(runs) for runs in results]
    if experiment.budget > sum(have) and len(results) > 1 and min(have) > 1:
        found = [scores(runs, experiment.best) for runs in results]
        more = min(OCBA_ROUND, experiment.budget - sum(have))
        return [n + extra for n, extra in zip(have, ocba(found, more), strict=True)]
    half = experiment.relative_half_width
    if half is None:
        return have
    return [len(runs) if is_narrow(runs, half) else min(len(runs) + ROUND, REPLICATIONS_MAX) for runs in results]
