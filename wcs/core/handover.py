"""Transfer points: what stands there, whose it is, and who is told.

    new TrackNumber        a giver set something down (or the belt brought it): bind the number, book the set-down
    occupied falls         the belt, a machine or a person took it
    every new EventSeq     is acknowledged; the PLC accepts no next load before

Rule: the words are levels and keep the last load, so a set-down and a departure missed between two reads are both still
booked, in order. Evidence from a photo-eye is a physical confirmation: it books the giver's deposit or the taker's pick
even if their own report comes later.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core import surprises, tasks, transports
from wcs.core.ports import TransferAck, TransferStatus
from wcs.core.turn import Turn
from wcs.plant.model import OUTSIDE


def transfer_changed(turn: Turn, device: str, index: int, status: TransferStatus, *, again: bool = False) -> None:
    """Take in the words of one transfer point; `again` also repeats the acknowledgement (after a reconnect)."""
    transfer_point = turn.layout.transfer_point_at.get((device, index))
    if transfer_point is None:
        return
    name = transfer_point.name
    old = turn.state.transfer_point.get(name) or e.TransferPointState(name=name)
    new = e.TransferPointState(
        name=name,
        occupied=status.occupied,
        ready_to_accept=status.ready_to_accept,
        ready_to_hand_over=status.ready_to_hand_over,
        track=status.track,
        event_sequence=status.event_sequence,
    )
    if new != old or name not in turn.state.transfer_point:
        turn.record(f.TransferPointSeen(name=name, status=status))
        standing = turn.state.unit_at(name)
        if standing and status.occupied and status.event_sequence < old.event_sequence:
            # The PLC has lost its memory and numbers anew what stands there: nothing has come or gone.
            claim(turn, name, standing)
        elif status.track and status.track != old.track:
            if not waits_for_track(turn, name, old.track):
                departed(turn, name)
            turn.end_alarms(name, "appeared", "another load stands there")
            arrived(turn, name, status.track)
        elif status.track and status.occupied and not (old.occupied or standing):
            seen_again(turn, name, status.track)
        if not status.occupied:
            departed(turn, name)
            turn.end_alarms(name, "appeared", "nothing stands there")
        elif standing:
            turn.end_alarms(name, "vanished", "it is there")
        transports.wake_around(turn, name)
    if status.event_sequence and (again or status.event_sequence != old.event_sequence):
        turn.commands.append(TransferAck(device=device, transfer=index, event_sequence=status.event_sequence))


def acknowledge_again(turn: Turn) -> None:
    """A point that is empty and yet takes no load has not had our acknowledgement, or has had an older one after it:
    the level is written again. (The ends of belts show it by nothing; theirs is written again at the next connection.)
    """
    for point in turn.state.transfer_point:
        if point.occupied or point.ready_to_accept or not point.event_sequence or point.name in turn.layout.belt_ends:
            continue
        place = turn.layout.transfer_points[point.name]
        if turn.state.device[place.device].able:
            turn.commands.append(
                TransferAck(device=place.device, transfer=place.index, event_sequence=point.event_sequence)
            )


def waits_for_track(turn: Turn, name: str, old_track: int) -> bool:
    """A load unit that is booked here and has no track yet is the one whose track shows now: its machine's DONE came
    before the words of the conveyor.
    """
    unit = turn.state.unit_at(name)
    if not unit or name not in turn.layout.entries:
        return False
    bound = turn.state.track.get((turn.layout.conveyor_of_place[name], old_track))
    return bound is None or bound.load_unit != unit


def departed(turn: Turn, name: str) -> None:
    """Whatever the book has at this transfer point is no longer there."""
    unit = turn.state.unit_at(name)
    if not unit:
        return
    leg = turn.state.leg_of_unit(unit)
    if leg is None:
        # People take from docks and stations and confirm it themselves; elsewhere somebody must say where it is.
        if not people_take_from(turn, name):
            surprises.vanished(turn, name, unit)
        return
    if leg.carrier in turn.layout.conveyors:
        entered(turn, leg)
        return
    task = tasks.open_task(turn, leg.device) if leg.device else None
    if task is not None and task.source == name:
        tasks.book_pick(turn, task.number)


def people_take_from(turn: Turn, name: str) -> bool:
    layout = turn.layout
    return name in layout.dock_outbound or name in layout.station_of_handover or name in layout.clarification


def entered(turn: Turn, leg: e.Leg) -> None:
    """The belt has taken it: one containment line, keyed by the leg."""
    if not leg.picked:
        turn.record(f.LegPicked(number=leg.number))
        turn.move(leg.load_unit, leg.carrier, f"L{leg.number}:ENTER")
        transports.wake_around(turn, leg.source)


def arrived(turn: Turn, name: str, track: int) -> None:
    """A load with a new number stands (or stood) at this transfer point: find out which it is."""
    state = turn.state
    conveyor = turn.layout.conveyor_of_place[name]
    known = state.track.get((conveyor, track))
    if known is not None and known.load_unit:
        left_conveyor(turn, conveyor, known, name)
        return
    unit = set_down_at(turn, name)
    if unit:
        claim(turn, name, unit)
    elif not state.transfer_point[name].occupied:
        pass  # the words keep the last load: it has gone on, and is met where it is seen next
    elif not people_bring_to(turn, name):
        surprises.appeared(turn, name, track)


def seen_again(turn: Turn, name: str, track: int) -> None:
    """The photo-eye had lost sight of what stands there. Was it an unknown load, its alarm has ended too soon."""
    known = turn.state.track.get((turn.layout.conveyor_of_place[name], track))
    if (known is None or not known.load_unit) and not people_bring_to(turn, name):
        surprises.appeared(turn, name, track)


def people_bring_to(turn: Turn, name: str) -> bool:
    return name in turn.layout.dock_inbound or name in turn.layout.station_of_put_on


def set_down_at(turn: Turn, name: str) -> int:
    """The load unit that was set down here: already booked, or a machine's whose deposit is under way."""
    state = turn.state
    unit = state.unit_at(name)
    if unit:
        return unit
    for number in state.legs_coming_to.get(name, ()):
        leg = state.leg[number]
        task = tasks.open_task(turn, leg.device) if leg.device else None
        if task is not None and task.sink == name and task.leg == number:
            tasks.book_deposit(turn, task.number)
            return leg.load_unit
    return 0


