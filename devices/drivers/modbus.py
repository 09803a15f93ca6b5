"""Modbus TCP: the words of all devices of one PLC over one connection, polled every 50 ms.

Rule: a call is never repeated by the client and never cancelled: a late reply would shift every later answer by one.
After anything but a proper reply the connection is closed. Two function codes are all that a PLC needs: 3 and 16.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from devices.drivers.carriage import CarriageLost, CarriageRefused, PlcDevice
from devices.drivers.port import PlcPort
from devices.session import Reading, Write, WriteCommand, WriteDecision, WriteLife
from devices.words import (
    EVENT_WORDS,
    POINT_READ_WORDS,
    POINT_WORDS,
    POINTS,
    STATUS_READ_WORDS,
    STATUS_WORDS,
    UNIT_ID,
    command_address,
    decision_address,
    life_address,
    points_address,
    status_address,
    transfer_ack_address,
)
from wcs.core.ports import DeviceId

POLL_MS = 50
REPLY_TIMEOUT_S = 1.5  # half of what PlcLife may stand still; a PLC replies within tens of ms


class ModbusCarriage:
    """One Modbus TCP connection to one PLC."""

    poll_ms: int | None = POLL_MS

    def __init__(self, host: str, port: int, devices: tuple[PlcDevice, ...]) -> None:
        self._host = host
        self._port = port
        self._devices = {device.device: device for device in devices}
        self._client: AsyncModbusTcpClient | None = None

    async def open(self, wake: Callable[[], None]) -> None:
        """Connect within REPLY_TIMEOUT_S; a poll never publishes, so `wake` is not called."""
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # outages are reported, not logged
        await self.close()
        self._client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            timeout=REPLY_TIMEOUT_S,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._connection_changed,
        )
        try:
            connected = await self._client.connect()
        except ValueError as error:  # a name that no host can have
            raise CarriageLost(f"{self._host}:{self._port}: {error}") from None
        if not connected:
            raise CarriageLost(f"no connection to {self._host}:{self._port}")

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def read(self, device: DeviceId) -> Reading:
        """Status and transfer points in one read of 96, the points of a tracked device in one of 120."""
        tracked, block = self._devices[device].tracked, self._devices[device].block
        words = await self._read_words(status_address(block), STATUS_READ_WORDS)
        events: tuple[tuple[int, tuple[int, ...]], ...] = ()
        if tracked:
            points = await self._read_words(points_address(block), POINT_READ_WORDS)
            starts = ((point, POINT_WORDS * point) for point in range(POINTS))
            events = tuple((point, points[at : at + EVENT_WORDS]) for point, at in starts)
        return Reading(
            status=words[:STATUS_WORDS],
            transfers=words[STATUS_WORDS:] if tracked else None,
            events=events,
            at_once=True,
        )

    async def write(self, device: DeviceId, write: Write) -> tuple[int, ...] | None:
        """Words 1–31 in one write, word 0 alone; an answer is read back."""
        block = self._devices[device].block
        if isinstance(write, WriteLife):
            await self._write_words(life_address(block), (write.value,))
            return None
        if isinstance(write, WriteCommand):
            await self._write_words(command_address(block), write.words[1:])
            return None
        if isinstance(write, WriteDecision):
            address = decision_address(block, write.point)
        else:
            address = transfer_ack_address(block, write.transfer)
        await self._write_words(address, write.words)
        return await self._read_words(address, len(write.words))

    def published(self) -> list[tuple[DeviceId, Reading]]:
        """Nothing: a Modbus PLC is asked."""
        return []

    async def _read_words(self, address: int, count: int) -> tuple[int, ...]:
        client = self._connected()
        reply = await self._reply(
            client.read_holding_registers(address, count=count, device_id=UNIT_ID),
            f"read of {count} words at {address}",
        )
        if len(reply.registers) != count:
            raise CarriageLost(f"{len(reply.registers)} words instead of {count} at {address}")
        return tuple(reply.registers)

    async def _write_words(self, address: int, words: Sequence[int]) -> None:
        client = self._connected()
        await self._reply(
            client.write_registers(address, list(words), device_id=UNIT_ID), f"write of {len(words)} words at {address}"
        )

    async def _reply(self, call: Awaitable[ModbusPDU], what: str) -> ModbusPDU:
        try:
            reply = await call
        except (ModbusException, OSError) as error:
            raise CarriageLost(f"{what}: {error}") from None
        if reply.isError():
            raise CarriageRefused(f"{what}: refused with exception {reply.exception_code}")
        return reply

    def _connected(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            raise CarriageLost("the PLC closed the connection")
        return self._client

    def _connection_changed(self, connected: bool) -> None:
        """The reply of a lost connection never comes: the call fails now, not at its timeout."""
        if self._client is None or connected:
            return
        reply = self._client.ctx.response_future
        if not reply.done():
            reply.set_exception(ModbusException("the PLC closed the connection"))
            reply.exception()  # marked as seen: perhaps nobody waits for it


def modbus_port(host: str, port: int, devices: tuple[PlcDevice, ...]) -> PlcPort:
    """The port to one PLC that speaks Modbus TCP."""
    return PlcPort(devices, ModbusCarriage(host, port, devices))
