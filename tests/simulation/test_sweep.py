"""A sweep: refused before it runs, the same on any engine, kept when it is stopped, whole when a worker is killed."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from api.cli import app
from simulation.engine import Job
from simulation.experiment import Experiment, ExperimentError, load_experiment
from simulation.spec import RunResult
from simulation.store import ResultStore
from simulation.sweep import sweep
from simulation.workers import Workers
from simulation.workload import Workload
from wcs.plant.file import load_plant

EXAMPLES = Path(__file__).parents[2] / "examples"

FILE = """
plant = "tiny"
hours = 0.1
replications = 2
[base]
orders_per_hour = 40
[grid]
"crane.speed_x_mm_s" = [1000, 3000]
"""


def experiment_of(text: str, folder: Path) -> Experiment:
    file = folder / "experiment.toml"
    file.write_text(text, encoding="utf-8")
    return load_experiment(file)


def rows(results: list[list[RunResult]]) -> bytes:
    return msgspec.json.encode([[run.row for run in runs] for runs in results])


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("hours", "hourz"), "hourz"),
        (("0.1", "-1.0"), "hours"),
        (('"tiny"', '"nowhere.toml"'), "plant"),
        (("= 40", "= -1"), "orders_per_hour"),
        (("= 40", '= "many"'), "base.orders_per_hour"),
        (("= 40", "= 100000"), "base.orders_per_hour"),
        (("= 40", "= 40\nfaults.colour = 1"), "base.faults.colour"),
        (("= 40", '= 40\n"workload.orders_per_hour" = 41'), "base.orders_per_hour"),
        (("= 40", "= 40\nhours = 0.2"), "base.hours"),
        (("speed_x_mm_s", "colour"), "grid.crane.colour"),
        (("[1000, 3000]", "[]"), "grid.crane.speed_x_mm_s"),
        (("[1000, 3000]", "[0]"), "grid.crane.speed_x_mm_s"),
        (("[1000, 3000]", "[1000, 3000, 1000]"), "grid"),
        (('"crane.speed_x_mm_s" = [1000, 3000]', '"policies.pairing" = ["by_colour"]'), "policies.pairing"),
        (("replications = 2", "replications = 0"), "replications"),
        (("replications = 2", "replications = 2\nrelative_half_width = 2.0"), "relative_half_width"),
        (("replications = 2", "replications = 2\nbudget = 1"), "budget"),
        (("replications = 2", "replications = true"), "replications"),
        (("replications = 2", 'replications = 2\nbest = "luck"'), "best"),
        (("replications = 2", "replications = 2\nbest = [1]"), "best"),
        (("replications = 2", "seed = -1"), "seed"),
        (("replications = 2", "seed = 99999999999999999999"), "seed"),
        (("replications = 2", "scenario = 5"), "scenario"),
        (("[base]\n", "[scenario]\n"), "scenario"),
        (("[base]\n", "[grid]\n"), "(syntax)"),
        (("[base]\norders_per_hour = 40", "base = [1]"), "base"),
        (("[grid]", "[[grid]]"), "grid"),
        (("[1000, 3000]", "[true]"), "grid.crane.speed_x_mm_s"),
        (('"tiny"', '"ti\\u0000ny.toml"'), "plant"),
        (("replications = 2", f"replications = {'9' * 5_000}"), "(file)"),
        (("replications = 2", f"budget = {'[' * 5_000}"), "(syntax)"),
        (("orders_per_hour", "a." * 3_000 + "b"), "(file)"),
    ],
)
def test_an_impossible_experiment_is_refused_with_file_and_key(
    change: tuple[str, str], key: str, tmp_path: Path
) -> None:
    with pytest.raises(ExperimentError) as refused:
        experiment_of(FILE.replace(*change), tmp_path)
    assert refused.value.key.endswith(key)
    assert refused.value.reason
    assert refused.value.file.endswith((".toml", "nowhere.toml"))


def test_what_is_impossible_for_all_is_refused_where_all_were_told(tmp_path: Path) -> None:
    text = FILE.replace("orders_per_hour = 40", "orders_per_hour = 100000")
    line = text.splitlines().index("orders_per_hour = 100000") + 1
    with pytest.raises(ExperimentError, match=rf":{line}: base.orders_per_hour: "):
        experiment_of(text, tmp_path)


def test_a_scenario_that_is_there_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    listed = '[[scenario]]\n"crane.speed_x_mm_s" = {}\n'
    text = FILE + listed.format(2000) + listed.format(1000)
    line = text.splitlines().index("[[scenario]]") + 3
    with pytest.raises(ExperimentError, match=rf":{line}: scenario 2: the scenario crane.speed_x_mm_s=1000 is there"):
        experiment_of(text, tmp_path)


def test_a_refused_experiment_can_be_copied_and_so_sent_to_another_process(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as refused:
        experiment_of(FILE.replace("replications = 2", "seed = -1"), tmp_path)
    sent = copy.copy(refused.value)  # by the way that pickle goes
    assert (str(sent), sent.key) == (str(refused.value), refused.value.key)


LAYOUTS = """
plant = "tiny"
hours = 0.1
replications = 2
[base]
orders_per_hour = 40
vehicles = 2
[grid]
plant = ["tiny", "wide.toml"]
"""


def wide_beside(folder: Path, change: tuple[str, str] = ("", "")) -> None:
    """The example's plant file of three aisles, with one text exchanged for another."""
    text = (EXAMPLES / "wide.toml").read_text(encoding="utf-8")
    (folder / "wide.toml").write_text(text.replace(*change, 1) if change[0] else text, encoding="utf-8")


