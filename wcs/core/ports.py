"""What passes between the mind and the machines: commands out, reports in, and the port that carries them.

Rule: plain data only. The words on the wire are made of these in `devices/`, never here. Every name and code is the
one of docs/device-interface.md, version 1.0.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from wcs.plant.model import Record

DeviceId = str


class CommandCode(enum.IntEnum):
    """CmdCode, word 4."""

    TASK = 1
    CANCEL = 2
    RESET_FAULT = 3
    PAUSE = 4
    RESUME = 5
    HOME = 6
    SYNC = 7
    RECEIPT = 8
    REQUEST_MODE = 9
    EXTEND = 10


class TaskType(enum.IntEnum):
    """TaskType, word 8."""

    TRANSFER = 1
    PICK = 2
    DEPOSIT = 3
    POSITION = 4
    CHARGE = 6


class AckCode(enum.IntEnum):
    """AckCode, word 38."""

    NONE = 0
    ACCEPTED = 1
    DUPLICATE_ACTIVE = 2
    BUSY = 3
    BAD_PARAMETER = 7
    NOT_AUTOMATIC = 8
    INTERLOCK = 9
    UNKNOWN_TASK = 10
    FAULTED = 11
    DUPLICATE_DONE = 12


class OperatingMode(enum.IntEnum):
    """Mode, word 39."""

    OFF = 0
    MANUAL = 1
    AUTOMATIC = 2
    SERVICE = 3


class DeviceState(enum.IntEnum):
    """State, word 40."""

    IDLE = 0
    ASSIGNED = 1
    TO_PICK = 2
    PICKING = 3
    TO_DEPOSIT = 4
    DEPOSITING = 5
    DONE = 6
    FAULT = 7
    PAUSED = 8
    INTERRUPTED = 10


STOPPED_STATES = (DeviceState.FAULT, DeviceState.PAUSED, DeviceState.INTERRUPTED)  # with a step to go on from


class ResultCode(enum.IntEnum):
    """ResultCode, word 44."""

    NONE = 0
    OK = 1
    CANCELLED_EMPTY = 2
    CANCELLED_LOADED = 3
    SOURCE_EMPTY = 4
    SINK_OCCUPIED = 5
    UNKNOWN = 7


class Address(Record):
    """Four address words: crane (aisle, bay, level, side·10+depth), vehicle (node, station level, 0, 0)."""

    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0


class DeviceTask(Record):
    """One numbered piece of a leg, which one device executes at most once."""

    number: int
    type: TaskType
    source: Address = Address()
    sink: Address = Address()
    load_type: int = 0
    load_height_mm: int = 0
    load_mass_g: int = 0
    load_id: int = 0
    p: tuple[int, int, int, int] = (0, 0, 0, 0)


class DeviceCommand(Record):
    """One telegram of the command block. `task` is whole for TASK and EXTEND; others name `task_number` alone."""

    device: DeviceId
    epoch: int
    sequence: int
    code: CommandCode
    task_number: int = 0
    task: DeviceTask | None = None
    flags: int = 0
    priority: int = 0
    p1: int = 0


class PointDecision(Record):
    """The answer at a point: which exit. Exit 0: no wish, event seen."""

    device: DeviceId
    point: int
    scan_sequence: int
    track: int
    exit: int
    epoch: int


class TransferAck(Record):
    """The WCS has noted the event of a transfer point (TransferAck = EventSeq)."""

    device: DeviceId
    transfer: int
    event_sequence: int


Command = DeviceCommand | PointDecision | TransferAck


class DoneEntry(Record):
    """One entry of the DoneRing."""

    task_number: int
    result: ResultCode


class DeviceStatus(Record):
    """The status block, decoded, without what is only telemetry."""

    boot_count: int = 0
    latched_epoch: int = 0
    map_version: int = 0x0100
    ack_sequence: int = 0
    ack_code: AckCode = AckCode.NONE
    mode: OperatingMode = OperatingMode.OFF
    state: DeviceState = DeviceState.IDLE
    ready: bool = False
    retentive_valid: bool = False
    load_present: bool = False
    wcs_alive: bool = False
    emergency_stop_clear: bool = True
    in_position: bool = False
    homed: bool = False
    charging: bool = False
    active_task: int = 0
    result: ResultCode = ResultCode.NONE
    event_sequence: int = 0
    alarms: tuple[int, int, int, int] = (0, 0, 0, 0)
    confirmed: tuple[int, int, int] = (0, 0, 0)
    load_type: int = 0
    load_id: int = 0
    done_ring: tuple[DoneEntry, ...] = ()
    step_at_stop: int = 0


class Telemetry(Record):
    """The latest positions and counters: for the live stream, never for the core."""

    device: DeviceId
    x_mm: int = 0
    y_mm: int = 0
    z_mm: int = 0
    odometer_m: int = 0
    cycle_count: int = 0
    pick_count: int = 0
    battery_permille: int = 0
    bad_crc_count: int = 0


class DeliveryNote(Record):
    """When one telegram was first sent or was acknowledged (wall time): for the journal, never for the core."""

    device: DeviceId
    sequence: int
    sent_at_ms: int | None = None
    acknowledged_at_ms: int | None = None


class TransferStatus(Record):
    """The words of one transfer point."""

    occupied: bool = False
    ready_to_accept: bool = False
    ready_to_hand_over: bool = False
    track: int = 0
    event_sequence: int = 0


class ScanFlags(enum.IntFlag):
    """Flags of a point's event, word +1."""

    READ = 1
    NO_READ = 2
    SEVERAL_CODES = 4
    OVERWEIGHT = 8
    CONTOUR = 16


