"""How a leg goes on when one of its device tasks has ended.

Rule: a leg ends where its load rests at the leg's sink; every other ending keeps the load on the book where the machine
has it and finds it another way. A surprise is answered by `surprises`, never booked away.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core import surprises, transports
from wcs.core.layout import Kind
from wcs.core.ports import ResultCode
from wcs.core.turn import Turn


def task_ended(turn: Turn, task: e.OpenTask) -> None:
    """A receipted task: follow its result."""
    device = task.device
    turn.wake("VEHICLES" if turn.layout.kinds[device] is Kind.VEHICLE else device)
    leg = turn.state.leg.get(task.leg) if task.leg else None
    if leg is None:
        if turn.state.units_at.get(device):
            surprises.stranded_on_device(turn, device)
        return
    match task.result:
        case ResultCode.SOURCE_EMPTY:
            surprises.source_empty(turn, task, leg)
        case ResultCode.SINK_OCCUPIED:
            surprises.sink_occupied(turn, task, leg)
        case _:
            settle(turn, leg)


def settle(turn: Turn, leg: e.Leg) -> None:
    """See where the load is: at the sink, on the device (the leg goes on), or still at the source (offered again)."""
    unit = turn.state.load_unit[leg.load_unit]
    if unit.place == leg.sink:
        transports.end_leg(turn, leg.number)
    elif unit.place in turn.layout.kinds:
        if not leg.picked:
            turn.record(f.LegPicked(number=leg.number))
    elif unit.place != leg.source or leg.picked:
        transports.end_leg(turn, leg.number, f"rests at {unit.place}")
    elif leg.device and turn.layout.kinds[leg.device] is Kind.CRANE:
        turn.record(f.LegAssigned(number=leg.number, device=""))
    else:
        release_if_idle(turn, leg)


def release_if_idle(turn: Turn, leg: e.Leg) -> None:
    """A vehicle that cannot go on with a leg it has not begun gives it back."""
    if leg.device and not leg.picked and not turn.state.device[leg.device].able:
        turn.record(f.LegAssigned(number=leg.number, device=""))


def task_withdrawn(turn: Turn, task: e.OpenTask) -> None:
    """A refused or never executed task is no more: the leg waits for a device again."""
    leg = turn.state.leg.get(task.leg) if task.leg else None
    if leg is not None and not leg.picked and leg.device:
        turn.record(f.LegAssigned(number=leg.number, device=""))
