"""What the mind remembers: one frozen record a row, kept in tables by key.

Rule: a record is replaced, never edited, so whoever holds one holds the truth of that moment. Each class says its table
and its key; `wcs.ledger` makes the SQL tables from these very classes, and recovery loads them back.
Nested records and tuples are stored as JSON.
"""

from __future__ import annotations

import enum
from typing import ClassVar

from wcs.core.ports import DeviceTask, OperatingMode, ResultCode
from wcs.plant.model import Record


class Entity(Record):
    """A row of the state. `TABLE` names its table, `KEY` the fields that identify it."""

    TABLE: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]


class Counter(Entity):
    """The last number drawn of a kind: task, leg, transport_order, reservation, alarm, load_unit, sscc, receipt."""

    TABLE = "counter"
    KEY = ("name",)
    name: str
    value: int


class InstalledPlant(Entity):
    """The plant that this site was set up with."""

    TABLE = "installed_plant"
    KEY = ("name",)
    name: str
    digest: str


class Sku(Entity):
    """A stocked article. `life_at_shipping_ms` must remain at the ship date for a lot to be reserved."""

    TABLE = "sku"
    KEY = ("sku",)
    sku: str
    name: str = ""
    gtin: str = ""
    unit_mass_g: int = 0
    life_at_shipping_ms: int = 0


class Lot(Entity):
    """One production lot. `removal_ms` is the expiry less the SKU's life at shipping (None: never expires)."""

    TABLE = "lot"
    KEY = ("sku", "lot")
    sku: str
    lot: str
    expiry_ms: int | None = None
    removal_ms: int | None = None
    hold: str = ""


class LoadUnitRole(enum.StrEnum):
    """What a load unit is used for now."""

    STOCK = "stock"
    EMPTY = "empty"
    ORDER = "order"


class LoadUnit(Entity):
    """A carrier and where it stands. `hold` is the reason of a quality or damage hold, empty if none."""

    TABLE = "load_unit"
    KEY = ("load_unit",)
    load_unit: int
    barcode: str
    load_type: int
    place: str
    role: LoadUnitRole
    mass_g: int
    height_mm: int
    order_number: str = ""
    sscc: str = ""
    hold: str = ""
    identified: bool = False


class Content(Entity):
    """A quantity of one SKU, lot and owner in one load unit; `reserved` ≤ `quantity`."""

    TABLE = "content"
    KEY = ("load_unit", "sku", "lot", "owner")
    load_unit: int
    sku: str
    lot: str
    owner: str
    quantity: int
    reserved: int = 0


class OrderState(enum.StrEnum):
    """Where a customer order is."""

    PLACED = "placed"
    RELEASED = "released"
    PACKED = "packed"
    SHIPPED = "shipped"
    BACKORDERED = "backordered"
    CANCELLED = "cancelled"


class CustomerOrder(Entity):
    """What a customer wants. `waits_for` says why it does not go on, with the time at which that ends if known;
    `sscc` is the label of the load unit that was packed for it, and stays when that has left.
    """

    TABLE = "customer_order"
    KEY = ("number",)
    number: str
    state: OrderState
    placed_ms: int
    due_ms: int | None = None
    station: str = ""
    load_unit: int = 0
    cancelled: bool = False
    waits_for: str = ""
    waits_until_ms: int | None = None
    ended_ms: int | None = None
    content_digest: str = ""
    sscc: str = ""


class OrderLine(Entity):
    """One line: quantity = reserved + picked + backordered + still to be reserved."""

    TABLE = "order_line"
    KEY = ("order_number", "line")
    order_number: str
    line: int
    sku: str
    quantity: int
    reserved: int = 0
    picked: int = 0
    backordered: int = 0


class Reservation(Entity):
    """Stock promised to a line; it is also the pick to be confirmed. Deleted when picked or voided."""

    TABLE = "reservation"
    KEY = ("number",)
    number: int
    order_number: str
    line: int
    load_unit: int
    sku: str
    lot: str
    owner: str
    quantity: int


class Delivery(Entity):
    """An announced arrival."""

    TABLE = "delivery"
    KEY = ("number",)
    number: str
    state: str
    announced_ms: int


class DeliveryLine(Entity):
    """One expected load unit of a delivery."""

    TABLE = "delivery_line"
    KEY = ("delivery", "line")
    delivery: str
    line: int
    barcode: str
    sku: str
    lot: str
    quantity: int
    expiry_ms: int | None = None
    received: int = 0


class GoodsReceipt(Entity):
    """What was accepted of a delivery line."""

    TABLE = "goods_receipt"
    KEY = ("number",)
    number: int
    delivery: str
    line: int
    load_unit: int
    sku: str
    lot: str
    quantity: int
    received_ms: int


class Purpose(enum.StrEnum):
    """Why a load unit is carried."""

    PUTAWAY = "putaway"
    RETRIEVAL = "retrieval"
    EMPTY_SUPPLY = "empty_supply"
    SHIPPING = "shipping"
    CLARIFICATION = "clarification"


class TransportState(enum.StrEnum):
    """Where a transport order is."""

    CREATED = "created"
    UNDER_WAY = "under_way"


