"""The acceptance book: asked at the command line, refused, computed, and printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from simulation.crane_trials import try_cycles
from simulation.twin import Twin
from tests.ledger.conftest import keep_books, tiny_run
from tests.simulation.validation.crane_cycles import LONGEST_S, uniform_rack
from wcs.plant.closed_forms import bozer_white, rack_of
from wcs.plant.file import load_plant

FORK_S = 4
__all__ = ["tiny_run"]  # the fixture of the ledger's tests


def asked(*more: str) -> list[str]:
    return ["acceptance", "--plant", "tiny", "--cycles", "20", *more]


@pytest.mark.parametrize("shape", [0.5, 1.0])
def test_drawn_cycles_in_a_uniform_rack_are_those_of_bozer_and_white(shape: float) -> None:
    plant = uniform_rack(shape)
    crane = plant.cranes[0]
    trials = try_cycles(plant, crane, cycles=1_500, seed=3)
    # The formula of the whole rack: the rectangle of the product ends in the middle of the last cell.
    single, dual = (1 + shape**2 / 3) * LONGEST_S, (4 / 3 + shape**2 / 2 - shape**3 / 30) * LONGEST_S
    assert trials.single.mean_s == pytest.approx(single + 2 * FORK_S, abs=1.5 * trials.single.half_width_s)
    assert trials.dual.mean_s == pytest.approx(dual + 4 * FORK_S, abs=1.5 * trials.dual.half_width_s)
    assert bozer_white(crane, rack_of(plant, crane)).plain.single_s == pytest.approx(single + 2 * FORK_S, rel=0.01)


def test_one_seed_draws_one_mean() -> None:
    plant = load_plant("tiny")
    first, again = (try_cycles(plant, plant.cranes[0], cycles=20, seed=5) for _ in range(2))
    assert first == again
    assert try_cycles(plant, plant.cranes[0], cycles=20, seed=6) != first


def test_the_book_is_one_document_and_one_file_in_both_languages(tmp_path: Path) -> None:
    file = tmp_path / "book.html"
    faults = ("--hours", "0.3", "--orders-per-hour", "30", "--fault", "device_fault=40")
    result = CliRunner().invoke(app, asked(*faults, "--report", str(file), "--language", "zh", "--json"))
    assert result.exit_code == 0, result.output
    book = json.loads(result.stdout)
    assert [aisle["aisle"] for aisle in book["aisles"]] == ["A1", "A2"]
    for aisle in book["aisles"]:
        assert aisle["fem_9851"]["single_s"] < aisle["fem_9851"]["dual_s"]
        assert aisle["simulated"]["single"]["half_width_s"] > 0
    (found,) = book["availability"]
    assert found["source"] == "run"
    assert sum(device["times"]["faults"] for device in found["devices"]) > 0
    assert 0 < found["system"] < 1
    text = file.read_text(encoding="utf-8")
    assert '<html lang="zh">' in text
    assert "验收报告" in text
    assert '"0.3 小时">0.3 h<' in text
    assert "@media print" in text
    assert not re.search(r'(src|href)="', text), "it needs no network"


def test_a_sites_journal_is_read_beside_the_run(tmp_path: Path, tiny_run: Twin) -> None:
    url, file = f"sqlite:///{tmp_path / 'site.db'}", tmp_path / "book.html"
    keep_books(url, tiny_run)
    result = CliRunner().invoke(app, asked("--hours", "0", "--from", url, "--report", str(file), "--json"))
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)["availability"]
    assert found["source"] == "journal"
    assert {kind["kind"]: kind["reliability"] for kind in found["kinds"]}["crane"] == 1
    assert found["system"] == 1, "nothing broke there"
    assert "Availability in the site" in file.read_text(encoding="utf-8")


def test_without_a_run_the_table_says_cycles_alone() -> None:
    result = CliRunner().invoke(app, asked("--hours", "0"))
    assert result.exit_code == 0, result.output
    assert "FEM 9.851" in result.stdout
    assert "availability" not in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cycles", "3"), "--cycles 3: wanted from 10"),
        (("--hours", "-1"), "--hours -1: wanted 0 or more"),
        (("--hours", "nan"), "--hours nan: wanted 0 or more"),
        (("--fault", "device_fault"), "wanted KIND=RATE"),
        (("--fault", "fire=1"), "fire"),
        (("--hours", "0", "--fault", "device_fault=1"), "there is no run"),
        (("--orders-per-hour", "100000"), "cannot be reached"),
        (("--language", "fr"), "wanted one of en, zh"),
        (("--report", "no/such/folder/book.html"), "there is no folder"),
        (("--from", "sqlite:///nowhere.db"), "there is no ledger"),
        (("--plant", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(options: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(app, asked(*options))
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not result.stdout
