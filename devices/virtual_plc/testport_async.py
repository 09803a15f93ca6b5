"""The test port for asyncio hosts (modelled people in the demo): the blocking one, in a thread, one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from devices.machines.machine import Load
from devices.virtual_plc.plant_clock import PlantClock
from devices.virtual_plc.testport import TestPort
from devices.virtual_plc.world_calls import LoggedLine

P = ParamSpec("P")
R = TypeVar("R")


class AsyncTestPort:
    """As `TestPort`; a call that was begun is finished even if its caller is cancelled."""

    def __init__(self, address: tuple[str, int], name: str = "test port") -> None:
        self._port = TestPort(address, name)
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Hang up."""
        await self._call(self._port.close)

    async def clock(self) -> PlantClock:
        """Plant time of this plant."""
        return await self._call(self._port.clock)

    async def place(self, load: Load, place: str, *, by: str = "") -> None:
        """Let one load enter at a place."""
        await self._call(self._port.place, load, place, by=by)

    async def place_all(self, loads: Iterable[tuple[Load, str]], *, by: str = "") -> None:
        """Let many loads enter at once: all of them or none."""
        await self._call(self._port.place_all, loads, by=by)

    async def carry(self, number: int, source: str, sink: str, *, by: str = "") -> None:
        """A person carries a load from one place to another."""
        await self._call(self._port.carry, number, source, sink, by=by)

    async def remove(self, number: int, source: str, *, by: str = "") -> None:
        """A load leaves the building."""
        await self._call(self._port.remove, number, source, by=by)

    async def look(self, place: str) -> tuple[Load, ...]:
        """What stands at a place."""
        return await self._call(self._port.look, place)

    async def dump(self) -> dict[int, str]:
        """Where every load is."""
        return await self._call(self._port.dump)

    async def read_log(self, position: int = 0) -> tuple[tuple[LoggedLine, ...], int]:
        """Some lines of the world's log from a position on, and the position after them."""
        return await self._call(self._port.read_log, position)

    async def inject(self, device: str, fault: str, **arguments: object) -> None:
        """A fault into the machine of a device."""
        await self._call(lambda: self._port.inject(device, fault, **arguments))

    async def devices(self) -> dict[str, str]:
        """Device → PLC, of those that are up."""
        return await self._call(self._port.devices)

    async def _call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        async with self._turn:
            return await asyncio.shield(asyncio.to_thread(function, *args, **kwargs))
