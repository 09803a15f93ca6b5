"""The report is one file that opens without a network, says what the rows say, and speaks both languages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from api.cli import app
from simulation import report
from simulation.activity import blocked_at, seen_by_moves, seen_by_passages
from simulation.figures import figures_of
from simulation.report import write_report
from simulation.report_asked import Asked
from simulation.report_charts import gantt
from simulation.report_maps import track
from simulation.run import run
from simulation.spec import Move, Passage, RunLog, RunResult, RunSpec, Span, WorkloadSpec
from tests.api.browser import chromium
from wcs.plant.file import load_plant

PLANT = load_plant("tiny")
AS_IT_IS = RunSpec(
    plant=PLANT, workload=WorkloadSpec(orders_per_hour=40), hours=0.3, warm_up_hours=0.1, keep="log", label="<as it is>"
)
OLDEST_FIRST = replace(AS_IT_IS, label="oldest first", policies={"pairing": "oldest_first"})
SPECS = {"<as it is>": AS_IT_IS, "oldest first": OLDEST_FIRST}


@pytest.fixture(scope="module")
def results() -> list[RunResult]:
    return [run(replace(one, seed=seed)) for one in SPECS.values() for seed in (1, 2)]


@pytest.fixture(scope="module")
def page(results: list[RunResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    write_report(results, file, specs=SPECS, asked=Asked(plant="tiny.toml", program="wcs 9.9"), target_per_hour=30.0)
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


def test_its_head_says_what_was_asked_and_each_heading_of_whom_it_tells(page: Path, results: list[RunResult]) -> None:
    text = page.read_text(encoding="utf-8")
    asked = text[text.index('<dl class="asked">') : text.index("</dl>")]
    for said in ("tiny.toml", "40 an hour", "每小时 40", "0.3 h, after 0.1 h of warm-up", "seeds 1 to 2", "wcs 9.9"):
        assert said in asked
    assert "by scenario: pairing=dual_command, vehicle_choice=nearest | pairing=oldest_first" in asked
    assert all(one.row.run in asked for one in results)
    heads = re.findall(r"<h2>.*?</h2>", text)
    assert sum("Utilisation" in head and "oldest first" in head for head in heads) == 1
    assert "target: 30" in text


def test_without_a_gate_no_target_is_spoken_of(results: list[RunResult], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(results, file, specs=SPECS)
    assert "target:" not in file.read_text(encoding="utf-8")


def test_where_the_runs_do_not_tell_the_best_nobody_is_called_so(results: list[RunResult], tmp_path: Path) -> None:
    def with_rates(rates: list[float]) -> str:
        file = tmp_path / "report.html"
        told = [
            replace(one, row=replace(one.row, throughput_per_hour=rate))
            for one, rate in zip(results, rates, strict=True)
        ]
        write_report(told, file)
        return file.read_text(encoding="utf-8")

    undecided = with_rates([30.0, 40.0, 31.0, 39.0])
    assert "not decided between &lt;as it is&gt;; oldest first" in undecided
    assert "尚不能判定最优" in undecided
    assert ">best: oldest first<" in with_rates([30.0, 40.0, 50.0, 60.0])


def test_where_mser_would_cut_is_drawn_and_a_climb_without_end_is_not_given_one(
    results: list[RunResult], tmp_path: Path
) -> None:
    def with_course(course: list[int]) -> str:
        file = tmp_path / "report.html"
        told = replace(results[0], series=replace(results[0].series, open_orders=tuple(course)))
        write_report([told], file)
        return file.read_text(encoding="utf-8")

    settled = with_course([*range(10), *[10] * 50])
    assert "MSER-5 would cut 10 min" in settled
    assert "MSER-5 截断处" in settled
    climbing = with_course(list(range(60)))
    assert "MSER-5 finds no end of the warm-up in the first half" in climbing
    assert "按 MSER-5 在前半段未找到预热终点" in climbing
    assert "would cut" not in climbing
    assert "MSER-5 截断处" not in climbing


@pytest.mark.parametrize(("address", "title"), [("", "Simulation report"), ("#zh", "仿真报告")])
def test_a_browser_opens_it_in_both_languages(page: Path, address: str, title: str) -> None:
    shown = subprocess.run(
        [*chromium(), "--dump-dom", f"file://{page}{address}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    ).stdout
    assert f">{title}</h1>" in shown
    assert re.search(r'id="time" type="range"[^>]* min="', shown), "the script ran to its end"


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
    write_report([replace(results[0], log=log)], file, specs={"<as it is>": SPECS["<as it is>"]})
    text = file.read_text(encoding="utf-8")
    assert ">1-1: 1 loads</title>" in text
    assert ">1-1: 7 s</title>" in text
    assert ">2-1: 0 loads</title>" in text
    assert f">{node}: 5.5 s</title>" in text
    assert "阻塞时间（7 秒）" in text


def test_playback_and_timeline_say_which_run_they_are_of(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    (playback,) = re.findall(r"<h2><span[^>]*>Playback</span>.*?</p>", text)
    assert "&lt;as it is&gt;" in playback, "the first scenario, though it stands below the last"
    assert "The run with seed 1." in playback
    assert "The first 18 min of the measured time of the run with seed 1" in text
    assert "种子 1 的运行中测量时间的前 18 分钟" in text


def test_the_timeline_says_how_much_of_a_long_run_it_shows_and_keeps_the_order_of_the_devices() -> None:
    spans = [Span(device=name, from_ms=60_000, to_ms=3_660_000, state="busy") for name in ("A", "B", "C")]
    drawn, minutes = gantt(spans, order=["C", "A"])
    assert minutes == 20
    assert re.findall(r"<span>(\w)</span>", drawn) == ["C", "A", "B"]


def test_of_many_belts_the_idle_ones_are_left_out_and_that_is_said(
    results: list[RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "BELTS_SHOWN", 3)
    file = tmp_path / "report.html"
    write_report(results[:1], file, specs={"<as it is>": AS_IT_IS})
    text = file.read_text(encoding="utf-8")
    assert "The 17 belts on which least stands are left out." in text
    assert "ID1.CLAR starved" not in text, "no load was sent there to be clarified"
    assert "CR1 starved" in text


def test_labels_of_roads_are_rounded_have_a_unit_and_do_not_cover_one_another() -> None:
    nodes = {"N.D1": (0, 0), "N.D2": (300, 0), "N.D3": (10_000, 0)}
    counts = {"N.D1": 63.399, "N.D2": 20.5, "N.D3": 1.25}
    drawn = track(nodes, [("N.D1", "N.D3")], counts, (" s", " 秒"))
    assert re.findall(r'<text [^>]*data-zh="([^"]*)">([^<]*)<', drawn) == [
        ("N.D1: 63 秒", "N.D1: 63 s"),
        ("N.D3: 1.2 秒", "N.D3: 1.2 s"),
    ]
    assert ">N.D2: 20 s</title>" in drawn, "still said when it is pointed at"


def test_in_chinese_a_vehicle_has_one_word_and_no_word_stays_english(results: list[RunResult], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    fleets = [
        replace(one, row=replace(one.row, label=label))
        for one, label in zip(results[::2], ("1 vehicle", "2 vehicles"), strict=True)
    ]
    specs = {label: replace(AS_IT_IS, label=label) for label in ("1 vehicle", "2 vehicles")}
    write_report(fleets, file, specs=specs)
    chinese = " ".join(re.findall(r'data-zh[-a-z]*="([^"]*)"', file.read_text(encoding="utf-8")))
    assert "1 台 AGV" in chinese
    for word in ("车辆", "vehicle ", "vehicles ", "poisson", "fixed"):
        assert word not in chinese
    assert "泊松到达" in chinese


def test_wcs_simulate_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    arguments = ["--plant", "tiny", "--orders-per-hour", "40", "--hours", "0.2", "--replications", "2"]
    done = CliRunner().invoke(app, ["simulate", *arguments, "--report", str(file), "--gate", "throughput>=1@95%"])
    assert done.exit_code in (0, 1), done.output
    text = file.read_text(encoding="utf-8")
    assert "Racks" in text
    assert 'class="target"' in text
    english, chinese = ("reaches it", "达到") if done.exit_code == 0 else ("does not reach it", "未达到")
    assert f"throughput&gt;=1@95%: tiny {english} (lower limit" in text
    assert f"throughput&gt;=1@95%: tiny {chinese} (下限" in text