def test_layouts_are_compared_on_the_same_orders_and_a_repeat_is_free(tmp_path: Path) -> None:
    wide_beside(tmp_path)
    file = tmp_path / "layouts.toml"
    file.write_text(LAYOUTS, encoding="utf-8")
    done = CliRunner().invoke(app, ["sweep", str(file), "--workers", "0", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [one["figures"]["label"] for one in document["scenarios"]] == ["plant=tiny", "plant=wide"]
    assert document["scenarios"][1]["difference"] is not None
    assert document["best"] is not None or document["undecided"]
    tiny, wide = (scenario.spec for scenario in load_experiment(file).scenarios)
    assert (len(tiny.plant.aisles), len(wide.plant.aisles)) == (2, 3)
    assert len(tiny.plant.vehicles) == len(wide.plant.vehicles) == 2  # what is said for all is of each layout
    first, second = (Workload(spec.plant, spec.seed, shape=spec.workload) for spec in (tiny, wide))
    assert [first.order(n) for n in range(1, 50)] == [second.order(n) for n in range(1, 50)]
    store = ResultStore(tmp_path / "layouts" / "runs.sqlite")
    again = sweep(load_experiment(file), store, Refusing())
    assert [len(runs) for runs in again] == [2, 2]


def test_layouts_of_one_name_and_of_files_of_one_name_have_labels_of_their_own(tmp_path: Path) -> None:
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        wide_beside(tmp_path / folder, ('name = "wide"', 'name = "tiny"'))
    text = LAYOUTS.replace('["tiny", "wide.toml"]', '["tiny", "old/wide.toml", "new/wide.toml"]')
    labels = [scenario.label for scenario in experiment_of(text, tmp_path).scenarios]
    assert labels == ["plant=tiny", "plant=old/wide.toml", "plant=new/wide.toml"]


def test_every_scenario_may_name_its_plant_and_none_is_left_without(tmp_path: Path) -> None:
    wide_beside(tmp_path)
    named = '[[scenario]]\nplant = "wide.toml"\n[[scenario]]\nplant = "tiny"\nvehicles = 3\n'
    text = LAYOUTS.replace('plant = "tiny"\n', "").split("[grid]")[0] + named
    specs = [scenario.spec for scenario in experiment_of(text, tmp_path).scenarios]
    assert [(spec.label, len(spec.plant.vehicles)) for spec in specs] == [
        ("plant=wide", 2),
        ("plant=tiny, vehicles=3", 3),
    ]
    with pytest.raises(ExperimentError, match="plant: is missing"):
        experiment_of(f"{text}[[scenario]]\nvehicles = 1\n", tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"wide.toml"]', '"nowhere.toml"]'), ":9: grid.plant: there is no 'nowhere.toml' beside it, and shipped are"),
        (
            ('= "tiny"', '= ["tiny"]'),
            ":2: plant: ['tiny'] is no name of a plant or its file; several are compared in a list",
        ),
        (('"wide.toml"]', "3]"), ":9: grid.plant: 3 is no name of a plant or its file"),
        (('"wide.toml"]', '"tiny"]'), ":9: grid.plant: tiny is there twice"),
        (('"wide.toml"]', '"wide.toml", "./wide.toml"]'), ":9: grid.plant: ./wide.toml is there twice"),
        (("vehicles = 2", "vehicles = 2000"), ":7: base.vehicles: tiny: 2000 vehicles"),
        (("= 40", '= 40\nplant = "demo"'), "base.plant: is there twice, also above all tables"),
        (("= 40", "= 3000"), ":6: base.orders_per_hour: plant=tiny: 3000 orders an hour cannot be reached"),
    ],
)
def test_an_impossible_layout_is_refused_with_file_and_line(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    wide_beside(tmp_path)
    with pytest.raises(ExperimentError) as refused:
        experiment_of(LAYOUTS.replace(*change), tmp_path)
    assert said in str(refused.value)


def test_a_bad_plant_file_of_an_experiment_is_refused_with_its_own_line(tmp_path: Path) -> None:
    wide_beside(tmp_path, ("capacity = 5 }", "capacity = 0 }"))
    lines = (tmp_path / "wide.toml").read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text == "segments = [")
    with pytest.raises(ExperimentError, match=rf"wide\.toml:{line}: conveyors\.CV\.segments"):
        experiment_of(LAYOUTS, tmp_path)


