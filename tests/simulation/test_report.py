"""The report is one file that opens without a network, says what the rows say, and speaks both languages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from api.cli import app
from simulation.activity import blocked_at, seen_by_moves, seen_by_passages
from simulation.figures import figures_of
from simulation.report import write_report
from simulation.run import run
from simulation.spec import Move, Passage, RunLog, RunResult, RunSpec, Span, WorkloadSpec
from wcs.plant.file import load_plant

PLANT = load_plant("tiny")


@pytest.fixture(scope="module")
def results() -> list[RunResult]:
    spec = RunSpec(plant=PLANT, workload=WorkloadSpec(orders_per_hour=40), hours=0.3, keep="log", label="<as it is>")
    other = replace(spec, label="oldest first", policies={"pairing": "oldest_first"})
    return [run(replace(one, seed=seed)) for one in (spec, other) for seed in (1, 2)]


@pytest.fixture(scope="module")
def page(results: list[RunResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    plants = {"<as it is>": PLANT, "oldest first": PLANT}
    write_report(results, file, plants=plants, target_per_hour=30.0)
    return file


def test_it_needs_no_network_and_escapes_names(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=|https?://|@import|url\(", text)
    assert "&lt;as it is&gt;" in text
    assert "<as it is>" not in text
    assert len(text) < 5_000_000


def test_its_numbers_are_those_of_the_rows(page: Path, results: list[RunResult]) -> None:
    text = page.read_text(encoding="utf-8")
    for runs in (results[:2], results[2:]):
        rate = figures_of(runs).throughput_per_hour
        assert rate.half_width is not None
        assert f"{rate.mean:.1f} ± {rate.half_width:.1f}" in text
        for device in runs[0].row.utilisation:
            busy = sum(run.row.utilisation[device].busy for run in runs) / 2
            assert f"{device} busy {busy:.1%}" in text
    assert all(name in text for name in ("Bottleneck", "瓶颈", "Playback", "回放", "Warm-up", "预热"))


@pytest.mark.parametrize(("address", "title"), [("", "Simulation report"), ("#zh", "仿真报告")])
def test_a_browser_opens_it_in_both_languages(page: Path, address: str, title: str) -> None:
    browser = shutil.which("chromium")
    if browser is None and "CI" not in os.environ:
        pytest.skip("no chromium here")
    assert browser is not None
    shown = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"file://{page}{address}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    ).stdout
    assert f">{title}</h1>" in shown
    assert 'id="time" type="range" aria-label="time" min="' in shown, "the script ran to its end"


def test_blocked_time_counts_where_the_device_was_last_seen() -> None:
    spans = [
        Span(device="V1", from_ms=500, to_ms=900, state="blocked"),  # not seen yet: nowhere
        Span(device="V1", from_ms=2_000, to_ms=5_000, state="blocked"),
        Span(device="V1", from_ms=5_000, to_ms=9_000, state="busy"),
        Span(device="V1", from_ms=9_000, to_ms=9_500, state="blocked"),
        Span(device="V2", from_ms=4_000, to_ms=5_000, state="blocked"),
    ]
    passages = [
        Passage(at_ms=1_000, vehicle="V1", node="J1"),
        Passage(at_ms=2_000, vehicle="V1", node="J2"),
        Passage(at_ms=3_000, vehicle="V2", node="J2"),
        Passage(at_ms=6_000, vehicle="V1", node="J3"),
    ]
    assert blocked_at(spans, seen_by_passages(passages)) == {"J2": 4.0, "J3": 0.5}


def test_a_crane_is_seen_where_it_takes_and_where_it_puts() -> None:
    moves = [
        Move(at_ms=0, load=1, source="outside", sink="A1-L-01-01-1", by="opening stock"),
        Move(at_ms=10, load=1, source="A1-L-01-01-1", sink="CR1", by="CR1"),
        Move(at_ms=20, load=1, source="CR1", sink="P1", by="CR1"),
    ]
    assert seen_by_moves(moves, ["CR1"]) == [(10, "CR1", "A1-L-01-01-1"), (20, "CR1", "P1")]


def test_heat_maps_show_blocked_time_beside_visits_and_leave_the_opening_stock_out(
    results: list[RunResult], tmp_path: Path
) -> None:
    aisle, vehicle, node = PLANT.aisles[0], PLANT.vehicles[0].name, PLANT.track.nodes[0].name
    crane = next(one.name for one in PLANT.cranes if one.aisle == aisle.name)
    side = f"{aisle.name}-L"
    log = RunLog(
        spans=(
            Span(device=crane, from_ms=2_000, to_ms=9_000, state="blocked"),
            Span(device=vehicle, from_ms=3_000, to_ms=8_500, state="blocked"),
        ),
        moves=(
            Move(at_ms=0, load=1, source="outside", sink=f"{side}-02-01-1", by="opening stock"),
            Move(at_ms=1_000, load=2, source=crane, sink=f"{side}-01-01-1", by=crane),
        ),
        passages=(Passage(at_ms=1_000, vehicle=vehicle, node=node),),
    )
    file = tmp_path / "report.html"
    write_report([replace(results[0], log=log)], file, plants={"<as it is>": PLANT})
    text = file.read_text(encoding="utf-8")
    assert "<title>1-1: 1</title>" in text
    assert "<title>1-1: 7 s</title>" in text
    assert "<title>2-1: 0</title>" in text
    assert f"<title>{node}: 5.5 s</title>" in text
    assert "阻塞时间（7 秒）" in text


def test_wcs_simulate_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    arguments = ["--plant", "tiny", "--orders-per-hour", "40", "--hours", "0.2", "--replications", "2"]
    done = CliRunner().invoke(app, ["simulate", *arguments, "--report", str(file), "--gate", "throughput>=1@95%"])
    assert done.exit_code in (0, 1), done.output
    text = file.read_text(encoding="utf-8")
    assert "Racks" in text
    assert 'class="target"' in text
