"""The conversation with one device, without any input or output of its own.

              opened               whole read            SYNC acknowledged, whole read
    CLOSED ───────────▶ READING ───────────────▶ UP ─────────────────────────────────▶ UP
       ▲                   ▲        Connected     │           Synchronised
       │ closed            │ back-off over        │ unanswered · PlcLife still 3 s · not our interface
       └─────── any     RESTING ◀─────────────────┘ Unanswered or Disconnected

The carriage (Modbus, OPC UA) tells it what was read and asks what to write. Rule: it connects, beats, repeats, and
delivers what it hears; it decides nothing. Times are ms of one monotonic clock, given by the caller.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

from devices.session_answers import Answer, Answers, WriteDecision, WriteTransferAck
from devices.session_hearing import Hearing, Reading
from devices.session_outbox import Outbox, OutboxFull
from devices.words import TelegramError, TornRead
from wcs.core.ports import (
    Command,
    CommandCode,
    Connected,
    DeliveryNote,
    DeviceCommand,
    DeviceId,
    DeviceReport,
    Disconnected,
    PointDecision,
    Synchronised,
    Telemetry,
    Unanswered,
)
from wcs.plant.model import Record

__all__ = [
    "Delivery",
    "DeviceSession",
    "Phase",
    "Reading",
    "Write",
    "WriteCommand",
    "WriteDecision",
    "WriteLife",
    "WriteTransferAck",
    "back_off_ms",
]

LIFE_MS = 500  # WcsLife +1
SUSPECT_MS = 1_000  # PlcLife still: two of its beats are missing
LOST_MS = 3_000  # PlcLife still: the device is lost
TORN_READS_MAX = 20  # a PLC scan is shorter than a poll: so many in a row are no accident
BACK_OFF_FIRST_MS, BACK_OFF_LAST_MS = 200, 5_000


class WriteLife(Record):
    """WcsLife, word 0, alone."""

    value: int


class WriteCommand(Record):
    """The command block, 32 words, of which word 0 is not written."""

    words: tuple[int, ...]


Write = WriteLife | WriteCommand | Answer
Delivery = DeviceReport | Telemetry | DeliveryNote


class Phase(enum.Enum):
    """Where the conversation stands (diagram above)."""

    CLOSED = "closed"
    READING = "reading"
    UP = "up"
    RESTING = "resting"


def back_off_ms(attempts: int, jitter: float) -> int:
    """How long to wait before attempt number `attempts` + 1: doubling from 0.2 to 5 s, times 0.5 to 1.

    `jitter` in [0, 1) spreads many devices that were lost together.
    """
    whole = min(BACK_OFF_LAST_MS, BACK_OFF_FIRST_MS << min(attempts, 8))
    return int(whole * (0.5 + 0.5 * jitter))


class DeviceSession:
    """One device behind a PLC connection."""

    def __init__(
        self,
        device: DeviceId,
        *,
        tracked: bool,
        deliver: Callable[[Delivery], None],
        wall_ms: Callable[[], int],
        jitter: Callable[[], float],
    ) -> None:
        self.device = device
        self.tracked = tracked
        self.phase = Phase.CLOSED
        self._deliver = deliver
        self._wall_ms = wall_ms
        self._jitter = jitter
        self._outbox = Outbox()
        self._answers = Answers()
        self._hearing = Hearing(device, tracked=tracked)
        self.synchronised = False  # once since the connection was opened
        self._reconciled = False  # since it was last found
        self._told_lost = False
        self._attempts = 0
        self._retry_at_ms = 0
        self._must_move = False  # after a lost life: PlcLife has to move before the device counts as connected
        self._sync_sequence: int | None = None  # acknowledged; a whole read is wanted
        self._torn_reads = 0
        self._wcs_life = 0
        self._life_due_ms = 0

    # What the carriage says

    def opened(self, now_ms: int) -> None:
        """The PLC connection stands: read everything."""
        self._forget()
        self.phase = Phase.READING
        self.synchronised = False
        self._hearing.start(now_ms)
        self._life_due_ms = now_ms

    def closed(self, reason: str) -> None:
        """The PLC connection is gone, or could not be made."""
        self._forget()
        self.phase = Phase.CLOSED
        self._tell_lost(reason)

    def refused(self, reason: str, now_ms: int) -> None:
        """The PLC refuses to read or write this device's words."""
        self._rest(Disconnected(device=self.device, reason=reason), now_ms)

    def heard(self, reading: Reading, now_ms: int) -> None:
        """Words that were read or published. What is not a telegram of ours ends the conversation, by its name."""
        if self.phase in (Phase.CLOSED, Phase.RESTING):
            return
        try:
            self._hearing.take(reading, now_ms)
            self._torn_reads = 0
        except TornRead as torn:
            self._torn_reads += 1
            if self._torn_reads > TORN_READS_MAX:
                self.refused(f"{torn.words}: {torn}", now_ms)
            return
        except TelegramError as error:
            self.refused(f"{error.words}: {error}", now_ms)
            return
        if self.phase is Phase.READING:
            self._connect(reading, now_ms)
        else:
            self._follow(reading)

    def read_back(self, write: Answer, words: Sequence[int], now_ms: int) -> None:
        """What stands in the PLC after an answer was written."""
        self._answers.read_back(write, words, now_ms)

    def supervise(self, now_ms: int) -> None:
        """Whatever time alone brings about: to be called after the reads of a turn."""
        if self.phase is Phase.RESTING and now_ms >= self._retry_at_ms:
            self.phase = Phase.READING
            self._hearing.start(now_ms)
        if self.phase is not Phase.UP:
            return
        command = self._outbox.unanswered(now_ms)
        answer = self._answers.not_arriving()
        if command is not None:
            self._rest(Unanswered(device=self.device, sequence=command.sequence), now_ms)
        elif answer is not None:
            self.refused(f"{type(answer).__name__} is never read back as written", now_ms)
        elif self.life_age_ms(now_ms) >= LOST_MS:
            self._must_move = True
            self.refused("PlcLife stands still", now_ms)

    # What the core says

    def take(self, command: Command, now_ms: int) -> None:
        """A committed command; dropped unless the device is connected."""
        if self.phase is not Phase.UP:
            return
        if isinstance(command, PointDecision):
            self._answers.decide(command)
        elif isinstance(command, DeviceCommand):
            try:
                self._outbox.put(command)
            except OutboxFull as full:
                self.refused(str(full), now_ms)
        else:
            self._answers.acknowledge(command)

    # What the carriage asks

    def writes(self, now_ms: int) -> list[Write]:
        """What is to be written now, in this order."""
        writes: list[Write] = []
        if self.phase in (Phase.CLOSED, Phase.RESTING):
            return writes
        if now_ms >= self._life_due_ms:
            self._life_due_ms = now_ms + LIFE_MS
            self._wcs_life = (self._wcs_life + 1) & 0xFFFF
            writes.append(WriteLife(value=self._wcs_life))
        if self.phase is not Phase.UP:
            return writes
        self._answers.review(self._hearing.points, self._hearing.transfers)
        writes += self._answers.due(now_ms)
        telegram = self._outbox.next_telegram(now_ms)
        if telegram is not None:
            command, words, first = telegram
            writes.append(WriteCommand(words=tuple(words)))
            if first:
                self._deliver(DeliveryNote(device=self.device, sequence=command.sequence, sent_at_ms=self._wall_ms()))
        return writes

    def wants_whole_read(self, now_ms: int) -> bool:
        """Whether everything is to be read at once: a new connection, after SYNC, or PlcLife is suspect."""
        return (
            self.phase is Phase.READING
            or (self.phase is Phase.UP and self._sync_sequence is not None)
            or (self.phase is Phase.UP and self.life_age_ms(now_ms) >= SUSPECT_MS)
        )

    def life_age_ms(self, now_ms: int) -> int:
        """How long PlcLife has stood still."""
        return now_ms - self._hearing.life_changed_at_ms

    def next_due_ms(self, now_ms: int) -> int | None:
        """When `writes` or `supervise` has something to do; None: nothing before the next event."""
        if self.phase is Phase.CLOSED:
            return None
        if self.phase is Phase.RESTING:
            return self._retry_at_ms
        if self.phase is Phase.READING:
            return self._life_due_ms
        suspect = self.life_age_ms(now_ms) >= SUSPECT_MS
        life_due_ms = self._hearing.life_changed_at_ms + (LOST_MS if suspect else SUSPECT_MS)
        dues = (self._outbox.next_due_ms(), self._answers.next_due_ms(), self._life_due_ms, life_due_ms)
        return min(due for due in dues if due is not None)

    # Inside

    def _connect(self, reading: Reading, now_ms: int) -> None:
        if not reading.whole(self.tracked):
            return
        if self._must_move and not self._hearing.life_moved:
            return
        self._must_move = False
        self._told_lost = False
        self.phase = Phase.UP
        self._deliver(Connected(snapshot=self._hearing.tell_everything()))

    def _follow(self, reading: Reading) -> None:
        # A whole read counts for SYNC only if it was asked for after SYNC's acknowledgement had been seen.
        asked_for = self._sync_sequence if reading.whole(self.tracked) else None
        command = self._outbox.acknowledge(self._hearing.status.ack_sequence)
        if command is not None:
            self._deliver(
                DeliveryNote(device=self.device, sequence=command.sequence, acknowledged_at_ms=self._wall_ms())
            )
            if command.code is CommandCode.SYNC:
                self._sync_sequence = command.sequence
        if self._reconciled or not self._synchronising():
            for report in self._hearing.changes():
                self._deliver(report)
        if asked_for is not None:
            self._synchronised(asked_for)
        telemetry = self._hearing.telemetry_due()
        if telemetry is not None:
            self._deliver(telemetry)

    def _synchronising(self) -> bool:
        """Between SYNC and its whole read: what changes meanwhile is in the snapshot that reconciliation works on.

        Only the first SYNC of a conversation keeps the changes back; during a later one (P1 = 1) work goes on.
        """
        outstanding = self._outbox.outstanding
        return self._sync_sequence is not None or (outstanding is not None and outstanding.code is CommandCode.SYNC)

    def _synchronised(self, sequence: int) -> None:
        if self._sync_sequence == sequence:
            self._sync_sequence = None
        self._attempts = 0
        self._reconciled = self.synchronised = True
        self._deliver(Synchronised(sequence=sequence, snapshot=self._hearing.tell_everything()))

    def _rest(self, report: Disconnected | Unanswered, now_ms: int) -> None:
        self._forget()
        self.phase = Phase.RESTING
        self._retry_at_ms = now_ms + back_off_ms(self._attempts, self._jitter())
        self._attempts += 1
        if isinstance(report, Unanswered):
            self._told_lost = True
            self._deliver(report)
        else:
            self._tell_lost(report.reason)

    def _tell_lost(self, reason: str) -> None:
        """Disconnected is said once, however many attempts fail after it."""
        if not self._told_lost:
            self._told_lost = True
            self._deliver(Disconnected(device=self.device, reason=reason))

    def _forget(self) -> None:
        self._outbox.clear()
        self._answers.clear()
        self._sync_sequence = None
        self._reconciled = False
        self._torn_reads = 0