def test_a_rack_of_other_bays_gets_the_same_orders_unless_articles_are_said(tmp_path: Path) -> None:
    text = FILE.replace('"crane.speed_x_mm_s" = [1000, 3000]', '"aisle.bays" = [5, 8]')
    for said, counts in (("", [6, 6]), ('"workload.sku_count" = 9\n', [9, 9])):
        specs = [
            scenario.spec for scenario in experiment_of(text.replace("[grid]", f"{said}[grid]"), tmp_path).scenarios
        ]
        assert [spec.workload.sku_count for spec in specs] == counts


def test_all_belts_of_a_plant_may_be_faster(tmp_path: Path) -> None:
    text = FILE.replace("crane.speed_x_mm_s", "conveyor.speed_mm_s").replace("[1000, 3000]", "[800]")
    (scenario,) = experiment_of(text, tmp_path).scenarios
    assert {belt.speed_mm_s for one in scenario.spec.plant.conveyors for belt in one.segments} == {800}


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.name)
def test_the_examples_are_possible(file: Path) -> None:
    if file.name == "wide.toml":
        assert load_plant(file).name == "wide"
    else:
        assert len(load_experiment(file).scenarios) > 1


def test_an_experiment_that_is_not_there_is_no_plant(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["sweep", str(tmp_path / "demo")])
    assert refused.exit_code == 2
    assert refused.stderr == f"{tmp_path / 'demo'}: (file): there is no such experiment file\n"


def test_workers_give_the_rows_that_one_process_gives_and_a_repeat_is_free(tmp_path: Path) -> None:
    experiment = experiment_of(FILE, tmp_path)
    here, there = ResultStore(tmp_path / "here"), ResultStore(tmp_path / "there")
    with Workers(0) as none:
        alone = sweep(experiment, here, none)
    with Workers(2) as two:
        together = sweep(experiment, there, two)
        again = sweep(experiment, there, Refusing())
    assert rows(alone) == rows(together) == rows(again)
    assert [len(runs) for runs in alone] == [2, 2]
    assert alone[0][0].row.digest != alone[1][0].row.digest
    assert [run.row.seed for run in alone[0]] == [run.row.seed for run in alone[1]]


class Refusing(Workers):
    """Workers for a sweep that has nothing left to run."""

    def __init__(self) -> None:
        super().__init__(0)

    def _start(self, job: Job) -> Future[bytes]:
        raise AssertionError(f"{job.title} is there")


