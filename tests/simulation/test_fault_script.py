"""Scripted faults: what a person writes down befalls the run at its minute; what cannot be is refused by its line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from simulation.experiment import ExperimentError, load_experiment
from simulation.fault_script import read_fault_file
from simulation.faults import ANY, KINDS, Fault
from simulation.report import write_report
from simulation.run import run
from simulation.spec import RunSpec, Span, WorkloadSpec
from wcs.plant.file import load_plant

SCRIPT = """[[fault]]
at_minute = 3
kind = "device_fault"
target = "CR1"
when = "loaded"
alarm = "overload"

[[fault]]
at_minute = 1.5
kind = "order_withdrawn"
"""
WRITTEN = (
    Fault(at_ms=180_000, kind="device_fault", target="CR1", arguments={"alarm": "overload", "when": "loaded"}),
    Fault(at_ms=90_000, kind="order_withdrawn", target=ANY),
)
EXPERIMENT = """plant = "tiny"
hours = 0.2
replications = 1
[base]
orders_per_hour = 40
[grid]
vehicles = [1, 2]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "script.toml"
    file.write_text(text, encoding="utf-8")
    return file


def asked(file: Path) -> Result:
    question = ("--plant", "tiny", "--hours", "0.2", "--replications", "1", "--json", "--faults-from", str(file))
    return CliRunner().invoke(app, ["simulate", *question])


def test_a_script_is_the_vocabulary_at_minutes(tmp_path: Path) -> None:
    assert read_fault_file(written(tmp_path, SCRIPT)) == WRITTEN


def faulted_later(spans: tuple[Span, ...]) -> list[Span]:
    """Belts stand until the host says RESUME: that is not meant."""
    return [span for span in spans if span.state == "faulted" and span.from_ms > 1_000]


def test_a_scripted_fault_befalls_the_run_at_its_minute(tmp_path: Path) -> None:
    spec = RunSpec(plant=load_plant("tiny"), workload=WorkloadSpec(orders_per_hour=60.0), hours=0.2, keep="log")
    broken = msgspec.structs.replace(spec, script=WRITTEN[:1])
    calm, stormy = run(spec), run(broken)
    assert calm.log is not None
    assert stormy.log is not None
    assert not faulted_later(calm.log.spans)
    faulted = faulted_later(stormy.log.spans)
    assert {span.device for span in faulted} == {"CR1"}
    assert faulted[0].from_ms >= 180_000
    assert broken.name() != spec.name()
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(broken), type=RunSpec)  # as a worker gets it
    assert sent.name() == broken.name()
    assert run(sent).row.digest == stormy.row.digest


def test_simulate_takes_a_script_and_a_sweep_has_it_in_every_scenario(tmp_path: Path) -> None:
    assert asked(written(tmp_path, SCRIPT)).exit_code == 0
    specs = [one.spec for one in load_experiment(written(tmp_path, EXPERIMENT + SCRIPT)).scenarios]
    assert [spec.script for spec in specs] == [WRITTEN, WRITTEN]


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (
            ('"device_fault"', '"lightning"'),
            3,
            "fault 1.kind: there is no fault 'lightning': wanted one of telegram_lost",
        ),
        (('"CR1"', '"CR9"'), 4, "fault 1.target: device_fault: tiny has no device 'CR9'"),
        (('target = "CR1"\n', ""), 1, "fault 1.target: is missing"),
        (('"CR1"', "1"), 4, "fault 1.target: is no name"),
        (('"loaded"', '"full"'), 5, "fault 1.when: device_fault: when 'full' is not one of now, empty, loaded"),
        (("when =", "why ="), 5, "fault 1.why: device_fault has no argument 'why': wanted one of alarm, when"),
        (
            ('"order_withdrawn"', '"order_withdrawn"\ndraw = true'),
            11,
            "fault 2.draw: order_withdrawn: draw True is not",
        ),
        (("= 1.5", "= -1.5"), 9, "fault 2.at_minute: -1.5 is no minute from 0 on"),
        (("= 1.5", "= nan"), 9, "fault 2.at_minute: nan is no minute"),
        (("= 1.5", "= true"), 9, "fault 2.at_minute: True is no minute"),
        (("= 1.5", "= 12"), 9, "fault 2.at_minute: minute 12 is beyond the run, which ends in minute 12"),
        (("at_minute = 1.5\n", ""), 8, "fault 2.at_minute: is missing"),
    ],
)
def test_a_script_that_cannot_be_is_refused_with_file_and_line(
    change: tuple[str, str], line: int, said: str, tmp_path: Path
) -> None:
    file = written(tmp_path, SCRIPT.replace(*change))
    refused = asked(file)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"{file}:{line}: {said}" in refused.stderr
    above = len(EXPERIMENT.splitlines())
    with pytest.raises(ExperimentError) as impossible:
        load_experiment(written(tmp_path, EXPERIMENT + SCRIPT.replace(*change)))
    assert str(impossible.value).startswith(f"{file}:{line + above}: {said.partition(': ')[0]}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fault = 3\n", ":1: fault: wanted tables: [[fault]], each in two brackets"),
        ("", ": fault: wanted tables"),
        (f'plant = "tiny"\n{SCRIPT}', ":1: plant: no such key; a script has tables [[fault]] only"),
    ],
)
def test_a_file_that_is_no_script_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    refused = asked(file)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"{file}{said}")


def test_a_report_says_which_faults_were_scripted(tmp_path: Path) -> None:
    spec = RunSpec(plant=load_plant("tiny"), hours=0.1, script=WRITTEN, label="tiny")
    write_report([run(spec)], tmp_path / "report.html", specs={"tiny": spec})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "order_withdrawn any in minute 1.5; device_fault CR1 in minute 3" in page
    assert "order_withdrawn any（第 1.5 分钟）" in page


def test_the_document_has_every_kind_with_its_arguments() -> None:
    lines = (Path(__file__).parents[2] / "docs" / "simulate.md").read_text(encoding="utf-8").splitlines()
    for kind, (_, usual) in KINDS.items():
        (row,) = (line for line in lines if line.startswith("| `") and f"`{kind}`" in line.split("|")[1])
        assert all(f"`{name}`" in row for name in usual), kind
        assert all(f"({value})" in row for value in usual.values() if isinstance(value, int)), kind
