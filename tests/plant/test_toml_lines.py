"""A refusal says on which line the key stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.experiment import ExperimentError, load_experiment
from wcs.plant.file import PlantFileError, load_plant
from wcs.plant.toml_lines import where

TEXT = """name = "x"
hours = 1.0

[base]
orders_per_hour = 90
"crane.speed_x_mm_s" = 4000  # quoted
staff.pick_ms = 5

[[aisles]]
name = "A1"  # the first
bays = 3

[[aisles]]
name = 'A2'
bays = 4

[[aisles.zones]]
name = "cold"
share = 2

[[scenario]]
vehicles = 4

[[scenario]]
vehicles = 6
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("hours", 2),
        ("base", 4),
        ("base.orders_per_hour", 5),
        ("base.crane.speed_x_mm_s", 6),
        ("base.staff.pick_ms", 7),
        ("aisles.A1.bays", 11),
        ("aisles.A2", 13),
        ("aisles.A2.bays", 15),
        ("aisles.A2.zones.cold.share", 19),
        ("aisles.A2.levels", 13),
        ("scenario 2.vehicles", 25),
        ("scenario 2.nothing", 24),
    ],
)
def test_a_key_is_found_on_its_line(tmp_path: Path, key: str, line: int) -> None:
    file = tmp_path / "a.toml"
    file.write_text(TEXT)
    assert where(str(file), key) == f"{file}:{line}"


def test_what_stands_nowhere_has_no_line(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(TEXT)
    assert where(str(file), "cranes.CR1") == str(file)
    assert where("demo", "name") == "demo"


def test_an_experiment_is_refused_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    file.write_text('plant = "tiny"\n\n[grid]\nvehicles = [1]\nwheels = [3, 4]\n')
    with pytest.raises(ExperimentError, match=rf"{file}:5: grid\.wheels: no such parameter"):
        load_experiment(file)
    file.write_text('plant = "tiny"\nhours = = 3\n')
    with pytest.raises(ExperimentError, match=rf"{file}:2: \(syntax\)"):
        load_experiment(file)


def test_a_plant_is_refused_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    shipped = Path(__file__).parents[2] / "wcs" / "plant" / "plants" / "tiny.toml"
    lines = shipped.read_text().replace("depth = 1", "depth = 2", 1).splitlines()
    file.write_text("\n".join(lines))
    line = lines.index("depth = 2") + 1
    with pytest.raises(PlantFileError, match=rf"{file}:{line}: aisles\.A1\.depth"):
        load_plant(file)
