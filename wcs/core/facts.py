"""What was decided or happened, in the past tense. Rule: state changes only through `apply(fact)`.

Every fact carries the numbers that were drawn for it, so that what is committed is complete. `VERSION` rises when
what is written of a fact changes; the decoder of an old version is kept for ever (wcs.ledger.journal_codec).
"""

from __future__ import annotations

from typing import ClassVar

from wcs.core import entities as e
from wcs.core.ports import AckCode, CommandCode, DeviceTask, OperatingMode, ResultCode, TransferStatus
from wcs.plant.model import Record


class Fact(Record, tag=True):
    """One thing that is so from now on."""

    VERSION: ClassVar[int] = 1


class PlantInstalled(Fact):
    name: str
    digest: str


class TermBegun(Fact):
    """A host took over; `epoch` is the word WcsEpoch of its term. Every device counts as lost until it is seen."""

    epoch: int
    now_ms: int


class SkuDefined(Fact):
    sku: e.Sku


class LotDefined(Fact):
    lot: e.Lot


class LotHoldChanged(Fact):
    sku: str
    lot: str
    hold: str
    actor: str


class LoadUnitCreated(Fact):
    """A carrier enters the book, at the place "outside"."""

    load_unit: e.LoadUnit


class LoadUnitMoved(Fact):
    """One containment line. `key` is the idempotency key: "T7:PICK", "L3:ENTER", "M2" (by hand), "R9" (receipt)."""

    load_unit: int
    source: str
    sink: str
    key: str
    occurred_ms: int
    reason: str = ""


class QuantityPosted(Fact):
    """One content line. An account is "LU:<number>", or supplier, customer, adjustment, scrap, unaccounted."""

    source: str
    sink: str
    sku: str
    lot: str
    owner: str
    quantity: int
    key: str
    occurred_ms: int
    reason: str = ""


class LoadUnitRoleChanged(Fact):
    load_unit: int
    role: e.LoadUnitRole
    order_number: str = ""
    sscc: str = ""


class LoadUnitIdentified(Fact):
    """Scanned and measured at an identification point and found right."""

    load_unit: int
    mass_g: int
    height_mm: int


class LoadUnitHoldChanged(Fact):
    load_unit: int
    hold: str
    actor: str


class DeliveryAnnounced(Fact):
    delivery: e.Delivery
    lines: tuple[e.DeliveryLine, ...]


class GoodsReceived(Fact):
    receipt: e.GoodsReceipt


class OrderPlaced(Fact):
    VERSION: ClassVar[int] = 2
    order: e.CustomerOrder
    lines: tuple[e.OrderLine, ...]


class StockReserved(Fact):
    reservation: e.Reservation


class ReservationVoided(Fact):
    number: int
    reason: str


class StockPicked(Fact):
    """A pick was confirmed; the reservation is used up. What was short goes back to the line's open quantity."""

    number: int
    quantity: int
    actor: str


class LineBackordered(Fact):
    order_number: str
    line: int
    quantity: int
    reason: str


class OrderReleased(Fact):
    order_number: str
    station: str


class OrderLoadUnitSet(Fact):
    """The order's own load unit, from when an empty was chosen for it (0: none again)."""

    order_number: str
    load_unit: int


class OrderBegunAnew(Fact):
    """The order's own load unit is gone, and with it all that was picked: the order waits for an order place again."""

    order_number: str
    load_unit: int
    reason: str


class OrderWaits(Fact):
    order_number: str
    waits_for: str
    until_ms: int | None = None


class OrderCancelled(Fact):
    """The customer no longer wants it; what is under way is brought to an orderly end."""

    order_number: str
    actor: str


class OrderStateChanged(Fact):
    """`sscc`, where it was packed: the label of its load unit."""

    VERSION: ClassVar[int] = 2
    order_number: str
    state: e.OrderState
    at_ms: int
    sscc: str = ""


class TransportOrderCreated(Fact):
    transport_order: e.TransportOrder
    reason: str = ""


class TransportOrderRedirected(Fact):
    number: int
    sink: str
    purpose: e.Purpose
    reason: str
    order_number: str = ""


class TransportOrderWaits(Fact):
    number: int
    waits_for: str


class TransportOrderEnded(Fact):
    number: int
    outcome: str


class LegStarted(Fact):
    """The next leg is planned: it waits for its carrier."""

    leg: e.Leg


class LegAssigned(Fact):
    number: int
    device: str


class LegRedirected(Fact):
    """The load is under way on a conveyor and is to leave it elsewhere."""

    number: int
    sink: str


class LegPicked(Fact):
    """The load is on board the leg's carrier: the leg can no longer be given to another."""

    number: int


class LegEnded(Fact):
    number: int
    outcome: str


class DeviceTaskStarted(Fact):
    """A task was given its number and its command's sequence."""

    open_task: e.OpenTask
    sequence: int


