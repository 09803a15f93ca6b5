"""Answers at points and transfer points: written, read back, and looked after until they have done their work.

Rule: no write's result is trusted. An answer is written at every turn until its words are read back as they were
written, and looked at again later, for a delayed older write may have come over it.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.words import encode_decision
from wcs.core.ports import PointDecision, PointStatus, TransferAck, TransferStatus
from wcs.plant.model import Record

REWRITE_MS = 50  # one poll: not yet read back as written
LOOK_AGAIN_MS = 500  # read back as written, not yet acted upon
WRITES_MAX = 40  # 40 × 50 ms without reading it back: what we write does not arrive
LOOKS_MAX = 3  # a transfer point's next event may be hours away: looked at three times, then left alone


class WriteDecision(Record):
    """Words +32..+39 of a point."""

    point: int
    words: tuple[int, ...]


class WriteTransferAck(Record):
    """TransferAck of one transfer point."""

    transfer: int
    words: tuple[int, ...]


Answer = WriteDecision | WriteTransferAck


class _Pending:
    """One answer that has not done its work yet."""

    def __init__(self, write: Answer) -> None:
        self.write = write
        self.due_ms = 0
        self.writes = 0  # since it was last read back as written
        self.looks = 0


class Answers:
    """The latest answer of every point and transfer point of one device."""

    def __init__(self) -> None:
        self._decisions: dict[int, tuple[PointDecision, _Pending]] = {}
        self._acks: dict[int, tuple[TransferAck, _Pending]] = {}

    def decide(self, decision: PointDecision) -> None:
        """Take a decision; it replaces an older one of the same point."""
        write = WriteDecision(point=decision.point, words=tuple(encode_decision(decision)))
        self._decisions[decision.point] = (decision, _Pending(write))

    def acknowledge(self, ack: TransferAck) -> None:
        """Take the acknowledgement of a transfer point's event."""
        write = WriteTransferAck(transfer=ack.transfer, words=(ack.event_sequence,))
        self._acks[ack.transfer] = (ack, _Pending(write))

    def review(self, points: Sequence[PointStatus], transfers: Sequence[TransferStatus]) -> None:
        """Drop what has done its work, as the device says now.

        A decision: its event is gone, or was judged and our words have been read back. An acknowledgement: its event
        is over, or it was looked at often enough.
        """
        for point, (decision, pending) in list(self._decisions.items()):
            status = points[point]
            gone = (status.scan_sequence, status.track) != (decision.scan_sequence, decision.track)
            judged = any(outcome.scan_sequence == decision.scan_sequence for outcome in status.outcomes)
            if gone or (judged and pending.looks):
                del self._decisions[point]
        for transfer, (ack, pending) in list(self._acks.items()):
            if transfers[transfer].event_sequence != ack.event_sequence or pending.looks >= LOOKS_MAX:
                del self._acks[transfer]

    def due(self, now_ms: int) -> list[Answer]:
        """What is to be written now (and read back)."""
        writes: list[Answer] = []
        for pending in self._all():
            if now_ms >= pending.due_ms:
                pending.due_ms = now_ms + REWRITE_MS
                pending.writes += 1
                writes.append(pending.write)
        return writes

    def read_back(self, write: Answer, words: Sequence[int], now_ms: int) -> None:
        """What stands in the PLC after `write`."""
        for pending in self._all():
            if pending.write is write and tuple(words) == write.words:
                pending.looks += 1
                pending.writes = 0
                pending.due_ms = now_ms + LOOK_AGAIN_MS

    def not_arriving(self) -> Answer | None:
        """An answer that was written as often as allowed and never read back as written."""
        return next((pending.write for pending in self._all() if pending.writes > WRITES_MAX), None)

    def next_due_ms(self) -> int | None:
        """When `due` has something to say."""
        return min((pending.due_ms for pending in self._all()), default=None)

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._decisions.clear()
        self._acks.clear()

    def _all(self) -> list[_Pending]:
        return [pending for _, pending in (*self._decisions.values(), *self._acks.values())]
