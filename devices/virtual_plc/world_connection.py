"""One connection to the world process: lines in, answers out, and pushes to a PLC process that attached itself.

Rule: a connection never blocks the world; what it sends faster than it can be answered waits in its own socket.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import msgspec

from devices.virtual_plc.world_calls import (
    LINE_BYTES_MAX,
    Answer,
    Call,
    Changed,
    Push,
    Refused,
    as_line,
    call_decoder,
)


class Answering(Protocol):
    """What the world process does with connections and their calls."""

    def opened(self, connection: WorldConnection) -> None: ...

    def answer(self, connection: WorldConnection, call: Call) -> Answer | None: ...

    def closed(self, connection: WorldConnection) -> None: ...


class WorldConnection(asyncio.Protocol):
    """One client. `watched` is what it senses, `changed` what of it changed since it last asked."""

    def __init__(self, server: Answering) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._told = False
        self.plc = ""
        self.devices: tuple[str, ...] = ()
        self.watched: dict[str, None] = {}
        self.changed: dict[str, None] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        self._transport = cast(asyncio.Transport, transport)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: gone."""
        self._transport = None
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes; every whole line is a call."""
        self._buffer += data
        if len(self._buffer) > LINE_BYTES_MAX:
            self.close()
            return
        if b"\n" not in data:
            return
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        for line in lines:
            try:
                answer = self._server.answer(self, call_decoder.decode(line))
            except msgspec.MsgspecError as error:
                answer = Refused(reason=f"not a call: {error}")
            if answer is not None:
                self.send(answer)

    def send(self, answer: Answer | Push) -> None:
        """Send a line, if the client is still there."""
        if self._transport is not None:
            self._transport.write(as_line(answer))

    def note_change(self, place: str) -> None:
        """Something changed at a place it watches; an attached PLC process is told once until it has asked."""
        self.changed[place] = None
        if self.plc and not self._told:
            self._told = True
            asyncio.get_running_loop().call_soon(self._push_changed)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _push_changed(self) -> None:
        self._told = False
        self.changed.clear()
        self.send(Changed())
