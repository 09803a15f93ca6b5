"""A PLC process's second connection to the world process: it is poked on changes, and takes faults from the test port.

Rule: it carries no facts. A poke says "sense again"; what changed is read by the scan itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import msgspec

from devices.virtual_plc.world_calls import (
    LINE_BYTES_MAX,
    Attach,
    Changed,
    Done,
    FaultToInject,
    Injected,
    as_line,
    push_decoder,
)

RECONNECT_S = 0.2


class PlcLink:
    """Keeps itself attached until it is cancelled."""

    def __init__(
        self,
        address: tuple[str, int],
        plc: str,
        devices: tuple[str, ...],
        *,
        poke: Callable[[], None],
        inject: Callable[[str, str, Mapping[str, object]], None],
    ) -> None:
        self._address = address
        self._plc = plc
        self._devices = devices
        self._poke = poke
        self._inject = inject
        self._watch: tuple[str, ...] = ()
        self.attached = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None

    def watch(self, places: tuple[str, ...]) -> None:
        """Be poked on changes at these places from now on."""
        self._watch = places
        self._attach()

    async def run(self) -> None:
        """Attach, and attach again whenever the world process was away."""
        while True:
            with contextlib.suppress(OSError):  # the scan's own connection says so when it matters
                await self._listen()
            self._writer = None
            await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        host, port = self._address
        reader, self._writer = await asyncio.open_connection(host, port, limit=LINE_BYTES_MAX)
        try:
            self._attach()
            while line := await reader.readline():
                self._take(line)
        finally:
            self._writer.close()

    def _attach(self) -> None:
        if self._writer is not None:
            self._writer.write(as_line(Attach(plc=self._plc, devices=self._devices, watch=self._watch)))

    def _take(self, line: bytes) -> None:
        match push_decoder.decode(line):
            case Changed():
                self._poke()
            case Done():  # attached, and whatever changed while we were away is to be seen
                self.attached.set()
                self._poke()
            case FaultToInject(number=number, device=device, fault=fault, arguments=arguments):
                error = ""
                try:
                    self._inject(device, fault, arguments)
                except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as refusal:
                    error = f"{device} does not take {fault}: {refusal!r}"
                assert self._writer is not None
                self._writer.write(as_line(Injected(number=number, error=error)))
