"""An old backup on PLCs that have gone on since: nobody drives them until a person takes them over."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from devices.virtual_plc.running import RunningPlant, start_plant
from tests.real.people_at_work import people_at_work
from tests.real.plant_at_work import PlantAtWork, host_at_work, plant_at_work
from tests.real.stock import open_the_books
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.entities import Link
from wcs.core.state import State
from wcs.ledger.audit import audit
from wcs.ledger.backup import back_up, restore
from wcs.plant.file import load_plant
from wcs.plant.model import OUTSIDE, Plant

SPEED = 25.0
STORED, CARRIED, WAITING, NEW = 501, 503, 504, 502  # what befalls these load units after the backup
SLOW_MM_S = 20  # so that a crane is still on its way with its load when the host has stopped
pytestmark = pytest.mark.timeout(120)


def every_device_has_been_met(book: State) -> bool:
    return len(book.device) > 0 and all(d.able or d.link is Link.FROZEN for d in book.device)


def take_over(works: PlantAtWork, device: str) -> None:
    """The operator says that the device is ours."""
    works.do(lambda at_ms: v.DeviceActRequested(at_ms=at_ms, actor="operator", device=device, act="take_over"))


def test_devices_that_went_on_after_the_backup_are_frozen_until_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "old.backup"
    with plant_at_work(tmp_path, speed=SPEED) as works, people_at_work(works, speed=SPEED):
        open_the_books(works)
        works.calm()
        back_up(works.url, file)
        works.bring_empty(501)
        works.until(lambda book: 501 in book.load_unit and not book.transport_for(501), "501 is stored")
        works.calm()
        driven = {d for logged in works.world.whole_log() if " task " in (by := logged.line.by) for d in by.split()[:1]}
        stored = works.world.dump()[501]
    (tmp_path / "wcs.db").rename(tmp_path / "newer.db")
    restore(f"sqlite:///{tmp_path / 'wcs.db'}", file)

    with plant_at_work(tmp_path, speed=SPEED, begun=every_device_has_been_met) as works:
        frozen = works.see(lambda book: {d.name for d in book.device if d.link is Link.FROZEN})
        assert driven
        assert driven <= frozen
        assert works.see(lambda book: {a.subject for a in book.alarm if a.code == "foreign_device"}) == frozen
        report = audit(works.url, plant=works.plant, world=works.world.dump())
        assert f"501 is booked at {OUTSIDE} and stands at {stored}" in report.checks["paper_equals_world"].detail

        for device in sorted(frozen):
            take_over(works, device)
        works.until(lambda book: all(d.able for d in book.device), "every device is ours again")
        works.world.remove(501, stored, by="operator")
        with people_at_work(works, speed=SPEED):
            works.bring_empty(502)
            works.until(lambda book: 502 in book.load_unit and not book.transport_for(502), "502 is stored")
            for alarm in works.see(lambda book: [a for a in book.alarm if a.answers]):
                works.answer(alarm.number, alarm.answers[0])  # they tell of 501, which the operator has taken out
            works.audit()


def block(works: PlantAtWork, place: str, blocked: bool) -> None:
    works.do(
        lambda at_ms: v.PlaceBlockRequested(at_ms=at_ms, actor="operator", place=place, blocked=blocked, reason="test")
    )


def plant_with_a_slow_crane() -> Plant:
    tiny = load_plant("tiny")
    slow = (replace(c, speed_x_mm_s=SLOW_MM_S) if c.name == "CR2" else c for c in tiny.cranes)
    return replace(tiny, cranes=tuple(slow))


def work_that_the_backup_does_not_know(works: PlantAtWork) -> None:
    """One load unit is stored in aisle A2, one waits at aisle A1, and crane CR2 is on its way with a third."""
    block(works, "A1", True)
    works.bring_empty(STORED)
    works.until(lambda book: STORED in book.load_unit and not book.transport_for(STORED), "one is stored")
    block(works, "A1", False)
    block(works, "A2", True)
    works.world.inject("CR1", "mode", mode="MANUAL")
    works.bring_empty(WAITING)
    works.until(lambda book: book.load_unit[WAITING].place == "A1.IN", "one waits")
    block(works, "A2", False)
    block(works, "A1", True)
    works.bring_empty(CARRIED)
    works.until_world(lambda world: world.dump()[CARRIED] == "CR2", "one is carried")


def test_plcs_that_go_on_while_an_old_backup_is_restored_are_frozen_and_what_they_did_is_cleared_up(
    tmp_path: Path,
) -> None:
    file, database = tmp_path / "old.backup", tmp_path / "wcs.db"
    with start_plant(plant_with_a_slow_crane(), tmp_path / "plant", speed=SPEED) as running:
        with host_at_work(running, tmp_path) as works:
            open_the_books(works)
            works.calm()
            back_up(works.url, file)
            work_that_the_backup_does_not_know(works)
        database.rename(tmp_path / "newer.db")
        restore(f"sqlite:///{database}", file)
        turn_the_key_back(running)
        with host_at_work(running, tmp_path, begun=every_device_has_been_met) as works:
            frozen_until_taken_over(works)
            clear_up(works)
            works.audit()


def turn_the_key_back(running: RunningPlant) -> None:
    port = running.open_test_port()
    port.inject("CR1", "mode", mode="AUTOMATIC")
    port.close()


def frozen_until_taken_over(works: PlantAtWork) -> None:
    """Crane and vehicle have had tasks that the book does not know; the belts have no tasks, and go on."""
    driven = ["CR2", "V1"]
    assert works.see(lambda book: sorted(d.name for d in book.device if d.link is Link.FROZEN)) == driven
    works.until_world(lambda world: world.dump()[CARRIED].startswith("A2-"), "the crane has ended its task by itself")
    assert not [told for told in works.told(f.CommandIssued) if told.device in driven], "nothing is sent to them"
    report = audit(works.url, plant=works.plant, world=works.world.dump())
    for unit in (STORED, CARRIED, WAITING):
        stands = works.world.dump()[unit]
        assert f"{unit} is booked at {OUTSIDE} and stands at {stands}" in report.checks["paper_equals_world"].detail
    for device in driven:
        take_over(works, device)
    works.until(lambda book: all(d.able for d in book.device), "every device is ours again")


def clear_up(works: PlantAtWork) -> None:
    """What stands where the book has nothing: an alarm where it is met, a person takes it away, and work goes on."""
    works.alarm("appeared")
    assert works.see(lambda book: [(a.code, a.subject) for a in book.alarm]) == [("appeared", "A1.IN")]
    works.world.remove(WAITING, "A1.IN", by="operator")
    works.until(lambda book: not len(book.alarm), "the photo-eye sees that it is gone")

    stands = {unit: works.world.dump()[unit] for unit in (STORED, CARRIED)}
    block(works, "A1", True)
    works.bring_empty(NEW)
    works.until(lambda book: NEW in book.load_unit and not book.transport_for(NEW), "the new one is stored")
    place = works.see(lambda book: book.load_unit[NEW].place)
    found = [told.alarm.subject for told in works.told(f.AlarmRaised) if told.alarm.code == "sink_occupied"]
    assert found, "the nearest location, which by the book is free"
    assert set(found) <= set(stands.values())
    assert works.world.look(place)[0].number == NEW
    assert not [told for told in works.told(f.LoadUnitMoved) if told.sink in found]
    assert works.see(lambda book: set(found) <= {row.place for row in book.block})
    for unit, location in stands.items():
        works.world.remove(unit, location, by="operator")
        block(works, location, False)
    for alarm in works.see(lambda book: [a for a in book.alarm if a.answers]):
        works.answer(alarm.number, "done")
