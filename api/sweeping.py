"""What `wcs sweep` does: reads the experiment, runs what is missing, and says what the scenarios differ by."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.program import made_now, program
from api.progress_lines import ProgressLines
from api.simulating_report import why_not
from simulation.engine import Engine, EngineLost
from simulation.experiment import Experiment, ExperimentError, load_experiment
from simulation.figures import (
    GOALS,
    Figures,
    candidates,
    figures_of,
    not_kept_up,
    order_time_difference,
    throughput_difference,
)
from simulation.report import write_report
from simulation.report_asked import Asked, alike
from simulation.spec import RunResult
from simulation.statistics import Difference
from simulation.store import ResultStore, StoreError
from simulation.sweep import sweep
from simulation.workers import Workers
from wcs.plant.model import Record

ROWS, STORE = "rows.csv", "runs.sqlite"


class Refusal(Exception):
    """A question that cannot be answered; the text is for the person who asked."""


class Compared(Record):
    """One scenario: its figures, the rate at which its orders were drawn, and its differences from the first scenario,
    seed by seed: in throughput and in the mean order time.
    """

    figures: Figures
    orders_per_hour: float
    difference: Difference | None
    order_time_difference_s: Difference | None


class SweepAnswer(Record):
    """All scenarios; `best` is the label of the one with the highest throughput or the lowest mean order time, as
    `best_by` says, or null where the runs do not tell it from others (then `undecided` has the labels of all that it
    may be) or where there are no others.
    """

    experiment: str
    scenarios: tuple[Compared, ...]
    best_by: str
    best: str | None
    undecided: tuple[str, ...] = ()

    def document(self) -> str:
        """One JSON document, its line end included."""
        return msgspec.json.encode(self).decode() + "\n"

    def table(self) -> str:
        """Lines for people."""
        lines = [
            f"{self.experiment}: orders an hour, mean order time, 95 % intervals; "
            "against the first scenario on the same orders"
        ]
        width = max(len(one.figures.label) for one in self.scenarios)
        lines += [_line(one, width) for one in self.scenarios]
        by = "" if self.best_by == GOALS[0] else f" by {self.best_by.replace('_', ' ')}"
        if self.best is not None:
            lines.append(f"best{by}: {self.best}")
        elif self.undecided:
            lines.append(f"not decided{by} between {'; '.join(self.undecided)}")
        return "\n".join(lines) + "\n"


def _line(one: Compared, width: int) -> str:
    figures, more, longer = one.figures, one.difference, one.order_time_difference_s
    rate, half = figures.throughput_per_hour.mean, figures.throughput_per_hour.half_width
    line = f"  {figures.label:{width}}  {rate:7.1f}{'' if half is None else f' ± {half:.1f}':9}"
    line += f" of {one.orders_per_hour:g}  {figures.replications:3d} {'run ' if figures.replications == 1 else 'runs'}"
    if figures.order_time_s.mean is not None:
        line += f"  mean order time {figures.order_time_s.mean:.0f} s"
    line += f"  {figures.open_orders} open at the end"
    if more is not None:
        line += f"  {more.mean:+.1f} ± {more.half_width:.1f}"
    if longer is not None:
        line += f"  {longer.mean:+.0f} ± {longer.half_width:.0f} s"
    if figures.warm_up_minutes is None:
        line += "  no end of the warm-up found"
    return line + "".join(f"  does not keep up: {why}" for why in not_kept_up(figures))


def ask(
    file: Path, out: Path | None, workers: int | None, dask: str | None, report: Path | None, stream: TextIO
) -> SweepAnswer:
    """Run the experiment of a file, on so many processes or on a Dask cluster.

    Raises:
        Refusal: the file, the folder for its results, or the engine.
        Stopped: by Ctrl-C.
    """
    if report is not None and (why := why_not(report)):
        raise Refusal(f"--report: {why}")
    try:
        experiment = load_experiment(file)
    except ExperimentError as error:
        raise Refusal(str(error)) from None
    engine = _engine(workers, dask)
    folder = out or file.with_suffix("")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"{folder}: {error.strerror}") from None
    if why := why_not(folder / ROWS):
        raise Refusal(why)
    try:
        with closing(ResultStore(folder / STORE)) as store:
            with _stopped_by_interrupt(engine), engine:
                results = _run(experiment, store, engine, stream)
            store.write_csv(folder / ROWS, [run for runs in results for run in runs])
    except EngineLost as lost:
        raise Refusal(f"{file}: {lost}; what was run is kept") from None
    except StoreError as error:
        raise Refusal(str(error)) from None
    if report is not None:
        specs = {scenario.label: scenario.spec for scenario in experiment.scenarios}
        asked = Asked(made=made_now(), program=program(), more=((("experiment", "实验"), alike(str(file))),))
        try:
            runs = [run for runs in results for run in runs]
            write_report(runs, report, specs=specs, asked=asked, goal=experiment.best)
        except OSError as error:
            raise Refusal(f"--report: {report}: {error.strerror}; what was run is kept") from None
    return _answer(experiment, results)


def _engine(workers: int | None, dask: str | None) -> Engine[Any]:
    if dask is None:
        return Workers(os.cpu_count() or 1 if workers is None else workers)
    if workers is not None:
        raise Refusal("give --workers or --dask, not both: a cluster has the workers that it has")
    try:
        from simulation.cluster import Cluster
    except ModuleNotFoundError as missing:
        raise Refusal(f"--dask: {missing.name} is not installed: pip install '.[dask]'") from None
    try:
        return Cluster(dask)
    except EngineLost as lost:
        raise Refusal(f"--dask: {lost}") from None


@contextmanager
def _stopped_by_interrupt(engine: Engine[Any]) -> Iterator[None]:
    """Ctrl-C stops the engine between two results, so that none is lost; a second one ends this program at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        engine.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run(experiment: Experiment, store: ResultStore, engine: Engine[Any], stream: TextIO) -> list[list[RunResult]]:
    console = Console(file=stream)
    if not console.is_terminal:
        lines = ProgressLines(stream)
        return sweep(
            experiment, store, engine, lambda done, of: lines.tell(f"{experiment.name}: {done} of {of} runs are there")
        )
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task(experiment.name)
        return sweep(experiment, store, engine, lambda done, of: bars.update(bar, completed=done, total=of))


def _answer(experiment: Experiment, results: Sequence[Sequence[RunResult]]) -> SweepAnswer:
    best = candidates(results, experiment.best) if len(results) > 1 else []
    first = [run.row for run in results[0]]
    compared = []
    for n, (scenario, runs) in enumerate(zip(experiment.scenarios, results, strict=True)):
        rows = [run.row for run in runs]
        compared.append(
            Compared(
                figures=figures_of(runs),
                orders_per_hour=scenario.spec.workload.orders_per_hour,
                difference=throughput_difference(rows, first) if n else None,
                order_time_difference_s=order_time_difference(rows, first) if n else None,
            )
        )
    return SweepAnswer(
        experiment=experiment.name,
        scenarios=tuple(compared),
        best_by=experiment.best,
        best=best[0] if len(best) == 1 else None,
        undecided=tuple(best) if len(best) > 1 else (),
    )
