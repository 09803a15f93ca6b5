"""Whoever sleeps would have had nothing to do: asking the whole fleet at every look gives the same facts."""

from __future__ import annotations

import pytest

from benchmarks.twin_plant import twin_plant
from simulation.run import run
from simulation.spec import RunSpec, WorkloadSpec
from wcs.core.attention import Attention


def test_asking_everybody_every_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = twin_plant(aisles=4, stations=4, vehicles=24, segments=80)
    spec = RunSpec(plant=plant, workload=WorkloadSpec(orders_per_hour=150), hours=0.5, seed=5)
    quick = run(spec)
    asked = []
    monkeypatch.setattr(Attention, "awake", lambda self: asked.append(1) or list(self._rank))
    everybody = run(spec)
    assert asked
    assert quick.row.node_passages > 500
    assert quick.row.digest == everybody.row.digest


def test_who_waits_for_a_node_is_woken_when_it_is_given_up() -> None:
    attention = Attention(("V1", "V2", "V3"))
    for vehicle, node in (("V1", "N1"), ("V2", "N2"), ("V3", "")):
        attention.sleep(vehicle, node)
    attention.freed(("N2", "N7"))
    assert attention.awake() == ["V2"]
    attention.wake("CR1")
    attention.wake("V3")
    assert attention.awake() == ["V2", "V3"]
    attention.wake_all()
    assert attention.awake() == ["V1", "V2", "V3"]
