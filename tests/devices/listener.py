"""Listens to a port in a test: everything it says, and waiting for a condition with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from devices.drivers.port import PlcPort
from devices.session import Delivery

R = TypeVar("R")
DEADLINE_S = 20.0  # generous: the machine that tests is shared


class Listener:
    """What a port said so far."""

    def __init__(self, port: PlcPort) -> None:
        self.port = port
        self.heard: list[Delivery] = []
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        async for report in self.port.reports():
            self.heard.append(report)
            self._changed.set()

    def of(self, kind: type[R]) -> list[R]:
        return [report for report in self.heard if isinstance(report, kind)]

    async def until(self, condition: Callable[[], R | None]) -> R:
        """The first truth of the condition, looked at after every report."""

        async def wait() -> R:
            while not (found := condition()):
                self._changed.clear()
                await self._changed.wait()
            return found

        return await asyncio.wait_for(wait(), DEADLINE_S)

    async def next(self, kind: type[R], number: int = 1, matching: Callable[[R], bool] = lambda report: True) -> R:
        """The report of this kind that came, or comes, as number so much."""

        def found() -> R | None:
            reports = [report for report in self.of(kind) if matching(report)]
            return reports[number - 1] if len(reports) >= number else None

        return await self.until(found)


@contextlib.asynccontextmanager
async def listening(port: PlcPort, may_write: Callable[[], bool] = lambda: True) -> AsyncIterator[Listener]:
    """Run a port and listen to it."""
    listener = Listener(port)
    tasks = [asyncio.create_task(port.run(may_write)), asyncio.create_task(listener.listen())]
    try:
        yield listener
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
