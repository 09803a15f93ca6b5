"""The plant as the mind looks things up in it. Rule: computed once from the plant, never changed, decides nothing."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping

import msgspec

from wcs.core.ports import Address
from wcs.plant.locations import LocationTable
from wcs.plant.model import (
    Aisle,
    Conveyor,
    CranePoint,
    Dock,
    PickStation,
    Plant,
    Point,
    StackerCrane,
    TrackNode,
    TransferPoint,
    Vehicle,
)
from wcs.plant.routes import Routes

FLEET = "VEHICLES"
# Share of a conveyor loop's places that may be filled by what we send onto it: beyond it a loop turns, but nothing
# gets off in time; measured on loops of 20 to 200 places, throughput falls above about two thirds.
CONVEYOR_FILL_MAX = 0.6


class Kind(enum.Enum):
    """What a device is to the mind."""

    CRANE = "crane"
    VEHICLE = "vehicle"
    CONVEYOR = "conveyor"


class Layout:
    """Look-ups on one plant."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.routes = Routes(plant)
        self.locations = LocationTable(plant)
        self.digest = hashlib.sha256(msgspec.json.encode(plant)).hexdigest()
        self.aisles: Mapping[str, Aisle] = {a.name: a for a in plant.aisles}
        self.cranes: Mapping[str, StackerCrane] = {c.name: c for c in plant.cranes}
        self.crane_of_aisle: Mapping[str, StackerCrane] = {c.aisle: c for c in plant.cranes}
        self.vehicles: Mapping[str, Vehicle] = {v.name: v for v in plant.vehicles}
        self.stations: Mapping[str, PickStation] = {s.name: s for s in plant.stations}
        self.docks: Mapping[str, Dock] = {d.name: d for d in plant.docks}
        self.conveyors: Mapping[str, Conveyor] = {c.name: c for c in plant.conveyors}
        self._fill_max = {
            c.name: max(2, int(sum(s.capacity for s in c.segments) * CONVEYOR_FILL_MAX)) for c in plant.conveyors
        }
        self.nodes: Mapping[str, TrackNode] = {n.name: n for n in plant.track.nodes}
        self.node_of_number: Mapping[int, str] = {n.number: n.name for n in plant.track.nodes}
        self.edges = {f"{edge.origin}>{edge.end}": (edge.origin, edge.end) for edge in plant.track.edges}
        self.kinds: dict[str, Kind] = {c.name: Kind.CRANE for c in plant.cranes}
        self.kinds.update({v.name: Kind.VEHICLE for v in plant.vehicles})
        self.conveyor_of_device: dict[str, Conveyor] = {}
        self.transfer_points: dict[str, TransferPoint] = {}
        self.transfer_point_at: dict[tuple[str, int], TransferPoint] = {}
        self.conveyor_of_place: dict[str, str] = {}
        self.points: dict[str, Point] = {}
        self.point_at: dict[tuple[str, int], Point] = {}
        for conveyor in plant.conveyors:
            self._add_conveyor(conveyor)
        self.crane_points: dict[tuple[str, str], CranePoint] = {
            (c.name, p.transfer_point): p for c in plant.cranes for p in c.transfer_points
        }
        self.cranes_at: dict[str, list[str]] = {}
        for crane_name, place in self.crane_points:
            self.cranes_at.setdefault(place, []).append(crane_name)
        self.stops: dict[str, tuple[TrackNode, int]] = {
            s.transfer_point: (n, s.level) for n in plant.track.nodes for s in n.stops
        }
        self.station_of_point: dict[str, PickStation] = {s.pick_point: s for s in plant.stations}
        self.station_of_handover: dict[str, PickStation] = {s.handover_point: s for s in plant.stations}
        self.station_of_put_on: dict[str, PickStation] = {s.put_on_point: s for s in plant.stations}
        self.station_of_place: dict[str, PickStation] = {p: s for s in plant.stations for p in s.order_places}
        self.dock_inbound: dict[str, Dock] = {p: d for d in plant.docks for p in d.inbound_points}
        self.dock_outbound: dict[str, Dock] = {p: d for d in plant.docks for p in d.outbound_points}
        self.people_entries = (*self.dock_inbound, *self.station_of_put_on)
        self.clarification = plant.clarification_points
        self.entries = {s.origin for c in plant.conveyors for s in c.segments}
        self.belt_ends = {s.end for c in plant.conveyors for s in c.segments}
        self.vehicle_entries: dict[str, tuple[str, ...]] = {  # where vehicles set down what the belts take away
            c.name: tuple(p.name for p in c.transfer_points if p.name in self.entries and p.name in self.stops)
            for c in plant.conveyors
        }
        self.devices: tuple[str, ...] = tuple(self.kinds)
        self.homes = _homes(plant)
        self.load_type_of_number = {t.number: t for t in plant.load_types}

    def _add_conveyor(self, conveyor: Conveyor) -> None:
        for device in conveyor.devices:
            self.kinds[device] = Kind.CONVEYOR
            self.conveyor_of_device[device] = conveyor
        for transfer_point in conveyor.transfer_points:
            self.transfer_points[transfer_point.name] = transfer_point
            self.transfer_point_at[transfer_point.device, transfer_point.index] = transfer_point
            self.conveyor_of_place[transfer_point.name] = conveyor.name
        for point in conveyor.points:
            self.points[point.name] = point
            self.point_at[point.device, point.index] = point
            self.conveyor_of_place[point.name] = conveyor.name

    def conveyor_fill_max(self, conveyor: str) -> int:
        """How many load units may be under way on a conveyor by our own doing."""
        return self._fill_max[conveyor]

    def aisle_of(self, place: str) -> str | None:
        """The aisle of a storage location; None for any other place."""
        aisle = place.split("-", 1)[0]
        return aisle if aisle != place and aisle in self.aisles else None

    def around(self, place: str) -> str:
        """The conveyor that a point or transfer point belongs to; any other place stands for itself."""
        return self.conveyor_of_place.get(place, place)

    def is_location(self, place: str) -> bool:
        return self.aisle_of(place) is not None

    def is_track(self, place: str) -> bool:
        """Whether it is a node of the vehicles' track or an edge between two, written `A>B`."""
        return place in self.nodes or place in self.edges

    def target(self, place: str) -> str:
        """The node of the route graph at which `place` is reached: an aisle's name for its locations."""
        return self.aisle_of(place) or place

    def crane_address(self, crane: str, place: str) -> Address:
        """Address words of a location or transfer point, as this crane counts them."""
        aisle = self.aisles[self.cranes[crane].aisle]
        point = self.crane_points.get((crane, place))
        if point is not None:
            return Address(a=aisle.number, b=0, c=point.number)
        a = self.locations.address(self.locations.index(place))
        return Address(a=aisle.number, b=a.bay, c=a.level, d=a.side * 10 + a.depth)

    def crane_position_mm(self, crane: str, place: str) -> tuple[int, int]:
        """Where the crane stands to serve `place`."""
        point = self.crane_points.get((crane, place))
        if point is not None:
            return point.x_mm, point.y_mm
        aisle = self.aisles[self.cranes[crane].aisle]
        a = self.locations.address(self.locations.index(place))
        return aisle.x0_mm + (a.bay - 1) * aisle.bay_pitch_mm, aisle.y0_mm + (a.level - 1) * aisle.level_pitch_mm


def _homes(plant: Plant) -> dict[str, str]:
    """A parking node of its own for every vehicle: where it starts if that is one, else the first that is left."""
    parking = [n.name for n in plant.track.nodes if n.parking]
    taken = {v.name: v.start_node for v in plant.vehicles if v.start_node in parking}
    left = [node for node in parking if node not in taken.values()]
    for vehicle in plant.vehicles:
        if vehicle.name not in taken:
            taken[vehicle.name] = left.pop(0)
    return {v.name: taken[v.name] for v in plant.vehicles}
