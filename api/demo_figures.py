"""What a demo has done so far, read from its database: cumulative for the folder, however its runs ended.

Rule: counted from the books, never from memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from wcs.core.entities import CustomerOrder, DeliveryLine, OpenTask, OrderLine, OrderState, TransportOrder
from wcs.ledger.database import engine_for
from wcs.ledger.load import books_end
from wcs.ledger.tables import STATE_TABLES, journal
from wcs.plant.model import Plant, Protocol, Record

ENDED = (OrderState.SHIPPED.value, OrderState.BACKORDERED.value)
_order, _line = STATE_TABLES[CustomerOrder], STATE_TABLES[OrderLine]
_transport, _task, _expected = STATE_TABLES[TransportOrder], STATE_TABLES[OpenTask], STATE_TABLES[DeliveryLine]


class OrderCounts(Record):
    """Orders counted whole: `backordered` ended with at least one line not served."""

    placed: int
    shipped: int
    backordered: int

    @property
    def ended(self) -> int:
        return self.shipped + self.backordered


class Books:
    """A reader beside the running site."""

    def __init__(self, url: str, site_id: str = "main") -> None:
        self._engine = engine_for(url)
        self._site = site_id

    def close(self) -> None:
        self._engine.dispose()

    @contextlib.contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._engine.connect() as connection:
            yield connection

    def orders(self) -> OrderCounts:
        """How many orders were placed, and how they ended; one that was withdrawn is no order any more."""
        short = sa.exists().where(
            _line.c.site_id == _order.c.site_id, _line.c.order_number == _order.c.number, _line.c.backordered > 0
        )
        query = sa.select(_order.c.state, short, sa.func.count()).where(
            _order.c.site_id == self._site, _order.c.state != OrderState.CANCELLED.value
        )
        with self._read() as connection:
            rows = connection.execute(query.group_by(_order.c.state, short)).all()
        ended = [(bool(some_short), count) for state, some_short, count in rows if state in ENDED]
        return OrderCounts(
            placed=sum(count for _, _, count in rows),
            shipped=sum(count for some_short, count in ended if not some_short),
            backordered=sum(count for some_short, count in ended if some_short),
        )

    def numbers(self) -> set[str]:
        """The numbers of all orders that were placed."""
        with self._read() as connection:
            return set(connection.scalars(sa.select(_order.c.number).where(_order.c.site_id == self._site)))

    def deliveries(self) -> tuple[int, int]:
        """Delivery lines announced, and those of them still expected."""
        query = sa.select(sa.func.count(), sa.func.sum(sa.case((_expected.c.received == 0, 1), else_=0)))
        with self._read() as connection:
            announced, expected = connection.execute(query.where(_expected.c.site_id == self._site)).one()
        return int(announced), int(expected or 0)

    def latest_delivery(self) -> int:
        """The number of the latest delivery of a workload ("DL00012" is 12)."""
        query = sa.select(sa.func.max(_expected.c.delivery)).where(
            _expected.c.site_id == self._site, _expected.c.delivery.like("DL%")
        )
        with self._read() as connection:
            latest = connection.scalar(query)
        return int(str(latest)[2:]) if latest else 0

    def under_way(self) -> int:
        """Transport orders and device tasks that have not ended."""
        with self._read() as connection:
            return sum(
                int(connection.scalar(sa.select(sa.func.count()).where(table.c.site_id == self._site)) or 0)
                for table in (_transport, _task)
            )

    def document(self, plant: Plant) -> dict[str, object]:
        """The figures of the folder, but for the audit."""
        orders = self.orders()
        with self._read() as connection:
            end = books_end(connection, self._site)
            lines = connection.scalar(sa.select(sa.func.count()).where(_line.c.site_id == self._site))
            times = connection.execute(
                sa.select(_order.c.ended_ms - _order.c.placed_ms).where(
                    _order.c.site_id == self._site, _order.c.state == OrderState.SHIPPED.value
                )
            ).scalars()
            seconds = sorted(int(time_ms) / 1000 for time_ms in times if time_ms is not None)
            commands = self._commands(connection, plant)
        return {
            "orders": {"placed": orders.placed, "shipped": orders.shipped, "backordered": orders.backordered},
            "lines": int(lines or 0),
            "moves": end.containment,
            "postings": end.content,
            "commands": commands,
            "order_time_s": {"p50": _percentile(seconds, 50), "p95": _percentile(seconds, 95)},
        }

    def _commands(self, connection: sa.Connection, plant: Plant) -> dict[str, int]:
        """Accepted tasks over OPC UA; point decisions, and tasks, over Modbus."""
        protocol = {device: plc.protocol for plc in plant.plcs for device in plc.devices}
        counts = {Protocol.OPCUA: 0, Protocol.MODBUS: 0}
        device_of: dict[int, str] = {}
        points = {p.name: protocol[p.device] for c in plant.conveyors for p in c.points}
        number = sa.func.json_extract(journal.c.document, "$.number")
        task = sa.func.json_extract(journal.c.document, "$.open_task.number")
        device = sa.func.json_extract(journal.c.document, "$.open_task.device")
        point = sa.func.json_extract(journal.c.document, "$.point")
        waiting = sa.func.json_extract(journal.c.document, "$.waiting")
        mine = journal.c.site_id == self._site
        started = sa.select(task, device).where(mine, journal.c.name == "DeviceTaskStarted")
        device_of.update((int(n), str(d)) for n, d in connection.execute(started))
        for accepted in connection.scalars(sa.select(number).where(mine, journal.c.name == "DeviceTaskAccepted")):
            counts[protocol[device_of[int(accepted)]]] += 1
        decided = sa.select(point, sa.func.count()).where(mine, journal.c.name == "ExitDecided", waiting == sa.false())
        for name, count in connection.execute(decided.group_by(point)):
            if points[name] is Protocol.MODBUS:
                counts[Protocol.MODBUS] += int(count)
        return {"opcua": counts[Protocol.OPCUA], "modbus": counts[Protocol.MODBUS]}


def _percentile(ordered: list[float], percent: int) -> float:
    """The nearest-rank percentile of ordered figures; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
