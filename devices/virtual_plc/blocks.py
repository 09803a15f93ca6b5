"""The words of one device as its PLC holds them: what the WCS wrote, what the machine says.

Rule: words are encoded and judged here once for both protocols; a server only carries them. PlcLife rises with every
change of the status words and at least every LIFE_INTERVAL_S; the status block is replaced whole, so no read is torn.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from devices.machines.machine import Machine
from devices.words import (
    COMMAND_WORDS,
    DECISION_WORDS,
    EVENT_WORDS,
    POINTS,
    STATUS_WORDS,
    TRANSFER_WORDS,
    TRANSFERS,
    CommandHeader,
    TelegramError,
    UnknownCode,
    command_header,
    decode_command,
    decode_decision,
    encode_event,
    encode_status,
    encode_transfers,
)
from wcs.core.ports import Command, DeviceSnapshot, PointDecision, Telemetry, TransferAck

LIFE_INTERVAL_S = 0.5
TELEMETRY_INTERVAL_S = 0.2  # positions alone are worth five telegrams a second, not one a scan
WORD_MAX = 0xFFFF


class DeviceBlock:
    """All words of one device."""

    def __init__(self, device: str, machine: Machine, number: int) -> None:
        self.device = device
        self.machine = machine
        self.number = number
        self.wcs_life = 0
        self.command = [0] * COMMAND_WORDS
        self.transfer_acks = [0] * TRANSFERS
        self.decisions = [[0] * DECISION_WORDS for _ in range(POINTS)]
        self.status = [0] * STATUS_WORDS
        self.transfers = [0] * TRANSFER_WORDS
        self.events = [[0] * EVENT_WORDS for _ in range(POINTS)]
        self._wrong_node = 0
        self._snapshot: DeviceSnapshot | None = None
        self._telemetry: Telemetry | None = None
        self._life = 0
        self._bad_crc_count = 0
        self._wall_life = 0.0
        self._wall_telemetry = 0.0

    def take_command(self, words: Sequence[int]) -> Command | CommandHeader | None:
        """Judge a written command block by rules 1 and 2; what is left is for the machine.

        Only its header is left of a telegram whose codes are not of the interface: the machine is to refuse it.
        """
        self.command = [self.command[0], *words[1:]]
        header = command_header(words)
        if header.sequence <= self.machine.snapshot(self.device).status.ack_sequence:
            return None
        try:
            return decode_command(self.device, words)
        except UnknownCode:
            return header
        except TelegramError:
            self._bad_crc_count = self._bad_crc_count + 1 & WORD_MAX
            return None

    def take_decision(self, point: int, words: Sequence[int]) -> PointDecision | None:
        """A written decision; one with a wrong CRC is counted and ignored."""
        self.decisions[point] = list(words)
        try:
            return decode_decision(self.device, point, words)
        except TelegramError:
            self._bad_crc_count = self._bad_crc_count + 1 & WORD_MAX
            return None

    def take_transfer_ack(self, transfer: int, word: int) -> TransferAck:
        """A written TransferAck."""
        self.transfer_acks[transfer] = word
        return TransferAck(device=self.device, transfer=transfer, event_sequence=word)

    def misread_location(self, nodes: Sequence[int]) -> None:
        """A fault: from now on it says that it stands at the next of these nodes; none: it says where it stands."""
        here = self.machine.snapshot(self.device).status.confirmed[0]
        after = nodes.index(here) + 1 if here in nodes else 0
        self._wrong_node = nodes[after % len(nodes)] if nodes else 0

    def refresh(self, plant_ms: int, wall_s: float) -> bool:
        """Encode what the machine says now; says whether any word changed."""
        snapshot = self._said()
        news = snapshot != self._snapshot
        beat = wall_s - self._wall_life >= LIFE_INTERVAL_S
        if not (news or beat or wall_s - self._wall_telemetry >= TELEMETRY_INTERVAL_S):
            return False
        telemetry = replace(self.machine.telemetry(self.device, plant_ms), bad_crc_count=self._bad_crc_count)
        self._wall_telemetry = wall_s
        if not (news or beat or telemetry != self._telemetry):
            return False
        self._life = self._life + 1 & WORD_MAX
        self._wall_life = wall_s
        self._telemetry = telemetry
        self.status = encode_status(snapshot.status, telemetry, life=self._life)
        if news:
            self._encode_places(snapshot)
        self._snapshot = snapshot
        return True

    def _said(self) -> DeviceSnapshot:
        snapshot = self.machine.snapshot(self.device)
        if not self._wrong_node:
            return snapshot
        status = snapshot.status
        return replace(snapshot, status=replace(status, confirmed=(self._wrong_node, *status.confirmed[1:])))

    def _encode_places(self, snapshot: DeviceSnapshot) -> None:
        if self._snapshot is None or snapshot.transfers != self._snapshot.transfers:
            self.transfers = encode_transfers(snapshot.transfers)
        if self._snapshot is None or snapshot.points != self._snapshot.points:
            for point, status in enumerate(snapshot.points):
                self.events[point] = encode_event(status)
