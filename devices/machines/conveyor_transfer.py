"""The words of a conveyor's transfer points. EventSeq counts changes of "occupied" (and of the load), never of ready.

| what happens | seen by | occupied | TrackNumber | EventSeq |
|---|---|---|---|---|
| set-down at an entry or a table (by crane, vehicle, person) | photo-eye | rises | a new one | +1 |
| the belt takes the load from an entry | PLC | falls | stays in the words | +1 |
| the belt brings a load to an exit | PLC | rises | the load's | +1 |
| lift from an exit or a table (or by hand from an entry) | photo-eye | falls | stays in the words | +1 |
| lift and set-down between two scans | photo-eye | stays | a new one (exit: the new load's) | +2 |

The WCS acknowledges the latest EventSeq that it has seen (TransferAck); as TrackNumbers stay in the words until the
next load, it may miss the middle of a set-down and departure and still learn the number. Until the acknowledgement
equals EventSeq *no next load* comes: an entry or table is not "ready to accept", and the belt brings nothing to an
exit. "Ready" follows from occupied, acknowledgement and running belts, and wires the givers through the world.
"""

from __future__ import annotations

import enum

from msgspec.structs import replace

from wcs.core.ports import TransferStatus
from wcs.plant.model import Record

EVENT_SEQUENCE_MODULUS = 1 << 16  # one word


class TransferKind(enum.Enum):
    """How a transfer point stands to the belts."""

    ENTRY = enum.auto()
    EXIT = enum.auto()
    TABLE = enum.auto()


class TransferMemory(Record):
    """What the PLC keeps of one transfer point; `number` is the load that covers the photo-eye, 0 none."""

    number: int = 0
    track: int = 0
    event_sequence: int = 0
    acknowledged: int = 0

    @property
    def settled(self) -> bool:
        """Whether the WCS has seen the last event."""
        return self.acknowledged == self.event_sequence


def covered(memory: TransferMemory, number: int, track: int) -> TransferMemory:
    """A load stands there now; if another one stood there a scan ago, that one was lifted in between."""
    changes = 1 if memory.number == 0 else 2
    return replace(_counted(memory, changes), number=number, track=track)


def cleared(memory: TransferMemory) -> TransferMemory:
    """Nothing stands there any more; the words keep the TrackNumber."""
    return replace(_counted(memory, 1), number=0)


def acknowledged(memory: TransferMemory, event_sequence: int) -> TransferMemory:
    """The WCS wrote TransferAck."""
    if memory.acknowledged == event_sequence:
        return memory
    return replace(memory, acknowledged=event_sequence)


def ready_to_accept(memory: TransferMemory, kind: TransferKind, *, running: bool) -> bool:
    """Whether a giver may set a load down."""
    return kind != TransferKind.EXIT and memory.number == 0 and memory.settled and running


def status_of(memory: TransferMemory, kind: TransferKind, *, running: bool) -> TransferStatus:
    """The words of the transfer point."""
    occupied = memory.number != 0
    return TransferStatus(
        occupied=occupied,
        ready_to_accept=ready_to_accept(memory, kind, running=running),
        ready_to_hand_over=kind != TransferKind.ENTRY and occupied and running,
        track=memory.track,
        event_sequence=memory.event_sequence,
    )


def _counted(memory: TransferMemory, changes: int) -> TransferMemory:
    return replace(memory, event_sequence=(memory.event_sequence + changes) % EVENT_SEQUENCE_MODULUS)
