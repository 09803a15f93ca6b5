"""Keeps the origin of plant time over restarts of the world process. Rule: plant time never goes back.

After a kill the old origin still counts for a while, because PLC processes that lived on are counting from it; after a
clean stop, a long pause, a reboot or with another speed, plant time goes on from the latest moment that was seen.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from devices.virtual_plc.files import is_disk_full, read_if_there, write_whole
from devices.virtual_plc.plant_clock import ClockOrigin, PlantClock
from wcs.plant.model import Record

STORE_INTERVAL_S = 1.0
ORIGIN_KEPT_S = 60  # a world that was killed is back sooner; beyond it nobody should find his day gone by
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Stored(Record):
    origin: ClockOrigin
    boot: str
    seen_ms: int
    seen_monotonic_ns: int
    stopped: bool


def start_clock(path: Path, speed: float, latest_logged_ms: int, origin_ms: int | None) -> PlantClock:
    """The clock of this plant, going on where it was; `origin_ms` is plant time at the very first start (None: now)."""
    monotonic_ns = time.monotonic_ns()
    content = read_if_there(path)
    if content is None:
        first_ms = int(time.time() * 1000) if origin_ms is None else origin_ms
        plant_ms = max(first_ms, latest_logged_ms)
    else:
        stored = msgspec.json.decode(content, type=_Stored)
        if _origin_still_counts(stored, speed, monotonic_ns):
            return PlantClock(stored.origin)
        unseen_ms = 0 if stored.stopped else int(STORE_INTERVAL_S * 1000 * stored.origin.speed)
        plant_ms = max(stored.seen_ms + unseen_ms, latest_logged_ms)
    return PlantClock(ClockOrigin(plant_ms=plant_ms, monotonic_ns=monotonic_ns, speed=speed))


def store_clock(path: Path, clock: PlantClock, *, stopped: bool) -> None:
    """Write down how far plant time has come; on a full disk the next time will do."""
    stored = _Stored(
        origin=clock.origin,
        boot=_boot_id(),
        seen_ms=clock.now_ms(),
        seen_monotonic_ns=time.monotonic_ns(),
        stopped=stopped,
    )
    try:
        write_whole(path, msgspec.json.encode(stored))
    except OSError as error:
        if not is_disk_full(error):
            raise


def _origin_still_counts(stored: _Stored, speed: float, monotonic_ns: int) -> bool:
    pause_s = (monotonic_ns - stored.seen_monotonic_ns) / 1e9
    same = stored.boot == _boot_id() and stored.origin.speed == speed
    return same and not stored.stopped and 0 <= pause_s <= ORIGIN_KEPT_S


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
