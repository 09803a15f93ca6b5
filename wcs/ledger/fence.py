"""The fence: until when this host may speak to machines, by its own clock and without asking anybody.

Rule: a lease that may have run out counts as lost. The deadline moves with each renewal, counted from before the
database was asked, so it is never later than the database's own; every write to a wire asks just before it goes. What
a clock cannot see (a whole virtual machine that stood still) the PLC refuses by its latched epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable

# Of each term of the lease at its end: the way of a telegram that has just been let go, and clocks that differ in pace.
MARGIN_MS = 500
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


def _boot_ms() -> int:
    return time.clock_gettime_ns(_CLOCK) // 1_000_000


class Fence:
    """Shared by the writer, which moves the deadline in its thread, and the ports, which ask.

    Args:
        lease_ms: how long a lease lasts; None: it lasts as long as the process (a file lock).
        now_ms: a clock that never goes back and never stops.
    """

    def __init__(self, lease_ms: int | None, now_ms: Callable[[], int] = _boot_ms) -> None:
        self.now_ms = now_ms
        self._lasts_ms = None if lease_ms is None else lease_ms - MARGIN_MS
        self._deadline_ms = 0
        self._lost = False

    def extend(self, asked_ms: int) -> None:
        """The lease was taken or renewed; `asked_ms` is from before the database was asked."""
        if self._lasts_ms is not None:
            self._deadline_ms = max(self._deadline_ms, asked_ms + self._lasts_ms)

    def drop(self) -> None:
        """Another host has the lease, or it was given back: nothing leaves any more."""
        self._lost = True

    def holds(self) -> bool:
        """Whether the lease is certainly ours now."""
        return not self._lost and (self._lasts_ms is None or self.now_ms() < self._deadline_ms)
