"""PLCs that fall silent, come back, forget; a vehicle that stands: one alarm, one event back, each move once."""

from __future__ import annotations

import pytest

from tests.real.plant_at_work import PlantAtWork
from wcs.core import facts as f
from wcs.core.entities import Link
from wcs.plant.model import LOST, OUTSIDE

DEVICES_OF = {"PLC1": ("CR1", "V1"), "PLC2": ("CR2", "DK1")}
PLC_OF = {"CR1": "PLC1", "CR2": "PLC2"}


def crane_that_carries(works: PlantAtWork, load_unit: int) -> str:
    """Wait until a crane has the load on board, in the building."""

    def crane() -> str:
        place = works.world.dump().get(load_unit, OUTSIDE)
        return place if place in PLC_OF else ""

    return works.until_world(lambda _world: crane(), f"a crane carries {load_unit}")


def moves(works: PlantAtWork, load_unit: int) -> list[str]:
    """What machines did with it: "CR1 task 3 PICK", "CR1 task 3 DEPOSIT"."""
    lines = [logged.line for logged in works.world.whole_log() if logged.line.number == load_unit]
    return [line.by for line in lines if " task " in line.by]


def told_of(works: PlantAtWork, device: str, link: Link) -> int:
    """How often the book was told of this of a device, in this test."""
    return len([c for c in works.told(f.DeviceLinkChanged) if c.device == device and c.link is link])


@pytest.mark.parametrize("load_unit", [421, 422])
def test_a_plc_lost_in_mid_task_is_one_alarm_one_event_back_and_each_move_once(
    works: PlantAtWork, load_unit: int
) -> None:
    works.bring_empty(load_unit)
    crane = crane_that_carries(works, load_unit)
    plc = PLC_OF[crane]
    works.running.kill(plc)
    works.until(lambda book: book.device[crane].link is Link.LOST, "the crane is lost")
    works.running.restart(plc)
    works.until(lambda book: not book.transport_for(load_unit), "the load is stored")
    works.calm()
    for device in DEVICES_OF[plc]:
        lost = [raised for raised in works.told(f.AlarmRaised) if raised.alarm.subject == device]
        assert [raised.alarm.code for raised in lost].count("device_lost") == 1
        assert told_of(works, device, Link.LOST) == 1
        assert told_of(works, device, Link.SYNCHRONISED) == 1
    by_crane = [by for by in moves(works, load_unit) if by.startswith(crane)]
    assert len(by_crane) == len(set(by_crane)) == 2


def test_a_plc_that_forgot_its_task_is_asked_for_and_a_person_says_where_the_load_is(works: PlantAtWork) -> None:
    works.bring_empty(423)
    crane = crane_that_carries(works, 423)
    works.running.kill(PLC_OF[crane], wipe=True)
    works.until(lambda book: book.device[crane].link is Link.LOST, "the crane is lost")
    works.running.restart(PLC_OF[crane])
    alarm = works.alarm("outcome_unknown")
    task = works.see(lambda book: book.alarm[alarm].task)
    stands = works.world.dump()[423]
    source, sink = works.see(lambda book: (book.task[task].source, book.task[task].sink))
    offers = [offer for offer in works.told(f.DeviceTaskOffered) if offer.number == task]
    assert not offers, "never sent again by itself"
    works.answer(alarm, {source: "at_source", sink: "at_sink", crane: "on_device"}.get(stands, "gone"))
    works.until(lambda book: not book.transport_for(423), "the load is stored")
    assert works.see(lambda book: book.load_unit[423].place) not in (LOST, OUTSIDE, crane)


def test_a_vehicle_that_stands_without_a_word_keeps_its_task_and_goes_on(works: PlantAtWork) -> None:
    works.world.inject("V1", "stall")
    works.bring_empty(424)
    task = works.until(lambda book: next((t.number for t in book.task if t.device == "V1"), 0), "the vehicle is sent")
    assert works.world.look("D1.IN1"), "it stands where it stood"
    assert works.see(lambda book: task in {t.number for t in book.task})
    works.world.inject("V1", "unstall")
    works.until(lambda book: not book.transport_for(424), "the load is stored")
