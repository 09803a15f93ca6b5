"""Virtual time: SimPy's environment, with calls beside its events.

A process suits people, shifts and scripts; a device timer or a telegram wants no more than "call this then". Such a
call is a bare entry of the same queue, so both kinds stay in one order: time, then who was first.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.core import EmptySchedule
from simpy.events import NORMAL

Call = tuple[Callable[..., None], tuple[Any, ...]]


class Clock(simpy.Environment):
    """An environment in whole milliseconds. `steps` counts what was taken from the queue: events and calls alike."""

    def __init__(self) -> None:
        super().__init__(initial_time=0)
        self.steps = 0

    @property
    def now_ms(self) -> int:
        """Plant time in ms."""
        return self._now  # type: ignore[return-value]

    def call_in(self, delay_ms: int, action: Callable[..., None], *arguments: Any) -> None:
        """Call `action` in `delay_ms` (0 or more), after everything that is due by then already.

        Raises:
            ValueError: the delay is below zero.
        """
        if delay_ms < 0:
            raise ValueError(f"a call {-delay_ms} ms ago")
        entry: Any = (action, arguments)
        heappush(self._queue, (self._now + delay_ms, NORMAL, next(self._eid), entry))

    def step(self) -> None:
        """Take the next entry from the queue."""
        if not self._queue:
            raise EmptySchedule
        self._take()

    def run_to(self, until_ms: int) -> None:
        """Do everything that is due up to and including `until_ms`; then it is that time."""
        queue, take = self._queue, self._take
        while queue and queue[0][0] <= until_ms:
            take()
        self._now = max(self._now, until_ms)

    def _take(self) -> None:
        queue = self._queue
        entry: Any = queue[0][3]
        self.steps += 1
        if type(entry) is tuple:
            self._now = heappop(queue)[0]
            entry[0](*entry[1])
        else:
            super().step()
