"""A sweep's file of results: what cannot be read in it is run again, and a file that cannot be used is refused."""

from __future__ import annotations

import csv
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app

FILE = """
plant = "tiny"
hours = 0.1
replications = 2
[base]
orders_per_hour = 40
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The results of a sweep that has run."""
    (tmp_path / "kept.toml").write_text(FILE, encoding="utf-8")
    assert sweep(tmp_path / "kept").exit_code == 0
    return tmp_path / "kept"


def sweep(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["sweep", str(folder.with_suffix(".toml")), "--workers", "0", *more])


def test_the_rows_have_the_busy_share_of_each_device_that_any_run_has(tmp_path: Path) -> None:
    (tmp_path / "kept.toml").write_text(f"{FILE}[grid]\nvehicles = [1, 2]\n", encoding="utf-8")
    assert sweep(tmp_path / "kept").exit_code == 0
    with (tmp_path / "kept" / "rows.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    busy = [name for name in rows[0] if name.startswith("busy.")]
    assert busy[:4] == ["busy.CR1", "busy.CR2", "busy.V1", "busy.ST1"]
    assert busy[-1] == "busy.V2", "of the second fleet alone"
    assert [bool(row["busy.V2"]) for row in rows] == [False, False, True, True]
    assert 0 < float(rows[0]["busy.V1"]) < 1
    assert "busy.LOOP1" in busy


def test_the_table_says_of_whom_an_order_time_is_and_counts_one_run_as_one(tmp_path: Path) -> None:
    (tmp_path / "kept.toml").write_text(FILE.replace("replications = 2", "replications = 1"), encoding="utf-8")
    line = sweep(tmp_path / "kept").stdout.splitlines()[1]
    assert re.search(r" 1 run   mean order time \d+ s  ", line), line


@pytest.mark.parametrize("damage", ["x'00'", "NULL", "'words'", "(SELECT result FROM run ORDER BY seed DESC)"])
def test_a_result_that_cannot_be_read_or_is_another_runs_is_made_again(folder: Path, damage: str) -> None:
    before = (folder / "rows.csv").read_bytes()
    with sqlite3.connect(folder / "runs.sqlite") as database:
        database.execute(f"UPDATE run SET result = {damage} WHERE seed = 1")
    database.close()
    assert sweep(folder).exit_code == 0
    assert (folder / "rows.csv").read_bytes() == before


def test_a_file_of_other_making_is_refused_and_left_as_it_is(folder: Path) -> None:
    runs = folder / "runs.sqlite"
    for content in (b"no database" * 100, runs.read_bytes()[: runs.stat().st_size // 2]):
        runs.write_bytes(content)
        refused(sweep(folder), str(runs))
        assert runs.read_bytes() == content
    runs.unlink()
    with sqlite3.connect(runs) as database:
        database.execute("CREATE TABLE run (laps)")
    database.close()
    refused(sweep(folder), "other columns")


@pytest.mark.parametrize("cut", [1, 100, 4_096, 5_000])
def test_a_file_of_results_that_was_cut_off_is_refused_and_left_as_it_is(folder: Path, cut: int) -> None:
    runs = folder / "runs.sqlite"
    content = runs.read_bytes()[:-cut]
    runs.write_bytes(content)
    refused(sweep(folder), str(runs))
    assert runs.read_bytes() == content


def test_folders_in_the_place_of_files_are_refused(folder: Path) -> None:
    (folder / "rows.csv").unlink()
    (folder / "rows.csv").mkdir()
    refused(sweep(folder), "rows.csv: Is a directory")
    shutil.rmtree(folder)
    (folder / "runs.sqlite").mkdir(parents=True)
    refused(sweep(folder), "unable to open database file")


@pytest.mark.parametrize(("report", "word"), [(f"{'x' * 300}.html", "File name too long"), ("/dev/full", "No space")])
def test_that_a_report_can_be_written_is_asked_before_any_run(folder: Path, report: str, word: str) -> None:
    shutil.rmtree(folder)
    refused(sweep(folder, "--report", report), word)
    assert not folder.exists()


def test_that_the_rows_can_be_written_is_asked_before_any_run(folder: Path) -> None:
    shutil.rmtree(folder)
    (folder / "rows.csv").mkdir(parents=True)
    refused(sweep(folder), "rows.csv: Is a directory")
    assert not (folder / "runs.sqlite").exists()


def refused(result: Result, word: str) -> None:
    assert result.exit_code == 2, result.output
    assert word in result.stderr
    assert len(result.stderr.splitlines()) == 1