def test_a_sweep_that_was_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    file.write_text(FILE.replace("replications = 2", "replications = 6"), encoding="utf-8")
    command = [sys.executable, "-m", "api.cli", "sweep", str(file), "--workers", "1", "--json"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    runs = tmp_path / "long" / "runs.sqlite"
    deadline = time.monotonic() + 60
    while not (runs.exists() and (kept := count(runs))):
        assert time.monotonic() < deadline
        assert first.poll() is None, "it was done before it could be killed"
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert kept < 12
    report = tmp_path / "report.html"
    subprocess.run([*command, "--report", str(report)], stdout=subprocess.DEVNULL, check=True, timeout=120)
    assert "crane.speed_x_mm_s=3000" in report.read_text(encoding="utf-8")
    assert count(runs) == 12
    assert len((tmp_path / "long" / "rows.csv").read_text(encoding="utf-8").splitlines()) == 13


def count(runs: Path) -> int:
    """How many results the file has."""
    try:
        store = ResultStore(runs)
    except Exception:  # it is being made
        return 0
    try:
        return int(store._database.execute("SELECT count(*) FROM run").fetchone()[0])
    finally:
        store.close()


def test_a_sweep_whose_runs_do_not_tell_the_best_says_between_whom(tmp_path: Path) -> None:
    file = tmp_path / "same.toml"
    # No alarm is ever answered here, so the two never differ.
    text = FILE.replace('"crane.speed_x_mm_s" = [1000, 3000]', '"staff.answer_ms" = [10000, 10001]')
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["sweep", str(file), "--workers", "0", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["best"] is None
    assert document["undecided"] == ["staff.answer_ms=10000", "staff.answer_ms=10001"]
    again = CliRunner().invoke(app, ["sweep", str(file), "--workers", "0"])
    assert again.stdout.splitlines()[-1] == "not decided between staff.answer_ms=10000; staff.answer_ms=10001"


def test_one_scenario_alone_is_not_called_the_best(tmp_path: Path) -> None:
    file = tmp_path / "alone.toml"
    file.write_text(FILE.partition("[grid]")[0], encoding="utf-8")
    done = CliRunner().invoke(app, ["sweep", str(file), "--workers", "0"])
    assert done.exit_code == 0, done.output
    assert "best" not in done.stdout
    again = json.loads(CliRunner().invoke(app, ["sweep", str(file), "--workers", "0", "--json"]).stdout)
    assert (again["best"], again["undecided"]) == (None, [])


def test_scenarios_are_compared_by_order_time_too_and_the_best_may_be_the_one_whose_orders_wait_least(
    tmp_path: Path,
) -> None:
    file = tmp_path / "quick.toml"
    text = FILE.replace("replications = 2", 'replications = 5\nbest = "order_time"')
    text = text.replace('"crane.speed_x_mm_s" = [1000, 3000]', '"staff.pick_ms" = [20000, 1000]')
    text = text.replace("hours = 0.1", "hours = 0.3")
    file.write_text(text, encoding="utf-8")
    report = tmp_path / "report.html"
    arguments = ["sweep", str(file), "--workers", "0", "--report", str(report)]
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    slow, quick = document["scenarios"]
    assert slow["order_time_difference_s"] is None
    less = quick["order_time_difference_s"]
    means = [one["figures"]["order_time_s"]["mean"] for one in (slow, quick)]
    assert less["mean"] == pytest.approx(means[1] - means[0])
    assert less["mean"] + less["half_width"] < 0
    assert quick["orders_per_hour"] == 40
    assert (document["best_by"], document["best"]) == ("order_time", "staff.pick_ms=1000")
    lines = CliRunner().invoke(app, arguments).stdout.splitlines()
    assert f"{less['mean']:+.0f} ± {less['half_width']:.0f} s" in lines[2]
    assert lines[-1] == "best by order time: staff.pick_ms=1000"
    page = report.read_text(encoding="utf-8")
    assert f">{less['mean']:+.1f} ± {less['half_width']:.1f} s<" in page
    assert f"{less['mean']:+.1f} ± {less['half_width']:.1f} 秒" in page
    assert ">best by order time: pick_ms=1000<" in page
    assert "最优（按订单时间）：pick_ms=1000" in page


def test_a_budget_goes_where_the_best_by_order_time_is_in_doubt(tmp_path: Path) -> None:
    # The slow people's orders wait far longer, and as many of them leave: only by order time is that one clear.
    text = FILE.replace("replications = 2", 'replications = 3\nbudget = 17\nbest = "order_time"')
    text = text.replace('"crane.speed_x_mm_s" = [1000, 3000]', '"staff.pick_ms" = [20000, 1000, 1100]')
    with Workers(0) as none:
        slow, *near = sweep(experiment_of(text, tmp_path), ResultStore(tmp_path / "runs"), none)
    assert len(slow) < min(map(len, near))
    assert len(slow) + sum(map(len, near)) == 17


def test_where_the_warm_up_does_not_end_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(FILE, encoding="utf-8")  # six minutes: one batch of five
    arguments = ["sweep", str(file), "--workers", "0", "--report", str(tmp_path / "report.html")]
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert [one["figures"]["warm_up_minutes"] for one in document["scenarios"]] == [None, None]
    assert CliRunner().invoke(app, arguments).stdout.count("no end of the warm-up found") == 2
