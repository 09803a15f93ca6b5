"""No vehicle runs empty: who parks where nothing charges goes to a charger before it is too low for any leg."""

from __future__ import annotations

from msgspec.structs import replace

from simulation.measures import HOUR_MS
from simulation.shops import add_shops
from simulation.spec import WorkloadSpec
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.ports import TaskType
from wcs.plant.file import load_plant
from wcs.plant.model import BATTERY_LOW_PERMILLE

SMALL_WH = 150  # a tenth of the demo's batteries: a day's use in two hours


def test_all_vehicles_of_the_demo_charge_in_turn_and_go_on_working() -> None:
    plant = load_plant("demo")
    plant = replace(plant, vehicles=tuple(replace(one, battery_wh=SMALL_WH) for one in plant.vehicles))
    twin = Twin(plant, keep_journal=True)
    workload = Workload(plant, 1)
    twin.start()
    for sku in workload.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="test", sku=sku))
    twin.open_stock(workload.opening(0))
    add_people(twin)
    add_shops(twin, workload, WorkloadSpec(orders_per_hour=80))
    twin.run_to(int(2.5 * HOUR_MS))
    assert twin.journal is not None
    facts = [fact for _, facts in twin.journal for fact in facts]
    charged = {
        fact.open_task.device
        for fact in facts
        if isinstance(fact, f.DeviceTaskStarted) and fact.open_task.task.type is TaskType.CHARGE
    }
    assert charged == {one.name for one in plant.vehicles}
    working = [one.name for one in plant.vehicles if twin.warehouse.state.device[one.name].battery_permille > 0]
    assert len(working) == len(plant.vehicles)
    able = [n for n in working if twin.warehouse.state.device[n].battery_permille >= BATTERY_LOW_PERMILLE]
    assert len(able) >= 3, "most can take a leg at any time"
