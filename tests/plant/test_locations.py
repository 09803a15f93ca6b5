"""An index and a name say the same thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wcs.plant.locations import LocationTable
from wcs.plant.model import Aisle, Plant, Side, Track

SIDES = ((Side.LEFT,), (Side.RIGHT,), (Side.LEFT, Side.RIGHT))


def aisle(number: int, sides: tuple[Side, ...], bays: int, levels: int, depth: int) -> Aisle:
    return Aisle(
        name=f"A{number}",
        number=number,
        sides=sides,
        bays=bays,
        levels=levels,
        depth=depth,
        bay_pitch_mm=500,
        level_pitch_mm=400,
        x0_mm=0,
        y0_mm=0,
        location_height_mm=300,
        location_mass_max_g=30000,
        zone="Z",
    )


def racks(*aisles: Aisle) -> LocationTable:
    return LocationTable(
        Plant(
            name="racks",
            load_types=(),
            aisles=aisles,
            cranes=(),
            conveyors=(),
            stations=(),
            docks=(),
            clarification_points=(),
            track=Track(),
            vehicles=(),
            plcs=(),
        )
    )


@given(st.data())
def test_index_name_and_address_go_round(data: st.DataObject) -> None:
    sizes = data.draw(
        st.lists(
            st.tuples(st.sampled_from(SIDES), st.integers(1, 120), st.integers(1, 120), st.integers(1, 2)),
            min_size=1,
            max_size=4,
        )
    )
    table = racks(*(aisle(n, *size) for n, size in enumerate(sizes, start=1)))
    index = data.draw(st.integers(0, table.count - 1))
    name = table.name(index)
    assert table.index(name) == index
    assert table.index_of(table.address(index)) == index
    assert table.has(name)
    assert table.aisles[table.aisle_position(index)].name == table.address(index).aisle


def test_every_location_of_the_tiny_plant_has_a_name_of_its_own(tiny: Plant) -> None:
    table = LocationTable(tiny)
    names = [table.name(index) for index in range(table.count)]
    assert len(set(names)) == 80
    assert (names[0], names[-1]) == ("A1-L-01-01-1", "A2-R-05-04-1")


NO_LABELS = (
    *("", "A1", "A1.IN", "A1-L-06-01-1", "A1-L-01-05-1", "A1-L-01-01-2", "A1-L-00-01-1", "A9-L-01-01-1"),
    *("A1-X-01-01-1", "A1-L-1-1-1", "A1-L-001-01-1", "A1-L-01-01-", "A1-L-²1-01-1", "A1-L--1-01-1"),
)


@pytest.mark.parametrize("name", NO_LABELS)
def test_what_is_no_label_is_no_location(tiny: Plant, name: str) -> None:
    table = LocationTable(tiny)
    assert not table.has(name)
    with pytest.raises(ValueError, match=r"location|aisle|int"):
        table.index(name)


@pytest.mark.parametrize("index", [-1, 80])
def test_an_index_beyond_the_racks_is_refused(tiny: Plant, index: int) -> None:
    with pytest.raises(ValueError, match="no storage location"):
        LocationTable(tiny).address(index)
