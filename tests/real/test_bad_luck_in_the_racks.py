"""Bad luck at cranes and locations, over the real protocols: kept, blocked, lost or asked, and never booked away."""

from __future__ import annotations

import pytest

from tests.real.plant_at_work import PlantAtWork, empty
from tests.real.stock import EMPTY_MASS_G, HEIGHT_MM, put_in_racks
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.entities import LoadUnitRole, OrderState
from wcs.core.ports import AckCode, OperatingMode
from wcs.core.state import State
from wcs.core.turn import RequestRefused
from wcs.plant.model import LOST, OUTSIDE

CRANES = ("CR1", "CR2")
FOREIGN = 9001  # a load that no book knows
REFUSALS_SEEN_MAX = 50  # some seconds of asking again: more would be a storm of telegrams


def set_mode(works: PlantAtWork, mode: str, *cranes: str) -> None:
    """The key switch; the host has seen it when this returns."""
    for crane in cranes:
        works.world.inject(crane, "mode", mode=mode)
    wanted = OperatingMode[mode]
    works.until(lambda book: all(book.device[crane].mode is wanted for crane in cranes), f"{cranes} in {mode}")


def block(works: PlantAtWork, place: str, blocked: bool) -> None:
    works.do(
        lambda at_ms: v.PlaceBlockRequested(
            at_ms=at_ms, actor="operator", place=place, blocked=blocked, reason="test" if blocked else ""
        )
    )


def answered(works: PlantAtWork, code: str, answer: str) -> int:
    """Wait for the alarm, answer it, and say which it was."""
    number = works.alarm(code)
    works.answer(number, answer)
    return number


def test_a_bin_found_occupied_is_blocked_and_the_load_goes_to_another(works: PlantAtWork) -> None:
    set_mode(works, "MANUAL", *CRANES)
    works.bring_empty(401)
    waits = works.until(_at_an_aisle(401), "the load waits at an aisle")
    works.world.place(empty(FOREIGN), waits, by="a stranger")
    set_mode(works, "AUTOMATIC", *CRANES)
    answered(works, "sink_occupied", "done")
    works.until(lambda book: not book.transport_for(401), "the load is stored elsewhere")
    place = works.see(lambda book: book.load_unit[401].place)
    assert place != waits
    assert place[:2] == waits[:2], "kept on its crane, so stored in the same aisle"
    assert works.see(lambda book: waits in book.block)
    assert not [move for move in works.told(f.LoadUnitMoved) if move.sink == waits], "never booked there"
    assert works.world.look(place)[0].number == 401
    works.world.remove(FOREIGN, waits, by="a stranger")
    block(works, waits, False)


def _at_an_aisle(load_unit: int):  # type: ignore[no-untyped-def]
    def sink(book: State) -> str:
        transport = book.transport_for(load_unit)
        here = book.load_unit[load_unit].place
        return transport.sink if transport is not None and here in ("A1.IN", "A2.IN") else ""

    return sink


def test_a_bin_found_empty_makes_its_load_unit_lost_and_the_order_is_served_from_another(works: PlantAtWork) -> None:
    set_mode(works, "MANUAL", *CRANES)
    works.order("E1", ("RIGHT", 1))
    unit = works.until(lambda book: next((r.load_unit for r in book.reservation), 0), "stock is reserved")
    place = works.see(lambda book: book.load_unit[unit].place)
    works.world.remove(unit, place, by="a thief")
    set_mode(works, "AUTOMATIC", *CRANES)
    answered(works, "source_empty", "done")
    works.until(lambda book: book.order["E1"].state is OrderState.SHIPPED, "the order ships from another load unit")
    assert works.see(lambda book: book.load_unit[unit].place) == LOST
    assert [r.reservation.load_unit for r in works.told(f.StockReserved)][-1] != unit


def test_a_crane_faulted_with_a_load_on_its_fork_goes_on_after_the_reset(works: PlantAtWork) -> None:
    works.bring_empty(402)
    crane = works.until_world(lambda world: _crane_with(world.dump(), 402), "a crane has it on its fork")
    works.world.inject(crane, "fault", alarm="axis")
    alarm = works.alarm("device_fault")
    assert works.see(lambda book: book.alarm[alarm].subject) == crane
    works.world.inject(crane, "local_reset")
    works.answer(alarm, "reset_fault")
    works.until(lambda book: not book.transport_for(402), "the load is stored")
    assert _moves_by_cranes(works, 402) == 2


def _crane_with(place_of: dict[int, str], load_unit: int) -> str:
    place = place_of.get(load_unit, OUTSIDE)
    return place if place in ("CR1", "CR2") else ""


