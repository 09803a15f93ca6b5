"""What a demo goes on with after a stop, asked of the books."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from api.demo_figures import Books
from simulation.shops import REFILL_AT, add_shops
from simulation.spec import WorkloadSpec
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import UNITS_A_LOAD, Workload
from tests.ledger.conftest import keep_books
from wcs.core import events as v
from wcs.core.entities import DeliveryLine
from wcs.plant.file import load_plant
from wcs.plant.model import OUTSIDE

MINUTE_MS = 60_000


@pytest.mark.parametrize("minutes", [43, 60, 90])
def test_carriers_that_are_away_and_goods_that_are_missing_are_known_after_a_stop(minutes: int, tmp_path: Path) -> None:
    twin = Twin(load_plant("tiny"), keep_journal=True)
    twin.start()
    work = Workload(twin.plant, 1)
    for sku in work.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="office", sku=sku))
    opened = work.opening(0)
    twin.open_stock(opened)
    add_people(twin)
    add_shops(twin, work, WorkloadSpec(orders_per_hour=40))
    twin.run_to(minutes * MINUTE_MS)
    keep_books(f"sqlite:///{tmp_path / 'wcs.db'}", twin)
    books = Books(f"sqlite:///{tmp_path / 'wcs.db'}")
    outside, lent = books.units_outside()
    state = twin.warehouse.state
    inside = [unit for unit in state.load_unit if unit.place != OUTSIDE]
    assert len(inside) + len(outside) - lent == len(opened), "when all are back, as many carriers are in as at opening"
    assert all(state.load_unit[unit.load_unit] == unit and unit.place == OUTSIDE for unit in outside)
    assert books.expected() == sum(not line.received for line in state.delivery_line)
    announced = Counter[str]()
    for delivered in state.delivery_line:
        announced[delivered.sku] += delivered.quantity
    assert len(announced) > 0
    for name, (missing, short) in books.missing().items():
        taken = sum(line.quantity - line.backordered for line in state.line if line.sku == name)
        assert missing == taken - announced[name]
        assert -max(UNITS_A_LOAD) < missing < REFILL_AT or short
    books.close()


def test_what_others_announce_is_not_counted_as_the_demos_own(tmp_path: Path) -> None:
    """Theirs may never come, and may be numbered as they like: the demo's suppliers go on."""
    twin = Twin(load_plant("tiny"), keep_journal=True)
    twin.start()
    work = Workload(twin.plant, 1)
    for sku in work.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="office", sku=sku))
    numbers = ("DL-X", "DLX", "DL", "D", "dl00009")
    foreign = [(n, (DeliveryLine(delivery=n, line=1, barcode="B", sku="S0001", lot=n, quantity=1),)) for n in numbers]
    for number, lines in (work.refill(12, "S0001", 0), work.refill(100_000, "S0002", 0), *foreign):
        twin.handle(v.DeliveryNotified(at_ms=0, actor="supplier", number=number, lines=lines))
    url = f"sqlite:///{tmp_path / 'wcs.db'}"
    keep_books(url, twin)
    books = Books(url)
    assert books.expected() == 2
    assert books.latest_delivery() == 100_000
    books.close()


def test_the_lines_of_a_withdrawn_order_do_not_count_as_it_does_not_either(tmp_path: Path) -> None:
    twin = Twin(load_plant("tiny"), keep_journal=True)
    twin.start()
    work = Workload(twin.plant, 1)
    for sku in work.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="office", sku=sku))
    twin.open_stock(work.opening(0))
    first, second = (v.OrderLineWish(sku=sku, quantity=1) for sku in ("S0001", "S0002"))
    for number, lines in (("SO-1", (first,)), ("SO-2", (first, second))):
        twin.handle(v.OrderRequested(at_ms=0, actor="shop", number=number, lines=lines))
    twin.handle(v.OrderCancelRequested(at_ms=0, actor="shop", number="SO-2"))
    twin.run_to(5 * MINUTE_MS)
    url = f"sqlite:///{tmp_path / 'wcs.db'}"
    keep_books(url, twin)
    books = Books(url)
    counts, document = books.orders(), books.document(twin.plant)
    books.close()
    assert (counts.placed, document["lines"]) == (1, 1)