class DeviceTaskOffered(Fact):
    """The same task under a new sequence, after a refusal or when it was found not executed."""

    number: int
    sequence: int


class DeviceTaskExtended(Fact):
    """An EXTEND was sent: the task as lengthened."""

    number: int
    sequence: int
    task: DeviceTask


class DeviceTaskAccepted(Fact):
    number: int


class DeviceTaskRefused(Fact):
    number: int
    code: AckCode


class DeviceTaskLoadPicked(Fact):
    number: int


class DeviceTaskLoadDeposited(Fact):
    """Seen by the sink (a conveyor's photo-eye) or reported with DONE, whichever came first."""

    number: int


class DeviceTaskDone(Fact):
    number: int
    result: ResultCode


class DeviceTaskOutcomeUnknown(Fact):
    number: int
    reason: str


class DeviceTaskAnswered(Fact):
    """A person said where the load is."""

    number: int
    answer: str
    actor: str


class DeviceTaskEnded(Fact):
    """Receipted, withdrawn or not executed: nothing is outstanding any more."""

    number: int
    outcome: str


class CommandIssued(Fact):
    """Any command that is not a task: SYNC, RECEIPT, RESUME, CANCEL, RESET_FAULT, …"""

    device: str
    sequence: int
    code: CommandCode
    task_number: int = 0
    p1: int = 0


class CommandAnswered(Fact):
    device: str
    sequence: int
    code: AckCode


class DeviceLinkChanged(Fact):
    device: str
    link: e.Link
    reason: str


class DeviceFrozen(Fact):
    """Another host seems to have driven it; what was seen there, so that a take-over can rise above it."""

    device: str
    reason: str
    epoch: int
    task: int
    sequence: int


class DeviceSeen(Fact):
    """What matters of a device changed: whether it can work, what it holds, what it complains of."""

    device: str
    mode: OperatingMode
    able: bool
    stopped: str
    alarms: tuple[int, int, int, int]
    confirmed: tuple[int, int, int]
    load_unit: int
    battery_permille: int


class DeviceServiceChanged(Fact):
    device: str
    in_service: bool
    actor: str


class EpochRaised(Fact):
    """A person took a foreign device over: the site's epoch and task counter rise above what was seen there."""

    epoch: int
    task_counter: int
    actor: str


class TransferPointSeen(Fact):
    name: str
    status: TransferStatus


class TrackBound(Fact):
    conveyor: str
    track: int
    load_unit: int


class TrackReleased(Fact):
    conveyor: str
    track: int


class LoadUnitSeen(Fact):
    """A point reported a load; `load_unit` 0 if it is not known. `no_reads` counts tries at reading this track."""

    point: str
    scan_sequence: int
    track: int
    load_unit: int
    no_reads: int = 0
    measured: str = ""


class ExitDecided(Fact):
    """The answer at a point; `waiting` True: no answer yet, the load rests there."""

    point: str
    scan_sequence: int
    exit: int
    waiting: bool
    reason: str = ""


class VehicleStopped(Fact):
    """A vehicle stands at this node and drives no further on what it was granted."""

    vehicle: str
    node: str
    at_ms: int


class VehicleReached(Fact):
    """A vehicle confirmed a node of its way; what lies behind it is free."""

    vehicle: str
    node: str
    at_ms: int


class VehicleAbleChanged(Fact):
    """Whether it drives; one that does not blocks what it holds."""

    vehicle: str
    able: bool
    at_ms: int = 0


class ErrandGiven(Fact):
    """A vehicle is to go to this node."""

    vehicle: str
    sink: str
    at_ms: int


class ErrandEnded(Fact):
    """A vehicle has no errand any more (arrived, or withdrawn)."""

    vehicle: str


class RouteGranted(Fact):
    """A vehicle may drive these nodes; `detour` and `kept` are kept free for it beyond them.

    `homes`: (vehicle, parking node), where vehicles exchange homes so that both can get there.
    """

    vehicle: str
    nodes: tuple[str, ...]
    towards: str
    detour: tuple[str, ...]
    kept: tuple[str, ...]
    retreat: bool
    at_ms: int
    homes: tuple[tuple[str, str], ...] = ()


class PlaceBlocked(Fact):
    VERSION: ClassVar[int] = 2
    place: str
    actor: str
    reason: str
    flow: e.Flow = e.Flow.BOTH


class PlaceUnblocked(Fact):
    place: str
    actor: str


class AlarmRaised(Fact):
    alarm: e.Alarm


class AlarmEnded(Fact):
    number: int
    answer: str
    actor: str


class NumbersDrawn(Fact):
    """Numbers were used that stand in no other fact (an order's SSCC, a manual move)."""

    name: str
    value: int


class ClockMoved(Fact):
    """The mind's time, kept so that a restart goes on from it (once a tick)."""

    now_ms: int
