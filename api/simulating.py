"""From a question at the command line to its answer: scenarios checked, run, summed up, judged.

Rule: no run starts before every scenario was found possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from api.simulate_gate import Gate, Verdict, judge, parse_gate
from simulation.check import check_reach
from simulation.figures import Figures, figures_of
from simulation.replications import replicate
from simulation.spec import RunResult, RunSpec, WorkloadSpec
from simulation.variants import with_vehicles
from wcs.plant.file import PlantFileError, load_plant
from wcs.plant.model import Record

Show = Callable[[str, int, int, float], None]
"""(scenario, replication from 0, replications, share of it that is done)"""

ORDERS_PER_HOUR = 60.0
BUSIEST_SHOWN = 5


class Refusal(Exception):
    """The question is impossible; the text says where and why."""


class Question(Record):
    """What was asked at the command line."""

    plant: str
    orders_per_hour: float | None = None
    hours: float = 1.0
    replications: int = 5
    seed: int = 1
    warm_up_hours: float = 0.0
    policies: tuple[str, ...] = ()
    vehicles: tuple[int, ...] = ()
    relative_half_width: float | None = None
    gate: str | None = None


class Answer(Record):
    """One scenario or several, the first counting where one is meant."""

    scenarios: tuple[Figures, ...]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)

    def remarks(self) -> Iterator[str]:
        """What people should know besides the figures."""
        for figures in self.scenarios:
            for why in figures.diverged:
                yield f"{_label(figures)}this run diverged and was ended: {why}"
        for figures, verdict in zip(self.scenarios, self.verdicts, strict=False):
            met = "reaches" if verdict.passed else "does not reach"
            yield (
                f"{_label(figures)}gate: the lower {verdict.confidence:.0%} limit {verdict.lower_limit:.1f} orders"
                f" an hour {met} {verdict.target_per_hour:g}"
            )

    def document(self) -> str:
        """One JSON document, its line end included."""
        documents = [msgspec.to_builtins(figures) for figures in self.scenarios]
        for document, verdict in zip(documents, self.verdicts, strict=False):
            document["gate"] = msgspec.to_builtins(verdict)
        whole = documents[0] if len(documents) == 1 else documents[0] | {"scenarios": documents}
        return msgspec.json.encode(whole).decode() + "\n"

    def table(self) -> str:
        """Lines for people."""
        return "\n".join(line for figures in self.scenarios for line in _lines(figures)) + "\n"


def answer(question: Question, show: Show = lambda label, n, of, share: None) -> Answer:
    """Run what was asked.

    Raises:
        Refusal: the question is impossible.
    """
    gate = _gate(question)
    specs = scenarios(question)
    for spec in specs:
        for finding in check_reach(spec):
            raise Refusal(f"{question.plant}: {finding.key}: {finding.reason}")
    results = [_runs(question, spec, show) for spec in specs]
    return Answer(
        scenarios=tuple(figures_of(runs) for runs in results),
        verdicts=tuple(judge(gate, runs) for runs in results) if gate else (),
    )


def scenarios(question: Question) -> list[RunSpec]:
    """The specs of the first run of each scenario.

    Raises:
        Refusal: a file, a policy or a fleet is impossible.
    """
    with _refusals():
        plant = load_plant(question.plant)
    rate = ORDERS_PER_HOUR if question.orders_per_hour is None else question.orders_per_hour
    base = RunSpec(
        plant=plant,
        workload=WorkloadSpec(orders_per_hour=rate),
        seed=question.seed,
        hours=question.hours,
        warm_up_hours=question.warm_up_hours,
        policies=dict(_policy(text) for text in question.policies),
        label=plant.name,
    )
    with _refusals():
        return [
            msgspec.structs.replace(base, plant=with_vehicles(plant, count), label=f"{count} vehicles")
            for count in question.vehicles
        ] or [base]


def _runs(question: Question, spec: RunSpec, show: Show) -> list[RunResult]:
    of = question.replications
    return list(
        replicate(
            spec,
            of,
            relative_half_width=question.relative_half_width,
            progress=lambda n, share: show(spec.label, n, max(of, n + 1), share),
        )
    )


def _gate(question: Question) -> Gate | None:
    half = question.relative_half_width
    if half is not None and not 0 < half < 1:
        raise Refusal(f"--relative-half-width {half:g}: wanted a share between 0 and 1, such as 0.02")
    if question.gate is None:
        return None
    if question.replications < 2 and half is None:
        raise Refusal("--gate: one replication has no interval: ask for at least 2")
    try:
        return parse_gate(question.gate)
    except ValueError as refusal:
        raise Refusal(f"--gate: {refusal}") from None


def _policy(text: str) -> tuple[str, str]:
    kind, equals, name = text.partition("=")
    if not (kind and equals and name):
        raise Refusal(f"--policy {text!r}: wanted KIND=NAME")
    return kind, name


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (PlantFileError, ValueError) as refusal:
        raise Refusal(str(refusal)) from None


def _label(figures: Figures) -> str:
    return f"{figures.label}: " if figures.label else ""


def _lines(figures: Figures) -> Iterator[str]:
    rate = figures.throughput_per_hour
    spread = "" if rate.half_width is None else f" ± {rate.half_width:.1f}"
    runs = "run" if figures.replications == 1 else "runs"
    yield f"{figures.label}, {figures.replications} {runs}"
    yield f"  throughput        {rate.mean:.1f}{spread} orders an hour"
    yield f"  order time        {figures.order_time_s.p50:.0f} s half of them, {figures.order_time_s.p95:.0f} s 95 %"
    busiest = sorted(figures.utilisation.items(), key=lambda pair: -pair[1])[:BUSIEST_SHOWN]
    if busiest:
        yield f"  busiest           {', '.join(f'{device} {share:.0%}' for device, share in busiest)}"
    yield f"  transports        {figures.transports}, {figures.events_per_transport:.1f} events each"
    yield f"  real time         {figures.real_time_factor:.0f} times, {figures.planner_share:.0%} of it planning"
