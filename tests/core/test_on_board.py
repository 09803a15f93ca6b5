"""A machine has a load on board that the book does not have there: no task, one alarm, and an end."""

from __future__ import annotations

import pytest

from simulation.staff import add_people
from tests.core.test_bad_luck import MINUTE_MS, alarms, deliver, run_until_carried_to, ships, site_with_stock
from tests.core.warehouses import Site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.turn import RequestRefused
from wcs.plant.model import OUTSIDE

FOREIGN = 900_000


def alarm_of(site: Site, device: str) -> e.Alarm:
    (alarm,) = [alarm for alarm in site.state.alarm if alarm.subject == device]
    assert alarm.code == "unknown_load"
    return alarm


def tasks_of(site: Site, device: str) -> list[int]:
    started = [x for x in site.facts_of(f.DeviceTaskStarted) if isinstance(x, f.DeviceTaskStarted)]
    return [x.open_task.number for x in started if x.open_task.device == device]


def place(site: Site, load_unit: int, at: str) -> None:
    site.twin.handle(
        v.LoadUnitPlaced(at_ms=site.twin.now_ms, actor="Li", load_unit=load_unit, place=at, reason="its label says so")
    )


def somebody_loads(site: Site, device: str) -> None:
    """By hand, in the other mode; the machine's words are told with the change of mode."""
    site.twin.inject(device, "mode", mode="manual")
    site.run_for(1_000)
    site.foreign_load(device, FOREIGN)
    site.twin.inject(device, "mode", mode="automatic")
    site.run_until(lambda: any(alarm.subject == device for alarm in site.state.alarm))


@pytest.mark.parametrize("device", ["CR1", "V1"])
def test_a_machine_that_a_stranger_has_loaded_gets_no_task_until_it_is_empty(device: str) -> None:
    site = site_with_stock()
    site.run_until_quiet()
    somebody_loads(site, device)
    alarm = alarm_of(site, device)
    assert (alarm.answers, alarm.load_unit) == ((), 0)
    before = tasks_of(site, device)
    site.order("SO1", ("TEA", 12))  # more than one aisle has: both cranes and the vehicle are needed
    site.run_for(10 * MINUTE_MS)
    assert tasks_of(site, device) == before
    assert alarm_of(site, device) == alarm
    with pytest.raises(RequestRefused, match="ends by itself"):
        site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="Li", alarm=alarm.number, answer="done"))
    site.world.move(FOREIGN, device, OUTSIDE, by="stranger", now_ms=site.twin.now_ms)
    site.twin.inject(device, "mode", mode="manual")
    site.twin.inject(device, "mode", mode="automatic")
    ships(site)
    assert not site.facts_of(f.DeviceTaskRefused)
    assert not alarms(site, "task_refused")


def wrongly_answered(site: Site) -> tuple[str, int]:
    """A crane that has lost its memory with a load on its fork, said to be still at its source."""
    site.order("SO1", ("TEA", 2))
    task = run_until_carried_to(site, "A1.OUT")
    site.run_until(lambda: bool(site.world.loads(task.device)))
    site.twin.restart(task.device, wiped=True, restored_after_ms=2_000)
    site.run_until(lambda: bool(alarms(site, "outcome_unknown")))
    alarm = next(a for a in site.state.alarm if a.code == "outcome_unknown")
    site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="Li", alarm=alarm.number, answer="at_source"))
    site.run_until(lambda: any(a.code == "unknown_load" for a in site.state.alarm))
    return task.device, task.task.load_id


def test_a_load_that_a_person_has_said_to_be_elsewhere_is_booked_on_board_and_goes_on() -> None:
    site = site_with_stock(people=False)
    crane, unit = wrongly_answered(site)
    site.run_for(10 * MINUTE_MS)
    assert not site.facts_of(f.DeviceTaskRefused)
    other = next(u.load_unit for u in site.state.load_unit if u.load_unit != unit)
    with pytest.raises(RequestRefused, match="nothing on board"):
        place(site, other, "CR2")
    place(site, unit, crane)
    assert site.state.load_unit[unit].place == crane
    assert not [alarm for alarm in site.state.alarm if alarm.subject == crane]
    site.run_until(lambda: site.state.load_unit[unit].place == "CV")
    assert site.world.place_of(unit) not in (crane, "A1-L-01-01-1")