class TransportOrder(Entity):
    """Carry one load unit to its sink; deleted when finished (the journal keeps it).

    `sink` is empty until it is known (a put-away before identification). `leg` is the current leg, 0 if none.
    """

    TABLE = "transport_order"
    KEY = ("number",)
    number: int
    load_unit: int
    source: str
    sink: str
    purpose: Purpose
    state: TransportState
    created_ms: int
    order_number: str = ""
    leg: int = 0
    waits_for: str = ""


class Leg(Entity):
    """One carrier's part of a transport order, between two places. `device` is empty until one is assigned."""

    TABLE = "leg"
    KEY = ("number",)
    number: int
    transport_order: int
    load_unit: int
    carrier: str
    source: str
    sink: str
    device: str = ""
    picked: bool = False


class TaskState(enum.StrEnum):
    """Where a device task is. Deleted when receipted (the journal keeps it)."""

    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DONE = "done"
    UNKNOWN = "unknown"


class OpenTask(Entity):
    """The outstanding task of a task-driven device."""

    TABLE = "open_task"
    KEY = ("number",)
    number: int
    device: str
    leg: int
    task: DeviceTask
    state: TaskState
    source: str = ""
    sink: str = ""
    picked: bool = False
    deposited: bool = False
    result: ResultCode = ResultCode.NONE
    answered: str = ""


class Link(enum.StrEnum):
    """How we stand with a device."""

    LOST = "lost"
    FOUND = "found"
    SYNCHRONISED = "synchronised"
    FROZEN = "frozen"


class Device(Entity):
    """What we know of one device. `command` is the outstanding telegram's sequence, 0 if all are acknowledged."""

    TABLE = "device"
    KEY = ("name",)
    name: str
    link: Link = Link.LOST
    in_service: bool = True
    out_of_service_by: str = ""
    mode: OperatingMode = OperatingMode.OFF
    able: bool = False
    stopped: str = ""
    alarms: tuple[int, int, int, int] = (0, 0, 0, 0)
    confirmed: tuple[int, int, int] = (0, 0, 0)
    load_unit: int = 0
    battery_permille: int = 1000
    sequence: int = 0
    sync_sequence: int = 0
    command_sequence: int = 0
    command_code: int = 0
    task: int = 0
    last_place: str = ""
    ever_synchronised: bool = False
    foreign_epoch: int = 0
    foreign_task: int = 0
    foreign_sequence: int = 0


class TransferPointState(Entity):
    """What a transfer point's words last said, and which load unit we have bound to its track."""

    TABLE = "transfer_point_state"
    KEY = ("name",)
    name: str
    occupied: bool = False
    ready_to_accept: bool = False
    ready_to_hand_over: bool = False
    track: int = 0
    event_sequence: int = 0


class Track(Entity):
    """A load that a conveyor carries under a number of its own; `load_unit` 0: not identified yet."""

    TABLE = "track"
    KEY = ("conveyor", "track")
    conveyor: str
    track: int
    load_unit: int
    no_reads: int = 0


class PointState(Entity):
    """The last event of a point that was handled, and what was decided."""

    TABLE = "point_state"
    KEY = ("name",)
    name: str
    scan_sequence: int = 0
    track: int = 0
    load_unit: int = 0
    exit: int = 0
    waiting: bool = False


class VehicleTraffic(Entity):
    """What a vehicle holds and wants on the track: `wcs.traffic.records.VehicleTraffic`, field by field."""

    TABLE = "vehicle_traffic"
    KEY = ("vehicle",)
    vehicle: str
    home: str
    node: str
    ahead: tuple[str, ...] = ()
    sink: str | None = None
    asked_ms: int = 0
    moved_ms: int = 0
    detour: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    retreating: bool = False
    able: bool = False


class Flow(enum.StrEnum):
    """What a block keeps from a location or aisle: put-away, retrieval or both."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class Block(Entity):
    """A location, aisle, station, node or edge of the track kept out of use, and by whom."""

    TABLE = "block"
    KEY = ("place",)
    place: str
    actor: str
    reason: str
    flow: Flow = Flow.BOTH

    def stops(self, flow: Flow) -> bool:
        """Whether it keeps this flow (in or out) from its place."""
        return self.flow is Flow.BOTH or self.flow is flow


class Alarm(Entity):
    """A condition that needs an operator's act. `answers` are the words that end it."""

    TABLE = "alarm"
    KEY = ("number",)
    number: int
    subject: str
    code: str
    text: str
    raised_ms: int
    task: int = 0
    load_unit: int = 0
    answers: tuple[str, ...] = ()


class Site(Entity):
    """The site's own numbers: the epoch of the host's term (WcsEpoch on the wire) and the last event's time."""

    TABLE = "site"
    KEY = ("name",)
    name: str
    epoch: int
    now_ms: int


ENTITIES: tuple[type[Entity], ...] = (
    Counter, InstalledPlant, Sku, Lot, LoadUnit, Content, CustomerOrder, OrderLine, Reservation, Delivery, DeliveryLine,
    GoodsReceipt, TransportOrder, Leg, OpenTask, Device, TransferPointState, Track, PointState, VehicleTraffic, Block,
    Alarm, Site,
)  # fmt: skip


class Change(Record):
    """One row to be written: the record as it is now, or None when it is gone."""

    entity: type[Entity]
    key: tuple[object, ...]
    row: Entity | None