class OutcomeReason(enum.IntEnum):
    """Why a load left a point by this exit."""

    AS_DECIDED = 1
    TIMEOUT = 2
    EXIT_FULL = 3
    NO_READ = 4
    UNKNOWN_EXIT = 5


class PointOutcome(Record):
    """One entry of a point's OutcomeRing."""

    scan_sequence: int
    exit: int
    reason: OutcomeReason


class PointStatus(Record):
    """The words of one point; scan_sequence 0: nothing seen yet."""

    scan_sequence: int = 0
    flags: ScanFlags = ScanFlags(0)
    track: int = 0
    deadline_ms: int = 0
    mass_g: int = 0
    height_mm: int = 0
    barcode: str = ""
    outcomes: tuple[PointOutcome, ...] = ()


class DeviceSnapshot(Record):
    """Everything one device says, read at once. Battery is here because charging is decided on it."""

    device: DeviceId
    status: DeviceStatus
    transfers: tuple[TransferStatus, ...] = ()
    points: tuple[PointStatus, ...] = ()
    battery_permille: int = 1000


class Connected(Record, tag=True):
    """First whole read of a new connection; the core answers with SYNC."""

    snapshot: DeviceSnapshot


class Synchronised(Record, tag=True):
    """Whole read taken after the acknowledgement of SYNC number `sequence`: what reconciliation works on."""

    sequence: int
    snapshot: DeviceSnapshot


class StatusChanged(Record, tag=True):
    """The status block changed (life, positions and counters excepted). Level, not edge: it says how things are."""

    device: DeviceId
    status: DeviceStatus
    battery_permille: int = 1000


class TransferChanged(Record, tag=True):
    """The words of one transfer point changed."""

    device: DeviceId
    transfer: int
    status: TransferStatus


class PointChanged(Record, tag=True):
    """A point has a new event or a new outcome. Level, not edge: it may be repeated."""

    device: DeviceId
    point: int
    status: PointStatus


class Unanswered(Record, tag=True):
    """Command `sequence` was sent again as often as allowed and not acknowledged: the device is lost."""

    device: DeviceId
    sequence: int


class Disconnected(Record, tag=True):
    """The connection is gone, or PlcLife stood still for 3 s."""

    device: DeviceId
    reason: str


DeviceReport = Connected | Synchronised | StatusChanged | TransferChanged | PointChanged | Unanswered | Disconnected


class DevicePort(Protocol):
    """The devices behind one PLC connection. Carries messages; decides nothing."""

    devices: tuple[DeviceId, ...]

    async def run(self, may_write: Callable[[], bool]) -> None:
        """Connect, beat and deliver until cancelled; reconnects by itself with back-off.

        `may_write` is asked just before each write: while it says no, nothing is written and everything is still read.
        """

    def send(self, command: Command) -> None:
        """Take a committed command for sending. The identical telegram is sent again until it is acknowledged.

        A command for a device that is not connected is dropped: reconciliation derives again what is outstanding.
        """

    def reports(self) -> AsyncIterator[DeviceReport | Telemetry | DeliveryNote]:
        """What the devices say, in the order in which it was read."""
