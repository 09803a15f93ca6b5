"""What is looked at before a run: bounds of devices, other fleets, impossible specs; and Student's t after it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from api.simulate_gate import Gate, judge
from simulation.bounds import loads, saturated
from simulation.check import check_reach, check_spec
from simulation.figures import figures_of
from simulation.replications import replicate, seeded
from simulation.run import run
from simulation.spec import LatencyProfile, ReplayedOrder, RunSpec, StaffSpec, WorkloadSpec
from simulation.student import t_quantile
from simulation.variants import with_vehicles
from wcs.core.events import OrderLineWish
from wcs.plant.check import check_plant
from wcs.plant.file import load_plant

TINY, DEMO = load_plant("tiny"), load_plant("demo")


def at_rate(per_hour: float, **more: Any) -> RunSpec:
    return RunSpec(plant=DEMO, workload=WorkloadSpec(orders_per_hour=per_hour, **more))


def test_the_busiest_kind_of_device_is_named_first_with_what_it_can_do() -> None:
    first, *others = loads(at_rate(120))
    assert first.devices == "stations ST1, ST2"
    assert first.share == pytest.approx(120 * (2.5 * 6 + 2 * 4) / 3600 / 2)
    assert all(first.share >= other.share for other in others)
    assert {load.devices.split(" ")[0] for load in others} == {"cranes", "vehicles", "conveyors"}


def test_the_series_of_open_orders_has_the_minute_that_the_end_cuts_short() -> None:
    result = run(RunSpec(plant=TINY, workload=WorkloadSpec(orders_per_hour=60), hours=0.125))
    assert len(result.series.open_orders) == 8
    assert result.series.open_orders[-1] == result.row.open_orders > 0


def test_a_rate_just_below_the_bound_is_let_through_and_one_above_is_not() -> None:
    most = loads(at_rate(100))[0].most_per_hour
    assert saturated(at_rate(0.99 * most)) == ()
    (finding,) = saturated(at_rate(1.004 * most))
    assert "stations ST1, ST2 would have to work 100% of the time" in finding.reason


def test_slower_pickers_and_deliveries_count() -> None:
    slow = msgspec.structs.replace(at_rate(120), staff=StaffSpec(pick_ms=60_000))
    assert "stations" in saturated(slow)[0].reason
    found = saturated(at_rate(60, inbound_per_hour=2_000))
    assert any("vehicles" in finding.reason for finding in found)
    assert {finding.key for finding in found} == {"workload.inbound_per_hour"}


def test_what_is_closed_carries_nothing() -> None:
    most = loads(at_rate(100))[0].most_per_hour
    one_closed = msgspec.structs.replace(at_rate(0.6 * most), closed=("ST1",))
    assert "station ST2 would have to work 120% of the time" in saturated(one_closed)[0].reason


def test_orders_that_come_at_once_count_over_the_whole_run() -> None:
    orders = tuple(
        ReplayedOrder(at_ms=0, number=f"A{n}", lines=(OrderLineWish(sku="S0001", quantity=1),)) for n in range(50)
    )
    assert saturated(RunSpec(plant=DEMO, workload=WorkloadSpec(replay=orders), hours=1)) == ()
    assert saturated(RunSpec(plant=DEMO, workload=WorkloadSpec(replay=orders), hours=0.01))


@pytest.mark.parametrize("count", [1, 4, 6, 7, 30])
def test_a_plant_with_another_fleet_is_a_sound_plant(count: int) -> None:
    plant = with_vehicles(DEMO, count)
    assert len(plant.vehicles) == count
    assert check_plant(plant) == ()
    assert len({v.start_node for v in plant.vehicles}) == count
    driven = {device for plc in plant.plcs for device in plc.devices}
    assert {v.name for v in plant.vehicles} <= driven


def test_a_larger_fleet_works() -> None:
    spec = RunSpec(plant=with_vehicles(TINY, 3), workload=WorkloadSpec(orders_per_hour=40), hours=0.3)
    assert run(spec).row.orders_shipped > 5


@pytest.mark.parametrize("count", [-1, 0, 5_000])
def test_an_impossible_fleet_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="vehicles"):
        with_vehicles(TINY, count)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"hours": 0.0}, "hours"),
        ({"hours": float("inf")}, "hours"),
        ({"warm_up_hours": -1.0}, "warm_up_hours"),
        ({"policies": {"putaway": "x"}}, "policies.putaway"),
        ({"latency": {"smoke": LatencyProfile()}}, "latency.smoke"),
        ({"latency": {"opcua": LatencyProfile(low_ms=5, high_ms=2)}}, "latency.opcua"),
        ({"faults": {"no_read": -1.0}}, "faults.no_read"),
        ({"keep": "everything"}, "keep"),
        ({"closed": ("nowhere",)}, "closed"),
        ({"staff": StaffSpec(service="slow")}, "staff.service"),
        ({"workload": WorkloadSpec(affinity=2.0)}, "workload.affinity"),
        ({"workload": WorkloadSpec(abc_skew=0.0)}, "workload.abc_skew"),
        ({"workload": WorkloadSpec(replay=(ReplayedOrder(at_ms=-1, number="A", lines=()),))}, "workload.replay.A"),
    ],
)
def test_an_impossible_spec_is_refused_by_its_key(change: dict[str, Any], key: str) -> None:
    spec = msgspec.structs.replace(RunSpec(plant=TINY), **change)
    assert key in [finding.key for finding in check_spec(spec)]
    assert check_reach(spec) == check_spec(spec)
    with pytest.raises(ValueError, match=key):
        run(spec)


@pytest.mark.parametrize(
    ("confidence", "degrees", "t"),
    [
        (0.95, 1, 12.7062),
        (0.95, 2, 4.3027),
        (0.95, 9, 2.2622),
        (0.95, 120, 1.9799),
        (0.99, 4, 4.6041),
        (0.9, 7, 1.8946),
    ],
)
def test_quantiles_are_those_of_the_printed_tables(confidence: float, degrees: int, t: float) -> None:
    assert t_quantile(confidence, degrees) == pytest.approx(t, abs=5e-5)


def test_replications_are_runs_with_their_own_seeds_and_a_gate_takes_their_lower_limit() -> None:
    spec = RunSpec(plant=TINY, workload=WorkloadSpec(orders_per_hour=40), hours=0.2)
    runs = list(replicate(spec, 3))
    assert [r.row.seed for r in runs] == [1, 2, 3]
    assert runs[2].row == run(seeded(spec, 2)).row
    figures = figures_of(runs)
    assert figures.throughput_per_hour.half_width is not None
    lower = figures.throughput_per_hour.mean - figures.throughput_per_hour.half_width
    for target, passed in ((lower - 0.1, True), (lower + 0.1, False)):
        assert judge(Gate(target_per_hour=target, confidence=0.95), runs).passed is passed
    assert judge(Gate(target_per_hour=lower, confidence=0.5), runs).lower_limit > lower
