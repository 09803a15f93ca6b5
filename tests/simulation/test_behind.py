"""A plant that gets more orders than it can do says so, is measured to its end, and nobody else is said to."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from api.cli import app
from api.simulate_gate import Gate, judge
from simulation.figures import candidates, figures_of, keeps_up
from simulation.report import write_report
from simulation.run import run
from simulation.spec import RunResult, RunSpec, WorkloadSpec
from simulation.store import ResultStore
from wcs.plant.file import load_plant

TINY = RunSpec(plant=load_plant("tiny"), workload=WorkloadSpec(orders_per_hour=150), label="tiny")  # does 70 to 90


def at_rate(per_hour: float, hours: float, seed: int, warm_up: float = 0.0) -> RunResult:
    workload = WorkloadSpec(orders_per_hour=per_hour)
    return run(replace(TINY, workload=workload, hours=hours, warm_up_hours=warm_up, seed=seed))


@pytest.fixture(scope="module")
def flooded() -> list[RunResult]:
    return [at_rate(150, 1.0, seed) for seed in (1, 2, 3)]


def test_too_many_orders_are_said_with_their_counts_and_the_run_goes_to_its_end(flooded: list[RunResult]) -> None:
    for result in flooded:
        row = result.row
        left = row.orders_placed - row.open_orders
        assert row.behind.startswith(f"{row.orders_placed} orders came in the measured time and {left} left: ")
        assert (row.hours, row.diverged) == (1.0, "")
        assert row.throughput_per_hour > 60


def test_a_flood_that_began_before_the_measured_time_is_one_in_it() -> None:
    row = at_rate(150, 1.0, 1, warm_up=0.5).row
    assert row.behind
    assert row.open_orders > row.orders_placed - row.orders_shipped, "some are of the warm-up"


@pytest.mark.parametrize(("per_hour", "hours", "warm_up"), [(30, 0.3, 0.0), (60, 1.0, 0.0), (80, 1.0, 0.25)])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_plant_that_keeps_up_is_not_said_to_be_behind(
    per_hour: float, hours: float, warm_up: float, seed: int
) -> None:
    assert at_rate(per_hour, hours, seed, warm_up).row.behind == ""


def test_a_scenario_keeps_up_if_most_of_its_runs_do_and_who_does_not_is_not_the_best(flooded: list[RunResult]) -> None:
    calm = [replace(one, row=replace(one.row, behind="", label="calm", throughput_per_hour=70.0)) for one in flooded]
    assert candidates([flooded, calm]) == ["calm"]
    assert candidates([flooded, [replace(one, row=replace(one.row, label="other")) for one in flooded]])[0] == "tiny"
    assert not keeps_up(flooded)
    assert keeps_up([*calm[:2], flooded[2]])
    assert not keeps_up([*calm[:2], replace(calm[2], row=replace(calm[2].row, diverged="5001 orders stand open"))])


def test_a_gate_asks_for_what_was_shipped_and_only_a_run_that_was_ended_misses_it(flooded: list[RunResult]) -> None:
    gate = Gate(target_per_hour=10.0, confidence=0.95)
    assert judge(gate, flooded).passed
    assert not judge(gate, [*flooded[:2], replace(flooded[2], row=replace(flooded[2].row, diverged="many"))]).passed


def test_the_row_in_the_file_of_results_and_the_report_in_both_languages_say_it(
    flooded: list[RunResult], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("behind")
    store = ResultStore(folder / "runs.sqlite")
    store.put(flooded[0])
    kept = store.get(flooded[0].row.run)
    store.write_csv(folder / "rows.csv", flooded)
    store.close()
    why = flooded[0].row.behind
    assert kept == flooded[0]
    assert why in (folder / "rows.csv").read_text(encoding="utf-8")
    write_report(flooded, folder / "report.html")
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert f"does not keep up: </span>3 of 3 runs, seed 1: {why}" in text
    assert "跟不上订单：" in text
    assert figures_of(flooded).behind[0] == f"seed 1: {why}"


def test_wcs_simulate_and_wcs_sweep_say_it_with_the_rate_and_what_stands_open(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    asked = ["simulate", "--plant", "demo", "--vehicles", "2", "--orders-per-hour", "110", "--replications", "1"]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0, told.output
    assert (
        "  throughput        63.0 orders an hour of 110 asked for\n  does not keep up  seed 1: 115 orders"
        in told.stdout
    )
    assert "  open orders       52 at the end\n" in told.stdout
    document = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert (len(document["behind"]), document["diverged"]) == (1, [])
    file = tmp_path_factory.mktemp("behind") / "flood.toml"
    file.write_text(
        'plant = "demo"\nreplications = 1\n[base]\nvehicles = 2\n[grid]\norders_per_hour = [50, 110]\n',
        encoding="utf-8",
    )
    lines = CliRunner().invoke(app, ["sweep", str(file), "--workers", "0"]).stdout.splitlines()
    assert "does not keep up" not in lines[1]
    assert " of 110  " in lines[2]
    assert "52 open at the end" in lines[2]
    assert "does not keep up: seed 1: 115 orders came" in lines[2]
