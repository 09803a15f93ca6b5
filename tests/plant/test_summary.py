"""What people see of a plant agrees with what it is, and its bounds with arithmetic done by hand."""

from __future__ import annotations

from typing import Any

import pytest

from wcs.plant.check_rates import bounds
from wcs.plant.cycle_times import CraneCycle, drive_times_ms
from wcs.plant.file import plant_from
from wcs.plant.model import Aisle, Plant, Side, StackerCrane
from wcs.plant.summary import summary


def test_the_summary_of_the_demo_plant_counts_what_stands_there(demo: Plant) -> None:
    rows = summary(demo)
    assert rows["storage locations"] == 2400
    assert (rows["cranes"], rows["vehicles"], rows["docks"], rows["pick stations"]) == (4, 6, 3, 2)
    assert rows["PLC PLC4 (modbus)"] == "DK1, DK2"
    assert rows["storage an hour, cranes at most"] == bounds(demo)[0].storage_per_hour


def test_a_square_in_time_rack_has_the_mean_cycles_of_bozer_and_white() -> None:
    """Both axes take 10 s to the far corner, so b = 1: single 4/3, dual 1.8 times that; 1 s for each start and stop."""
    aisle = Aisle(
        name="A1",
        number=1,
        sides=(Side.LEFT,),
        bays=21,
        levels=11,
        depth=1,
        bay_pitch_mm=1000,
        level_pitch_mm=1000,
        x0_mm=0,
        y0_mm=0,
        location_height_mm=300,
        location_mass_max_g=1,
        zone="Z",
    )
    crane = StackerCrane(
        name="CR1",
        aisle="A1",
        speed_x_mm_s=2000,
        speed_y_mm_s=1000,
        accel_x_mm_s2=2000,
        accel_y_mm_s2=1000,
        fork_cycle_ms=4000,
        transfer_points=(),
    )
    cycle = CraneCycle(crane, aisle)
    assert cycle.single_ms == pytest.approx(13_333 + 2_000 + 8_000, abs=1)
    assert cycle.dual_ms == pytest.approx(18_000 + 3_000 + 16_000, abs=1)


def test_driving_takes_the_shortest_way_at_the_slower_of_lane_and_vehicle(tiny: Plant) -> None:
    times = drive_times_ms(tiny.track, tiny.vehicles[0])
    start_ms = 1875  # 1500 mm/s at 800 mm/s²
    assert times["N1"]["N2"] == 3334 + start_ms
    assert times["N2"]["P1"] == 6000 + start_ms
    assert times["N2"]["N1"] == 3 * 3334 + start_ms
    assert times["N1"]["N1"] == 0


def test_the_slowest_belt_that_every_load_must_pass_is_the_conveyors_bound(tiny_tables: dict[str, Any]) -> None:
    segments = {s["name"]: s for s in tiny_tables["conveyors"][0]["segments"]}
    segments["LOOP2"]["speed_mm_s"] = 50  # to the racks; 3 loads on 2 m at 50 mm/s
    segments["DA1.IN"]["speed_mm_s"] = 5  # only one of two aisles
    conveyors = bounds(plant_from(tiny_tables, "slow.toml"))[1]
    assert conveyors.machines == "conveyors"
    assert conveyors.storage_per_hour == 270
    assert conveyors.retrieval_per_hour == 2700


def test_a_plant_whose_docks_stand_at_the_belts_needs_no_vehicles(tiny_tables: dict[str, Any]) -> None:
    tiny_tables["docks"][0] |= {"inbound_points": ["IN1"], "outbound_points": ["OUT1"]}
    assert [b.machines for b in bounds(plant_from(tiny_tables, "belts.toml"))] == ["cranes", "conveyors"]
