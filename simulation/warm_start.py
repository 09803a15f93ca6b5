"""A running site as the beginning of a run: its committed rows at one moment, moved to time 0.

Rule: the site is read and never told; nothing here opens a lease, a port or a transaction that writes. What the rows
cannot say (where a vehicle is between two nodes) is taken as after a power failure: machines know nothing, paper does.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from simulation.spec import ReplayedOrder
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.layout import Layout
from wcs.ledger.journal_codec import decode_event
from wcs.ledger.load import load_rows
from wcs.ledger.tables import EVENT, journal
from wcs.plant.model import Plant, Record

SITE_ID = "main"
HOUR_MS = 3_600_000
RATE_HOURS = 24.0  # the orders of a whole day say what comes an hour, quiet hours included
HOURS_MIN = 0.25  # of a younger site: fewer minutes than these say nothing of an hour
DURATIONS = frozenset({"life_at_shipping_ms"})  # all other fields in ms are moments
# Load units that are announced: numbers of their own, because a dock worker of the twin reads them off the label.
ANNOUNCED_FIRST = 9_000_000


class Start(Record):
    """Where a run begins.

    rows: of the state, their moments moved so that the site's last is 0.
    skus: the most often ordered first.
    orders_per_hour: what came lately; 0 if nothing did.
    """

    rows: tuple[e.Entity, ...]
    skus: tuple[str, ...]
    orders_per_hour: float
    digest: str

    def unused(self, prefix: str) -> str:
        """The prefix, or with so many dashes more that no order of the site begins with it."""
        numbers = [row.number for row in self.rows if isinstance(row, e.CustomerOrder)]
        while any(number.startswith(prefix) for number in numbers):
            prefix += "-"
        return prefix

    def latest_delivery(self) -> int:
        """The highest number among the site's deliveries that are numbered as a workload numbers them."""
        names = (row.delivery for row in self.rows if isinstance(row, e.DeliveryLine))
        return max((int(name[2:]) for name in names if name[:2] == "DL" and name[2:].isdecimal()), default=0)


def read_start(connection: sa.Connection, plant: Plant, site_id: str = SITE_ID) -> Start:
    """The committed state of a site, for a run on this plant (the site's own, or one that was changed).

    Raises:
        ValueError: the site has no books yet, or they name places that this plant does not have.
    """
    rows = list(load_rows(connection, site_id))
    site = next((row for row in rows if isinstance(row, e.Site)), None)
    if site is None:
        raise ValueError(f"the site {site_id} has never run: there is nothing to start from")
    layout = Layout(plant)
    _check(rows, layout)
    moved = tuple(_moved(_settled(rows, layout), site.now_ms))
    digest = hashlib.sha256(msgspec.json.encode([(type(row).__name__, row) for row in moved])).hexdigest()
    return Start(
        rows=moved,
        skus=_by_demand(rows),
        orders_per_hour=_rate([row for row in moved if isinstance(row, e.CustomerOrder)]),
        digest=digest[:16],
    )


def read_orders(connection: sa.Connection, site_id: str = SITE_ID) -> tuple[ReplayedOrder, ...]:
    """Every order that a site's journal has, at its moment after the first one."""
    query = (
        sa.select(journal.c.name, journal.c.version, journal.c.document)
        .where(journal.c.site_id == site_id, journal.c.kind == EVENT, journal.c.name == v.OrderRequested.__name__)
        .order_by(journal.c.sequence)
    )
    found: dict[str, ReplayedOrder] = {}
    first_ms: int | None = None
    for name, version, document in connection.execute(query):
        event = decode_event(name, version, document)
        assert isinstance(event, v.OrderRequested)
        first_ms = event.at_ms if first_ms is None else first_ms
        order = ReplayedOrder(at_ms=event.at_ms - first_ms, number=event.number, lines=event.lines)
        found.setdefault(event.number, order)  # one that was asked for again changed nothing
    return tuple(found.values())


