"""What a simulation takes from elsewhere: orders from a file or a journal, latencies and a beginning from a site.

Rule: sites are read, one moment of their books, and never told anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from api.orders_file import Basket, OrdersFileError, read_baskets
from devices.machines.world import WorldRefused
from simulation.arrivals import arrivals_ms
from simulation.chance import Chance
from simulation.latency import fit_latency
from simulation.spec import LatencyProfile, ReplayedOrder
from simulation.twin import Twin
from simulation.warm_building import furnish
from simulation.warm_start import SITE_ID, Start, read_orders, read_start
from wcs.core.orders import NUMBER_LENGTH_MAX
from wcs.core.warehouse import Warehouse
from wcs.ledger.errors import LedgerError
from wcs.ledger.snapshot import read_snapshot
from wcs.plant.file import PlantFileError
from wcs.plant.model import Plant

AGAIN = "R-"  # before the number of an order that is replayed where its own number may be taken


class Refusal(Exception):
    """The question is impossible; the text says where and why."""


@contextmanager
def refusals(where: str = "") -> Iterator[None]:
    """What files, databases and plants refuse, in a line."""
    before = f"{where}: " if where else ""
    try:
        yield
    except SQLAlchemyError as refusal:  # a wrong address, a file that is no database, tables that are not there
        raise Refusal(f"{before}the database cannot be read: {str(refusal).splitlines()[0]}") from None
    except (PlantFileError, OrdersFileError, LedgerError, ValueError, OSError) as refusal:
        raise Refusal(f"{before}{refusal}") from None


def latencies(url: str, plant: Plant) -> dict[str, LatencyProfile]:
    """Profiles by protocol, as a site has measured them."""
    with refusals("--latency-from"), read_snapshot(url) as connection:
        return fit_latency(connection, plant, SITE_ID)


def beginning(url: str, plant: Plant) -> Start:
    """The committed state of a site, from which a twin can begin."""
    with refusals("--from"):
        with read_snapshot(url) as connection:
            start = read_start(connection, plant)
        try:
            furnish(Twin(plant, warehouse=Warehouse(plant, start.rows)))
        except (LookupError, ValueError, WorldRefused) as broken:
            raise ValueError(f"its books contradict themselves ({broken}): wcs audit says where") from None
        return start


def orders_of_journal(url: str) -> tuple[ReplayedOrder, ...]:
    """All orders of a site's journal."""
    with refusals("--orders-from"):
        with read_snapshot(url) as connection:
            orders = read_orders(connection)
        if not orders:
            raise ValueError("its journal has no orders")
        return orders


def orders_of_file(
    file: Path, known: Collection[str] | None, *, per_hour: float, seed: int
) -> tuple[ReplayedOrder, ...]:
    """The orders of a file at their moments, or drawn moments if it names none."""
    with refusals():
        baskets = read_baskets(file, known)
        if not baskets:
            raise ValueError(f"{file}: there are no orders")
        moments = _moments(file, baskets, per_hour, seed)
        return tuple(
            ReplayedOrder(at_ms=at_ms, number=basket.number, lines=basket.lines)
            for at_ms, basket in zip(moments, baskets, strict=True)
        )


def renumbered(orders: tuple[ReplayedOrder, ...], start: Start) -> tuple[ReplayedOrder, ...]:
    """With numbers that the site has not given: their own behind a prefix, or counted where that is too long."""
    prefix = start.unused(AGAIN)
    longest = max((len(order.number) for order in orders), default=0)
    fits = len(prefix) + longest <= NUMBER_LENGTH_MAX
    return tuple(
        msgspec.structs.replace(order, number=f"{prefix}{order.number if fits else n}")
        for n, order in enumerate(orders, 1)
    )


def faster(orders: tuple[ReplayedOrder, ...], times: float) -> tuple[ReplayedOrder, ...]:
    """The same orders in a shorter (or longer) time."""
    return tuple(msgspec.structs.replace(order, at_ms=round(order.at_ms / times)) for order in orders)


def _moments(file: Path, baskets: list[Basket], per_hour: float, seed: int) -> list[int]:
    after = [basket.after_ms for basket in baskets if basket.after_ms is not None]
    placed = [basket.placed_ms for basket in baskets if basket.placed_ms is not None]
    if len(after) == len(baskets):
        return after
    if len(placed) == len(baskets):
        return [moment - min(placed) for moment in placed]
    if after or placed:
        column, field = ("after_s", "after_ms") if after else ("placed", "placed_ms")
        without = next(basket.number for basket in baskets if getattr(basket, field) is None)
        raise ValueError(f"{file}: order {without} has no {column}, and others have: wanted in all orders or in none")
    if per_hour <= 0:
        raise ValueError(f"{file}: its orders do not say when they come: give --orders-per-hour above 0")
    return list(islice(arrivals_ms(Chance(seed), "arrivals", per_hour), len(baskets)))
