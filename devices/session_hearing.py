"""What one device was last heard to say, and what of it is news.

Rule: reports are levels, not edges: each says how things are, and none is sent twice in a row.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.words import (
    POINTS,
    TRANSFERS,
    check_status,
    decode_event,
    decode_status,
    decode_telemetry,
    decode_transfers,
    plc_life,
)
from wcs.core.ports import (
    DeviceId,
    DeviceSnapshot,
    DeviceStatus,
    PointChanged,
    PointStatus,
    StatusChanged,
    Telemetry,
    TransferChanged,
    TransferStatus,
)
from wcs.plant.model import Record

TELEMETRY_MS = 100  # 10 Hz: what an eye can follow
_LIFE_AT, _BOOT_AT, _TAIL_AT = 0, 1, 62
_BEHIND = 0x8000  # half of the counter's circle: less is behind, more is ahead


class Reading(Record):
    """Words of one device, read or published; None or left out: not in this reading."""

    status: tuple[int, ...] | None = None
    transfers: tuple[int, ...] | None = None
    events: tuple[tuple[int, tuple[int, ...]], ...] = ()
    at_once: bool = False  # everything the device has, in one go

    def whole(self, tracked: bool) -> bool:
        """Whether nothing is missing that such a device has."""
        return self.at_once and self.status is not None and (self.transfers is not None or not tracked)


def _without_life(words: Sequence[int]) -> tuple[int, ...]:
    return tuple(words[_LIFE_AT + 1 : _TAIL_AT])


class Hearing:
    """Decodes what has changed, remembers it, and tells the news apart from what was already delivered."""

    def __init__(self, device: DeviceId, *, tracked: bool) -> None:
        self._device = device
        self.status = DeviceStatus()
        self.transfers: tuple[TransferStatus, ...] = (TransferStatus(),) * (TRANSFERS if tracked else 0)
        self.points: list[PointStatus] = [PointStatus()] * (POINTS if tracked else 0)
        self._telemetry = Telemetry(device=device)
        self._words: dict[str, tuple[int, ...]] = {}
        self._life: int | None = None
        self._boot = 0
        self.life_changed_at_ms = 0
        self.life_moved = False
        self._now_ms = 0
        self._telemetry_told: Telemetry | None = None
        self._telemetry_told_at_ms = 0
        self._told = self.tell_everything()

    def start(self, now_ms: int) -> None:
        """A new conversation: nothing of the last one counts."""
        self._words.clear()
        self._life = None
        self.life_moved = False
        self.life_changed_at_ms = self._now_ms = now_ms

    def take(self, reading: Reading, now_ms: int) -> None:
        """Decode what is new in a reading; TelegramError (and nothing of the status taken) if it is not ours."""
        self._now_ms = now_ms
        if reading.status is not None:
            self._take_status(reading.status, now_ms)
        if reading.transfers is not None and self._differs("transfers", reading.transfers):
            self.transfers = decode_transfers(reading.transfers)
        for point, words in reading.events:
            if self._differs(f"event {point}", words):
                self.points[point] = decode_event(words)

    def _take_status(self, words: tuple[int, ...], now_ms: int) -> None:
        check_status(words)
        life = plc_life(words)
        if self._life is not None and words[_BOOT_AT] == self._boot and 0 < (self._life - life) & 0xFFFF < _BEHIND:
            return  # published before what we have read since
        self._boot = words[_BOOT_AT]
        if life != self._life:
            self.life_moved = self._life is not None
            self._life = life
            self.life_changed_at_ms = now_ms
        if self._differs("status", _without_life(words)):
            self.status = decode_status(words)
            self._telemetry = decode_telemetry(self._device, words)

    def _differs(self, name: str, words: tuple[int, ...]) -> bool:
        """Decoding costs a hundred times what comparing costs, and most polls bring nothing new."""
        if self._words.get(name) == words:
            return False
        self._words[name] = words
        return True

    def tell_everything(self) -> DeviceSnapshot:
        """Everything as it was last heard; from now on only what differs from it is news."""
        self._told = DeviceSnapshot(
            device=self._device,
            status=self.status,
            transfers=self.transfers,
            points=tuple(self.points),
            battery_permille=self._telemetry.battery_permille,
        )
        return self._told

    def changes(self) -> list[StatusChanged | TransferChanged | PointChanged]:
        """What differs from what was told before."""
        told = self._told
        news: list[StatusChanged | TransferChanged | PointChanged] = []
        if self.status != told.status:
            battery = self._telemetry.battery_permille
            news.append(StatusChanged(device=self._device, status=self.status, battery_permille=battery))
        for n, transfer in enumerate(self.transfers):
            if transfer != told.transfers[n]:
                news.append(TransferChanged(device=self._device, transfer=n, status=transfer))
        for n, point in enumerate(self.points):
            if point != told.points[n]:
                news.append(PointChanged(device=self._device, point=n, status=point))
        if news:
            self.tell_everything()
        return news

    def telemetry_due(self) -> Telemetry | None:
        """Positions and counters if they changed, at most every TELEMETRY_MS."""
        if self._telemetry == self._telemetry_told or self._now_ms < self._telemetry_told_at_ms + TELEMETRY_MS:
            return None
        self._telemetry_told = self._telemetry
        self._telemetry_told_at_ms = self._now_ms
        return self._telemetry
