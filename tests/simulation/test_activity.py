"""What devices and belts do with their time: one state at a time, after the warm-up."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from simulation.run import run
from simulation.spec import RunSpec, WorkloadSpec
from wcs.plant.file import load_plant

SPEC = RunSpec(
    plant=load_plant("demo"),
    workload=WorkloadSpec(orders_per_hour=100),
    hours=0.4,
    warm_up_hours=0.1,
    faults={"device_fault": 30.0},
    keep="log",
)


def test_shares_add_up_to_one_and_busy_cranes_are_busy() -> None:
    row = run(SPEC).row
    plant = SPEC.plant
    names = [thing.name for things in (plant.cranes, plant.vehicles, plant.stations) for thing in things]
    belts = [segment.name for conveyor in plant.conveyors for segment in conveyor.segments]
    assert list(row.utilisation) == names + belts, "no belt of this plant has joints"
    for shares in row.utilisation.values():
        assert sum(msgspec.structs.astuple(shares)) == pytest.approx(1)
    cranes = [row.utilisation[crane.name] for crane in SPEC.plant.cranes]
    assert min(crane.busy for crane in cranes) > 0.2
    assert sum(shares.faulted for shares in row.utilisation.values()) > 0, "there were faults"


def test_the_log_has_the_same_spans_moves_and_passages_that_the_row_counts() -> None:
    result = run(SPEC)
    log = result.log
    assert log is not None
    warm_ms, end_ms = 360_000, 1_800_000
    for device, shares in result.row.utilisation.items():
        spans = [span for span in log.spans if span.device == device]
        assert spans[0].from_ms == warm_ms
        assert spans[-1].to_ms == end_ms
        assert all(a.to_ms == b.from_ms for a, b in pairwise(spans))
        busy_ms = sum(span.to_ms - span.from_ms for span in spans if span.state == "busy")
        assert busy_ms == pytest.approx(shares.busy * (end_ms - warm_ms))
    assert len(log.passages) == result.row.node_passages
    assert log.moves
    assert all(warm_ms <= move.at_ms <= end_ms for move in log.moves)


def test_keeping_the_log_changes_no_figure() -> None:
    kept, bare = run(SPEC), run(msgspec.structs.replace(SPEC, keep="row"))
    assert kept.row == bare.row
    assert bare.log is None
