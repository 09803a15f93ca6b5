"""What a question to the twin found: its figures as one JSON document, as lines for people, with remarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from api.simulate_gate import Verdict
from simulation.figures import Figures, not_kept_up
from simulation.sensitivity import Sensitivity
from wcs.plant.model import Record

BUSIEST_SHOWN = 5


class Stopped(Record):
    """Ctrl-C came when so many runs were done, of so many that were asked for (`sensitivity`'s own not counted)."""

    done: int
    of: int

    def __str__(self) -> str:
        return f"stopped by Ctrl-C: {self.done} of {self.of} runs were done"


class Answer(Record):
    """One scenario or several, the first counting where one is meant; none if it was stopped before a run was done.

    orders_per_hour: the rate at which orders were drawn; None for real orders.
    from_site: it is what came there lately.
    left_out: how many of how many real orders come after the end.
    stopped: it was, so only what was done is in it, and no gate was judged.
    """

    scenarios: tuple[Figures, ...]
    orders_per_hour: float | None = None
    from_site: bool = False
    left_out: tuple[int, int] = (0, 0)
    verdicts: tuple[Verdict, ...] = ()
    sensitivities: tuple[Sensitivity, ...] = ()
    stopped: Stopped | None = None

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)

    def remarks(self) -> Iterator[str]:
        """What people should know besides the figures."""
        if self.stopped is not None:
            yield str(self.stopped)
        if self.from_site and self.orders_per_hour is not None:
            yield f"--from: {self.orders_per_hour:.1f} orders an hour, as they came there lately"
        late, of = self.left_out
        if late:
            yield f"{late} of {of} orders come after the end of the run: --hours, or --orders-times"
        for figures in self.scenarios:
            for why in figures.diverged:
                yield f"{_label(figures)}this run diverged and was ended: {why}"
        for figures, verdict in zip(self.scenarios, self.verdicts, strict=False):
            met = "reaches" if verdict.passed else "does not reach"
            limit = f"the lower {verdict.confidence * 100:g} % limit {verdict.lower_limit:.1f} orders an hour"
            yield f"{_label(figures)}gate: {limit} {met} {verdict.target_per_hour:g}"

    def document(self) -> str:
        """One JSON document, its line end included."""
        documents = [msgspec.to_builtins(figures) for figures in self.scenarios]
        for document, verdict in zip(documents, self.verdicts, strict=False):
            document["gate"] = msgspec.to_builtins(verdict)
        for document in documents:
            document["orders_per_hour"] = self.orders_per_hour
            if self.stopped is not None:
                document["stopped"] = msgspec.to_builtins(self.stopped)
            if brings := [msgspec.to_builtins(one) for one in self.sensitivities if one.label == document["label"]]:
                document["sensitivity"] = brings
        whole = documents[0] if len(documents) == 1 else documents[0] | {"scenarios": documents}
        return msgspec.json.encode(whole).decode() + "\n"

    def table(self) -> str:
        """Lines for people."""
        asked = self.orders_per_hour
        lines = [str(self.stopped)] if self.stopped is not None else []
        lines += [line for figures in self.scenarios for line in _lines(figures, asked, self.sensitivities)]
        return "\n".join(lines) + "\n"


def _label(figures: Figures) -> str:
    return f"{figures.label}: " if figures.label else ""


def _lines(figures: Figures, asked: float | None, brings: Sequence[Sensitivity]) -> Iterator[str]:
    rate = figures.throughput_per_hour
    spread = "" if rate.half_width is None else f" ± {rate.half_width:.1f}"
    runs = "run" if figures.replications == 1 else "runs"
    yield f"{figures.label}, {figures.replications} {runs}"
    of = "" if asked is None else f" of {asked:g} asked for"
    yield f"  throughput        {rate.mean:.1f}{spread} orders an hour{of}"
    for why in not_kept_up(figures):
        yield f"  does not keep up  {why}"
    half, nearly_all = figures.order_time_s.p50, figures.order_time_s.p95
    if half is not None and nearly_all is not None:
        yield f"  order time        {half:.0f} s half of them, {nearly_all:.0f} s 95 %"
    yield f"  open orders       {figures.open_orders} at the end{'' if figures.replications == 1 else ', at most'}"
    minutes = figures.warm_up_minutes
    yield "  warm-up           " + (
        "no end found: a longer run would tell" if minutes is None else f"{minutes:g} min would be cut (MSER-5)"
    )
    busiest = sorted(figures.utilisation.items(), key=lambda pair: -pair[1])[:BUSIEST_SHOWN]
    if busiest:
        yield f"  busiest           {', '.join(f'{device} {share:.0%}' for device, share in busiest)}"
    each = "" if figures.events_per_transport is None else f", {figures.events_per_transport:.1f} events each"
    yield f"  transports        {figures.transports}{each}"
    yield f"  real time         {figures.real_time_factor:.0f} times, {figures.planner_share:.0%} of it planning"
    for one in brings:
        if one.label == figures.label:
            brought = f"{one.orders_per_hour:+.1f} ± {one.orders_half_width:.1f} orders an hour"
            if one.order_time_less_s is not None:
                brought += f", {-one.order_time_less_s:+.1f} ± {one.order_time_half_width:.1f} s mean order time"
            yield f"  {one.faster} a tenth faster: {brought}"
