"""What people answer to alarms, above all to an unknown outcome: they say where the load is, and that is booked.

at_source   nothing moved (a booked pick is reversed)
on_device   the pick (a booked set-down is reversed: it was a photo-eye's mistake)
at_sink     pick and deposit
gone        to the place "lost", unless the book knows that it has gone on from there meanwhile
"""

from __future__ import annotations

from wcs.core import by_hand, driving, handover, legs, on_board, orders, putaway, reconcile, stops, tasks, transports
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.layout import Kind
from wcs.core.ports import CommandCode
from wcs.core.turn import RequestRefused, Turn
from wcs.plant.model import LOST

FORK_NOT_CENTRED = 1 << 2  # alarm word 1


def alarm_answered(turn: Turn, event: v.AlarmAnswered) -> None:
    """End an alarm with one of its answers."""
    alarm = turn.state.alarm.get(event.alarm)
    if alarm is None:
        raise RequestRefused("alarm", f"no open alarm {event.alarm}")
    if event.answer not in alarm.answers:
        raise RequestRefused("answer", f"wanted one of {', '.join(alarm.answers) or 'none: it ends by itself'}")
    if alarm.code == on_board.UNKNOWN_LOAD:
        book_on_board(turn, alarm, event)
        return
    if alarm.code == "outcome_unknown":
        check_outcome(turn, alarm, event.answer)
    # "gone" moves it on paper; any other answer would leave it where it is said not to be, and it would be asked again.
    asks_where = alarm.code in ("clarification", "no_route") or (alarm.code == "vanished" and event.answer != "gone")
    if asks_where and alarm.load_unit in turn.state.units_at.get(alarm.subject, ()):
        raise RequestRefused("answer", f"load unit {alarm.load_unit} stands at {alarm.subject}: say where it was moved")
    turn.record(f.AlarmEnded(number=alarm.number, answer=event.answer, actor=event.actor))
    match alarm.code:
        case "outcome_unknown":
            outcome(turn, alarm.task, event.answer, event.actor)
        case "device_fault":
            reset_fault(turn, alarm.subject)
        case "device_stopped":
            stops.answered(turn, alarm.subject, event.answer)
        case driving.MISLOCATED:
            driving.located(turn, alarm.subject)
        case "foreign_device":
            reconcile.take_over(turn, alarm.subject, event.actor)
        case "warehouse_full" if still_waits(turn, alarm):
            putaway.store(turn, alarm.load_unit, reason="asked again")
        case "vanished" if event.answer == "gone":
            lose(turn, alarm.load_unit, "vanished")
        case _:
            pass


def book_on_board(turn: Turn, alarm: e.Alarm, event: v.AlarmAnswered) -> None:
    """The load unit that the machine names is the one on it: a move by hand, which ends the alarm."""
    moved = v.LoadUnitPlaced(
        at_ms=event.at_ms, actor=event.actor, load_unit=alarm.load_unit, place=alarm.subject, reason="found on board"
    )
    by_hand.move(turn, moved, turn.state.load_unit[alarm.load_unit])


def store_what_waits(turn: Turn, actor: str) -> None:
    """A person has opened something: what found no free location there asks again by itself."""
    for alarm in tuple(turn.state.alarm):
        waits = alarm.code == "warehouse_full" and still_waits(turn, alarm)
        if waits and putaway.choose(turn, alarm.load_unit) is not None:
            turn.record(f.AlarmEnded(number=alarm.number, answer="retry", actor=actor))
            putaway.store(turn, alarm.load_unit, reason="opened again")


def still_waits(turn: Turn, alarm: e.Alarm) -> bool:
    """Whether the load unit of an alarm is where it was, with nothing else to do meanwhile."""
    unit = turn.state.load_unit.get(alarm.load_unit)
    if unit is None or unit.place != alarm.subject or unit.role is e.LoadUnitRole.ORDER:
        return False
    transport = turn.state.transport_for(alarm.load_unit)
    return transport is None or transport.purpose is not e.Purpose.RETRIEVAL


