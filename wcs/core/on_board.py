"""A machine with a load on board that the book does not have there: somebody has answered wrongly, or put it there.

    at rest, its sensor shows a load, the book none ──▶ alarm; no task ──┬─ a person books the load unit on board
                                                                         └─ the sensor shows nothing any more

Rule: nobody guesses what it is. The machine would refuse all that begins with a pick, so it is not asked; who takes the
load off need not say so, for the sensor does.
"""

from __future__ import annotations

from wcs.core.layout import Kind
from wcs.core.ports import DeviceState, DeviceStatus, OperatingMode
from wcs.core.retries import REFUSED
from wcs.core.state import State
from wcs.core.turn import Turn

UNKNOWN_LOAD = "unknown_load"


def look(turn: Turn, device: str, status: DeviceStatus) -> None:
    """Hold what a machine at rest has on board against the book. People may handle loads in the other modes."""
    if turn.layout.kinds[device] is Kind.CONVEYOR:
        return
    if not status.load_present or turn.state.units_at.get(device):
        turn.end_alarms(device, UNKNOWN_LOAD, "device and book agree")
        return
    at_rest = status.state is DeviceState.IDLE and not turn.state.device[device].task
    if not at_rest or status.mode is not OperatingMode.AUTOMATIC or is_unknown(turn.state, device):
        return
    turn.end_alarms(device, REFUSED, "the load on board is why")
    unit = turn.state.load_unit.get(status.load_id)
    if unit is None:
        turn.raise_alarm(device, UNKNOWN_LOAD, "has a load on board that the book does not know")
        return
    turn.raise_alarm(
        device, UNKNOWN_LOAD, f"has load unit {unit.load_unit} on board, which the book has at {unit.place}",
        answers=("on_device",), load_unit=unit.load_unit,
    )  # fmt: skip


def is_unknown(state: State, device: str) -> bool:
    """Whether this machine has something on board that the book does not have there."""
    return state.has_alarm(device, UNKNOWN_LOAD)
