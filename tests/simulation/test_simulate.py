"""`wcs simulate` end to end on the tiny plant: one document, intervals, gates, refusals before any run."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from api.simulating import Question, scenarios
from api.simulating_sources import Refusal
from simulation.run import run
from simulation.spec import RunSpec
from wcs.plant.file import load_plant

SHORT = ("--plant", "tiny", "--orders-per-hour", "40", "--hours", "0.3")


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments])


def test_json_is_one_document_with_the_figures_and_an_interval() -> None:
    result = simulate(*SHORT, "--replications", "3", "--warm-up", "0.1", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["throughput_per_hour"]["mean"] > 10
    assert document["throughput_per_hour"]["half_width"] > 0
    assert 0 < document["order_time_s"]["p50"] <= document["order_time_s"]["p95"]
    assert document["transports"] > 10
    assert document["events_per_transport"] > 1
    assert document["real_time_factor"] > 1
    assert 0 < document["planner_share"] < 1
    assert re.fullmatch("[0-9a-f]{64}", document["digest"])
    assert isinstance(document["utilisation"], dict)


def test_the_same_question_has_the_same_digest_and_another_seed_another() -> None:
    digests = [
        json.loads(simulate(*SHORT, "--replications", "1", "--seed", seed, "--json").stdout)["digest"]
        for seed in ("1", "1", "2")
    ]
    assert digests[0] == digests[1] != digests[2]


def test_a_single_run_has_no_interval() -> None:
    document = json.loads(simulate(*SHORT, "--replications", "1", "--json").stdout)
    assert document["throughput_per_hour"]["half_width"] is None


def test_a_gate_in_reach_passes_and_one_out_of_reach_fails() -> None:
    assert simulate(*SHORT, "--replications", "3", "--gate", "throughput>=1@95%").exit_code == 0
    missed = simulate(*SHORT, "--replications", "3", "--gate", "throughput >= 5000 @ 95 %", "--json")
    assert missed.exit_code == 1
    assert json.loads(missed.stdout)["gate"]["passed"] is False
    assert "does not reach 5000" in missed.stderr


def test_replications_go_on_until_the_interval_is_narrow() -> None:
    document = json.loads(simulate(*SHORT, "--replications", "1", "--relative-half-width", "0.5", "--json").stdout)
    assert document["replications"] >= 3
    assert document["throughput_per_hour"]["half_width"] <= 0.5 * document["throughput_per_hour"]["mean"]


def test_fleets_are_compared_in_one_document() -> None:
    document = json.loads(
        simulate(*SHORT, "--replications", "1", "--vehicles", "1", "--vehicles", "2", "--json").stdout
    )
    assert [s["label"] for s in document["scenarios"]] == ["1 vehicle", "2 vehicles"]
    assert document["digest"] == document["scenarios"][0]["digest"]


def test_layouts_are_compared_in_one_document_each_with_every_fleet() -> None:
    wide = str(Path(__file__).parents[2] / "examples" / "wide.toml")
    asked = ("--replications", "1", "--vehicles", "1", "--vehicles", "2")
    document = json.loads(simulate(*SHORT, "--plant", wide, *asked, "--json").stdout)
    labels = ["tiny, 1 vehicle", "tiny, 2 vehicles", "wide, 1 vehicle", "wide, 2 vehicles"]
    assert [s["label"] for s in document["scenarios"]] == labels
    assert "CR3" in document["scenarios"][2]["utilisation"]
    twice = simulate(*SHORT, "--plant", wide, "--plant", "tiny")
    assert (twice.exit_code, twice.stdout) == (2, "")
    assert "--plant tiny: is there twice" in twice.stderr


def test_the_shape_of_orders_and_the_pace_of_people_are_part_of_the_question() -> None:
    usual, shaped = (
        json.loads(simulate(*SHORT, "--replications", "1", *more, "--json").stdout)
        for more in ((), ("--workload", "lines_max=1", "--workload", "arrivals=even", "--staff", "pick_ms=1000"))
    )
    assert shaped["order_time_s"]["p50"] < usual["order_time_s"]["p50"]


def test_policies_come_from_a_site_file_or_by_name() -> None:
    digests = {
        json.loads(simulate(*SHORT, "--replications", "1", *more, "--json").stdout)["digest"]
        for more in ((), ("--site", "tiny"), ("--policy", "pairing=dual_command"))
    }
    assert len(digests) == 1
    other = simulate(*SHORT, "--replications", "1", "--policy", "pairing=oldest_first", "--json")
    assert json.loads(other.stdout)["digest"] not in digests


def test_people_get_a_table() -> None:
    result = simulate(*SHORT, "--replications", "2")
    assert "orders an hour of 40 asked for" in result.stdout
    assert re.search(r"  open orders       \d+ at the end, at most\n", result.stdout)
    assert re.search(r"  warm-up           (\d+ min would be cut|no end found)", result.stdout)
    assert "orders an hour" in result.stdout
    assert "±" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--orders-per-hour", "100000"), "vehicle V1 would have to work"),
        (("--orders-per-hour", "-1"), "no rate"),
        (("--hours", "-2"), "hours: -2"),
        (("--hours", "nan"), "hours: nan"),
        (("--warm-up", "-1"), "warm_up_hours"),
        (("--policy", "putaway=by_colour"), "travel_time"),
        (("--policy", "colour=red"), "no such kind"),
        (("--policy", "putaway"), "KEY=VALUE"),
        (("--vehicles", "0"), "0 vehicles"),
        (("--workload", "colour=red"), "there is no colour; known are arrivals"),
        (("--workload", "lines_max=many"), "--workload lines_max: 'many' is not a whole number"),
        (("--workload", "lines_max=1.5"), "'1.5' is not a whole number"),
        (("--workload", "abc_skew=much"), "--workload abc_skew: 'much' is not a number"),
        (("--staff", "pick_ms=1", "--staff", "pick_ms=2"), "--staff pick_ms: is there twice"),
        (("--policy", "pairing=dual_command", "--policy", "pairing=oldest_first"), "--policy pairing: is there twice"),
        (("--vehicles", "1", "--vehicles", "1"), "a fleet is there twice"),
        (("--close", "ST1"), "no station of tiny is left open"),
        (("--close", "A1", "--close", "A2"), "no aisle of tiny is left open"),
        (("--orders-per-hour", "1", "--workload", "inbound_per_hour=5000"), "inbound_per_hour: 5000 load units"),
        (("--workload", "lines_max=0"), "lines_max: 0"),
        (("--workload", "hourly_profile=1,2,3"), "24 weights"),
        (("--workload", "inbound_per_hour=-3"), "no rate"),
        (("--workload", "sku_count=100000"), "100000 do not fit"),
        (("--workload", "arrivals=often"), "none of poisson, even"),
        (("--staff", "pick_ms=-5"), "below zero"),
        (("--site", "nowhere.toml"), "nowhere.toml"),
        (("--report", "no/such/folder/report.html"), "there is no folder"),
        (("--gate", "throughput>100"), "no gate"),
        (("--gate", "throughput>=100@150%"), "not between 0 and 100"),
        (("--gate", "throughput>=1@95%", "--replications", "1"), "no interval"),
        (("--relative-half-width", "2"), "between 0 and 1"),
        (("--orders-per-hour", "1e308"), "no rate"),
        (("--orders-per-hour", "1e-320"), "no rate"),
        (("--workload", "inbound_per_hour=1e308"), "no rate"),
        (("--workload", "hourly_profile=" + ",".join(["1e308"] * 24)), "24 weights"),
        (("--workload", "sku_count=999999999999999"), "do not fit"),
        (("--hours", "1e-9"), "(a second)"),
        (("--seed", "9" * 30), "seed: 999"),
        (("--staff", "pick_ms=99999999999"), "more than a day"),
        (("--fault", "no_read=3000", "--fault", "device_fault=3000"), "too many"),
        (("--gate", f"throughput>={'9' * 400}@95%"), "so many"),
        (("--report", f"{'x' * 300}.html"), "File name too long"),
        (("--from", ""), "--from: no address of a database"),
    ],
)
def test_what_is_impossible_is_refused_before_any_run(arguments: tuple[str, ...], word: str) -> None:
    result = simulate("--plant", "tiny", *arguments)
    assert result.exit_code == 2
    assert word in result.stderr
    assert result.stdout == ""


def test_a_plant_file_that_does_not_exist_is_refused() -> None:
    result = simulate("--plant", "nowhere.toml")
    assert result.exit_code == 2
    assert "nowhere.toml" in result.stderr


def test_drawn_faults_befall_a_run_and_unknown_ones_are_refused_before_it() -> None:
    def ask(*faults: str) -> RunSpec:
        question = Question(plants=("tiny",), orders_per_hour=30.0, hours=0.5, replications=1, seed=1, faults=faults)
        return scenarios(question, [load_plant("tiny")], None)[0]

    calm, stormy = ask(), ask("no_read=20", "connection_dropped=10")
    assert stormy.faults == {"no_read": 20.0, "connection_dropped": 10.0}
    assert run(calm).row.digest != run(stormy).row.digest
    assert run(stormy).row == run(stormy).row
    for faults, word in (("rain=1", "faults.rain"), ("no_read=-1", "faults.no_read"), ("no_read=often", "--fault")):
        with pytest.raises(Refusal, match=word):
            ask(faults)


def test_what_no_order_did_has_no_time() -> None:
    result = simulate(*SHORT, "--replications", "2", "--workload", "arrivals=even", "--orders-per-hour", "0", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["order_time_s"] == {"mean": None, "p50": None, "p95": None}
    assert document["events_per_transport"] is None
    assert "order time" not in simulate(*SHORT, "--replications", "2", "--orders-per-hour", "0").stdout


def test_a_confidence_is_said_as_it_was_asked_for() -> None:
    result = simulate(*SHORT, "--replications", "2", "--gate", "throughput>=1@99.9%")
    assert "the lower 99.9 % limit" in result.stderr


def at_the_beginning_of_run(wanted: int) -> Callable[[TextIO], object]:
    """A display at which somebody presses Ctrl-C."""

    @contextmanager
    def shown(stream: TextIO) -> Iterator[object]:
        def show(label: str, n: int, of: int, share: float) -> None:
            if n == wanted:
                signal.raise_signal(signal.SIGINT)

        yield show

    return shown


def test_ctrl_c_says_how_many_runs_were_done_and_gives_what_they_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("api.simulating_shown.shown", at_the_beginning_of_run(2))
    file = tmp_path / "report.html"
    asked = (*SHORT, "--replications", "5", "--gate", "throughput>=1@95%", "--report", str(file))
    table, document = simulate(*asked), simulate(*asked, "--json")
    assert table.exit_code == document.exit_code == 130
    told = "stopped by Ctrl-C: 2 of 5 runs were done"
    assert told in table.stderr
    assert table.stdout.splitlines()[:2] == [told, "tiny, 2 runs"]
    found = json.loads(document.stdout)
    assert found["stopped"] == {"done": 2, "of": 5}
    assert found["replications"] == 2
    assert "gate" not in found, "it was not asked of all that it wanted"
    assert told in file.read_text(encoding="utf-8")


def test_ctrl_c_in_the_first_run_has_nothing_to_give(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("api.simulating_shown.shown", at_the_beginning_of_run(0))
    file = tmp_path / "report.html"
    result = simulate(*SHORT, "--replications", "5", "--report", str(file), "--json")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "0 of 5 runs were done" in result.stderr
    assert not file.exists()
