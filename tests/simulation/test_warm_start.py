"""A run that goes on from a site in the middle of its work: everything that was under way comes to its end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from simulation.run import run
from simulation.shops import add_shops
from simulation.spec import RunResult, RunSpec, WorkloadSpec
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.warm_building import furnish
from simulation.warm_start import Start, read_orders, read_start
from simulation.workload import Workload
from tests.ledger.conftest import keep_books
from wcs.core import events as v
from wcs.core.warehouse import Warehouse
from wcs.ledger.errors import WrongDatabase
from wcs.ledger.snapshot import read_snapshot
from wcs.plant.file import load_plant

TINY = load_plant("tiny")
BUSY = WorkloadSpec(orders_per_hour=40)
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Callable[[float], str]:
    """The ledger of a busy site, read at some minute of its life."""

    def made(minutes: float) -> str:
        twin = Twin(TINY, keep_journal=True)
        twin.start()
        work = Workload(TINY, 1)
        for sku in work.skus():
            twin.handle(v.SkuChanged(at_ms=0, actor="office", sku=sku))
        twin.open_stock(work.opening(0))
        add_people(twin)
        add_shops(twin, work, BUSY)
        twin.run_to(int(minutes * MINUTE_MS))
        file = tmp_path_factory.mktemp("site") / "wcs.db"
        keep_books(f"sqlite:///{file}", twin)
        return f"sqlite:///{file}"

    return made


def start_of(url: str) -> Start:
    with read_snapshot(url) as connection:
        return read_start(connection, TINY)


@pytest.mark.parametrize("minutes", [10.3, 12.1, 12.5, 14.1])
def test_orders_that_were_under_way_are_shipped(site: Callable[[float], str], minutes: float) -> None:
    start = start_of(site(minutes))
    twin = Twin(TINY, warehouse=Warehouse(TINY, start.rows))
    open_then = set(twin.warehouse.state.orders_open)
    assert open_then, "somebody waits"
    furnish(twin)
    twin.start()
    add_people(twin)
    assert twin.run_until(lambda: not twin.warehouse.state.orders_open, limit_ms=60 * MINUTE_MS)
    assert twin.run_until(lambda: not len(twin.warehouse.state.transport), limit_ms=90 * MINUTE_MS)
    paper = {unit.load_unit: unit.place for unit in twin.warehouse.state.load_unit}
    assert {n: place for n, place in twin.world.contents().items() if paper[n] != place} == {}
    assert not len(twin.warehouse.state.alarm)


def test_a_warm_run_counts_the_orders_that_stood_open(site: Callable[[float], str]) -> None:
    start = start_of(site(12.1))
    spec = RunSpec(plant=TINY, workload=BUSY, hours=0.5, start=start.digest)
    first, again = run(spec, start=start), run(spec, start=start)
    assert first.row == again.row
    assert first.row.orders_shipped > 10
    assert first.row.open_orders < 10


def fetched_from(aisle: str, result: RunResult) -> int:
    """How many load units left a location of an aisle."""
    assert result.log is not None
    return sum(move.source.startswith(f"{aisle}-") for move in result.log.moves)


def test_a_closed_aisle_is_worked_around(site: Callable[[float], str]) -> None:
    start = start_of(site(12.1))
    open_, closed = (
        run(RunSpec(plant=TINY, workload=BUSY, hours=0.5, start=start.digest, closed=places, keep="log"), start=start)
        for places in ((), ("A2",))
    )
    assert fetched_from("A2", open_) > 0
    assert fetched_from("A2", closed) == 0
    assert closed.row.orders_shipped == open_.row.orders_shipped


def test_reading_a_site_leaves_its_books_as_they_were(site: Callable[[float], str]) -> None:
    url = site(10.0)
    file = Path(url.removeprefix("sqlite:///"))
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    start = start_of(url)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
    assert start.orders_per_hour == pytest.approx(40, rel=0.4)
    assert len(start.skus) == Workload(TINY, 1).sku_count


def test_orders_of_a_journal_are_replayed_at_their_moments(site: Callable[[float], str]) -> None:
    with read_snapshot(site(30.0)) as connection:
        orders = read_orders(connection)
    drawn = Workload(TINY, 1)
    assert [order.lines for order in orders] == [drawn.order(n)[1] for n in range(1, len(orders) + 1)]
    assert orders[0].at_ms == 0
    row = run(RunSpec(plant=TINY, workload=WorkloadSpec(replay=orders), hours=0.5)).row
    assert row.orders_placed == sum(order.at_ms <= 30 * MINUTE_MS for order in orders)


def test_books_of_another_plant_are_refused(site: Callable[[float], str]) -> None:
    with read_snapshot(site(1.0)) as connection, pytest.raises(ValueError, match="belong to the plant tiny"):
        read_start(connection, load_plant("demo"))


def test_a_database_without_books_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongDatabase), read_snapshot(f"sqlite:///{tmp_path}/none.db"):
        pass
