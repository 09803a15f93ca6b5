"""The checkers: whoever breaks an invariant is caught, with the run, the step and the event in the message."""

from __future__ import annotations

import pytest

from devices.machines.world import WorldLine
from simulation.checkers import Checker, InvariantBroken, watch
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.turn import Step
from wcs.plant.file import load_plant

RUN = "seed 5 commit abc plant tiny"
MINUTES_MS = 200_000


def at_work(*, spoil: type[f.Fact], twice: bool = False) -> Twin:
    """A tiny plant with orders, in which the checker misses a kind of fact, or hears it twice."""
    twin = Twin(load_plant("tiny"))
    decide = twin.decide

    def spoiled(event: v.Event) -> Step:
        step = decide(event)
        facts = [fact for fact in step.facts if not isinstance(fact, spoil)]
        if twice:
            facts = [copy for fact in step.facts for copy in (fact,) * (1 + isinstance(fact, spoil))]
        return Step(facts=tuple(facts), commands=step.commands)

    twin.decide = spoiled
    watch(twin, Checker(twin.warehouse, run=RUN, whole_every=100))
    work = Workload(twin.plant, 5)
    twin.start()
    for sku in work.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="test", sku=sku))
    twin.open_stock(work.opening(0))
    for n in range(1, 6):
        number, lines = work.order(n)
        twin.handle(v.OrderRequested(at_ms=twin.now_ms, actor="shop", number=number, lines=lines))
    return twin


@pytest.mark.parametrize("kind", [f.LoadUnitMoved, f.DeviceTaskEnded])
def test_a_fact_that_nobody_wrote_down_is_missed(kind: type[f.Fact]) -> None:
    with pytest.raises(InvariantBroken, match=f"{RUN} step \\d+ at \\d+ ms\n  event "):
        at_work(spoil=kind).run_to(MINUTES_MS)


@pytest.mark.parametrize("kind", [f.LoadUnitMoved, f.DeviceTaskStarted, f.CommandIssued])
def test_a_fact_that_is_written_twice_is_found(kind: type[f.Fact]) -> None:
    with pytest.raises(InvariantBroken):
        at_work(spoil=kind, twice=True).run_to(MINUTES_MS)


def test_a_machine_that_executes_a_task_twice_is_found() -> None:
    checker = Checker(Twin(load_plant("tiny")).warehouse, run=RUN)
    line = WorldLine(sequence=1, time_ms=5, number=1, source="A", sink="CR1", by="CR1 task 17 PICK")
    checker.world_line(line)
    with pytest.raises(InvariantBroken, match=f"executed twice(.|\n)*{RUN}"):
        checker.world_line(line)