def claim(turn: Turn, name: str, unit: int) -> None:
    """Bind the track that the words show to a load unit of which we know that it was set down here."""
    state = turn.state
    point = state.transfer_point.get(name)
    if point is None or not point.track or name not in turn.layout.entries:
        return
    conveyor = turn.layout.conveyor_of_place[name]
    if (conveyor, point.track) not in state.track:
        turn.record(f.TrackBound(conveyor=conveyor, track=point.track, load_unit=unit))


def left_conveyor(turn: Turn, conveyor: str, track: e.Track, place: str) -> None:
    """A load that the conveyor carried rests at one of its ends (or at a station's pick point)."""
    unit = track.load_unit
    leg = turn.state.leg_of_unit(unit)
    here = turn.state.load_unit[unit].place
    if here == place:
        return
    if leg is not None and leg.carrier == conveyor and not leg.picked:
        entered(turn, leg)
    if leg is not None and leg.carrier == conveyor:
        turn.move(unit, place, f"L{leg.number}:LEAVE")
    else:
        turn.move(unit, place, turn.manual_key(), "seen there by the conveyor")
    if place in turn.layout.transfer_points:
        turn.record(f.TrackReleased(conveyor=conveyor, track=track.track))
    if place in turn.layout.clarification:
        clarify(turn, place, unit)
    if leg is not None:
        transports.end_leg(turn, leg.number, "done" if leg.sink == place else f"left at {place}")
    transports.wake_around(turn, place)


def release_tracks(turn: Turn, unit: int) -> None:
    """No belt carries it, whatever was said of it."""
    for track in [track for track in turn.state.track if track.load_unit == unit]:
        turn.record(f.TrackReleased(conveyor=track.conveyor, track=track.track))


def clarify(turn: Turn, place: str, unit: int) -> None:
    """It came to the clarification lane: whatever it was to do is off until a person has put it right."""
    transport = turn.state.transport_for(unit)
    if transport is not None and transport.sink != place:
        transports.redirect(turn, transport.number, place, e.Purpose.CLARIFICATION, "came to the clarification lane")
    turn.raise_alarm(
        place, "clarification", f"load unit {unit} waits in the clarification lane", answers=("moved",), load_unit=unit
    )


def placed_by_hand(turn: Turn, unit: int, place: str, reason: str) -> None:
    """A person says that they put a load unit there: one containment line; a waiting track is bound to it.

    Words that show nothing there are those of the last load: this one's are still on their way, or it has gone on
    already and is known when it is seen next.
    """
    state = turn.state
    if state.load_unit[unit].place != place:
        turn.move(unit, place, turn.manual_key(), reason)
    point = state.transfer_point.get(place)
    if point is not None and point.occupied:
        claim(turn, place, unit)


def gone_by_hand(turn: Turn, unit: int, reason: str) -> None:
    """A person took it out of the building."""
    turn.move(unit, OUTSIDE, turn.manual_key(), reason)
