"""The points of a conveyor: what is seen when a load arrives, which decision counts, what is written when it leaves.

A load is *scanned* (the event), then travels DeadlineMs to the divert; meanwhile the WCS may decide. Loads behind it
may be scanned as soon as its event is settled, so several may be under way to the divert, in order.

| what the PLC has when the load reaches the divert | exit taken | reason |
|---|---|---|
| a decision for an exit with room | that exit | 1 as decided |
| exit 0 (event seen, no wish) | default | 1, or 4 if the code could not be read |
| an exit that the point does not have | default | 5 unknown exit |
| a decision for a full exit | default, as soon as one of the two has room | 3 exit full |
| no decision by the deadline | default | 2 default by timeout |

With DeadlineMs 0 there is no timeout and no way round: the load waits for the decision, and for room at its exit.
An exit of a standing belt, or one whose last load is less than a pitch away, is not full: the load waits there.
The first decision that passes is judged; a repetition, or another opinion, is ignored. The outcome is written when
the load takes the exit, for only then is it true.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from devices.machines.machine import Load
from wcs.core.ports import OutcomeReason, PointDecision, PointOutcome, PointStatus, ScanFlags
from wcs.plant.model import LoadType, Point, Record

SCAN_SEQUENCE_MAX = 0xFFFF  # one word, never 0
RING_LENGTH = 2  # words +24..+31
BARCODE_LENGTH = 32  # words +8..+23
EPOCH_BYTE = 0xFF


class ScannedLoad(Record):
    """A load between scanner and divert; `exit` is None until it is decided."""

    number: int
    scan_sequence: int
    track: int
    exit: int | None = None
    reason: OutcomeReason = OutcomeReason.AS_DECIDED


class PointMemory(Record):
    """What the PLC keeps of one point: the event's words and the loads under way to the divert, first one first."""

    event: PointStatus = PointStatus()
    under_way: tuple[ScannedLoad, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the next load may overwrite the event."""
        return all(load.exit is not None for load in self.under_way)


def scanned(
    memory: PointMemory, point: Point, load: Load, track: int, types: Mapping[int, LoadType], *, readable: bool
) -> PointMemory:
    """A load has arrived: its event."""
    sequence = memory.event.scan_sequence % SCAN_SEQUENCE_MAX + 1
    read = point.scanner and readable and bool(load.barcode)
    event = PointStatus(
        scan_sequence=sequence,
        flags=_flags(point, load, types.get(load.load_type), read=read),
        track=track,
        deadline_ms=point.deadline_ms,
        mass_g=load.mass_g if point.scale else 0,
        height_mm=load.height_mm if point.contour else 0,
        barcode=load.barcode[:BARCODE_LENGTH] if read else "",
        outcomes=memory.event.outcomes,
    )
    entry = ScannedLoad(number=load.number, scan_sequence=sequence, track=track)
    return PointMemory(event=event, under_way=(*memory.under_way, entry))


def _flags(point: Point, load: Load, load_type: LoadType | None, *, read: bool) -> ScanFlags:
    flags = ScanFlags(0)
    if point.scanner:
        flags |= ScanFlags.READ if read else ScanFlags.NO_READ
    if load_type is not None and point.scale and load.mass_g > load_type.mass_max_g:
        flags |= ScanFlags.OVERWEIGHT
    if load_type is not None and point.contour and load.height_mm > load_type.height_max_mm:
        flags |= ScanFlags.CONTOUR
    return flags


def judged(memory: PointMemory, point: Point, decision: PointDecision, latched_epoch: int) -> PointMemory:
    """The memory with the decision in it; the very same object if the decision is ignored."""
    matches = (
        decision.scan_sequence == memory.event.scan_sequence
        and decision.track == memory.event.track
        and decision.epoch & EPOCH_BYTE == latched_epoch & EPOCH_BYTE
    )
    if not matches:
        return memory
    if decision.exit == 0:
        unread = bool(memory.event.flags & ScanFlags.NO_READ)
        reason = OutcomeReason.NO_READ if unread else OutcomeReason.AS_DECIDED
        return _decided(memory, decision.scan_sequence, point.default_exit, reason)
    if decision.exit not in point.exits:
        return _decided(memory, decision.scan_sequence, point.default_exit, OutcomeReason.UNKNOWN_EXIT)
    return _decided(memory, decision.scan_sequence, decision.exit, OutcomeReason.AS_DECIDED)


def timed_out(memory: PointMemory, point: Point, sequence: int) -> PointMemory:
    """The deadline of a load has passed without a decision: default exit."""
    return _decided(memory, sequence, point.default_exit, OutcomeReason.TIMEOUT)


def left(memory: PointMemory, exit_taken: int, reason: OutcomeReason) -> PointMemory:
    """The first load has taken an exit: the outcome."""
    first, *others = memory.under_way
    outcome = PointOutcome(scan_sequence=first.scan_sequence, exit=exit_taken, reason=reason)
    outcomes = (outcome, *memory.event.outcomes)[:RING_LENGTH]
    return PointMemory(event=replace(memory.event, outcomes=outcomes), under_way=tuple(others))


def taken_away(memory: PointMemory, number: int) -> PointMemory:
    """A person has lifted a load off the belt before the divert: its event is closed without an outcome."""
    return replace(memory, under_way=tuple(load for load in memory.under_way if load.number != number))


def _decided(memory: PointMemory, sequence: int, exit_chosen: int, reason: OutcomeReason) -> PointMemory:
    under_way = tuple(
        replace(load, exit=exit_chosen, reason=reason) if load.scan_sequence == sequence and load.exit is None else load
        for load in memory.under_way
    )
    return memory if under_way == memory.under_way else replace(memory, under_way=under_way)
