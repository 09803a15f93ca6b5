"""Which device is the bottleneck, and what it would bring if it were faster."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from msgspec.structs import replace

from simulation.run import run
from simulation.sensitivity import FLEET, PEOPLE, bottlenecks, candidates, sensitivity
from simulation.spec import RunResult, RunSpec, Span, StaffSpec, WorkloadSpec
from wcs.plant.file import load_plant

SLOW_PEOPLE = RunSpec(
    plant=load_plant("tiny"),
    workload=WorkloadSpec(orders_per_hour=36, lines_max=1),
    staff=StaffSpec(pick_ms=85_000),
    hours=1.0,
    keep="log",
    label="slow people",
)


def did(device: str, *parts: tuple[int, int, str]) -> list[Span]:
    return [Span(device=device, from_ms=a * 10_000, to_ms=b * 10_000, state=state) for a, b, state in parts]


def test_a_period_is_active_until_the_device_rests_or_is_blocked() -> None:
    spans = did("A", (0, 2, "busy"), (2, 3, "faulted"), (3, 4, "starved"), (4, 5, "busy"), (5, 6, "blocked"))
    (one,) = bottlenecks(spans + did("B", (0, 6, "starved")))
    assert (one.device, one.mean_s) == ("A", 20.0)


def test_where_one_period_ends_the_longest_under_way_is_the_bottleneck() -> None:
    spans = [
        *did("A", (0, 10, "busy"), (10, 20, "starved")),
        *did("B", (0, 6, "starved"), (6, 18, "busy"), (18, 20, "starved")),
        *did("C", (0, 9, "starved"), (9, 12, "busy"), (12, 20, "starved")),
    ]
    shares = {one.device: (one.mean_s, one.sole, one.shifting) for one in bottlenecks(spans)}
    assert shares["A"] == pytest.approx((100.0, 0.3, 0.2))  # alone until 6, then it passes to B until 10
    assert shares["B"] == pytest.approx((120.0, 0.4, 0.2))
    assert shares["C"] == pytest.approx((30.0, 0.0, 0.0))
    assert [one.device for one in bottlenecks(spans)] == ["B", "A", "C"]


def test_vehicles_are_made_faster_together_and_so_are_people() -> None:
    spans = [
        *did("V1", (0, 9, "busy")),
        *did("V2", (9, 17, "busy")),
        *did("ST1", (17, 24, "busy")),
        *did("CR1", (24, 30, "busy")),
    ]
    assert candidates(replace(SLOW_PEOPLE, plant=load_plant("demo")), spans) == [FLEET, PEOPLE, "CR1"]


@pytest.fixture(scope="module")
def runs() -> list[RunResult]:
    return both(SLOW_PEOPLE)


def both(spec: RunSpec) -> list[RunResult]:
    return [run(replace(spec, seed=seed)) for seed in (1, 2)]


def test_the_station_is_as_busy_as_its_picks_take(runs: list[RunResult]) -> None:
    row = runs[0].row
    picking = row.lines_per_hour * row.hours * SLOW_PEOPLE.staff.pick_ms / 1000
    busy = row.utilisation["ST1"].busy * row.hours * 3600
    assert busy > 0.9
    assert busy == pytest.approx(picking, rel=0.2)


def test_of_slow_people_the_twin_says_that_they_are_what_limits(runs: list[RunResult]) -> None:
    assert bottlenecks(runs[0].log.spans if runs[0].log else ())[0].device == "ST1"
    less_s: dict[str, float] = {}
    for one in sensitivity(SLOW_PEOPLE, runs, both):
        assert one.order_time_less_s is not None
        less_s[one.faster] = one.order_time_less_s
    people_s = less_s.pop(PEOPLE)
    assert people_s > 0
    assert all(people_s > other_s for other_s in less_s.values())


def test_the_command_line_asks_for_it_and_refuses_it_of_one_run() -> None:
    command = [sys.executable, "-m", "api.cli", "simulate", "--plant", "tiny", "--hours", "0.3", "--json"]
    asked = [*command, "--sensitivity", "--replications", "2"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=100)
    (first, *_) = json.loads(done.stdout)["sensitivity"]
    assert set(first) >= {"faster", "orders_per_hour", "orders_half_width", "order_time_less_s"}
    refused = subprocess.run([*command, "--sensitivity", "--replications", "1"], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "--sensitivity" in refused.stderr
