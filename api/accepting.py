"""From what was asked of `wcs acceptance` to the book: checked, computed, shown.

Rule: nothing runs before all of it was found possible.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec

from api.program import made_now, program, without_password
from api.simulating import Show
from api.simulating_report import why_not
from api.simulating_sources import Refusal, refusals
from simulation.acceptance import Availability, Book, availability_of, write_book
from simulation.acceptance_page import write_page
from simulation.check import check_reach
from simulation.crane_trials import CYCLES_MAX, CYCLES_MIN
from simulation.downtimes_of_journal import read_downtimes
from simulation.event_log import read_log
from simulation.report_asked import Asked, alike
from simulation.spec import RunSpec, WorkloadSpec
from wcs.ledger.snapshot import read_snapshot
from wcs.plant.file import load_plant
from wcs.plant.model import Plant, Record

LANGUAGES = ("en", "zh")


class Wanted(Record):
    """What was asked at the command line; hours 0: no run. `from_url` is a site's ledger, `from_log`
    the event log of a run.
    """

    plant: str
    cycles: int = 1_000
    seed: int = 1
    hours: float = 1.0
    orders_per_hour: float = 60.0
    faults: tuple[str, ...] = ()
    from_url: str | None = None
    from_log: Path | None = None
    report: Path | None = None
    language: str = "en"


def accept(wanted: Wanted, show: Show = lambda label, n, of, share: None) -> Book:
    """Make the book, and its file if one was asked for.

    Raises:
        Refusal: something of it is impossible; nothing has run.
    """
    with refusals():
        plant = load_plant(wanted.plant)
    spec = _spec(wanted, plant)
    _check(wanted, spec)
    others = tuple(_others(wanted, plant))
    with refusals(wanted.plant):
        book = write_book(
            spec,
            cycles=wanted.cycles,
            others=others,
            simulated=wanted.hours > 0,
            progress=lambda what, share: show(what, 0, 1, share),
        )
    if wanted.report is not None:
        with refusals("--report"):
            write_page(book, wanted.report, spec=spec, asked=_asked(wanted), language=wanted.language)
    return book


def _asked(wanted: Wanted) -> Asked:
    more = [
        (("cycles of each crane", "每台堆垛机循环"), alike(f"{wanted.cycles} × 2")),
        (("seed", "种子"), alike(str(wanted.seed))),
        (
            ("run of the twin", "孪生运行"),
            (f"{wanted.hours:g} h", f"{wanted.hours:g} 小时") if wanted.hours else alike("–"),
        ),
    ]
    if wanted.from_url is not None:
        more.append((("journal of", "日志来自"), alike(without_password(wanted.from_url))))
    if wanted.from_log is not None:
        more.append((("event log", "事件日志"), alike(str(wanted.from_log))))
    return Asked(plant=wanted.plant, made=made_now(), program=program(), more=tuple(more))


def document(book: Book) -> str:
    """One JSON document, its line end included."""
    return msgspec.json.encode(book).decode() + "\n"


def table(book: Book) -> str:
    """Lines for people."""
    return "\n".join((*_cycle_lines(book), *(line for one in book.availability for line in _times_lines(one)))) + "\n"


def _spec(wanted: Wanted, plant: Plant) -> RunSpec:
    rates: dict[str, float] = {}
    for text in wanted.faults:
        kind, _, rate = text.partition("=")
        try:
            rates[kind] = float(rate)
        except ValueError:
            raise Refusal(f"--fault {text!r}: wanted KIND=RATE") from None
    return RunSpec(
        plant=plant,
        workload=WorkloadSpec(orders_per_hour=wanted.orders_per_hour),
        seed=wanted.seed,
        hours=wanted.hours,
        faults=rates,
        keep="log",
        label=plant.name,
    )


def _check(wanted: Wanted, spec: RunSpec) -> None:
    if not spec.plant.cranes:
        raise Refusal(f"{wanted.plant}: cranes: there are none, and their cycles are what the book is about")
    if not CYCLES_MIN <= wanted.cycles <= CYCLES_MAX:
        raise Refusal(f"--cycles {wanted.cycles}: wanted from {CYCLES_MIN} to {CYCLES_MAX}")
    if wanted.language not in LANGUAGES:
        raise Refusal(f"--language {wanted.language!r}: wanted one of {', '.join(LANGUAGES)}")
    if wanted.report is not None and (why := why_not(wanted.report)):
        raise Refusal(f"--report: {why}")
    if not math.isfinite(wanted.hours) or wanted.hours < 0:
        raise Refusal(f"--hours {wanted.hours:g}: wanted 0 or more")
    if not wanted.hours and wanted.faults:
        raise Refusal("--fault: with --hours 0 there is no run for faults to happen in")
    if wanted.hours:
        for finding in check_reach(spec):
            raise Refusal(f"{wanted.plant}: {finding.key}: {finding.reason}")


def _others(wanted: Wanted, plant: Plant) -> Iterator[Availability]:
    """What is read besides the run."""
    if wanted.from_url is not None:
        with refusals("--from"), read_snapshot(wanted.from_url) as connection:
            yield availability_of(read_downtimes(connection, plant), "journal")
    if wanted.from_log is not None:
        with refusals(f"--from-log: {wanted.from_log}"):
            yield availability_of(read_log(wanted.from_log, plant), "log")


def _cycle_lines(book: Book) -> Iterator[str]:
    yield f"{book.plant}: crane cycles, s, with forks; simulated is the mean of {book.cycles} with its 95 % interval"
    yield f"  {'aisle':8}{'cycle':8}{'FEM 9.851':>10}{'Bozer-White':>13}{'with ramps':>12}{'simulated':>18}"
    for aisle in book.aisles:
        rule, fem, tried = aisle.bozer_white, aisle.fem_9851, aisle.simulated
        for name, point, plain, ramped, mean in (
            ("single", fem.single_s, rule.plain.single_s, rule.ramped.single_s, tried.single),
            ("dual", fem.dual_s, rule.plain.dual_s, rule.ramped.dual_s, tried.dual),
        ):
            simulated = f"{mean.mean_s:.2f} ± {mean.half_width_s:.2f}"
            yield f"  {aisle.aisle:8}{name:8}{point:>10.2f}{plain:>13.2f}{ramped:>12.2f}{simulated:>18}"
    away = [aisle.aisle for aisle in book.aisles if not aisle.at_corner]
    if away:
        yield f"  not in the corner, as Bozer and White suppose: the transfer points of {', '.join(away)}"


def _times_lines(one: Availability) -> Iterator[str]:
    yield f"availability by FEM 9.222 in the {one.source}, {one.hours:.2f} h; times in s"
    names = "".join(f"{name:>9}" for name in ("tA1", "tA2", "tA3", "tA4", "tI", "faults", "tasks"))
    yield f"  {'device':10}{names}{'reliable':>10}{'available':>11}"
    for device in one.devices:
        times = device.times
        spent = (times.a1_ms, times.a2_ms, times.a3_ms, times.a4_ms, times.maintenance_ms)
        seconds = "".join(f"{ms / 1000:>9.1f}" for ms in spent)
        counts = f"{times.faults:>9}{times.tasks:>9}"
        yield f"  {times.device:10}{seconds}{counts}{_share(device.reliability):>10}{_share(device.availability):>11}"
    for kind in one.kinds:
        units, tasks, reliable = _share(kind.by_units), _share(kind.by_tasks), _share(kind.reliability)
        yield f"  all {kind.kind}s: {units} by units, {tasks} by tasks, reliable {reliable}"
    yield f"  all kinds together: {one.system:.3%}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
