"""The whole way with nothing in it modelled but people: orders and a delivery over OPC UA and Modbus, on paper."""

from __future__ import annotations

from pathlib import Path

from tests.real.people_at_work import people_at_work
from tests.real.plant_at_work import plant_at_work
from tests.real.stock import open_the_books
from wcs.core import events as v
from wcs.core.entities import DeliveryLine, OrderState

SPEED = 25.0


def test_orders_ship_deliveries_are_stored_and_paper_equals_plant(tmp_path: Path) -> None:
    with plant_at_work(tmp_path, speed=SPEED) as works, people_at_work(works, speed=SPEED, operator=True):
        open_the_books(works)
        line = DeliveryLine(delivery="D1001", line=1, barcode="T000301", sku="LEFT", lot="NEW", quantity=7)
        works.do(lambda at_ms: v.DeliveryNotified(at_ms=at_ms, actor="supplier", number="D1001", lines=(line,)))
        works.order("O1", ("LEFT", 2), ("RIGHT", 3))
        works.order("O2", ("LEFT", 4))
        works.order("O3", ("RIGHT", 1))
        works.until(lambda book: all(o.state is OrderState.SHIPPED for o in book.order), "all orders are shipped")
        works.until(lambda book: book.delivery_line["D1001", 1].received == 7, "the delivery is received")
        works.audit()
        assert works.see(lambda book: book.load_unit[301].place).startswith(("A1-", "A2-"))
        assert works.site.metrics.quarantined == 0