def reset_fault(turn: Turn, device: str) -> None:
    """RESET_FAULT names the task that is active there, else 0; a fork left out by a power loss is drawn in by HOME."""
    task = tasks.open_task(turn, device)
    if task is None and turn.state.device[device].alarms[0] == FORK_NOT_CENTRED:
        turn.send(device, CommandCode.HOME)
        return
    active = task is not None and task.state is e.TaskState.ACCEPTED
    turn.send(device, CommandCode.RESET_FAULT, task.number if task is not None and active else 0)


def check_outcome(turn: Turn, alarm: e.Alarm, answer: str) -> None:
    """Refuse what the book cannot follow: two load units at one place, or one that the photo-eye does not see there."""
    task = turn.state.task.get(alarm.task)
    if task is None or answer not in ("at_source", "at_sink"):
        return
    place = task.sink if answer == "at_sink" else task.source
    other = turn.state.unit_at(place) if place else 0
    if other and other != task.task.load_id:
        raise RequestRefused("answer", f"load unit {other} stands at {place} by the book: move it first")
    if answer == "at_source" and is_seen_empty(turn, place):
        raise RequestRefused("answer", f"nothing is seen at {place}")


def is_seen_empty(turn: Turn, place: str) -> bool:
    """Whether the photo-eye of a transfer point is heard and shows nothing."""
    point = turn.state.transfer_point.get(place)
    if point is None or point.occupied:
        return False
    return turn.state.device[turn.layout.transfer_points[place].device].link is e.Link.SYNCHRONISED


def outcome(turn: Turn, number: int, answer: str, actor: str) -> None:
    """Book where the load is, receipt the task, and let the load unit go on from there."""
    task = turn.state.task.get(number)
    if task is None:
        return
    turn.record(f.DeviceTaskAnswered(number=number, answer=answer, actor=actor))
    unit = task.task.load_id
    match answer:
        case "at_source" if unit and task.source and turn.state.load_unit[unit].place != task.source:
            reverse(turn, task, task.source, f"task {number}: pick reversed by {actor}")
        case "on_device":
            tasks.book_pick(turn, number)
            if unit and turn.state.load_unit[unit].place != task.device:
                reverse(turn, task, task.device, f"task {number}: set-down reversed by {actor}")
        case "at_sink":
            tasks.book_deposit(turn, number)
        case "gone" if unit and turn.state.load_unit[unit].place in (task.device, task.source, task.sink):
            lose(turn, unit, f"task {number}: gone, says {actor}")
        case _:
            pass
    close(turn, number, answer)


def reverse(turn: Turn, task: e.OpenTask, place: str, reason: str) -> None:
    """The load is where the book no longer had it. If it was booked as set down, it may have gone on by the book:
    what it was to do goes on from here, and no belt carries it.
    """
    state, unit = turn.state, task.task.load_id
    turn.move(unit, place, turn.manual_key(), reason)
    if not task.deposited:
        return
    handover.release_tracks(turn, unit)
    transport = state.transport_for(unit)
    if transport is not None:
        transports.rests_elsewhere(turn, transport.number, reason)
    else:
        putaway.store(turn, unit, reason=reason)


def close(turn: Turn, number: int, answer: str) -> None:
    """The task is closed here; the device's copy is receipted when it shows it, its memory trusted again."""
    task = turn.state.task[number]
    turn.record(f.DeviceTaskEnded(number=number, outcome=f"answered {answer}"))
    device = turn.state.device[task.device]
    if device.link is e.Link.SYNCHRONISED:
        turn.send(task.device, CommandCode.RECEIPT, number)
        reconcile.settle_memory(turn, task.device)
        if device.alarms[0] & FORK_NOT_CENTRED and turn.layout.kinds[task.device] is Kind.CRANE:
            # Its fork is still out, holding a belt that must move before any next task can begin.
            turn.send(task.device, CommandCode.HOME)
    legs.task_withdrawn(turn, task)
    leg = turn.state.leg.get(task.leg) if task.leg else None
    if leg is not None:
        legs.settle(turn, leg)
    turn.wake_all()


def lose(turn: Turn, unit: int, reason: str) -> None:
    """The load unit is nowhere to be found."""
    if not unit:
        return
    transport = turn.state.transport_for(unit)
    if transport is not None:
        transports.drop(turn, transport.number, reason)
    if turn.state.load_unit[unit].place != LOST:
        turn.move(unit, LOST, turn.manual_key(), reason)
    orders.unit_gone(turn, unit, reason)
