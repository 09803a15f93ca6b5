"""Downtimes by FEM 9.222: from a log made by hand, and from faults in the twin and in a site's journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from simulation.downtimes import Downtimes, weighted
from simulation.downtimes_of_journal import read_downtimes
from simulation.faults import Fault
from simulation.faults_at_twin import TwinFaults
from simulation.spec import DeviceTimes
from simulation.twin import Twin
from simulation.variants import with_vehicles
from tests.ledger.conftest import keep_books
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.ports import DeviceTask, OperatingMode, TaskType
from wcs.core.warehouse import Warehouse
from wcs.ledger.archive import archive
from wcs.ledger.batch import CommitBatch, JournalEntry
from wcs.ledger.snapshot import read_snapshot
from wcs.ledger.writer import LedgerWriter
from wcs.plant.file import load_plant

AXIS = 0b1000
MINUTE_MS = 60_000
TINY = load_plant("tiny")
Line = tuple[int, Sequence[f.Fact]]


def seen(device: str = "CR1", *, able: bool, alarm: int = 0, stopped: str = "", manual: bool = False) -> f.DeviceSeen:
    return f.DeviceSeen(
        device=device, mode=OperatingMode.MANUAL if manual else OperatingMode.AUTOMATIC, able=able, stopped=stopped,
        alarms=(alarm, 0, 0, 0), confirmed=(0, 0, 0), load_unit=0, battery_permille=1000,
    )  # fmt: skip


def connected(device: str = "CR1") -> list[f.Fact]:
    return [f.DeviceLinkChanged(device=device, link=e.Link.SYNCHRONISED, reason=""), seen(device, able=True)]


def raised(number: int) -> f.AlarmRaised:
    return f.AlarmRaised(
        alarm=e.Alarm(number=number, subject="CR1", code="device_fault", text="", raised_ms=0, answers=("reset_fault",))
    )


def answered(number: int, actor: str = "Li") -> f.AlarmEnded:
    return f.AlarmEnded(number=number, answer="reset_fault", actor=actor)


def in_service(now: bool) -> f.DeviceServiceChanged:
    return f.DeviceServiceChanged(device="CR1", in_service=now, actor="Li")


def began(number: int) -> f.DeviceTaskStarted:
    task = DeviceTask(number=number, type=TaskType.TRANSFER, load_id=1, load_type=1)
    return f.DeviceTaskStarted(
        open_task=e.OpenTask(number=number, device="CR1", leg=1, task=task, state=e.TaskState.SENT), sequence=1
    )


def ended(number: int, outcome: str = "OK") -> f.DeviceTaskEnded:
    return f.DeviceTaskEnded(number=number, outcome=outcome)


def times_of(lines: Sequence[Line], *, until_ms: int, from_ms: int = 0) -> DeviceTimes:
    downtimes = Downtimes({"CR1": "crane"}, from_ms)
    for at_ms, facts in lines:
        downtimes.facts(facts, at_ms)
    return downtimes.times(until_ms)[0]


REPAIR: tuple[Line, ...] = (
    (0, connected()),
    (1_000, [began(1)]),
    (10_000, [seen(able=False, alarm=AXIS, stopped="fault"), raised(1)]),
    (15_000, [seen(able=False, alarm=AXIS, stopped="fault", manual=True)]),  # a person turns the key
    (35_000, [answered(1), in_service(False)]),
    (75_000, [in_service(True)]),
    (85_000, [seen(able=True)]),
    (90_000, [ended(1)]),
    (91_000, [began(2)]),
    (99_000, [ended(2)]),
)


def test_a_repair_falls_into_its_four_times() -> None:
    times = times_of(REPAIR, until_ms=100_000)
    assert (times.a1_ms, times.a2_ms, times.a3_ms, times.a4_ms) == (5_000, 20_000, 40_000, 10_000)
    assert (times.downtime_ms, times.maintenance_ms, times.faults) == (75_000, 0, 1)
    assert times.availability == pytest.approx(0.25)


def test_a_task_with_a_malfunction_counts_against_reliability() -> None:
    times = times_of(REPAIR, until_ms=100_000)
    assert (times.tasks, times.tasks_faulty, times.reliability) == (2, 1, 0.5)
    assert times.task_ms == 89_000 + 8_000


def test_a_task_that_ends_without_success_counts_against_reliability() -> None:
    lines: tuple[Line, ...] = ((0, connected()), (1, [began(1)]), (5, [ended(1, "SINK_OCCUPIED")]))
    assert times_of(lines, until_ms=10).reliability == 0


def test_what_a_person_stops_is_maintenance_until_it_works_again() -> None:
    lines: tuple[Line, ...] = (
        (0, connected()),
        (10_000, [seen(able=False, manual=True)]),
        (30_000, [seen(able=False, stopped="paused")]),  # the key is back, the machine is about to be resumed
        (31_000, [seen(able=True)]),
    )
    times = times_of(lines, until_ms=100_000)
    assert (times.maintenance_ms, times.downtime_ms, times.faults) == (21_000, 0, 0)
    assert times.availability == 1


def test_a_lost_connection_that_comes_back_is_a_malfunction_nobody_came_for() -> None:
    lost = f.DeviceLinkChanged(device="CR1", link=e.Link.LOST, reason="")
    times = times_of(((0, connected()), (10_000, [lost]), (22_000, connected())), until_ms=100_000)
    assert (times.a1_ms, times.downtime_ms, times.faults) == (12_000, 12_000, 1)


def test_an_alarm_that_ends_by_itself_is_no_answer() -> None:
    broken = seen(able=False, alarm=AXIS, stopped="fault")
    lines: tuple[Line, ...] = ((0, connected()), (10, [broken, raised(1)]), (20, [answered(1, "plant")]))
    times = times_of(lines, until_ms=30)
    assert (times.a1_ms, times.a4_ms) == (20, 0)


def test_what_was_before_the_measured_time_counts_in_no_time() -> None:
    times = times_of(REPAIR, from_ms=80_000, until_ms=100_000)
    assert (times.a4_ms, times.downtime_ms, times.faults, times.service_ms) == (5_000, 5_000, 0, 20_000)
    assert times.tasks == 1


def test_weights_are_shares_of_units_or_of_tasks() -> None:
    down = DeviceTimes(device="CR1", kind="crane", service_ms=100, a4_ms=40, tasks=3, tasks_faulty=1)
    well = DeviceTimes(device="CR2", kind="crane", service_ms=100, tasks=1)
    (cranes,) = weighted((down, well))
    assert cranes.by_units == pytest.approx(1 - (0.5 * 40 + 0.5 * 0) / 100)
    assert cranes.by_tasks == pytest.approx(1 - (0.75 * 40 + 0.25 * 0) / 100)
    assert cranes.reliability == pytest.approx(3 / 4)


@pytest.fixture(scope="module")
def repaired() -> tuple[Twin, tuple[DeviceTimes, ...]]:
    """Crane CR1 breaks after two minutes; a person comes after three more, and it works again."""
    twin = Twin(TINY, keep_journal=True)
    downtimes = Downtimes({"CR1": "crane", "CR2": "crane"}, 0)
    twin.after_step.append(lambda step: downtimes.facts(step.facts, twin.now_ms))
    TwinFaults(twin, (Fault(at_ms=2 * MINUTE_MS, kind="device_fault", target="CR1"),))
    twin.start()
    twin.run_to(5 * MINUTE_MS)
    (alarm,) = twin.warehouse.state.alarms_of_subject["CR1"]
    twin.inject("CR1", "local_reset")
    twin.handle(v.AlarmAnswered(at_ms=twin.now_ms, actor="Li", alarm=alarm, answer="reset_fault"))
    twin.run_to(6 * MINUTE_MS)
    return twin, downtimes.times(twin.now_ms)


def test_a_fault_in_the_twin_waits_for_a_person_and_is_cleared(
    repaired: tuple[Twin, tuple[DeviceTimes, ...]],
) -> None:
    broken, other = repaired[1]
    assert broken.a1_ms == pytest.approx(3 * MINUTE_MS, abs=1_000), "until the alarm was answered"
    assert 0 < broken.a4_ms < 5_000, "the reset and its telegrams"
    assert (broken.a2_ms, broken.a3_ms, broken.maintenance_ms, broken.faults) == (0, 0, 0, 1)
    assert (other.downtime_ms, other.faults) == (0, 0)


def test_a_sites_journal_says_the_same(repaired: tuple[Twin, tuple[DeviceTimes, ...]], tmp_path: Path) -> None:
    twin, (told, _) = repaired
    url = f"sqlite:///{tmp_path / 'site.db'}"
    keep_books(url, twin)
    with read_snapshot(url) as connection:
        read = {times.device: times for times in read_downtimes(connection, TINY)}["CR1"]
    assert (read.a1_ms, read.a4_ms, read.faults) == (told.a1_ms, told.a4_ms, told.faults)


def test_what_is_left_of_an_archived_journal_begins_as_the_closing_says(
    repaired: tuple[Twin, tuple[DeviceTimes, ...]], tmp_path: Path
) -> None:
    twin, (told, _) = repaired
    url, cut_ms = f"sqlite:///{tmp_path / 'site.db'}", 3 * MINUTE_MS
    assert twin.journal is not None
    warehouse = Warehouse(TINY)
    before = [at for at in twin.journal if at[0].at_ms < cut_ms]
    for part in (before, twin.journal[len(before) :]):
        ledger = LedgerWriter(url)
        for _, facts in part:
            for fact in facts:
                warehouse.apply(fact)
        entries = tuple(JournalEntry(event=event, facts=facts, received_at_ms=event.at_ms) for event, facts in part)
        ledger.commit(CommitBatch(entries=entries, changes=tuple(warehouse.state.take_changes())))
        ledger.close()
        archive(url, TINY, tmp_path, before_ms=1 << 50 if part is before else 1, now_ms=9)
    with read_snapshot(url) as connection:
        read = {times.device: times for times in read_downtimes(connection, TINY)}
    assert read["CR1"].a1_ms == pytest.approx(told.a1_ms - MINUTE_MS, abs=10_000), "it was down when they begin"
    assert read["CR1"].faults == 0, "and broke before"
    assert read["CR2"].downtime_ms == 0


def test_another_plants_journal_and_one_that_is_silent_of_a_device_are_refused(
    repaired: tuple[Twin, tuple[DeviceTimes, ...]], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'site.db'}"
    keep_books(url, repaired[0])
    larger = with_vehicles(TINY, 2)
    with read_snapshot(url) as connection:
        with pytest.raises(ValueError, match="belong to the plant tiny"):
            read_downtimes(connection, load_plant("demo"))
        with pytest.raises(ValueError, match=f"tells nothing of {larger.vehicles[1].name}"):
            read_downtimes(connection, larger)
