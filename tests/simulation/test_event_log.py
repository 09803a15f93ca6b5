"""The event log of a run: whole, of the first run, without effect on it, and enough for availability."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app

RUN = ("--plant", "tiny", "--hours", "0.3", "--seed", "2", "--fault", "device_fault=30", "--json")


def wcs(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a run with faults."""
    file = tmp_path_factory.mktemp("log") / "run.jsonl"
    done = wcs("simulate", *RUN, "--replications", "2", "--vehicles", "1", "--vehicles", "2", "--log", str(file))
    assert done.exit_code == 0, done.output
    return file


def test_a_log_has_every_fact_of_the_first_run_of_the_first_scenario(logged: Path) -> None:
    head, *facts, end = (json.loads(line) for line in logged.read_text(encoding="utf-8").splitlines())
    assert (head["plant"], head["seed"], head["from_ms"], end) == ("tiny", 2, 0, {"ended_ms": 1_080_000})
    moments = [fact["at_ms"] for fact in facts]
    assert moments == sorted(moments)
    alone = json.loads(wcs("simulate", *RUN, "--replications", "1").stdout)
    counts = Counter(fact["fact"] for fact in facts)
    assert counts["TransportOrderEnded"] == alone["transports"]


def test_a_log_changes_nothing_of_its_run(tmp_path: Path) -> None:
    alone, with_log = (
        json.loads(wcs("simulate", *RUN, "--replications", "1", *more).stdout)["digest"]
        for more in ((), ("--log", str(tmp_path / "run.jsonl")))
    )
    assert alone == with_log


def test_availability_of_a_log_is_that_of_its_run(logged: Path) -> None:
    document = json.loads(wcs("acceptance", *RUN, "--cycles", "10", "--from-log", str(logged)).stdout)
    run, log = document["availability"]
    assert (run["source"], log["source"]) == ("run", "log")
    assert run["devices"] == log["devices"]
    assert sum(device["times"]["faults"] for device in log["devices"]) > 0


def test_the_book_says_which_log_it_read(logged: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.html"
    asked = ("--plant", "tiny", "--cycles", "10", "--hours", "0", "--from-log", str(logged), "--report", str(book))
    assert wcs("acceptance", *asked).exit_code == 0
    page = book.read_text(encoding="utf-8")
    assert all(
        words in page for words in (str(logged), "Availability in the event log of a run", "运行事件日志中的可用率")
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: lines[:-1], "it is not whole: the line that ends it is missing"),
        (lambda lines: [*lines[:-1], lines[-2][:20]], "no line of an event log"),
        (lambda lines: lines[1:], "line 1: no line of an event log"),
        (lambda lines: [], "line 1: no line of an event log"),
        (lambda lines: [lines[0].replace("tiny", "demo"), *lines[1:]], "line 1: it is of the plant demo, not of tiny"),
        (lambda lines: [line for line in lines if "CR2" not in line], "it tells nothing of CR2"),
        (
            lambda lines: [line.replace('Seen","version":1', 'Seen","version":99') for line in lines],
            "fact DeviceSeen version 99",
        ),
    ],
)
def test_what_is_no_whole_log_of_this_plant_is_refused(logged: Path, tmp_path: Path, spoil: object, said: str) -> None:
    assert callable(spoil)
    file = tmp_path / "spoilt.jsonl"
    lines = logged.read_text(encoding="utf-8").splitlines()
    file.write_text("".join(f"{line}\n" for line in spoil(lines)), encoding="utf-8")
    refused = wcs("acceptance", "--plant", "tiny", "--cycles", "10", "--hours", "0", "--from-log", str(file))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"--from-log: {file}: ")
    assert said in refused.stderr


def test_a_log_that_cannot_be_written_is_refused_before_any_run() -> None:
    refused = wcs("simulate", *RUN, "--log", "no/such/folder/run.jsonl")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("--log: there is no folder")
