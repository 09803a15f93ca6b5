"""Bad luck on the belts: what cannot be read, is not known or does not measure as it should goes to a person."""

from __future__ import annotations

from tests.real.plant_at_work import PlantAtWork, empty
from wcs.core import facts as f

LANE = "CLAR"


def put_right(works: PlantAtWork, load_unit: int) -> None:
    """The operator takes it from the clarification lane and puts it on the conveyor again at the station.

    They say so first: said after the belt has brought it to the scale again, it would be sent to the lane again.
    """
    works.until_world(lambda world: [load.number for load in world.look(LANE)] == [load_unit], "it rests in the lane")
    works.until(lambda book: book.load_unit[load_unit].place == LANE, "the book has it in the lane")
    works.until_world(lambda world: world.accepts("ST1.PUT") and not world.look("ST1.PUT"), "the put-on point is free")
    works.placed(load_unit, "ST1.PUT", "put right in the clarification lane")
    works.world.carry(load_unit, LANE, "ST1.PUT", by="operator")
    works.until(lambda book: not book.transport_for(load_unit), "it is stored")
    assert works.see(lambda book: book.load_unit[load_unit].place)[:3] in ("A1-", "A2-")


def clarification(works: PlantAtWork) -> str:
    """Wait until somebody is asked; what the alarm says."""
    number = works.alarm("clarification")
    return works.see(lambda book: book.alarm[number].text)


def test_a_load_that_is_not_read_once_turns_round_and_is_read(works: PlantAtWork) -> None:
    works.world.inject("CV1", "no_read", point="ID1", count=1)
    works.bring_empty(411)
    works.until(lambda book: not book.transport_for(411), "it is stored")
    tries = [seen.no_reads for seen in works.told(f.LoadUnitSeen) if seen.point == "ID1" and seen.load_unit == 411]
    assert 1 in tries
    assert len(tries) >= 2
    assert not works.told(f.AlarmRaised)


def test_a_load_that_is_never_read_goes_to_clarification(works: PlantAtWork) -> None:
    works.world.inject("CV1", "no_read", point="ID1", count=2)
    works.bring_empty(412)
    assert "not read 2 times" in clarification(works)
    put_right(works, 412)


def test_an_unknown_load_unit_goes_to_clarification(works: PlantAtWork) -> None:
    works.world.place(empty(499), "ST1.PUT", by="a stranger")
    assert "unknown load unit 'T000499'" in clarification(works)
    works.until_world(lambda world: bool(world.look(LANE)), "it rests in the lane")
    works.until(lambda book: book.has_alarm(LANE, "appeared"), "somebody is asked what stands there")
    works.world.remove(499, LANE, by="operator")
    works.until(lambda book: not book.has_alarm(LANE, "appeared"), "the photo-eye has answered it")
    works.answer(works.alarm("clarification"), "moved")


def test_a_load_unit_of_a_wrong_weight_goes_to_clarification_with_what_was_measured(works: PlantAtWork) -> None:
    works.bring_empty(413, mass_g=9_000)
    said = clarification(works)
    assert "wrong weight: expected 2000 g" in said
    assert "measured 9000 g, 320 mm" in said
    put_right(works, 413)


def test_a_load_unit_that_stands_out_goes_to_clarification_with_what_was_measured(works: PlantAtWork) -> None:
    works.bring_empty(414, height_mm=360)
    said = clarification(works)
    assert "contour" in said
    assert "measured 2000 g, 360 mm" in said
    works.until_world(lambda world: bool(world.look(LANE)), "it rests in the lane")
    works.world.remove(414, LANE, by="operator")
    works.until(lambda book: book.load_unit[414].place == LANE, "the book has it in the lane")
    works.placed(414, "outside", "its lid is broken")
