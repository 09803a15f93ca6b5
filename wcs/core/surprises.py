"""When the building contradicts the book: what is posted, who is told, how the work goes on.

Rule: what a machine has physically confirmed is booked; the difference is a discrepancy with an alarm, never silence.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core import orders, putaway, transports, waiting
from wcs.core.turn import Turn
from wcs.plant.model import LOST

ABSENT_MS = 60_000  # people confirm before or after they have set down, not a minute before


def source_empty(turn: Turn, task: e.OpenTask, leg: e.Leg) -> None:
    """Nothing stood where the book said: the load unit is lost, and what it had promised comes from elsewhere."""
    unit = leg.load_unit
    transport = turn.state.leg[leg.number].transport_order
    transports.drop(turn, transport, "source empty")
    if turn.state.load_unit[unit].place not in (LOST, task.device):
        turn.move(unit, LOST, turn.manual_key(), "source found empty")
    turn.raise_alarm(
        task.source, "source_empty", f"load unit {unit} was not found at {task.source}", answers=("done",),
        load_unit=unit,
    )  # fmt: skip
    orders.unit_gone(turn, unit, "load unit not found")


def sink_occupied(turn: Turn, task: e.OpenTask, leg: e.Leg) -> None:
    """The place is taken by something unknown: keep the load, block the place, choose another."""
    transport = turn.state.transport[leg.transport_order]
    if turn.layout.is_location(task.sink):
        known = turn.state.block.get(task.sink)
        if known is None or not known.stops(e.Flow.IN):
            # It takes the place of a person's block for retrieval: who frees the location must read of that.
            before = f"; before that {waiting.of_block(known)}" if known is not None else ""
            reason = f"found occupied by task {task.number}{before}"
            turn.record(f.PlaceBlocked(place=task.sink, actor="plant", reason=reason))
        turn.raise_alarm(
            task.sink, "sink_occupied", f"{task.sink} was found occupied by a load that the book does not know",
            answers=("done",),
        )  # fmt: skip
        transports.drop(turn, transport.number, "sink occupied")
        putaway.store(turn, leg.load_unit, reason=f"{task.sink} was occupied")
    elif turn.state.load_unit[leg.load_unit].place == task.device and not leg.picked:
        turn.record(f.LegPicked(number=leg.number))


def stranded_on_device(turn: Turn, device: str) -> None:
    """A load is on board and no leg knows why (a person answered "on device", a task was cancelled loaded)."""
    for unit in tuple(turn.state.units_at.get(device, ())):
        if turn.state.transport_for(unit) is None:
            putaway.store(turn, unit, reason=f"stranded on {device}")


def look_for_absent(turn: Turn) -> None:
    """Something that people have said to be at a belt's entry, and that no photo-eye has seen there."""
    for place in turn.layout.people_entries:
        unit, point = turn.state.unit_at(place), turn.state.transfer_point.get(place)
        transport = turn.state.transport_for(unit) if unit else None
        if transport is None or point is None or point.occupied:
            continue
        if turn.now_ms - transport.created_ms > ABSENT_MS:
            vanished(turn, place, unit)


def vanished(turn: Turn, place: str, unit: int) -> None:
    """A load unit is gone from a transfer point without a task."""
    turn.raise_alarm(
        place, "vanished", f"load unit {unit} is gone from {place} without a task", answers=("gone", "moved"),
        load_unit=unit,
    )  # fmt: skip


def appeared(turn: Turn, place: str, track: int) -> None:
    """Something stands at a transfer point that nobody brought."""
    turn.raise_alarm(place, "appeared", f"an unknown load with track {track} stands at {place}", answers=("done",))
