"""Numbers with which nobody could compute, in a plant file that is whole otherwise."""

from __future__ import annotations

import pytest

from slotting import travel
from tests.plant.breaking import Break, Tables, both, change
from wcs.plant.check import check_plant
from wcs.plant.check_machines import ACCEL_MAX_MM_S2, RACK_MAX_MM, SPEED_MAX_MM_S
from wcs.plant.file import plant_from


def away(tables: Tables) -> None:
    tables["cranes"][0]["transfer_points"][0]["y_mm"] = -5_000_001


@pytest.mark.parametrize(
    ("break_it", "key", "most"),
    [
        (change("cranes", "CR1", "accel_x_mm_s2", to=100_001), "cranes.CR1.accel_x_mm_s2", 100_000),
        (change("cranes", "CR2", "speed_y_mm_s", to=100_001), "cranes.CR2.speed_y_mm_s", 100_000),
        (away, "cranes.CR1.transfer_points.A1.IN.y_mm", 5_000_000),
        (change("aisles", "A1", "bays", to=60_000), "aisles.A1.bay_pitch_mm", 5_000_000),
        (
            both(change("aisles", "A1", "bays", to=4_000), change("aisles", "A1", "levels", to=4_000)),
            "aisles",
            10_000_000,
        ),
    ],
)
def test_a_number_beyond_reason_is_refused(break_it: Break, key: str, most: int, tiny_tables: Tables) -> None:
    break_it(tiny_tables)
    found = {finding.key: finding.reason for finding in check_plant(plant_from(tiny_tables, "large.toml"))}
    assert f"at most {most}" in found[key]


def test_travel_times_of_whatever_is_let_through_are_exact() -> None:
    assert 2 * RACK_MAX_MM == travel.DISTANCE_MAX_MM
    assert (SPEED_MAX_MM_S, ACCEL_MAX_MM_S2) == (travel.SPEED_MAX_MM_S, travel.ACCEL_MAX_MM_S2)


def first(kind: str, array: str, key: str, to: int) -> Break:
    """Set a key of the first element of the first machine of a kind."""

    def broken(tables: Tables) -> None:
        tables[kind][0][array][0][key] = to

    return broken


def first_edge(tables: Tables) -> None:
    tables["track"]["edges"][0]["length_mm"] = 1


@pytest.mark.parametrize(
    ("break_it", "key", "why"),
    [
        (change("load_types", "TOTE", "mass_empty_g", to=30_000), "load_types.TOTE.mass_empty_g", "nothing could be"),
        (first("conveyors", "segments", "capacity", to=1_000), "capacity", "1000 loads on"),
        (first("conveyors", "segments", "speed_mm_s", to=10**9), "speed_mm_s", "beyond reason"),
        (first_edge, "track.edges[0].length_mm", "mm apart"),
        (change("vehicles", "V1", "drain_wh_per_km", to=10**6), "vehicles.V1.drain_wh_per_km", "to a charger"),
        (change("vehicles", "V1", "accel_mm_s2", to=10**6), "vehicles.V1.accel_mm_s2", "beyond reason"),
    ],
)
def test_measures_that_contradict_each_other_are_refused(
    break_it: Break, key: str, why: str, tiny_tables: Tables
) -> None:
    break_it(tiny_tables)
    found = check_plant(plant_from(tiny_tables, "odd.toml"))
    assert [(f.key.endswith(key), why in f.reason) for f in found] == [(True, True)]
