"""What a stacker crane can reach: addresses of the wire, as places of the world and positions of the mast.

Rule: an address outside the crane's own aisle or its transfer points does not exist for it.
"""

from __future__ import annotations

from wcs.core.ports import AckCode, Address, DeviceTask, TaskType
from wcs.plant.locations import LocationAddress, LocationTable
from wcs.plant.model import Aisle, Plant, Record, Side, StackerCrane


class Stop(Record):
    """Where the mast stands to reach a place. `in_front` are the places that a fork must pass on its way there."""

    place: str
    x_mm: int
    y_mm: int
    is_transfer_point: bool
    confirmed: tuple[int, int, int]
    in_front: tuple[str, ...] = ()


class CraneReach:
    """Addresses of one crane; the geometry that the PLC's rules ask for."""

    has_home = True

    def __init__(self, plant: Plant, crane: StackerCrane) -> None:
        self._aisle: Aisle = next(aisle for aisle in plant.aisles if aisle.name == crane.aisle)
        self._locations = LocationTable(plant)
        self._transfers = {point.number: point for point in crane.transfer_points}
        self.transfer_places = tuple(point.transfer_point for point in crane.transfer_points)

    def stop(self, address: Address) -> Stop | None:
        """The stop for an address, None if there is none."""
        if address.a != self._aisle.number:
            return None
        confirmed = (address.a, address.b, address.c)
        if address.b == 0:
            point = self._transfers.get(address.c)
            if point is None:
                return None
            return Stop(
                place=point.transfer_point,
                x_mm=point.x_mm,
                y_mm=point.y_mm,
                is_transfer_point=True,
                confirmed=confirmed,
            )
        side, depth = divmod(address.d, 10)
        if side not in tuple(Side):
            return None
        try:
            lane = tuple(self._name(address, Side(side), nearer) for nearer in range(1, depth + 1))
        except ValueError:
            return None
        if not lane:
            return None
        return Stop(
            place=lane[-1],
            x_mm=self._aisle.x0_mm + (address.b - 1) * self._aisle.bay_pitch_mm,
            y_mm=self._aisle.y0_mm + (address.c - 1) * self._aisle.level_pitch_mm,
            is_transfer_point=False,
            confirmed=confirmed,
            in_front=lane[:-1],
        )

    def objection(self, task: DeviceTask) -> AckCode | None:
        """BAD_PARAMETER for addresses that this crane has not, loads too big for the sink, and CHARGE."""
        match task.type:
            case TaskType.TRANSFER:
                needed: tuple[Address, ...] = (task.source, task.sink)
            case TaskType.PICK:
                needed = (task.source,)
            case TaskType.DEPOSIT | TaskType.POSITION:
                needed = (task.sink,)
            case _:
                return AckCode.BAD_PARAMETER
        stops = [self.stop(address) for address in needed]
        if any(stop is None for stop in stops):
            return AckCode.BAD_PARAMETER
        sink = stops[-1]
        if task.type in (TaskType.TRANSFER, TaskType.DEPOSIT) and sink is not None and not sink.is_transfer_point:
            too_high = task.load_height_mm > self._aisle.location_height_mm
            if too_high or task.load_mass_g > self._aisle.location_mass_max_g:
                return AckCode.BAD_PARAMETER
        return None

    def extension_objection(self, task: DeviceTask) -> AckCode | None:
        """A crane's way has no stretches."""
        return AckCode.INTERLOCK

    def way(self, task: DeviceTask) -> tuple[int, ...]:
        """A crane's way has no nodes."""
        return ()

    def extension(self, task: DeviceTask) -> tuple[int, ...]:
        """A crane's way has no nodes."""
        return ()

    def _name(self, address: Address, side: Side, depth: int) -> str:
        location = LocationAddress(aisle=self._aisle.name, side=side, bay=address.b, level=address.c, depth=depth)
        return self._locations.name(self._locations.index_of(location))
