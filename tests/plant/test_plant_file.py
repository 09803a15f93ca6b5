"""A plant file is read whole or refused with file, key and reason."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from wcs.plant.file import FILE_BYTES_MAX, PlantFileError, load_plant, plant_from
from wcs.plant.model import Plant, PointKind, Protocol, Side


def shipped_text(name: str) -> str:
    return (Path(__file__).parents[2] / "wcs" / "plant" / "plants" / f"{name}.toml").read_text(encoding="utf-8")


def refused(tables: dict[str, Any]) -> PlantFileError:
    with pytest.raises(PlantFileError) as caught:
        plant_from(tables, "broken.toml")
    return caught.value


def test_the_tiny_plant_has_two_aisles_on_two_protocols_and_one_of_everything_else(tiny: Plant) -> None:
    assert [a.location_count for a in tiny.aisles] == [40, 40]
    assert {p.name: (p.protocol, p.devices) for p in tiny.plcs} == {
        "PLC1": (Protocol.OPCUA, ("CR1", "V1")),
        "PLC2": (Protocol.MODBUS, ("CR2", "DK1")),
        "PLC3": (Protocol.MODBUS, ("CV1", "CV2")),
    }
    assert (len(tiny.stations), len(tiny.docks), len(tiny.vehicles)) == (1, 1, 1)


def test_the_demo_plant_is_the_one_that_was_asked_for(demo: Plant) -> None:
    assert sum(a.location_count for a in demo.aisles) == 2400
    assert {(len(a.sides), a.bays, a.levels) for a in demo.aisles} == {(2, 30, 10)}
    assert {(c.speed_x_mm_s, c.speed_y_mm_s, c.fork_cycle_ms) for c in demo.cranes} == {(3000, 1500, 4000)}
    assert (len(demo.cranes), len(demo.stations), len(demo.vehicles), len(demo.docks)) == (4, 2, 6, 3)
    protocols = {device: plc.protocol for plc in demo.plcs for device in plc.devices}
    assert {protocols[c.name] for c in demo.cranes} | {protocols[v.name] for v in demo.vehicles} == {Protocol.OPCUA}
    assert {protocols[d] for c in demo.conveyors for d in c.devices} == {Protocol.MODBUS}


def test_words_of_the_file_become_the_models_own(tiny: Plant) -> None:
    assert tiny.aisles[0].sides == (Side.LEFT, Side.RIGHT)
    identification = tiny.conveyors[0].points[0]
    assert identification.kind is PointKind.IDENTIFICATION
    assert identification.exits == {1: "LOOP2", 2: "ID1.CLAR"}


def test_a_plant_is_read_from_any_path(tmp_path: Path, tiny: Plant) -> None:
    file = tmp_path / "hall.toml"
    file.write_text(shipped_text("tiny"), encoding="utf-8")
    assert load_plant(file) == tiny
    assert load_plant(str(file)) == tiny


def test_a_refused_plant_names_its_file_its_key_and_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "hall.toml"
    file.write_text(shipped_text("tiny").replace("capacity = 5 }", "capacity = 0 }", 1), encoding="utf-8")
    with pytest.raises(PlantFileError) as caught:
        load_plant(file)
    assert caught.value.file == str(file)
    assert caught.value.key == "conveyors.CV.segments.ID1.CLAR.capacity"
    assert str(caught.value) == f"{file}:103: {caught.value.key}: capacity 0: a segment holds at least one load"


def test_every_finding_stands_in_the_message(tiny_tables: dict[str, Any]) -> None:
    tiny_tables["aisles"][0]["bays"] = 0
    tiny_tables["cranes"][1]["colour"] = "blue"
    error = refused(tiny_tables)
    assert [f.key for f in error.findings] == ["aisles.A1.bays", "cranes.CR2.colour"]
    assert str(error).count("broken.toml: ") == 2


def test_a_list_is_not_said_to_be_short_because_an_element_is_wrong(tiny_tables: dict[str, Any]) -> None:
    for aisle in tiny_tables["aisles"]:
        aisle["levels"] = "four"
    assert [f.key for f in refused(tiny_tables).findings] == ["aisles.A1.levels", "aisles.A2.levels"]
    tiny_tables["aisles"] = []
    assert [f.key for f in refused(tiny_tables).findings] == ["aisles"]


def test_a_refusal_can_be_copied_and_so_sent_to_another_process(tiny_tables: dict[str, Any]) -> None:
    tiny_tables["aisles"][0]["bays"] = 0
    tiny_tables["cranes"][1]["colour"] = "blue"
    error = refused(tiny_tables)
    sent = copy.copy(error)  # by the way that pickle goes
    assert (str(sent), sent.file, sent.findings) == (str(error), error.file, error.findings)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlantFileError, match=r"nowhere\.toml: \(file\): no such file, and shipped are tiny, demo"):
        load_plant(tmp_path / "nowhere.toml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlantFileError, match=r"\(file\): Is a directory"):
        load_plant(tmp_path)


def test_wrong_syntax_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "hall.toml"
    file.write_text('name = "hall"\naisles = \n[rates]', encoding="utf-8")
    with pytest.raises(PlantFileError, match=r"hall\.toml:2: \(syntax\): .*line 2"):
        load_plant(file)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "hall.toml"
    file.write_bytes(b'name = "\xff"')
    with pytest.raises(PlantFileError, match="not UTF-8"):
        load_plant(file)


def test_an_absurdly_large_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "hall.toml"
    file.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(PlantFileError, match="larger than"):
        load_plant(file)


def test_an_empty_file_lacks_its_keys(tmp_path: Path) -> None:
    file = tmp_path / "hall.toml"
    file.write_text("", encoding="utf-8")
    with pytest.raises(PlantFileError) as caught:
        load_plant(file)
    assert (caught.value.key, caught.value.reason) == ("name", "key is missing")


def test_an_unknown_key_is_refused(tiny_tables: dict[str, Any]) -> None:
    tiny_tables["conveyors"][0]["points"][1]["dead_line_ms"] = 2000
    error = refused(tiny_tables)
    assert (error.key, error.reason) == ("conveyors.CV.points.DA1.dead_line_ms", "unknown key")


def test_a_missing_key_is_refused(tiny_tables: dict[str, Any]) -> None:
    del tiny_tables["cranes"][0]["fork_cycle_ms"]
    error = refused(tiny_tables)
    assert (error.key, error.reason) == ("cranes.CR1.fork_cycle_ms", "key is missing")


@pytest.mark.parametrize("value", ["2000", 2000.5, True, -1, 0, [], None, 2**32])
def test_a_speed_is_a_positive_whole_number_and_nothing_else(tiny_tables: dict[str, Any], value: object) -> None:
    tiny_tables["cranes"][0]["speed_x_mm_s"] = value
    assert refused(tiny_tables).key == "cranes.CR1.speed_x_mm_s"


@pytest.mark.parametrize(
    ("table", "key"),
    [("load_types", "mass_empty_g"), ("aisles", "x0_mm"), ("stations", "queue_length_max"), ("vehicles", "battery_wh")],
)
def test_a_negative_number_is_refused(tiny_tables: dict[str, Any], table: str, key: str) -> None:
    tiny_tables[table][0][key] = -1
    assert refused(tiny_tables).key == f"{table}.{tiny_tables[table][0]['name']}.{key}"


def test_an_element_without_a_name_is_named_by_its_position(tiny_tables: dict[str, Any]) -> None:
    tiny_tables["track"]["edges"][2]["length_mm"] = -5
    del tiny_tables["docks"][0]["name"]
    assert {f.key for f in refused(tiny_tables).findings} == {"track.edges[2].length_mm", "docks[0].name"}


def test_an_exit_number_is_a_number(tiny_tables: dict[str, Any]) -> None:
    tiny_tables["conveyors"][0]["points"][1]["exits"] = {"left": "LOOP3"}
    assert refused(tiny_tables).key.startswith("conveyors.CV.points.DA1.exits.left")


@pytest.mark.parametrize("name", ["", " A1", "A 1", "A/1", "Ä1", "A" * 41, 7])
def test_a_name_that_no_label_should_carry_is_refused(tiny_tables: dict[str, Any], name: object) -> None:
    tiny_tables["docks"][0]["name"] = name
    assert refused(tiny_tables).key.endswith("name")


def test_a_table_where_an_array_should_be_is_refused(tiny_tables: dict[str, Any]) -> None:
    tiny_tables["aisles"] = {"name": "A1"}
    assert refused(tiny_tables).key == "aisles"
