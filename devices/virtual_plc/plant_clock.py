"""Plant time: origin + speed × elapsed wall time, the same in every process of one machine.

Rule: it never goes back. The world process owns the origin; it is counted on the monotonic clock, which all processes
of a machine share, so whoever was told origin and speed once agrees with all others without asking again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from wcs.plant.model import Record

_NS_A_MS = 1_000_000


class ClockOrigin(Record):
    """Plant time `plant_ms` was at `monotonic_ns` of this machine; from there it runs `speed` times as fast."""

    plant_ms: int
    monotonic_ns: int
    speed: float


class PlantClock:
    """Tells plant time, and how long to wait for a moment of it."""

    def __init__(self, origin: ClockOrigin, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._origin = origin
        self._monotonic_ns = monotonic_ns
        self._latest_ms = origin.plant_ms

    @property
    def origin(self) -> ClockOrigin:
        """What this clock counts from."""
        return self._origin

    @property
    def speed(self) -> float:
        """Plant seconds in a second of wall time."""
        return self._origin.speed

    def set_origin(self, origin: ClockOrigin) -> None:
        """Count from another origin (the world process began anew); plant time still never goes back."""
        self._origin = origin

    def now_ms(self) -> int:
        """Plant time now."""
        elapsed_ns = self._monotonic_ns() - self._origin.monotonic_ns
        now = self._origin.plant_ms + int(elapsed_ns * self._origin.speed) // _NS_A_MS
        self._latest_ms = max(self._latest_ms, now)
        return self._latest_ms

    def wall_s_until(self, plant_ms: int) -> float:
        """Seconds of wall time until that moment; 0 if it has passed."""
        return max(0.0, (plant_ms - self.now_ms()) / 1000 / self._origin.speed)
