"""The closed forms of the acceptance book against what a pencil says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from wcs.plant.closed_forms import bozer_white, fem_9851, rack_of
from wcs.plant.file import load_plant
from wcs.plant.model import Plant


def corner_plant() -> Plant:
    """30 m by 15 m from a corner where input and output stand; 3 m/s and 1 m/s, 0.5 m/s² on both, forks 4 s."""
    plant = load_plant("tiny")
    aisle = replace(
        plant.aisles[0], bays=31, levels=16, bay_pitch_mm=1_000, level_pitch_mm=1_000, x0_mm=0, y0_mm=0
    )  # fmt: skip
    points = tuple(replace(point, x_mm=0, y_mm=0) for point in plant.cranes[0].transfer_points)
    crane = replace(
        plant.cranes[0], speed_x_mm_s=3_000, speed_y_mm_s=1_000, accel_x_mm_s2=500, accel_y_mm_s2=500,
        fork_cycle_ms=4_000, transfer_points=points,
    )  # fmt: skip
    return replace(plant, aisles=(aisle,), cranes=(crane,))


def test_the_two_points_of_fem_9851_are_as_by_hand() -> None:
    plant = corner_plant()
    crane = plant.cranes[0]
    found = fem_9851(crane, rack_of(plant, crane))
    # P1 (6 m, 10 m): 12 s, its lift; P2 (20 m, 3 m): 20/3 + 6 = 12.667 s; between them 14 m: 2·sqrt(28) = 10.583 s
    assert found.single_s == pytest.approx(12 + 12.6667 + 2 * 4, abs=1e-3)
    assert found.dual_s == pytest.approx(12 + 10.5830 + 12.6667 + 4 * 4, abs=1e-3)


def test_bozer_and_white_are_as_by_hand_with_and_without_ramps() -> None:
    plant = corner_plant()
    crane = plant.cranes[0]
    rack = rack_of(plant, crane)
    found = bozer_white(crane, rack)
    assert rack.at_corner
    # 30 m / 3 m/s = 10 s, 15 m / 1 m/s = 15 s: T = 15, b = 2/3; the longer start is 3/0.5 = 6 s
    assert found.t_s == 15
    assert found.b == pytest.approx(2 / 3)
    assert found.plain.single_s == pytest.approx(17.2222 + 8, abs=1e-3)
    assert found.plain.dual_s == pytest.approx(20 + 3.33333 - 0.148148 + 16, abs=1e-3)
    assert found.ramped.single_s - found.plain.single_s == pytest.approx(12)
    assert found.ramped.dual_s - found.plain.dual_s == pytest.approx(18)


def test_a_rack_says_when_its_transfer_points_are_not_in_the_corner() -> None:
    plant = load_plant("tiny")
    rack = rack_of(plant, plant.cranes[0])
    assert (rack.input.transfer_point, rack.output.transfer_point) == ("A1.IN", "A1.OUT")
    assert (rack.left_mm, rack.length_mm, rack.height_mm) == (0, 3_000, 1_200)
    assert not rack.at_corner, "A1.OUT is 400 mm above it"
