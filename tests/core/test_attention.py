"""Whoever rests is woken: by a change of its own, by a node that is given up, by the time."""

from __future__ import annotations

import pytest

from benchmarks.twin_plant import twin_plant
from simulation.run import run
from simulation.spec import RunSpec, WorkloadSpec
from wcs.core.attention import Attention, Rest

SEEDS = (5, 6, 7)  # one seed's fleet carries up to a fifth more or less by luck alone


@pytest.mark.timeout(400)  # six runs, half of them asking without need
def test_a_fleet_that_rests_carries_no_less_than_one_that_is_asked_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant = twin_plant(aisles=4, stations=4, vehicles=24, segments=80)
    workload = WorkloadSpec(orders_per_hour=150)
    specs = [RunSpec(plant=plant, workload=workload, hours=0.2, seed=seed) for seed in SEEDS]
    resting = [run(spec).row for spec in specs]
    asked: list[Attention] = []

    def all_awake(attention: Attention) -> list[str]:
        asked.append(attention)
        return list(attention._rank)

    monkeypatch.setattr(Attention, "awake", all_awake)
    sleepless = [run(spec).row for spec in specs]
    assert asked
    assert all(row.node_passages > 200 for row in resting)
    assert sum(row.transports for row in resting) >= 0.95 * sum(row.transports for row in sleepless)


def test_who_rests_is_woken_by_what_it_waits_for() -> None:
    attention = Attention(("V1", "V2", "V3"))
    for vehicle, rest in (("V1", Rest("N1")), ("V2", Rest("N2", 500)), ("V3", Rest(until_ms=700))):
        attention.sleep(vehicle, rest)
    attention.wake_rested(499)
    assert attention.awake() == []
    attention.freed(("N2", "N7"))
    assert attention.awake() == ["V2"]
    attention.wake("CR1")
    attention.wake_rested(700)
    assert attention.awake() == ["V2", "V3"]
    attention.wake_all()
    assert attention.awake() == ["V1", "V2", "V3"]


def test_a_later_rest_outlives_the_time_of_an_earlier_one() -> None:
    attention = Attention(("V1",))
    attention.sleep("V1", Rest(until_ms=500))
    attention.wake("V1")
    attention.sleep("V1", Rest("N1"))
    attention.wake_rested(500)
    assert attention.awake() == []


def test_looking_at_waiting_legs_every_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = twin_plant(aisles=4, stations=4, vehicles=24, segments=80)
    spec = RunSpec(plant=plant, workload=WorkloadSpec(orders_per_hour=150), hours=0.3, seed=6)
    quick = run(spec).row
    monkeypatch.setattr(Attention, "take_legs", lambda self: True)
    assert run(spec).row.digest == quick.digest
    monkeypatch.setattr(Attention, "leg_rests", lambda self, leg, place: None)
    assert run(spec).row.digest == quick.digest


def test_a_leg_that_was_refused_is_looked_at_when_something_changes_around_the_place_that_refused_it() -> None:
    attention = Attention(("V1",))
    for leg in (7, 3, 5):
        attention.leg_waits(leg)
    assert attention.take_legs()
    assert not attention.take_legs()
    attention.leg_rests(3, "CV")
    attention.leg_rests(5, "A1.OUT")
    assert attention.legs_awake() == [7]
    attention.wake_legs_around("A2.OUT")
    assert attention.legs_awake() == [7]
    attention.wake_legs_around("CV")
    assert attention.legs_awake() == [3, 7]
    assert attention.take_legs()
    attention.leg_waits_no_more(5)
    attention.wake_legs()
    assert attention.legs_awake() == [3, 7]
