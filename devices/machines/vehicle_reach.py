"""What a vehicle can do from where it stands: the geometry that the PLC's rules ask for.

Rule: nodes and stations that the track has not are BAD_PARAMETER; a node that it has but is not at is INTERLOCK.
"""

from __future__ import annotations

from devices.machines.vehicle_way import Roads, Spot
from wcs.core.ports import AckCode, Address, DeviceTask, TaskType


class VehicleReach:
    """One vehicle at one spot."""

    has_home = False

    def __init__(self, roads: Roads, spot: Spot) -> None:
        self._roads = roads
        self._spot = spot

    def objection(self, task: DeviceTask) -> AckCode | None:
        """BAD_PARAMETER or INTERLOCK, or None."""
        match task.type:
            case TaskType.POSITION:
                return self._objection_to_way(self._spot.node, task)
            case TaskType.PICK:
                return self._objection_to_station(task.source)
            case TaskType.DEPOSIT:
                return self._objection_to_station(task.sink)
            case TaskType.CHARGE:
                return self._objection_to_charging(task.sink.a or self._spot.node)
            case TaskType.TRANSFER:
                return AckCode.BAD_PARAMETER

    def extension_objection(self, task: DeviceTask) -> AckCode | None:
        """A stretch that follows the present end."""
        return self._objection_to_way(task.source.a, task)

    def way(self, task: DeviceTask) -> tuple[int, ...]:
        """The nodes of a POSITION after the last confirmed one."""
        return self._roads.way(self._spot.node, task) if task.type == TaskType.POSITION else ()

    def extension(self, task: DeviceTask) -> tuple[int, ...]:
        """The nodes of an EXTEND after its Source A."""
        return self._roads.way(task.source.a, task)

    def _objection_to_way(self, start: int, task: DeviceTask) -> AckCode | None:
        joined = task.type == TaskType.POSITION and self._roads.joins(start, self._roads.way(start, task))
        return None if joined and self._roads.node(task.sink.a) is not None else AckCode.BAD_PARAMETER

    def _objection_to_station(self, address: Address) -> AckCode | None:
        if self._roads.stop_place(address.a, address.b) is None:
            return AckCode.BAD_PARAMETER
        return None if self._stands_at(address.a) else AckCode.INTERLOCK

    def _objection_to_charging(self, number: int) -> AckCode | None:
        node = self._roads.node(number)
        if node is None or not node.charging:
            return AckCode.BAD_PARAMETER
        return None if self._stands_at(number) else AckCode.INTERLOCK

    def _stands_at(self, node: int) -> bool:
        return self._spot == Spot(node=node)
