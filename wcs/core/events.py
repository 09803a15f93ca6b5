"""What comes in: each event carries its time, and who acted where a person or a system did.

Rule: an event is a wish or an observation; whether it is followed is decided in `Warehouse.handle`.
"""

from __future__ import annotations

from typing import ClassVar

from wcs.core.entities import DeliveryLine, Flow, LoadUnitRole, Sku
from wcs.core.ports import DeviceReport
from wcs.plant.model import Record


class Event(Record, tag=True):
    """Something that reached the warehouse at `at_ms` (plant time)."""

    VERSION: ClassVar[int] = 1
    at_ms: int


class HostStarted(Event):
    """A host begins its term; `epoch` is higher than any before."""

    epoch: int
    plant: str
    plant_digest: str


class EventSetAside(Event):
    """The host could not take an event in (our bug): it is stored as quarantined, its device takes no new work."""

    name: str
    device: str
    error: str


class Tick(Event):
    """The clock, once a second: timers, retries, what waits."""


class DeviceReported(Event):
    report: DeviceReport


class SkuChanged(Event):
    actor: str
    sku: Sku


class StockQuantity(Record):
    """A quantity to be booked into a load unit."""

    sku: str
    lot: str
    quantity: int
    owner: str = "own"
    expiry_ms: int | None = None


class OpeningLoadUnit(Record):
    """A load unit that stands in the rack when the books are opened."""

    barcode: str
    load_type: int
    place: str
    role: LoadUnitRole
    mass_g: int
    height_mm: int
    contents: tuple[StockQuantity, ...] = ()
    load_unit: int = 0


class StockOpened(Event):
    """Opening stock, at most 500 load units an event, so that a scan never waits behind it."""

    actor: str
    load_units: tuple[OpeningLoadUnit, ...]


class DeliveryNotified(Event):
    """A supplier announces what will arrive."""

    actor: str
    number: str
    lines: tuple[DeliveryLine, ...]


class LoadUnitArrived(Event):
    """A dock worker put an announced load unit on a dock's inbound point and accepted it.

    `load_unit` is the number on its label; 0: one is drawn. Without `delivery` it is an empty carrier.
    """

    actor: str
    delivery: str
    barcode: str
    place: str
    quantity: int
    load_type: int
    mass_g: int
    height_mm: int
    load_unit: int = 0


class OrderLineWish(Record):
    sku: str
    quantity: int


class OrderRequested(Event):
    actor: str
    number: str
    lines: tuple[OrderLineWish, ...]
    due_ms: int | None = None


class OrderCancelRequested(Event):
    actor: str
    number: str


class PickConfirmed(Event):
    """A picker scanned `sku` and moved `quantity` into the order's load unit; less than asked is a short pick."""

    actor: str
    reservation: int
    sku: str
    quantity: int


class LoadUnitPlaced(Event):
    """A person put a load unit somewhere by hand as the station's work asks (an empty on its order place, a finished
    order's load unit on the put-on point), or moved it for a reason of their own.
    """

    actor: str
    load_unit: int
    place: str
    reason: str = ""


class DepartureConfirmed(Event):
    """A dock worker loaded the load unit on the truck: it has left."""

    actor: str
    load_unit: int


class AlarmAnswered(Event):
    """`answer` is one of the alarm's answers: at source, on device, at sink, gone; or done."""

    actor: str
    alarm: int
    answer: str


class DeviceServiceRequested(Event):
    actor: str
    device: str
    in_service: bool


class DeviceActRequested(Event):
    """`act`: reset_fault, resume, cancel, pause, home, take_over, retentive_valid."""

    actor: str
    device: str
    act: str


class PlaceBlockRequested(Event):
    """Block (or free) a location, an aisle, a station, a node or an edge of the track; `flow` is for racks alone."""

    VERSION: ClassVar[int] = 2
    actor: str
    place: str
    blocked: bool
    reason: str = ""
    flow: Flow = Flow.BOTH


class HoldRequested(Event):
    """Place (or with an empty reason lift) a hold on a lot or, with `load_unit`, on one load unit."""

    actor: str
    reason: str
    sku: str = ""
    lot: str = ""
    load_unit: int = 0


class StockCounted(Event):
    """A count of one content; the difference is posted, never edited."""

    actor: str
    load_unit: int
    sku: str
    lot: str
    owner: str
    quantity: int


AnyEvent = (
    HostStarted
    | EventSetAside
    | Tick
    | DeviceReported
    | SkuChanged
    | StockOpened
    | DeliveryNotified
    | LoadUnitArrived
    | OrderRequested
    | OrderCancelRequested
    | PickConfirmed
    | LoadUnitPlaced
    | DepartureConfirmed
    | AlarmAnswered
    | DeviceServiceRequested
    | DeviceActRequested
    | PlaceBlockRequested
    | HoldRequested
    | StockCounted
)
