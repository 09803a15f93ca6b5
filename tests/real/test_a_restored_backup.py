"""An old backup on PLCs that have gone on since: nobody drives them until a person takes them over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.people_at_work import people_at_work
from tests.real.plant_at_work import PlantAtWork, plant_at_work
from tests.real.stock import open_the_books
from wcs.core import events as v
from wcs.core.entities import Link
from wcs.core.state import State
from wcs.ledger.audit import audit
from wcs.ledger.backup import back_up, restore
from wcs.plant.model import OUTSIDE

SPEED = 25.0
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