def _moves_by_cranes(works: PlantAtWork, load_unit: int) -> int:
    lines = [logged.line for logged in works.world.whole_log() if logged.line.number == load_unit]
    return len([line for line in lines if line.by.startswith("CR")])


def test_a_crane_with_a_load_that_no_book_knows_gets_no_task_until_it_is_empty(works: PlantAtWork) -> None:
    for n, crane in enumerate(CRANES):
        works.world.place(empty(FOREIGN + n), crane, by="a stranger")
    works.until(lambda book: _asked_about(book) == set(CRANES), "both cranes have their alarm")
    before = _tasks_of(works, *CRANES)
    works.order("R1", ("RIGHT", 1))
    works.until(lambda book: bool(book.reservation.rows), "stock is reserved")
    assert _tasks_of(works, *CRANES) == before
    for n, crane in enumerate(CRANES):
        works.world.remove(FOREIGN + n, crane, by="a stranger")
    works.until(lambda book: not _asked_about(book), "the alarms end by themselves")
    works.until(lambda book: book.order["R1"].state is OrderState.SHIPPED, "the order ships")
    assert not works.told(f.DeviceTaskRefused)


def _tasks_of(works: PlantAtWork, *devices: str) -> list[int]:
    started = [told.open_task for told in works.told(f.DeviceTaskStarted)]
    return [task.number for task in started if task.device in devices]


def _asked_about(book: State) -> set[str]:
    return {alarm.subject for alarm in book.alarm if alarm.code == "unknown_load"}


def test_a_command_refused_by_the_plc_is_offered_again_when_it_can_be_done(works: PlantAtWork) -> None:
    # A load that is on board by the book and was taken off: the PLC says INTERLOCK, for its sensor knows better.
    works.bring_empty(405)
    crane = works.until_world(lambda world: _crane_with(world.dump(), 405), "a crane has it on its fork")
    set_mode(works, "MANUAL", crane)
    works.until(lambda book: book.device[crane].stopped == "paused", "the crane stands")
    works.do(lambda at_ms: v.DeviceActRequested(at_ms=at_ms, actor="operator", device=crane, act="cancel"))
    works.until(lambda book: not book.device[crane].task, "its task is given up")
    load = works.world.look(crane)[0]
    works.world.remove(405, crane, by="a thief")
    set_mode(works, "AUTOMATIC", crane)
    works.alarm("task_refused")
    assert {refused.code for refused in works.told(f.DeviceTaskRefused)} == {AckCode.INTERLOCK}
    works.world.place(load, crane, by="a thief")
    works.until(lambda book: not book.transport_for(405), "the load is stored")
    assert _moves_by_cranes(works, 405) == 2
    assert len(works.told(f.DeviceTaskRefused)) <= REFUSALS_SEEN_MAX


def test_a_blocked_aisle_is_served_by_nobody_until_it_is_freed(works: PlantAtWork) -> None:
    block(works, "A1", True)
    works.order("B1", ("LEFT", 1))
    works.bring_empty(403)
    works.until(lambda book: not book.transport_for(403), "the arrival is stored in the other aisle")
    assert works.see(lambda book: book.load_unit[403].place).startswith("A2-")
    assert not [task for task in works.told(f.DeviceTaskStarted) if task.open_task.device == "CR1"]
    block(works, "A1", False)
    works.until(lambda book: book.order["B1"].state is OrderState.SHIPPED, "the order ships")


def test_a_full_warehouse_takes_nothing_in_and_says_so(works: PlantAtWork) -> None:
    free = works.see(lambda book: [name for name in _all_locations(works) if not book.room.is_held(name)])
    fillers = [
        v.OpeningLoadUnit(
            barcode=f"T{1000 + n:06d}",
            load_type=1,
            place=place,
            role=LoadUnitRole.EMPTY,
            mass_g=EMPTY_MASS_G,
            height_mm=HEIGHT_MM,
            load_unit=1000 + n,
        )
        for n, place in enumerate(free[: len(free) - 4])  # what is kept so that loads inside can be put back
    ]
    put_in_racks(works, fillers)
    with pytest.raises(RequestRefused, match="full"):
        works.bring_empty(404)
    assert works.see(lambda book: book.load_unit.get(404)) is None
    works.order("F1", ("LEFT", 1))
    works.until(lambda book: book.order["F1"].state is OrderState.SHIPPED, "orders go on")


def _all_locations(works: PlantAtWork) -> list[str]:
    table = works.site.layout.locations
    return [table.name(n) for n in range(table.count)]
