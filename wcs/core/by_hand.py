"""Moves by hand: what a person has done with a load unit is booked, and it goes on from where they put it.

Rule: a person may put it anywhere but where something else stands or is bound for, and on a machine only what that has
on board already without the book's knowledge; what is promised of it, or was to be filled into it, is served from
there, or from elsewhere if it has left.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core import handover, on_board, orders, stations, tasks, transports
from wcs.core.evolve_stock import account_of
from wcs.core.turn import RequestRefused, Turn
from wcs.plant.model import LOST, OUTSIDE

GONE = (OUTSIDE, LOST)


def move(turn: Turn, event: v.LoadUnitPlaced, unit: e.LoadUnit) -> None:
    """Book what a person has done, and let the load unit go on from there."""
    if unit.place == event.place:
        return
    check(turn, event, unit)
    reason = f"moved by hand by {event.actor}: {event.reason}"
    transport = turn.state.transport_for(unit.load_unit)
    if transport is not None and (event.place in GONE or transport.purpose is e.Purpose.CLARIFICATION):
        transports.drop(turn, transport.number, reason)
        transport = None
    end_alarms(turn, event, unit)
    if unit.place in turn.layout.clarification and not unit.identified:
        turn.record(f.LoadUnitIdentified(load_unit=unit.load_unit, mass_g=unit.mass_g, height_mm=unit.height_mm))
    handover.placed_by_hand(turn, unit.load_unit, event.place, f"{event.actor}: {event.reason}")
    if event.place in turn.layout.kinds:
        handover.release_tracks(turn, unit.load_unit)
    if event.place in GONE:
        gone(turn, unit.load_unit, event.place, reason)
    elif transport is not None:
        transports.rests_elsewhere(turn, transport.number, reason)
    else:
        go_on(turn, unit.load_unit)
    turn.wake_all()


def check(turn: Turn, event: v.LoadUnitPlaced, unit: e.LoadUnit) -> None:
    """Refuse what the book cannot follow."""
    layout, state = turn.layout, turn.state
    a_location = layout.is_location(event.place) and layout.locations.has(event.place)
    a_point = event.place in layout.transfer_points or event.place in layout.station_of_place
    a_machine = on_board.is_unknown(state, event.place)
    if event.place in layout.kinds and not a_machine:
        raise RequestRefused("place", f"{event.place} has nothing on board that the book does not know")
    if not (a_location or a_point or a_machine or event.place in GONE):
        raise RequestRefused("place", f"unknown place {event.place!r}")
    if unit.place in layout.kinds and state.device[unit.place].task:
        raise RequestRefused("load_unit", f"{unit.place} is at work with it")
    leg = state.leg_of_unit(unit.load_unit)
    task = tasks.open_task(turn, leg.device) if leg is not None and leg.device else None
    if task is not None and leg is not None and task.leg == leg.number:
        raise RequestRefused("load_unit", f"{task.device} is on its way to it: cancel task {task.number} first")
    if event.place in GONE:
        return
    if other := state.unit_at(event.place):
        raise RequestRefused("place", f"{event.place} is occupied by load unit {other}")
    if event.place in layout.dock_outbound and not unit.sscc:
        raise RequestRefused("place", f"{event.place} is for what leaves: load unit {unit.load_unit} is not packed")
    point = state.transfer_point.get(event.place)
    by_machines = event.place in layout.transfer_points and not is_for_people(turn, event.place)
    if by_machines and (point is None or not point.occupied):
        raise RequestRefused("place", f"nothing is seen at {event.place}")
    bound = [other for other in state.units_to.get(event.place, ()) if other != unit.load_unit]
    if a_location and bound:
        raise RequestRefused("place", f"{event.place} is kept for load unit {bound[0]}, which is on its way there")


def is_for_people(turn: Turn, place: str) -> bool:
    """A transfer point at which people set down; at the others it is the photo-eye that must have seen it first."""
    layout = turn.layout
    return (
        place in layout.people_entries or place in layout.dock_outbound
        or place in layout.clarification or place in layout.station_of_handover
    )  # fmt: skip


def end_alarms(turn: Turn, event: v.LoadUnitPlaced, unit: e.LoadUnit) -> None:
    """Alarms that asked for just this are over."""
    state = turn.state
    for subject in (unit.place, event.place, *turn.layout.clarification):
        for number in tuple(state.alarms_of_subject.get(subject, ())):
            alarm = state.alarm[number]
            if alarm.load_unit == unit.load_unit or alarm.code in ("appeared", on_board.UNKNOWN_LOAD):
                turn.record(f.AlarmEnded(number=number, answer="moved", actor=event.actor))


def gone(turn: Turn, load_unit: int, place: str, reason: str) -> None:
    """It has left the building, with what is in it, or nobody knows where it is."""
    orders.unit_gone(turn, load_unit, reason)
    if place == OUTSIDE:
        for row in turn.state.contents(load_unit):
            turn.post(account_of(load_unit), "adjustment", row.sku, row.lot, row.owner, row.quantity, reason)


def go_on(turn: Turn, load_unit: int) -> None:
    """Nothing carries it: see what it is for. What stands at a station's own places is the station's to serve."""
    layout, state = turn.layout, turn.state
    unit = state.load_unit[load_unit]
    if unit.place in layout.station_of_place or unit.place in layout.station_of_handover:
        return
    if unit.place in layout.clarification:
        handover.clarify(turn, unit.place, load_unit)
        return
    on_machine = unit.place in layout.kinds
    if on_machine or unit.place in layout.transfer_points or unit.role is e.LoadUnitRole.ORDER:
        stations.put_on_seen(turn, load_unit)
