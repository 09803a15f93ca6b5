"""The moment in which a fork or load handler is all the way out and the load changes place.

Rule: whether it did is said by the sensor afterwards, never by the attempt.
"""

from __future__ import annotations

from devices.machines.machine import World
from devices.machines.world import WorldRefused
from wcs.core.ports import DeviceState


def exchange(world: World, device: str, task_number: int, state: DeviceState, place: str, at_ms: int) -> bool:
    """PICKING takes the load at `place` on board, DEPOSITING sets it down; whether a load was picked."""
    on_board, standing = world.loads(device), world.loads(place)
    by = f"{device} task {task_number}"
    try:
        if state == DeviceState.PICKING and standing and not on_board:
            world.move(standing[0].number, place, device, by=f"{by} PICK", now_ms=at_ms)
            return True
        if state == DeviceState.DEPOSITING and on_board:
            world.move(on_board[0].number, device, place, by=f"{by} DEPOSIT", now_ms=at_ms)
    except WorldRefused:
        return False  # somebody was quicker: the fork comes back as it is, and the result says so
    return False
