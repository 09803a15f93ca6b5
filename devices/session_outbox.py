"""Commands on their way to one device: one at a time, the identical telegram again until it is acknowledged.

    waiting ──▶ outstanding ──AckSeq ≥ CmdSeq──▶ acknowledged
                  │    ▲
                  └────┘ again after 500 ms, five times, then unanswered

Rule: a telegram's words never change between its first sending and its last.
"""

from __future__ import annotations

from collections import deque

from devices.words import encode_command
from wcs.core.ports import DeviceCommand

RESEND_MS = 500  # the interface's: ten polls, or twenty-five publishing intervals
RESENDS_MAX = 5  # 5 × 500 ms: beyond it the device counts as lost
COMMANDS_WAITING_MAX = 16  # one task is outstanding at most; the rest are a person's pause, cancel, reset


class OutboxFull(Exception):
    """More commands wait for one device than can make sense."""


class Outbox:
    """The commands given for one device since it was connected."""

    def __init__(self) -> None:
        self._waiting: deque[DeviceCommand] = deque()
        self._outstanding: DeviceCommand | None = None
        self._words: list[int] = []
        self._written_at_ms = 0
        self._writings = 0

    @property
    def outstanding(self) -> DeviceCommand | None:
        """The command that was, or is about to be, sent and is not acknowledged."""
        return self._outstanding

    def put(self, command: DeviceCommand) -> None:
        """Take a command for sending; OutboxFull beyond COMMANDS_WAITING_MAX."""
        if len(self._waiting) >= COMMANDS_WAITING_MAX:
            raise OutboxFull(f"{COMMANDS_WAITING_MAX} commands wait for {command.device}")
        self._waiting.append(command)

    def next_telegram(self, now_ms: int) -> tuple[DeviceCommand, list[int], bool] | None:
        """What is due to be written: the command, its words, and whether it is the first writing."""
        if self._outstanding is None:
            if not self._waiting:
                return None
            self._outstanding = self._waiting.popleft()
            self._words = encode_command(self._outstanding)
            self._writings = 0
        elif now_ms < self._written_at_ms + RESEND_MS or self._writings > RESENDS_MAX:
            return None
        self._writings += 1
        self._written_at_ms = now_ms
        return self._outstanding, self._words, self._writings == 1

    def acknowledge(self, ack_sequence: int) -> DeviceCommand | None:
        """The command that AckSeq settles, if it does: the next one may be sent."""
        command = self._outstanding
        if command is None or self._writings == 0 or ack_sequence < command.sequence:
            return None
        self._outstanding = None
        return command

    def unanswered(self, now_ms: int) -> DeviceCommand | None:
        """The command that was sent as often as allowed and is not acknowledged in time."""
        if self._outstanding is None or self._writings <= RESENDS_MAX:
            return None
        return self._outstanding if now_ms >= self._written_at_ms + RESEND_MS else None

    def next_due_ms(self) -> int | None:
        """When `next_telegram` or `unanswered` has something to say."""
        if self._outstanding is not None:
            return self._written_at_ms + RESEND_MS
        return 0 if self._waiting else None

    def clear(self) -> None:
        """Forget everything: the connection is gone, reconciliation derives again what is outstanding."""
        self._waiting.clear()
        self._outstanding = None