def test_a_modelled_operator_reads_the_label_of_what_is_on_board() -> None:
    site = site_with_stock(people=False)
    wrongly_answered(site)
    add_people(site.twin)
    ships(site)


def test_a_load_unit_that_the_machine_names_is_booked_on_board_by_one_answer() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    task = run_until_carried_to(site, "A1.OUT")
    crane, unit = task.device, task.task.load_id
    site.run_until(lambda: site.state.load_unit[unit].place == crane)
    site.twin.inject(crane, "mode", mode="manual")
    site.twin.handle(v.DeviceActRequested(at_ms=site.twin.now_ms, actor="Li", device=crane, act="cancel"))
    site.run_until(lambda: not site.state.device[crane].task)
    place(site, unit, "A1-L-04-01-1")  # but it is still on the fork
    site.twin.inject(crane, "mode", mode="automatic")
    site.run_until(lambda: any(alarm.subject == crane for alarm in site.state.alarm))
    alarm = alarm_of(site, crane)
    assert (alarm.answers, alarm.load_unit) == (("on_device",), unit)
    site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="Li", alarm=alarm.number, answer="on_device"))
    assert site.state.load_unit[unit].place == crane
    ships(site)
    assert not site.facts_of(f.DeviceTaskRefused)


def test_a_machine_that_was_said_to_be_empty_and_refuses_is_asked_about_once() -> None:
    """Nothing has changed at the machine since the book was wrong: its refusal shows it, and no second alarm stands."""
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 2))
    task = run_until_carried_to(site, "A1.OUT")
    crane, unit = task.device, task.task.load_id
    site.run_until(lambda: site.state.load_unit[unit].place == crane)
    site.twin.handle(v.PlaceBlockRequested(at_ms=site.twin.now_ms, actor="Li", place="A1", blocked=True, reason="x"))
    site.twin.inject(crane, "mode", mode="manual")
    site.twin.handle(v.DeviceServiceRequested(at_ms=site.twin.now_ms, actor="Li", device=crane, in_service=False))
    site.twin.handle(v.DeviceActRequested(at_ms=site.twin.now_ms, actor="Li", device=crane, act="cancel"))
    site.run_until(lambda: not site.state.device[crane].task)
    site.twin.inject(crane, "mode", mode="automatic")
    site.run_until(lambda: site.state.device[crane].able)
    place(site, unit, "A1-L-04-01-1")
    site.twin.handle(v.DeviceServiceRequested(at_ms=site.twin.now_ms, actor="Li", device=crane, in_service=True))
    site.twin.handle(v.PlaceBlockRequested(at_ms=site.twin.now_ms, actor="Li", place="A1", blocked=False))
    site.run_for(10 * MINUTE_MS)
    assert len(site.facts_of(f.DeviceTaskRefused)) == 1
    assert alarm_of(site, crane).load_unit == unit


def test_a_load_is_not_said_to_be_at_a_source_whose_photo_eye_sees_nothing() -> None:
    """Else the book would have two load units there as soon as the belt brings the next."""
    site = site_with_stock()
    deliver(site)
    task = run_until_carried_to(site)
    site.run_until(lambda: bool(site.world.loads(task.device)))
    site.twin.restart(task.device, wiped=True, restored_after_ms=2_000)
    site.run_until(lambda: any(a.code == "outcome_unknown" for a in site.state.alarm))
    alarm = next(a for a in site.state.alarm if a.code == "outcome_unknown")
    with pytest.raises(RequestRefused, match=f"nothing is seen at {task.source}"):
        site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="Li", alarm=alarm.number, answer="at_source"))
    site.run_until_quiet()
    site.check_paper_is_world()
