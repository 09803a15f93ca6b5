"""A Modbus TCP server that answers every request of a connection, in order, however the network bundled them.

pymodbus takes one request out of each segment and answers the latest it has seen; a client that repeats a request
before its answer came would then hear late answers for ever.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler


class InOrderServer(ModbusTcpServer):
    """pymodbus's server with handlers that keep the order."""

    def callback_new_connection(self) -> ServerRequestHandler:
        """pymodbus: a client has connected."""
        return _InOrderHandler(self, self.trace_packet, self.trace_pdu, self.trace_connect)


class _InOrderHandler(ServerRequestHandler):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
        self._waiting: deque[ModbusPDU] = deque()
        self._answering: asyncio.Task[None] | None = None

    def callback_data(self, data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        """pymodbus: bytes have come; how many of them were whole requests."""
        used = 0
        while used < len(data):
            taken = super().callback_data(data[used:], addr)
            if not taken:
                break
            used += taken
            if self.last_pdu is not None:
                self._waiting.append(self.last_pdu)
        return used

    def handle_later(self) -> None:
        """pymodbus: called once for each request, from the event loop."""
        if self._answering is None or self._answering.done():
            self._answering = asyncio.get_running_loop().create_task(self._answer_all())

    async def _answer_all(self) -> None:
        while self._waiting:
            self.last_pdu = self._waiting.popleft()
            await self.handle_request()  # type: ignore[no-untyped-call]
