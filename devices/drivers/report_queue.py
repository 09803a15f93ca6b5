"""Reports on their way from a port to its host: bounded, in order, and never lost.

Rule: reports are levels. When the host falls behind by more than the queue holds, a newer report takes the place of
the older one of the same device and kind, so the queue grows at most by one of each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from devices.session import Delivery
from wcs.core.ports import Connected, DeliveryNote, PointChanged, Synchronised, TransferChanged

REPORTS_MAX = 1_000  # five seconds of a busy PLC: a host that is further behind needs levels, not history


def _kind(report: Delivery) -> tuple[str, str, int]:
    """What a newer report has to have in common with an older one to stand for it."""
    name = type(report).__name__
    if isinstance(report, Connected | Synchronised):
        return name, report.snapshot.device, 0
    number = 0
    if isinstance(report, TransferChanged):
        number = report.transfer
    elif isinstance(report, PointChanged):
        number = report.point
    elif isinstance(report, DeliveryNote):
        number = report.sequence * 2 + (report.sent_at_ms is None)
    return name, report.device, number


class ReportQueue:
    """One producer, one consumer, on one event loop."""

    def __init__(self) -> None:
        self._reports: deque[Delivery] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._reports)

    def put(self, report: Delivery) -> None:
        """Add a report, in place of an older one of its kind if the queue is full."""
        if len(self._reports) >= REPORTS_MAX:
            kind = _kind(report)
            for older in self._reports:
                if _kind(older) == kind:
                    self._reports.remove(older)
                    break
        self._reports.append(report)
        self._filled.set()

    async def stream(self) -> AsyncIterator[Delivery]:
        """The reports in the order in which they were put, for ever."""
        while True:
            while self._reports:
                yield self._reports.popleft()
            self._filled.clear()
            await self._filled.wait()
