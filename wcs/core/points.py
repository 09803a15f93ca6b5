"""Points of a conveyor: recognise the load, check it, say which exit.

Rule: an answer is decided once per scan and is then repeated, never changed; a load that nobody knows is not guessed
about: it turns round once more to be read again, then goes to the clarification lane.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core import handover, putaway, stations, tasks, transports
from wcs.core.ports import PointDecision, PointStatus, ScanFlags
from wcs.core.turn import Turn
from wcs.plant.model import Point, PointKind

# A second chance for the scanner, then a person: a third turn would only fill the loop.
READS_MAX = 2
# Scales differ from summed article masses by carrier wear and packing: 3 % and at least 300 g.
MASS_TOLERANCE_PERMILLE = 30
MASS_TOLERANCE_MIN_G = 300
READ = int(ScanFlags.READ)  # as a number: asked of each scan, and enum's own arithmetic takes a tenth of its time


def point_changed(turn: Turn, device: str, index: int, status: PointStatus, *, again: bool = False) -> None:
    """Take in the words of one point; `again` repeats an answer that may not have arrived (after a reconnect)."""
    point = turn.layout.point_at.get((device, index))
    if point is None or not status.scan_sequence:
        return
    known = turn.state.point.get(point.name)
    if known is None or known.scan_sequence != status.scan_sequence or known.track != status.track:
        if known is not None and known.load_unit and judged_before(status, known):
            left_point(turn, point, known)
        new_scan(turn, point, status)
        return
    if is_judged(status, status.scan_sequence):
        if known.load_unit:
            left_point(turn, point, known)
    elif again and not known.waiting:
        send_decision(turn, point, known)


def is_judged(status: PointStatus, scan_sequence: int) -> bool:
    """The PLC has let the load of this scan go by one of its exits."""
    for outcome in status.outcomes:  # noqa: SIM110 -- `any` with a generator takes a twentieth of a scan's time
        if outcome.scan_sequence == scan_sequence:
            return True
    return False


def judged_before(status: PointStatus, known: e.PointState) -> bool:
    """The former load was judged and the next one scanned between two readings."""
    return known.scan_sequence != status.scan_sequence and is_judged(status, known.scan_sequence)


def new_scan(turn: Turn, point: Point, status: PointStatus) -> None:
    """A load has come to this point."""
    state = turn.state
    conveyor = turn.layout.conveyor_of_place[point.name]
    track = state.track.get((conveyor, status.track))
    unit = recognise(turn, track, status)
    failed = point.scanner and not was_read(status) and point.kind is PointKind.IDENTIFICATION
    no_reads = (track.no_reads if track else 0) + failed
    turn.record(
        f.LoadUnitSeen(
            point=point.name,
            scan_sequence=status.scan_sequence,
            track=status.track,
            load_unit=unit,
            no_reads=no_reads,
            measured=measured(status),
        )
    )
    if unit:
        on_conveyor(turn, conveyor, unit)
        transport = state.transport_for(unit)
        if transport is not None and not transport.leg:
            transports.join_at_point(turn, transport.number, point.name)
    if point.kind is PointKind.STATION and unit:
        handover.left_conveyor(turn, conveyor, state.track[conveyor, status.track], point.name)
        turn.stations_to_serve[turn.layout.station_of_point[point.name].name] = None
        return
    if point.kind is PointKind.IDENTIFICATION:
        exit_, reason = identify(turn, point, status, unit, no_reads)
    elif no_reads and unit and not state.load_unit[unit].identified:
        exit_, reason = 0, "not identified yet: round to the identification point again"
    else:
        exit_, reason = way_on(turn, point, unit)
    decide(turn, point, exit_, reason)


def was_read(status: PointStatus) -> bool:
    """Whether the scanner read a barcode."""
    return int(status.flags) & READ != 0


def recognise(turn: Turn, track: e.Track | None, status: PointStatus) -> int:
    """Which load unit it is: by its number, else by its barcode; 0 if nobody knows."""
    by_barcode = turn.state.unit_of_barcode.get(status.barcode, 0) if was_read(status) else 0
    if track is not None and track.load_unit:
        if by_barcode and by_barcode != track.load_unit:
            turn.raise_alarm(
                "conveyor", "disagreement",
                f"track {track.track} should be load unit {track.load_unit}, but {status.barcode} was read",
                answers=("done",), load_unit=track.load_unit,
            )  # fmt: skip
            return by_barcode
        return track.load_unit
    return by_barcode


def on_conveyor(turn: Turn, conveyor: str, unit: int) -> None:
    """It is seen on the conveyor: if the book has it elsewhere, it entered (or was put on) unseen."""
    leg = turn.state.leg_of_unit(unit)
    place = turn.state.load_unit[unit].place
    if place == conveyor:
        return
    if leg is not None and leg.carrier == conveyor and place == leg.source:
        handover.entered(turn, leg)
        return
    task = tasks.open_task(turn, place) if place in turn.layout.kinds else None
    if task is not None and leg is not None and task.leg == leg.number:
        tasks.book_deposit(turn, task.number)
        on_conveyor(turn, conveyor, unit)
        return
    turn.move(unit, conveyor, turn.manual_key(), "seen on the conveyor")
    if leg is None and turn.state.transport_for(unit) is None:
        stations.put_on_seen(turn, unit)


def measured(status: PointStatus) -> str:
    return f"{status.mass_g} g, {status.height_mm} mm" if status.mass_g or status.height_mm else ""


def identify(turn: Turn, point: Point, status: PointStatus, unit: int, no_reads: int) -> tuple[int, str]:
    """At the identification point: read, weighed, contour-checked; what is wrong goes to the clarification lane."""
    if no_reads and not was_read(status):
        if no_reads < READS_MAX and not (unit and turn.state.load_unit[unit].identified):
            return way_on(turn, point, 0)[0] or point.default_exit, "not read: once more round"
        if not unit or not turn.state.load_unit[unit].identified:
            return to_clarification(turn, point, unit, f"not read {no_reads} times")
    if not unit and is_judged(status, status.scan_sequence):
        return 0, "unknown, and on its way already: asked about when it comes round again"
    if not unit:
        return to_clarification(turn, point, 0, f"unknown load unit {status.barcode!r}")
    wrong = reasons_against_load(turn, unit, point, status)
    if wrong:
        return to_clarification(turn, point, unit, f"{wrong}; measured {measured(status)}")
    known = turn.state.load_unit[unit]
    if not known.identified:
        mass, height = status.mass_g or known.mass_g, status.height_mm or known.height_mm
        turn.record(f.LoadUnitIdentified(load_unit=unit, mass_g=mass, height_mm=height))
        transport = turn.state.transport_for(unit)
        if transport is not None and transport.purpose is e.Purpose.PUTAWAY:
            better = putaway.choose(turn, unit)
            if better is not None and better != transport.sink:
                transports.redirect(turn, transport.number, better, e.Purpose.PUTAWAY, "chosen at identification")
    return way_on(turn, point, unit)


def reasons_against_load(turn: Turn, unit: int, point: Point, status: PointStatus) -> str:
    """What is wrong with a load by its measures; empty if nothing."""
    if status.flags & ScanFlags.CONTOUR:
        return "contour"
    if status.flags & ScanFlags.OVERWEIGHT:
        return "overweight"
    if status.flags & ScanFlags.SEVERAL_CODES:
        return "several codes"
    known = turn.state.load_unit[unit]
    if point.scale and status.mass_g and not known.identified:
        tolerance = max(known.mass_g * MASS_TOLERANCE_PERMILLE // 1000, MASS_TOLERANCE_MIN_G)
        if abs(status.mass_g - known.mass_g) > tolerance:
            return f"wrong weight: expected {known.mass_g} g"
    return ""


def to_clarification(turn: Turn, point: Point, unit: int, reason: str) -> tuple[int, str]:
    """Send it to the clarification lane that this conveyor has."""
    lanes = [c for c in turn.layout.clarification if turn.layout.routes.exit_towards(point.name, c) is not None]
    if not lanes:
        return 0, reason
    lane = lanes[0]
    turn.raise_alarm(lane, "clarification", f"load unit {unit or 'unknown'}: {reason}", answers=("moved",),
                     load_unit=unit)  # fmt: skip
    transport = turn.state.transport_for(unit) if unit else None
    if transport is not None:
        transports.redirect(turn, transport.number, lane, e.Purpose.CLARIFICATION, reason)
    elif unit:
        transports.create(turn, unit, lane, e.Purpose.CLARIFICATION, reason=reason)
    return turn.layout.routes.exit_towards(point.name, lane) or 0, reason


def way_on(turn: Turn, point: Point, unit: int) -> tuple[int, str]:
    """The exit on the way to the current leg's sink; exit 0 (the PLC's default) where nobody knows better."""
    leg = turn.state.leg_of_unit(unit) if unit else None
    if leg is None:
        return 0, "no transport order"
    exit_ = turn.layout.routes.exit_towards(point.name, leg.sink)
    if exit_ is None:
        exit_, leg = transports.plan_from(turn, leg, point.name)
    return exit_ or 0, f"towards {leg.sink}"


def decide(turn: Turn, point: Point, exit_: int, reason: str) -> None:
    """Say it, once: the fact first, then the telegram."""
    known = turn.state.point[point.name]
    turn.record(
        f.ExitDecided(point=point.name, scan_sequence=known.scan_sequence, exit=exit_, waiting=False, reason=reason)
    )
    send_decision(turn, point, turn.state.point[point.name])


def send_decision(turn: Turn, point: Point, known: e.PointState) -> None:
    turn.commands.append(
        PointDecision(
            device=point.device,
            point=point.index,
            scan_sequence=known.scan_sequence,
            track=known.track,
            exit=known.exit,
            epoch=turn.epoch,
        )
    )


def left_point(turn: Turn, point: Point, known: e.PointState) -> None:
    """The PLC has judged a scan at which the load rested: it is on the belt again."""
    if point.kind is not PointKind.STATION:
        return
    unit = known.load_unit
    leg = turn.state.leg_of_unit(unit)
    if turn.state.load_unit[unit].place == point.name and leg is not None and leg.carrier in turn.layout.conveyors:
        handover.entered(turn, leg)
        turn.stations_to_serve[turn.layout.station_of_point[point.name].name] = None
