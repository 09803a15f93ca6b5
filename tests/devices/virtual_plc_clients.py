"""Raw clients of virtual PLCs for tests: plain asyncua and pymodbus, nothing of our drivers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from asyncua import ua
from asyncua.client.client import Client
from pymodbus.client import AsyncModbusTcpClient

from devices.machines.machine import Load
from devices.virtual_plc.addresses import PlcAddress
from devices.words import NAMESPACE_URI, base_address, decode_status, decode_transfers, encode_command
from wcs.core.ports import (
    Address,
    CommandCode,
    DeviceCommand,
    DeviceState,
    DeviceStatus,
    DeviceTask,
    TaskType,
    TransferStatus,
)

T = TypeVar("T")
DEADLINE_S = 20.0
POLL_S = 0.02


class RawDevice(Protocol):
    """One device, by its words."""

    device: str

    async def status_words(self) -> list[int]: ...

    async def transfers(self) -> tuple[TransferStatus, ...]: ...

    async def write_command(self, words: Sequence[int]) -> None: ...

    async def write_life(self, word: int) -> None: ...

    async def write_transfer_ack(self, transfer: int, word: int) -> None: ...


class RawOpcua:
    def __init__(self, client: Client, namespace: int, device: str) -> None:
        self.client = client
        self.device = device
        self._namespace = namespace

    def node(self, name: str) -> Any:
        return self.client.get_node(ua.NodeId(ua.String(f"{self.device}.{name}"), ua.Int16(self._namespace)))

    async def status_words(self) -> list[int]:
        words: list[int] = await self.node("Sts").read_value()
        return words

    async def transfers(self) -> tuple[TransferStatus, ...]:
        return decode_transfers(await self.node("Transfer").read_value())

    async def write(self, name: str, value: int | Sequence[int]) -> None:
        words = value if isinstance(value, int) else list(value)
        await self.node(name).write_value(ua.DataValue(ua.Variant(words, ua.VariantType.UInt16)))

    async def write_command(self, words: Sequence[int]) -> None:
        await self.write("Cmd", words)

    async def write_life(self, word: int) -> None:
        await self.write("WcsLife", word)

    async def write_transfer_ack(self, transfer: int, word: int) -> None:
        words = await self.node("TransferAck").read_value()
        words[transfer] = word
        await self.write("TransferAck", words)


class RawModbus:
    def __init__(self, client: AsyncModbusTcpClient, block: int, device: str) -> None:
        self.client = client
        self.base = base_address(block)
        self.device = device

    async def read(self, offset: int, count: int) -> list[int]:
        answer = await self.client.read_holding_registers(self.base + offset, count=count, device_id=1)
        assert not answer.isError(), answer
        return list(answer.registers)

    async def write(self, offset: int, words: Sequence[int]) -> Any:
        return await self.client.write_registers(self.base + offset, list(words), device_id=1)

    async def status_words(self) -> list[int]:
        return await self.read(32, 64)

    async def transfers(self) -> tuple[TransferStatus, ...]:
        return decode_transfers(await self.read(96, 32))

    async def write_command(self, words: Sequence[int]) -> None:
        assert not (await self.write(1, words[1:])).isError()

    async def write_life(self, word: int) -> None:
        assert not (await self.write(0, [word])).isError()

    async def write_transfer_ack(self, transfer: int, word: int) -> None:
        assert not (await self.write(128 + transfer, [word])).isError()


@asynccontextmanager
async def opcua_device(address: PlcAddress, device: str) -> AsyncIterator[RawOpcua]:
    client = Client(address.url)
    await asyncio.wait_for(client.connect(), 5)
    try:
        yield RawOpcua(client, await client.get_namespace_index(NAMESPACE_URI), device)
    finally:
        await client.disconnect()


@asynccontextmanager
async def modbus_device(address: PlcAddress, device: str) -> AsyncIterator[RawModbus]:
    client = AsyncModbusTcpClient(address.host, port=address.port, retries=0, timeout=5)
    assert await client.connect()
    try:
        yield RawModbus(client, address.devices.index(device), device)
    finally:
        client.close()


class Driver:
    """What a WCS does at the least: it beats, counts its commands up, and waits for what it reads."""

    def __init__(self, raw: RawDevice, epoch: int = 1) -> None:
        self.raw = raw
        self.epoch = epoch
        self._life = 0

    async def status(self) -> DeviceStatus:
        self._life = self._life % 0xFFFF + 1
        await self.raw.write_life(self._life)
        return decode_status(await self.raw.status_words())

    async def until(self, condition: Callable[[DeviceStatus], bool], within_s: float = DEADLINE_S) -> DeviceStatus:
        async def read() -> DeviceStatus | None:
            status = await self.status()
            return status if condition(status) else None

        return await until(read, within_s)

    async def send(
        self, code: CommandCode, *, task: DeviceTask | None = None, task_number: int = 0, p1: int = 0
    ) -> DeviceStatus:
        """Send a fresh command and return the status that acknowledges it."""
        await self.until(lambda status: status.wcs_alive)
        sequence = (await self.status()).ack_sequence + 1
        command = DeviceCommand(
            device=self.raw.device,
            epoch=self.epoch,
            sequence=sequence,
            code=code,
            task_number=task.number if task else task_number,
            task=task,
            p1=p1,
        )
        await self.raw.write_command(encode_command(command))
        return await self.until(lambda status: status.ack_sequence == sequence)

    async def receipt(self, task_number: int) -> None:
        await self.send(CommandCode.RECEIPT, task_number=task_number)
        await self.until(lambda status: status.state == DeviceState.IDLE)


async def until(read: Callable[[], Awaitable[T | None]], within_s: float = DEADLINE_S) -> T:
    """Read again and again until there is something."""
    deadline = time.monotonic() + within_s
    while True:
        value = await read()
        if value is not None:
            return value
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(POLL_S)


def tote(number: int) -> Load:
    return Load(number=number, barcode=f"LU{number:08d}", load_type=1, mass_g=5000, height_mm=200)


def transfer(number: int, source: Address, sink: Address, load_id: int = 0) -> DeviceTask:
    return DeviceTask(number=number, type=TaskType.TRANSFER, source=source, sink=sink, load_type=1, load_id=load_id)
