"""What a demo has done so far, read from its database: cumulative for the folder, however its runs ended.

Rule: counted from the books, never from memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from simulation.statistics import percentile
from wcs.core import facts as f
from wcs.core.entities import CustomerOrder, DeliveryLine, LoadUnit, OpenTask, OrderLine, OrderState, TransportOrder
from wcs.ledger.archive_file import read_rows
from wcs.ledger.database import engine_for
from wcs.ledger.journal_codec import decode_fact
from wcs.ledger.load import books_end, load_entity
from wcs.ledger.tables import FACT, STATE_TABLES, closing, journal
from wcs.plant.model import OUTSIDE, Plant, Protocol, Record

COMMANDS = tuple(fact.__name__ for fact in (f.DeviceTaskStarted, f.DeviceTaskAccepted, f.ExitDecided))
ENDED = (OrderState.SHIPPED.value, OrderState.BACKORDERED.value)
_order, _line = STATE_TABLES[CustomerOrder], STATE_TABLES[OrderLine]
_transport, _task, _expected = STATE_TABLES[TransportOrder], STATE_TABLES[OpenTask], STATE_TABLES[DeliveryLine]
_of_suppliers = _expected.c.delivery.regexp_match("^DL[0-9]{5,9}$")  # as a workload numbers its deliveries


def _lines_of_orders(site_id: str) -> sa.Select[int]:
    """How many lines the orders have that count as placed."""
    of_order = (_line.c.site_id == _order.c.site_id) & (_line.c.order_number == _order.c.number)
    wanted = (_order.c.site_id == site_id) & (_order.c.state != OrderState.CANCELLED.value)
    return sa.select(sa.func.count()).select_from(sa.join(_line, _order, of_order)).where(wanted)


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

    def expected(self) -> int:
        """Delivery lines that the demo's suppliers announced and that have not come; those of others may never come."""
        return self._deliveries((_expected.c.received == 0) & _of_suppliers)

    def units_outside(self) -> tuple[list[LoadUnit], int]:
        """Load units that are to come back as empties, and how many more came full than have left: each that came full
        lets one that leaves stay away.
        """
        with self._read() as connection:
            units = (unit for unit in load_entity(connection, self._site, LoadUnit) if isinstance(unit, LoadUnit))
            outside = [unit for unit in units if unit.place == OUTSIDE]
        came_full = self._deliveries(_expected.c.received != 0)
        return outside[: max(0, len(outside) - came_full)], max(0, came_full - len(outside))

    def _deliveries(self, which: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(_expected).where(_expected.c.site_id == self._site, which)
        with self._read() as connection:
            return int(connection.scalar(query) or 0)

    def missing(self) -> dict[str, tuple[int, bool]]:
        """Of each SKU: what orders were promised less what was announced since, and whether any got too little."""
        line, announced = _line.c, _expected.c
        taken = sa.select(line.sku, sa.func.sum(line.reserved + line.picked), sa.func.sum(line.backordered))
        brought = sa.select(announced.sku, sa.func.sum(announced.quantity))
        with self._read() as connection:
            wanted = connection.execute(taken.where(line.site_id == self._site).group_by(line.sku)).all()
            rows = connection.execute(brought.where(announced.site_id == self._site).group_by(announced.sku)).all()
        came = {str(sku): int(quantity) for sku, quantity in rows}
        return {str(sku): (int(promised) - came.get(str(sku), 0), short > 0) for sku, promised, short in wanted}

    def latest_delivery(self) -> int:
        """The number of the latest delivery of a workload ("DL00012" is 12)."""
        number = sa.cast(sa.func.substr(_expected.c.delivery, len("DL") + 1), sa.BigInteger)
        query = sa.select(sa.func.max(number)).where(_expected.c.site_id == self._site, _of_suppliers)
        with self._read() as connection:
            return int(connection.scalar(query) or 0)

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
            lines = connection.scalar(_lines_of_orders(self._site))
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
            "order_time_s": {"p50": percentile(seconds, 50) or 0.0, "p95": percentile(seconds, 95) or 0.0},
        }

    def _commands(self, connection: sa.Connection, plant: Plant) -> dict[str, int]:
        """Accepted tasks over OPC UA; point decisions, and tasks, over Modbus."""
        protocol = {device: plc.protocol for plc in plant.plcs for device in plc.devices}
        counts = {Protocol.OPCUA: 0, Protocol.MODBUS: 0}
        points = {p.name: protocol[p.device] for c in plant.conveyors for p in c.points}
        device_of: dict[int, str] = {}
        for name, version, document in self._lines(connection):
            match decode_fact(name, version, document):
                case f.DeviceTaskStarted(open_task=started):
                    device_of[started.number] = started.device
                case f.DeviceTaskAccepted(number=number):
                    counts[protocol[device_of[number]]] += 1
                case f.ExitDecided(point=point, waiting=False) if points[point] is Protocol.MODBUS:
                    counts[Protocol.MODBUS] += 1
        return {"opcua": counts[Protocol.OPCUA], "modbus": counts[Protocol.MODBUS]}

    def _lines(self, connection: sa.Connection) -> Iterator[tuple[str, int, str]]:
        """Name, version and document of each fact that tells of a command, from the archives on."""
        closings = sa.select(closing.c.archive).where(closing.c.site_id == self._site).order_by(closing.c.sequence)
        for file in connection.scalars(closings).all():
            for _, kind, _, name, version, document, *_ in read_rows(Path(file), "journal"):
                if kind == FACT and name in COMMANDS:
                    yield name, version, document
        query = sa.select(journal.c.name, journal.c.version, journal.c.document).where(
            journal.c.site_id == self._site, journal.c.kind == FACT, journal.c.name.in_(COMMANDS)
        )
        for name, version, document in connection.execute(query.order_by(journal.c.sequence)):
            yield name, version, document