def _settled(rows: Iterable[e.Entity], layout: Layout) -> Iterator[e.Entity]:
    """Machines as after a power failure: vehicles stand in their bays, nobody else drives them, labels are readable.

    What stands on conveyors is numbered anew, because words and book may be a telegram apart.
    """
    tracks = dict(_numbered([row for row in rows if isinstance(row, e.LoadUnit)], layout))
    standing = {unit.place: unit.load_unit for unit, _ in tracks.values()}
    announced = ANNOUNCED_FIRST
    for row in rows:
        match row:
            case e.VehicleTraffic() | e.Track():
                continue  # made anew: when the term begins, and below
            case e.TransferPointState(name=name) | e.PointState(name=name) if name not in standing:
                continue
            case e.TransferPointState(name=name):
                yield replace(row, occupied=True, track=tracks[standing[name]][1])
            case e.PointState(name=name):
                yield replace(row, load_unit=standing[name], track=tracks[standing[name]][1])
            case e.Device():
                yield replace(row, link=e.Link.LOST, foreign_epoch=0, foreign_task=0, foreign_sequence=0)
            case e.Alarm(code="foreign_device"):
                continue
            case e.DeliveryLine(received=0):
                announced += 1
                yield replace(row, barcode=f"T{announced}")
            case _:
                yield row

    for number, (unit, track) in tracks.items():
        conveyor = layout.conveyor_of_place.get(unit.place, unit.place)
        yield e.Track(conveyor=conveyor, track=track, load_unit=number)


def _numbered(units: list[e.LoadUnit], layout: Layout) -> Iterator[tuple[int, tuple[e.LoadUnit, int]]]:
    """A TrackNumber for each load unit on a conveyor, at its transfer points or at its points."""
    last: Counter[str] = Counter()
    for unit in units:
        conveyor = unit.place if unit.place in layout.conveyors else layout.conveyor_of_place.get(unit.place)
        if conveyor is not None:
            last[conveyor] += 1
            yield unit.load_unit, (unit, last[conveyor])


def _moved(rows: Iterable[e.Entity], now_ms: int) -> Iterator[e.Entity]:
    for row in rows:
        moments: dict[str, Any] = {
            field: getattr(row, field) - now_ms
            for field in row.__struct_fields__
            if field.endswith("_ms") and field not in DURATIONS and getattr(row, field) is not None
        }
        yield replace(row, **moments) if moments else row


def _check(rows: Iterable[e.Entity], layout: Layout) -> None:
    """Whether this plant has every place and device that the books name."""
    plant = layout.plant
    machines = {c.name for c in plant.cranes} | {m.name for m in plant.vehicles} | {c.name for c in plant.conveyors}
    for row in rows:
        match row:
            case e.InstalledPlant() if row.name != plant.name:
                raise ValueError(f"its books belong to the plant {row.name}, not to {plant.name}")
            case e.Device() if row.name not in layout.kinds:
                raise ValueError(f"its books know the device {row.name}, which {plant.name} does not have")
            case e.LoadUnit(place=place) if layout.is_location(place) and not layout.locations.has(place):
                raise ValueError(f"load unit {row.load_unit} stands at {place}, which {plant.name} does not have")
            case e.Leg(device=device) if device and device not in machines:
                raise ValueError(f"{device} carries load unit {row.load_unit}, and {plant.name} does not have it")
            case _:
                pass


def _by_demand(rows: Iterable[e.Entity]) -> tuple[str, ...]:
    """SKUs by how many order lines wanted them, then by name."""
    lines: Counter[str] = Counter()
    for row in rows:
        match row:
            case e.Sku(sku=sku):
                lines[sku] += 0
            case e.OrderLine(sku=sku):
                lines[sku] += 1
            case _:
                pass
    return tuple(sorted(lines, key=lambda sku: (-lines[sku], sku)))


def _rate(orders: list[e.CustomerOrder]) -> float:
    """Orders an hour of the last day, or of the site's life if that is shorter."""
    since_h = max((-order.placed_ms / HOUR_MS for order in orders), default=0.0)
    hours = max(HOURS_MIN, min(RATE_HOURS, since_h))
    return sum(-order.placed_ms <= hours * HOUR_MS for order in orders) / hours
