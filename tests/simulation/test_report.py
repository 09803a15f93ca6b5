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
from simulation.figures import figures_of
from simulation.report import write_report
from simulation.report_charts import active_periods
from simulation.run import run
from simulation.spec import RunResult, RunSpec, Span, WorkloadSpec
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


def test_the_longest_active_period_is_a_mean_over_joined_spans() -> None:
    spans = [
        Span(device="A", from_ms=0, to_ms=1_000, state="busy"),
        Span(device="A", from_ms=1_000, to_ms=3_000, state="faulted"),
        Span(device="A", from_ms=3_000, to_ms=4_000, state="starved"),
        Span(device="A", from_ms=4_000, to_ms=5_000, state="busy"),
        Span(device="B", from_ms=0, to_ms=5_000, state="starved"),
    ]
    assert active_periods(spans) == {"A": 2.0, "B": 0.0}


def test_wcs_simulate_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    arguments = ["--plant", "tiny", "--orders-per-hour", "40", "--hours", "0.2", "--replications", "2"]
    done = CliRunner().invoke(app, ["simulate", *arguments, "--report", str(file), "--gate", "throughput>=1@95%"])
    assert done.exit_code in (0, 1), done.output
    text = file.read_text(encoding="utf-8")
    assert "Racks" in text
    assert 'class="target"' in text
