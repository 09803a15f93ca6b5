"""From a question at the command line to its answer: scenarios checked, run, summed up, judged.

Rule: no run starts before every scenario was found possible.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from api.program import made_now, program, without_password
from api.simulate_gate import Gate, Verdict, judge, parse_gate
from api.simulating_answer import Answer, Stopped
from api.simulating_report import why_not
from api.simulating_sources import (
    Refusal,
    beginning,
    faster,
    latencies,
    orders_of_file,
    orders_of_journal,
    refusals,
    renumbered,
)
from simulation.check import REPLAY, check_reach, check_spec
from simulation.event_log import run_logged
from simulation.fault_script import FAULT, read_fault_file
from simulation.faults import Fault
from simulation.figures import figures_of
from simulation.layouts import layout_names, named_twice, with_same_articles
from simulation.replications import replicate
from simulation.report_asked import Asked
from simulation.run import run
from simulation.scenario_names import in_both_languages
from simulation.sensitivity import Sensitivity, sensitivity
from simulation.spec import ReplayedOrder, RunResult, RunSpec, StaffSpec, WorkloadSpec
from simulation.variants import with_vehicles
from simulation.warm_start import Start
from simulation.workload import Workload
from wcs.core.turn import RequestRefused
from wcs.plant.file import load_plant
from wcs.plant.finding import Finding
from wcs.plant.model import Plant, Record
from wcs.plant.site_file import load_site
from wcs.plant.toml_lines import where

Show = Callable[[str, int, int, float], None]
"""(scenario, replication from 0, replications, share of it that is done)"""

ORDERS_PER_HOUR = 60.0
REPORT = "simulation.report"  # loaded when a report is asked for: drawing takes as long to load as a short run
AnyRecord = TypeVar("AnyRecord", bound=Record)


class Question(Record):
    """What was asked at the command line.

    plants: shipped names or files; several are compared.
    orders_times: how many times as many orders as otherwise.
    orders_file, orders_from: real orders instead of drawn ones, of a CSV file or of a site's journal.
    new_skus: SKUs of the file that nobody knows get opening stock; else they are refused.
    latency_from, start_from: URLs of a site's ledger.
    closed: aisles, locations, stations or track nodes out of use.
    faults_from: a file of scripted faults, besides those that are drawn.
    log: a file for the event log of the first run of the first scenario.
    sensitivity: also ask what faster machines would bring.
    """

    plants: tuple[str, ...]
    orders_per_hour: float | None = None
    hours: float = 1.0
    replications: int = 5
    seed: int = 1
    warm_up_hours: float = 0.0
    policies: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    faults_from: Path | None = None
    vehicles: tuple[int, ...] = ()
    relative_half_width: float | None = None
    gate: str | None = None
    orders_times: float = 1.0
    orders_file: Path | None = None
    orders_from: str | None = None
    new_skus: bool = False
    latency_from: str | None = None
    start_from: str | None = None
    closed: tuple[str, ...] = ()
    site: str | None = None
    workload: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    report: Path | None = None
    log: Path | None = None
    sensitivity: bool = False


def answer(question: Question, show: Show = lambda label, n, of, share: None) -> Answer:
    """Run what was asked.

    Raises:
        Refusal: the question is impossible.
    """
    gate = _gate(question)
    plants = _plants(question)
    start = beginning(question.start_from, plants[0]) if question.start_from is not None else None
    specs = scenarios(question, plants, start)
    for spec in specs:
        _possible(question, spec, check_reach(spec))
    write_report = _reporter(question, {spec.label: spec for spec in specs}, gate)
    if question.log is not None and (why := why_not(question.log)):
        raise Refusal(f"--log: {why}")
    results, brings, stopped = _run_all(question, specs, start, show)
    verdicts = tuple(judge(gate, runs) for runs in results) if gate and stopped is None else ()
    if results:
        write_report([run for runs in results for run in runs], brings, verdicts, stopped)
    workload = specs[0].workload
    return Answer(
        left_out=(sum(order.at_ms > specs[0].end_ms for order in workload.replay), len(workload.replay)),
        orders_per_hour=None if workload.replay else workload.orders_per_hour,
        from_site=start is not None and question.orders_per_hour is None,
        sensitivities=tuple(brings),
        scenarios=tuple(figures_of(runs) for runs in results),
        verdicts=verdicts,
        stopped=stopped,
    )


def _plants(question: Question) -> list[Plant]:
    """Every layout that was asked for, checked; the site of --from is one building."""
    if twice := named_twice(question.plants, Path()):
        raise Refusal(f"--plant {twice}: is there twice")
    if len(question.plants) > 1 and question.start_from is not None:
        raise Refusal(f"--plant {question.plants[1]}: with --from there is one building: that of the site")
    with refusals():
        return [load_plant(named) for named in question.plants]


def _run_all(
    question: Question, specs: Sequence[RunSpec], start: Start | None, show: Show
) -> tuple[list[list[RunResult]], list[Sensitivity], Stopped | None]:
    """The runs of each scenario and what faster machines would bring; after Ctrl-C what there is of them."""
    results: list[list[RunResult]] = []
    brings: list[Sensitivity] = []
    try:
        for spec in specs:
            results.append([])
            for result in _runs(question, spec, start, show, question.log if spec is specs[0] else None):
                results[-1].append(result)
        if question.sensitivity:
            for spec, runs in zip(specs, results, strict=True):
                brings += sensitivity(spec, runs, partial(_as_many_runs, question, len(runs), start, show))
    except KeyboardInterrupt:
        done = [runs for runs in results if runs]
        wanted = len(specs) * question.replications
        count = sum(map(len, done))
        return done, brings, Stopped(done=count, of=max(wanted, count))
    return results, brings, None


def _possible(question: Question, spec: RunSpec, findings: Sequence[Finding]) -> None:
    for finding in findings:
        raise Refusal(f"{_about(question, spec, finding.key)}: {finding.reason}")


def _about(question: Question, spec: RunSpec, key: str) -> str:
    """Where whoever asked has said what a finding is about."""
    if key.startswith(f"{FAULT} "):
        return f"{where(str(question.faults_from), key)}: {key}"
    if key == REPLAY:
        return f"{question.orders_file}: --new-skus" if question.orders_file else "--orders-from"
    return f"{question.plants[0] if len(question.plants) == 1 else spec.label}: {key}"


def _reporter(
    question: Question, specs: Mapping[str, RunSpec], gate: Gate | None
) -> Callable[[Sequence[RunResult], Sequence[Sensitivity], Sequence[Verdict], Stopped | None], None]:
    """Writes the report that was asked for; that it can be written is seen before anything runs."""
    file = question.report
    if file is None:
        return lambda results, brings, verdicts, stopped: None
    if why := why_not(file):
        raise Refusal(f"--report: {why}")
    try:
        write = importlib.import_module(REPORT).write_report
    except ModuleNotFoundError:
        raise Refusal("--report: this program is installed without its reports") from None
    target = gate.target_per_hour if gate else None
    asked = Asked(
        plant=question.plants[0] if len(question.plants) == 1 else "",
        made=made_now(),
        program=program(),
        orders=str(question.orders_file or without_password(question.orders_from)),
        start=without_password(question.start_from),
        latency=without_password(question.latency_from),
    )

    def write_it(
        results: Sequence[RunResult],
        brings: Sequence[Sensitivity],
        verdicts: Sequence[Verdict],
        stopped: Stopped | None,
    ) -> None:
        more = [(("gate", "门槛"), _outcome(question, tuple(specs), verdicts))] if verdicts else []
        if stopped is not None:
            chinese = f"被 Ctrl-C 中止：{stopped.of} 次运行中完成 {stopped.done} 次"
            more.append((("not whole", "不完整"), (str(stopped), chinese)))
        said = msgspec.structs.replace(asked, more=tuple(more))
        with refusals("--report"):
            write(results, file, specs=specs, asked=said, target_per_hour=target, sensitivities=brings)

    return write_it


def _outcome(question: Question, labels: Sequence[str], verdicts: Sequence[Verdict]) -> tuple[str, str]:
    """The gate and which scenarios reach it, in English and Chinese."""

    def told(language: int, met: str, missed: str, limit: str) -> str:
        each = (
            f"{in_both_languages(label)[language]} {met if verdict.passed else missed}"
            f" ({limit} {verdict.lower_limit:.1f})"
            for label, verdict in zip(labels, verdicts, strict=True)
        )
        return f"{question.gate}: {'; '.join(each)}"

    return told(0, "reaches it", "does not reach it", "lower limit"), told(1, "达到", "未达到", "下限")


def scenarios(question: Question, plants: Sequence[Plant], start: Start | None) -> list[RunSpec]:
    """The specs of the first run of each scenario: every layout with every fleet.

    Raises:
        Refusal: a file, a policy or a fleet is impossible.
    """
    names = layout_names(question.plants)
    with refusals():
        script = read_fault_file(question.faults_from) if question.faults_from is not None else ()
    drawn = with_same_articles(
        [
            _drawn(question, plant, names[named], script, start)
            for named, plant in zip(question.plants, plants, strict=True)
        ]
    )
    for spec in drawn:
        _possible(question, spec, check_spec(spec))
    replay = _replay(question, drawn[0], start)
    if len(set(question.vehicles)) < len(question.vehicles):
        raise Refusal("--vehicles: a fleet is there twice")
    specs: list[RunSpec] = []
    for spec in drawn:
        base = msgspec.structs.replace(spec, workload=msgspec.structs.replace(spec.workload, replay=replay))
        specs += _fleets(question, base) or [base]
    known = len(plants[0].vehicles)
    if start is not None and min(question.vehicles, default=known) < known:
        raise Refusal(f"--vehicles: the site's books know {known}: with --from there can be more only")
    return specs


def _drawn(question: Question, plant: Plant, label: str, script: tuple[Fault, ...], start: Start | None) -> RunSpec:
    """A layout with its own fleet, and orders that are drawn."""
    return RunSpec(
        plant=plant,
        workload=_read("--workload", question.workload, WorkloadSpec(orders_per_hour=_rate(question, start))),
        staff=_read("--staff", question.staff, StaffSpec()),
        seed=question.seed,
        hours=question.hours,
        warm_up_hours=question.warm_up_hours,
        policies=_policies(question, plant),
        faults=_rates("--fault", question.faults),
        script=script,
        latency=latencies(question.latency_from, plant) if question.latency_from is not None else {},
        closed=question.closed,
        start=start.digest if start else "",
        keep="log" if question.report is not None or question.sensitivity else "row",
        label=label if len(question.plants) > 1 else plant.name,
    )


def _fleets(question: Question, base: RunSpec) -> list[RunSpec]:
    """The scenario with each fleet that was asked for."""
    layout = f"{base.label}, " if len(question.plants) > 1 else ""
    with refusals(base.label if layout else ""):
        return [
            msgspec.structs.replace(
                base,
                plant=with_vehicles(base.plant, count),
                label=f"{layout}{count} vehicle{'s' if count != 1 else ''}",
            )
            for count in question.vehicles
        ]


def _rate(question: Question, start: Start | None) -> float:
    times, wanted = question.orders_times, question.orders_per_hour
    if not (math.isfinite(times) and times > 0):
        raise Refusal(f"--orders-times {times:g}: wanted a number above 0")
    if wanted is None and start is not None:
        if not start.orders_per_hour and not (question.orders_file or question.orders_from):
            raise Refusal("--from: nothing was ordered there lately: give --orders-per-hour")
        return start.orders_per_hour * times
    return (ORDERS_PER_HOUR if wanted is None else wanted) * times


def _replay(question: Question, drawn: RunSpec, start: Start | None) -> tuple[ReplayedOrder, ...]:
    file, url = question.orders_file, question.orders_from
    if file is not None and url is not None:
        raise Refusal("give --orders-file or --orders-from, not both")
    if question.new_skus and start is not None:
        raise Refusal("--new-skus: with --from there is only what the site has")
    known = start.skus if start is not None else Workload(drawn.plant, drawn.seed, shape=drawn.workload).names
    if file is not None:
        wanted = None if question.new_skus else frozenset(known)
        rate = drawn.workload.orders_per_hour / question.orders_times
        orders = orders_of_file(file, wanted, per_hour=rate, seed=question.seed)
    elif url is not None:
        orders = orders_of_journal(url)
    else:
        return ()
    if start is not None:
        unknown = sorted({line.sku for order in orders for line in order.lines} - set(known))
        if unknown:
            raise Refusal(f"--orders-from: the site of --from does not know the SKU {unknown[0]}")
        orders = renumbered(orders, start)
    return faster(orders, question.orders_times)


def _runs(
    question: Question, spec: RunSpec, start: Start | None, show: Show, log: Path | None = None
) -> Iterator[RunResult]:
    """The runs of a scenario, the first of them with its event log."""
    of = question.replications

    def one(asked: RunSpec, progress: Callable[[float], None]) -> RunResult:
        if log is None or asked.seed != spec.seed:
            return run(asked, progress, start=start)
        try:
            return run_logged(asked, log, progress, start=start)
        except OSError as error:
            raise Refusal(f"--log: {log}: {error.strerror}") from None

    try:
        yield from replicate(
            spec,
            of,
            relative_half_width=question.relative_half_width,
            progress=lambda n, share: show(spec.label, n, max(of, n + 1), share),
            one=one,
        )
    except RequestRefused as refusal:  # an order of a file or a journal that this plant's mind does not take
        raise Refusal(f"{spec.label}: the warehouse refused an order or a delivery: {refusal}") from None


def _as_many_runs(question: Question, count: int, start: Start | None, show: Show, spec: RunSpec) -> list[RunResult]:
    asked = msgspec.structs.replace(question, replications=count, relative_half_width=None)
    return list(_runs(asked, msgspec.structs.replace(spec, label=f"{spec.label}, sensitivity"), start, show))


def _gate(question: Question) -> Gate | None:
    half = question.relative_half_width
    if question.sensitivity and question.replications < 2 and half is None:
        raise Refusal("--sensitivity: one replication has no pair to compare: ask for at least 2")
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


def _policies(question: Question, plant: Plant) -> dict[str, str]:
    """Those of the site file, and what is named beside it."""
    with refusals():
        site = dict(load_site(question.site, plant).policies) if question.site else {}
    return site | _pairs("--policy", question.policies)


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise Refusal(f"{option} {text!r}: wanted KEY=VALUE")
        if key in pairs:
            raise Refusal(f"{option} {key}: is there twice")
        pairs[key] = value
    return pairs


def _rates(option: str, texts: tuple[str, ...]) -> dict[str, float]:
    """Numbers by name; whether they can be rates is asked of the whole spec."""
    try:
        return {key: float(value) for key, value in _pairs(option, texts).items()}
    except ValueError as refusal:
        raise Refusal(f"{option}: {refusal}") from None


def _read(option: str, texts: tuple[str, ...], usual: AnyRecord) -> AnyRecord:
    """The usual record with the fields that were named; several values of one field are separated by commas."""
    named: dict[str, object] = {}
    for key, value in _pairs(option, texts).items():
        if key not in usual.__struct_fields__ or key in ("orders_per_hour", "replay"):
            known = [field for field in usual.__struct_fields__ if field not in ("orders_per_hour", "replay")]
            raise Refusal(f"{option}: there is no {key}; known are {', '.join(known)}")
        named[key] = value.split(",") if isinstance(getattr(usual, key), tuple) else value
    types = {field.name: field.type for field in msgspec.structs.fields(type(usual))}
    read: dict[str, object] = {}
    for key, words in named.items():
        try:
            read[key] = msgspec.convert(words, types[key], strict=False)
        except msgspec.ValidationError:
            wanted = "a whole number" if types[key] is int else "a number" if isinstance(words, str) else "numbers"
            raise Refusal(f"{option} {key}: {_pairs(option, texts)[key]!r} is not {wanted}") from None
    return msgspec.structs.replace(usual, **read)
