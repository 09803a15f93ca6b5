"""Commands that a PLC refuses, over both protocols: nothing is lost, and work goes on when the cause is gone.

A host sends no task to a device that it has seen unable, so a refusal needs a task that is on its way while the cause
appears: a line that holds the PLC's answers back for a moment makes it so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from tests.real.bad_line import Address, BadLine, Faults
from tests.real.plant_at_work import PlantAtWork, plant_at_work
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.ports import AckCode, OperatingMode
from wcs.plant.file import load_plant
from wcs.plant.model import Plant

SPEED = 25.0
FRAMES = {"PLC1": False, "PLC2": True}  # PLC → whether it speaks in Modbus frames
BOTH = pytest.mark.parametrize("crane", ["CR1", "CR2"], ids=["opcua", "modbus"])
OTHER_AISLE = {"CR1": "A2", "CR2": "A1"}
SLOW_MM_S = 100  # so that a crane on its way home is there long enough to be met
ON_PAPER_S = 1.0  # less than a driver waits for an answer: what is held back is not missed
pytestmark = pytest.mark.timeout(180)


def plant_with_slow_cranes() -> Plant:
    tiny = load_plant("tiny")
    return replace(tiny, cranes=tuple(replace(crane, speed_x_mm_s=SLOW_MM_S) for crane in tiny.cranes))


class Line:
    """The plant at work behind a line that can hold answers back."""

    def __init__(self, works: PlantAtWork, line: BadLine) -> None:
        self.works = works
        self._line = line

    @contextmanager
    def answers_held(self) -> Iterator[None]:
        self._line.hold_answers()
        try:
            yield
        finally:
            self._line.let_answers_go()


@pytest.fixture(scope="module")
def line_of_this_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    with BadLine(1, Faults()) as line:

        def through(plc: str, address: Address) -> Address:
            return line.to(address, frames=FRAMES[plc]) if plc in FRAMES else address

        plant, folder = plant_with_slow_cranes(), tmp_path_factory.mktemp("works")
        with plant_at_work(folder, plant=plant, speed=SPEED, through=through) as works:
            yield Line(works, line)


@pytest.fixture
def line(line_of_this_module: Line) -> Iterator[Line]:
    works = line_of_this_module.works
    works.facts.clear()
    yield line_of_this_module
    works.audit()
    assert works.site.metrics.quarantined == 0


@contextmanager
def leg_that_waits(works: PlantAtWork, crane: str, load_unit: int) -> Iterator[None]:
    """An empty waits at the crane's aisle; the crane is out of service, and gets a task at once when it is back."""
    block(works, OTHER_AISLE[crane], True)
    works.bring_empty(load_unit)  # its location is chosen now, and no crane out of service is chosen for it
    in_service(works, crane, False)
    works.until(lambda book: crane in book.legs_of_carrier, "a leg waits for the crane")
    yield
    block(works, OTHER_AISLE[crane], False)


def in_service(works: PlantAtWork, crane: str, yes: bool) -> None:
    works.do(lambda at_ms: v.DeviceServiceRequested(at_ms=at_ms, actor="operator", device=crane, in_service=yes))


def block(works: PlantAtWork, place: str, blocked: bool) -> None:
    works.do(
        lambda at_ms: v.PlaceBlockRequested(at_ms=at_ms, actor="operator", place=place, blocked=blocked, reason="test")
    )


def refused_while(line: Line, crane: str, load_unit: int, cause: Callable[[], None]) -> AckCode:
    """Let the cause appear while a task is on its way to the crane; what the PLC said to it."""
    works = line.works
    with leg_that_waits(works, crane, load_unit):
        with line.answers_held():
            cause()
            in_service(works, crane, True)
            works.until(lambda book: any(task.device == crane for task in book.task), "a task is on paper", ON_PAPER_S)
        refused = works.until(lambda _book: works.told(f.DeviceTaskRefused), "it is refused")
    works.alarm("task_refused")
    assert not [told for told in works.told(f.DeviceTaskLoadPicked) if told.number == refused[0].number]
    at = works.world.dump()[load_unit]
    assert at == f"A{crane[-1]}.IN"
    assert works.see(lambda book: book.load_unit[load_unit].place) == at
    return refused[0].code


def is_stored(works: PlantAtWork, crane: str, load_unit: int) -> None:
    """The load is stored, by one task, and the alarm has ended without anybody's answer."""
    works.until(lambda book: not book.transport_for(load_unit), f"{load_unit} is stored")
    by = [logged.line.by for logged in works.world.whole_log() if logged.line.number == load_unit]
    assert [act.split()[-1] for act in by if act.startswith(crane)] == ["PICK", "DEPOSIT"]
    raised = {told.alarm.number for told in works.told(f.AlarmRaised) if told.alarm.code == "task_refused"}
    ended = {told.number for told in works.told(f.AlarmEnded) if told.actor == "plant"}
    assert raised
    assert raised <= ended


@BOTH
def test_a_task_that_meets_a_crane_in_manual_mode_is_refused_and_done_in_automatic(line: Line, crane: str) -> None:
    works, unit = line.works, 610 + int(crane[-1])
    code = refused_while(line, crane, unit, lambda: works.world.inject(crane, "mode", mode="MANUAL"))
    assert code is AckCode.NOT_AUTOMATIC
    works.until(lambda book: book.device[crane].mode is OperatingMode.MANUAL, "the host has seen the mode")
    works.world.inject(crane, "mode", mode="AUTOMATIC")
    is_stored(works, crane, unit)


@BOTH
def test_a_task_that_meets_a_faulted_crane_is_refused_and_done_after_the_reset(line: Line, crane: str) -> None:
    works, unit = line.works, 620 + int(crane[-1])
    code = refused_while(line, crane, unit, lambda: works.world.inject(crane, "fault", alarm="axis"))
    assert code is AckCode.FAULTED
    alarm = works.alarm("device_fault")
    works.world.inject(crane, "local_reset")
    works.answer(alarm, "reset_fault")
    is_stored(works, crane, unit)


@BOTH
def test_a_task_that_meets_a_crane_on_its_way_home_is_refused_and_done_when_it_is_there(line: Line, crane: str) -> None:
    works, first, unit = line.works, 630 + int(crane[-1]), 640 + int(crane[-1])
    with leg_that_waits(works, crane, first):
        in_service(works, crane, True)
        works.until(lambda book: not book.transport_for(first), "one is stored: the crane stands in its aisle")
    with leg_that_waits(works, crane, unit):
        works.do(lambda at_ms: v.DeviceActRequested(at_ms=at_ms, actor="operator", device=crane, act="home"))
        in_service(works, crane, True)
        refused = works.until(lambda _book: works.told(f.DeviceTaskRefused), "it is refused")
        assert refused[0].code is AckCode.BUSY
        is_stored(works, crane, unit)
