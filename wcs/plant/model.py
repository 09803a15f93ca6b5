"""What stands in the building, as frozen data. Rule: the model knows geometry and names, never what is done with them.

Lengths are millimetres, times milliseconds, masses grams. Axes as in EN 15620: x along the aisle, y up, z across.
A *place* is a name: a storage location ("A1-L-05-03-1"), a transfer point ("A1.IN"), a point where a load rests (a
station's pick point), a station's order place ("ST1.O1"), a device ("CR1", "V1"), a conveyor ("CV"), or one of the
four places outside the building's geometry in `OUTSIDE_PLACES`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import dataclass_transform

import msgspec

OUTSIDE = "outside"
LOST = "lost"
OUTSIDE_PLACES = (OUTSIDE, LOST)


@dataclass_transform(frozen_default=True, kw_only_default=True)  # type checkers do not inherit these by themselves
class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A frozen keyword-only record: what every plain datum of the house is made of.

    Records never form cycles, so the collector need not look at them (gc=False).
    """


class Side(enum.IntEnum):
    """Which rack of the aisle, seen from the aisle's front (number on the wire)."""

    LEFT = 1
    RIGHT = 2


class Protocol(enum.StrEnum):
    """How a PLC carries the telegram words."""

    OPCUA = "opcua"
    MODBUS = "modbus"


class PointKind(enum.StrEnum):
    """What a point of a conveyor is for."""

    IDENTIFICATION = "identification"
    DECISION = "decision"
    STATION = "station"


class LoadType(Record):
    """A kind of carrier (tote, pallet) and its limits; `number` is the word LoadType on the wire."""

    name: str
    number: int
    height_max_mm: int
    mass_max_g: int
    mass_empty_g: int


class Aisle(Record):
    """One aisle with a rack on each side; all its locations are alike.

    `number` is Source A on the wire. Bay b (from 1) has its centre at x = x0_mm + (b-1)*bay_pitch_mm,
    level l (from 1) at y = y0_mm + (l-1)*level_pitch_mm.
    """

    name: str
    number: int
    sides: tuple[Side, ...]
    bays: int
    levels: int
    depth: int
    bay_pitch_mm: int
    level_pitch_mm: int
    x0_mm: int
    y0_mm: int
    location_height_mm: int
    location_mass_max_g: int
    zone: str

    @property
    def location_count(self) -> int:
        return len(self.sides) * self.bays * self.levels * self.depth


class CranePoint(Record):
    """A transfer point that a crane serves: its own transfer number (Level on the wire) and where it stands."""

    number: int
    transfer_point: str
    x_mm: int
    y_mm: int


class StackerCrane(Record):
    """The machine of one aisle. `fork_cycle_ms` is one whole pick or one whole deposit at standstill."""

    name: str
    aisle: str
    speed_x_mm_s: int
    speed_y_mm_s: int
    accel_x_mm_s2: int
    accel_y_mm_s2: int
    fork_cycle_ms: int
    transfer_points: tuple[CranePoint, ...]
    home_x_mm: int = 0
    home_y_mm: int = 0


class TransferPoint(Record):
    """A place for one load where two devices (or a device and people) hand over; word block 96+4·index of `device`."""

    name: str
    device: str
    index: int


class Point(Record):
    """A place on a conveyor where the PLC asks where to (point block `index` of `device`).

    `exits` maps exit numbers (from 1) to segment names. `deadline_ms` 0 means that the load waits for ever.
    `scanner`, `scale` and `contour` say what is measured there.
    """

    name: str
    device: str
    index: int
    kind: PointKind
    deadline_ms: int
    default_exit: int
    exits: Mapping[int, str]
    scanner: bool = True
    scale: bool = False
    contour: bool = False


class Segment(Record):
    """A stretch of conveyor in one direction between two nodes (transfer points, points or merges)."""

    name: str
    origin: str
    end: str
    length_mm: int
    speed_mm_s: int
    capacity: int


class Conveyor(Record):
    """One tracked conveyor system behind one PLC; `devices` are its word blocks, loads keep their TrackNumber in it."""

    name: str
    devices: tuple[str, ...]
    merges: tuple[str, ...]
    transfer_points: tuple[TransferPoint, ...]
    points: tuple[Point, ...]
    segments: tuple[Segment, ...]


class PickStation(Record):
    """Where people pick. Loads rest at `pick_point`; an empty for an order leaves through `handover_point` to one of
    the `order_places`; a finished order's load unit is put on the conveyor again at `put_on_point`.

    `queue_length_max` bounds the load units that are under way to the station or resting there.
    """

    name: str
    pick_point: str
    onward_exit: int
    handover_exit: int
    handover_point: str
    put_on_point: str
    order_places: tuple[str, ...]
    queue_length_max: int


class Dock(Record):
    """A door: people put arrivals on `inbound_points` and take departures from `outbound_points`."""

    name: str
    inbound_points: tuple[str, ...]
    outbound_points: tuple[str, ...]


class TrackStop(Record):
    """A transfer point within a vehicle's reach at a node: `level` is the station level (Source B on the wire)."""

    level: int
    transfer_point: str


class TrackNode(Record):
    """A node of the vehicle track; `number` is Source A on the wire."""

    name: str
    number: int
    x_mm: int
    y_mm: int
    parking: bool = False
    charging: bool = False
    stops: tuple[TrackStop, ...] = ()


class TrackEdge(Record):
    """A lane from one node to another; vehicles drive it in this direction only (two edges make a two-way lane)."""

    origin: str
    end: str
    length_mm: int
    speed_max_mm_s: int


BATTERY_LOW_PERMILLE = 300  # below it a vehicle charges before its next leg: enough left for any trip home


class Vehicle(Record):
    """One vehicle on the track. `drain_wh_per_km` drains; `charge_w` fills; `handling_ms` is one pick or deposit."""

    name: str
    start_node: str
    speed_mm_s: int
    accel_mm_s2: int
    handling_ms: int
    battery_wh: int
    drain_wh_per_km: int
    charge_w: int


class Track(Record):
    """The roads of the vehicles."""

    nodes: tuple[TrackNode, ...] = ()
    edges: tuple[TrackEdge, ...] = ()


class Plc(Record):
    """One controller: its protocol and its devices; a device's position in the tuple is its block number (Modbus)."""

    name: str
    protocol: Protocol
    devices: tuple[str, ...]


class Rates(Record):
    """What the plant is built for: transports an hour into and out of the racks (checked against its machines)."""

    storage_per_hour: int = 0
    retrieval_per_hour: int = 0


class Plant(Record):
    """The whole building. Names are unique across all kinds of things."""

    name: str
    load_types: tuple[LoadType, ...]
    aisles: tuple[Aisle, ...]
    cranes: tuple[StackerCrane, ...]
    conveyors: tuple[Conveyor, ...]
    stations: tuple[PickStation, ...]
    docks: tuple[Dock, ...]
    clarification_points: tuple[str, ...]
    track: Track
    vehicles: tuple[Vehicle, ...]
    plcs: tuple[Plc, ...]
    rates: Rates = Rates()
