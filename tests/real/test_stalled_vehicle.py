"""A vehicle that stands without a word: an alarm, and another does its work and goes round it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.people_at_work import people_at_work
from tests.real.plant_at_work import PlantAtWork, plant_at_work
from tests.real.stalling_plant import QUICK_WAY, WAY_ROUND, plant_with_a_way_round
from tests.real.stock import open_the_books
from wcs.core import facts as f
from wcs.core.entities import OrderState
from wcs.plant.check import check_plant

SPEED = 25.0
SHIPS_S = 60.0  # the way round takes long
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def two_vehicles(tmp_path: Path) -> Iterator[PlantAtWork]:
    plant = plant_with_a_way_round()
    with plant_at_work(tmp_path, plant=plant, speed=SPEED) as works, people_at_work(works, speed=SPEED):
        open_the_books(works)
        yield works


def stall_on_the_quick_way(works: PlantAtWork, vehicle: str) -> str:
    """Stop it there without a word; the node that it confirmed last."""
    works.until(lambda book: book.vehicle[vehicle].node in QUICK_WAY, f"{vehicle} is on the quick way")
    works.world.inject(vehicle, "stall")
    return works.until(lambda book: book.vehicle[vehicle].node, "it stands")


def carried_by(works: PlantAtWork, load_unit: int) -> set[str]:
    """Who moved it, in the building."""
    lines = [logged.line for logged in works.world.whole_log() if logged.line.number == load_unit]
    return {line.by.split()[0] for line in lines if " task " in line.by and line.by.startswith("V")}


def test_the_plant_of_these_tests_is_one_that_could_be_built() -> None:
    assert not check_plant(plant_with_a_way_round())


def test_another_vehicle_does_the_work_of_one_that_stands_and_goes_round_it(two_vehicles: PlantAtWork) -> None:
    works = two_vehicles
    works.bring_empty(501)
    node = stall_on_the_quick_way(works, "V1")
    alarm = works.alarm("vehicle_stalled")
    assert works.see(lambda book: book.alarm[alarm].subject) == "V1"
    works.until(lambda book: not book.transport_for(501), "501 is stored")
    assert carried_by(works, 501) == {"V2"}
    granted = [grant.nodes for grant in works.told(f.RouteGranted) if grant.vehicle == "V2"]
    assert WAY_ROUND in {node for nodes in granted for node in nodes}
    assert not {node for nodes in granted for node in nodes} & set(QUICK_WAY)
    assert works.see(lambda book: book.vehicle["V1"].node) in (node, *QUICK_WAY)
    assert [raised.alarm.code for raised in works.told(f.AlarmRaised)] == ["vehicle_stalled"]

    works.world.inject("V1", "unstall")
    works.until(lambda book: not len(book.alarm), "it moves again, and the alarm ends by itself")
    works.bring_empty(502)
    works.until(lambda book: not book.transport_for(502), "502 is stored")
    works.audit()


def test_a_vehicle_that_stands_with_a_load_keeps_it_and_the_others_work_on(two_vehicles: PlantAtWork) -> None:
    works = two_vehicles
    works.bring_empty(511)
    works.until(lambda book: book.load_unit[511].place == "V1", "511 is on board")
    stall_on_the_quick_way(works, "V1")
    works.alarm("vehicle_stalled")
    works.order("S1", ("RIGHT", 1))
    works.until(lambda book: book.order["S1"].state is OrderState.SHIPPED, "the order ships", SHIPS_S)
    assert works.see(lambda book: book.load_unit[511].place) == "V1"
    assert carried_by(works, works.see(lambda book: book.order["S1"].load_unit)) == {"V2"}
    works.world.inject("V1", "unstall")
    works.until(lambda book: not book.transport_for(511), "511 is stored")
    assert carried_by(works, 511) == {"V1"}
    works.audit()
