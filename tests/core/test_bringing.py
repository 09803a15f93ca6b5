"""Vehicles bring to an entry one behind the other: the belts have taken the first load when the second comes."""

from __future__ import annotations

from benchmarks.twin_plant import twin_plant
from simulation.shops import add_shops
from simulation.spec import WorkloadSpec
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import events as v
from wcs.core.transports import BROUGHT_AT_ONCE_MAX, conveyor_fill, vehicles_bound_for
from wcs.core.turn import Turn


def test_two_vehicles_are_bound_for_one_entry_and_no_conveyor_gets_more_than_it_holds() -> None:
    twin = Twin(twin_plant(aisles=2, stations=2, vehicles=12, segments=80))
    workload = Workload(twin.plant, 1)
    twin.start()
    for sku in workload.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="test", sku=sku))
    twin.open_stock(workload.opening(0))
    add_people(twin)
    add_shops(twin, workload, WorkloadSpec(orders_per_hour=120))
    turn = Turn(twin.warehouse.state, 0)
    most = 0
    for second in range(60, 1_500):
        twin.run_to(second * 1_000)
        for conveyor, entries in turn.layout.vehicle_entries.items():
            most = max(most, *(len(vehicles_bound_for(turn, entry)) for entry in entries), 0)
            if conveyor.startswith("CI"):  # where nobody but vehicles sets anything down
                assert conveyor_fill(turn, conveyor) <= turn.layout.conveyor_fill_max(conveyor)
    assert most == BROUGHT_AT_ONCE_MAX
