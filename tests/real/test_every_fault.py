"""Every kind of the fault vocabulary befalls real PLCs over real protocols: it takes effect, and work goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation.faults import KINDS, Fault, Value, check_faults
from tests.real.faults_at_work import FaultsAtWork, faults_at_work
from tests.real.test_a_bad_line import executions


def fault(kind: str, target: str, **arguments: Value) -> Fault:
    return Fault(at_ms=0, kind=kind, target=target, arguments=arguments)


# CR1 and V1 speak OPC UA, CR2, the dock and the belts Modbus.
QUICK = (
    fault("telegram_late", "CR1", way="up", delay_ms=5_000),
    fault("telegram_doubled", "CR2"),
    fault("telegram_reordered", "CR2"),
    fault("stale_value", "CV1", for_ms=10_000),
    fault("operator_pause", "CR1"),
    fault("no_read", "ID1"),
    fault("stuck_photo_eye", "ST1.HAND"),
    fault("disk_slow", "site", delay_ms=400, for_ms=20_000),
    fault("order_withdrawn", "any", draw=500_000),
    fault("wrong_location", "V1", for_ms=10_000),
    fault("bin_empty", "any"),
)
# One of each kind, with those that wait for a load, or for a connection that is made again.
EACH = (
    *QUICK,
    fault("device_fault", "CR2", when="loaded"),
    fault("bin_occupied", "any"),
    fault("telegram_lost", "CR2", way="down"),
    fault("connection_dropped", "CR1"),
    fault("plc_restart", "CV1"),
    fault("plc_restart_wiped", "CR2"),
)
# The same on other machines and ways.
MORE = (
    fault("telegram_late", "CV2", way="down", count=3, delay_ms=20_000),
    fault("telegram_doubled", "CR2", count=3),
    fault("telegram_lost", "CR1", way="up"),
    fault("telegram_lost", "CV1", way="up"),
    fault("stale_value", "CR1", for_ms=20_000),
    fault("operator_pause", "V1"),
    fault("no_read", "ID1", count=2),
    fault("device_fault", "CV1"),
    fault("device_fault", "CR1", when="empty", alarm="overload"),
    fault("connection_dropped", "CV1"),
    fault("connection_dropped", "CR2", for_ms=60_000),
    fault("plc_restart", "CR1"),
    fault("plc_restart", "CR2"),
    fault("plc_restart_wiped", "CR1"),
    fault("bin_empty", "any", draw=999_999),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultsAtWork]:
    with faults_at_work(tmp_path_factory.mktemp("faults")) as bench:
        yield bench


def holds(bench: FaultsAtWork) -> None:
    """Every order has ended, nothing was done twice, and books and building agree."""
    bench.works.until(lambda book: not len(book.orders_open), "every order has ended", 120)
    bench.works.audit()
    assert {act: times for act, times in executions(bench.works).items() if times > 1} == {}
    assert bench.works.site.metrics.quarantined == 0


def test_the_list_has_every_kind() -> None:
    assert {each.kind for each in EACH} == set(KINDS)


def one_after_the_other(folder: Path, faults: tuple[Fault, ...]) -> None:
    with faults_at_work(folder) as bench:
        check_faults(faults, bench.works.plant)
        for each in faults:
            bench.befall(each)
        holds(bench)


@pytest.mark.timeout(120)
def test_faults_of_the_vocabulary_befall_a_busy_plant_of_virtual_plcs(tmp_path: Path) -> None:
    one_after_the_other(tmp_path, QUICK)


@pytest.mark.soak
def test_faults_of_every_kind_befall_a_busy_plant_of_virtual_plcs(tmp_path: Path) -> None:
    one_after_the_other(tmp_path, EACH)


@pytest.mark.soak
@pytest.mark.parametrize("each", [*EACH, *MORE], ids=lambda each: f"{each.kind} {each.target}")
def test_work_goes_on_through_each_of_them(bench: FaultsAtWork, each: Fault) -> None:
    bench.befall(each)
    holds(bench)
