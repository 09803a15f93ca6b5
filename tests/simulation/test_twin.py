"""The twin tells the mind only what the mind reads, and nothing else makes a difference."""

from __future__ import annotations

import msgspec
import pytest

from simulation import people, shift
from simulation import twin as twin_module
from simulation.run import run
from simulation.spec import RunSpec, WorkloadSpec
from wcs.core.layout import Kind
from wcs.core.ports import DeviceStatus
from wcs.plant.file import load_plant


def whole_status(kind: Kind, status: DeviceStatus, battery_permille: int) -> tuple[object, ...]:
    """As a host reports that filters nothing."""
    return msgspec.structs.astuple(status), battery_permille


def test_reports_that_the_mind_does_not_read_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = RunSpec(plant=load_plant("demo"), workload=WorkloadSpec(orders_per_hour=120), hours=0.4, seed=3)
    filtered = run(spec)
    monkeypatch.setattr(twin_module, "words_read", whole_status)
    whole = run(spec)
    assert whole.row.events > filtered.row.events
    assert whole.row.orders_shipped > 10
    assert whole.row.digest == filtered.row.digest


def test_the_same_spec_gives_the_same_row_and_another_seed_another() -> None:
    spec = RunSpec(plant=load_plant("tiny"), workload=WorkloadSpec(orders_per_hour=60), hours=0.3)
    assert run(spec).row == run(spec).row
    assert run(msgspec.structs.replace(spec, seed=2)).row.digest != run(spec).row.digest


def test_people_who_sleep_until_something_changes_do_what_people_do_who_look_every_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = RunSpec(plant=load_plant("demo"), workload=WorkloadSpec(orders_per_hour=110), hours=0.5, seed=4)
    sleeping = run(spec).row
    monkeypatch.setattr(shift, "IDLE_LOOK_MS", people.LOOK_MS)
    looking = run(spec).row
    assert looking.events > sleeping.events
    assert (looking.order_time_mean_s, looking.order_time_p95_s) == (
        sleeping.order_time_mean_s,
        sleeping.order_time_p95_s,
    )
    assert looking.orders_shipped == sleeping.orders_shipped > 10
