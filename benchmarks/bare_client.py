"""The peer of the race from scan to divert: reads events as often as our drivers do, and answers at once.

It knows no load units, keeps no journal, and sends everything by exit 1: no client with the same protocol library and
the same intervals can be much quicker.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from pymodbus.client import AsyncModbusTcpClient

from devices.drivers.carriage import PlcDevice
from devices.drivers.modbus import POLL_MS
from devices.drivers.opcua import PUBLISHING_MS, SAMPLING_MS
from devices.drivers.ports import plc_devices
from devices.words import (
    NAMESPACE_URI,
    POINT_READ_WORDS,
    POINT_WORDS,
    STATUS_READ_WORDS,
    UNIT_ID,
    decision_address,
    decision_id,
    encode_decision,
    event_id,
    points_address,
    status_address,
    status_id,
    transfer_id,
)
from wcs.core.ports import PointDecision
from wcs.plant.model import Plant, Protocol

EPOCH_AT = 2  # LatchedEpoch within the status words
EXIT = 1


@contextlib.asynccontextmanager
async def answering(plant: Plant, host: str, ports: dict[str, int]) -> AsyncIterator[None]:
    """A connection to each PLC, and every scan answered, until left."""
    async with contextlib.AsyncExitStack() as stack:
        for plc in plant.plcs:
            devices = plc_devices(plc, plant)
            connect = _over_modbus if plc.protocol is Protocol.MODBUS else _over_opcua
            await stack.enter_async_context(connect(host, ports[plc.name], devices))
        yield


def _decision(device: str, point: int, event: Iterable[int], epoch: int) -> list[int]:
    sequence, _, high, low = list(event)[:4]
    return encode_decision(
        PointDecision(
            device=device, point=point, scan_sequence=sequence, track=high << 16 | low, exit=EXIT, epoch=epoch
        )
    )


@contextlib.asynccontextmanager
async def _over_modbus(host: str, port: int, devices: tuple[PlcDevice, ...]) -> AsyncIterator[None]:
    client = AsyncModbusTcpClient(host, port=port, retries=0, reconnect_delay=0)
    if not await client.connect():
        raise ConnectionError(f"no PLC at {host}:{port}")
    polling = asyncio.create_task(_poll(client, devices))
    try:
        yield
    finally:
        polling.cancel()
        client.close()
        await asyncio.gather(polling, return_exceptions=True)  # a read that was cut off ends as it likes


async def _poll(client: AsyncModbusTcpClient, devices: tuple[PlcDevice, ...]) -> None:
    seen: dict[tuple[str, int], int] = {}
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        for device in devices:
            status = await client.read_holding_registers(
                status_address(device.block), count=STATUS_READ_WORDS, device_id=UNIT_ID
            )
            if not device.tracked:
                continue
            points = await client.read_holding_registers(
                points_address(device.block), count=POINT_READ_WORDS, device_id=UNIT_ID
            )
            for point in device.points:
                event = points.registers[POINT_WORDS * point : POINT_WORDS * point + 4]
                if event[0] != seen.get((device.device, point), 0):
                    seen[device.device, point] = event[0]
                    words = _decision(device.device, point, event, status.registers[EPOCH_AT])
                    address = decision_address(device.block, point)
                    await client.write_registers(address, words, device_id=UNIT_ID)
        due = max(due + POLL_MS / 1000, loop.time())
        await asyncio.sleep(due - loop.time())


@contextlib.asynccontextmanager
async def _over_opcua(host: str, port: int, devices: tuple[PlcDevice, ...]) -> AsyncIterator[None]:
    client = Client(f"opc.tcp://{host}:{port}/")
    async with client:
        listener = _Listener(client, await client.get_namespace_index(NAMESPACE_URI), devices)
        parameters = ua.CreateSubscriptionParameters()
        parameters.RequestedPublishingInterval = PUBLISHING_MS
        parameters.RequestedMaxKeepAliveCount = 500
        parameters.RequestedLifetimeCount = 1500
        parameters.PublishingEnabled = True
        subscription = await client.create_subscription(parameters, listener)
        nodes = [listener.node(name) for name in listener.names]
        await subscription.subscribe_data_change(nodes, queuesize=1, sampling_interval=ua.Duration(SAMPLING_MS))
        answering_all = asyncio.create_task(listener.answer())
        try:
            yield
        finally:
            answering_all.cancel()


class _Listener:
    """Takes what is published, writes a decision for each new scan."""

    def __init__(self, client: Client, namespace: int, devices: tuple[PlcDevice, ...]) -> None:
        self._client = client
        self._namespace = namespace
        self._epoch: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._news: asyncio.Queue[tuple[str, list[int]]] = asyncio.Queue()
        self._points = {event_id(d.device, p): (d.device, p) for d in devices for p in d.points if d.tracked}
        self._status = {status_id(d.device): d.device for d in devices}
        self.names = [*self._status, *(transfer_id(d.device) for d in devices if d.tracked), *self._points]

    def node(self, name: str) -> Node:
        return self._client.get_node(ua.NodeId(ua.String(name), ua.Int16(self._namespace)))

    def datachange_notification(self, node: Node, val: Any, data: Any) -> None:
        """A monitored item changed."""
        name = str(node.nodeid.Identifier)
        if name in self._status:
            self._epoch[self._status[name]] = val[EPOCH_AT]
        elif name in self._points and val[0] != self._seen.get(name, 0):
            self._seen[name] = val[0]
            self._news.put_nowait((name, val))

    async def answer(self) -> None:
        while True:
            name, event = await self._news.get()
            device, point = self._points[name]
            words = _decision(device, point, event, self._epoch[device])
            value = ua.DataValue(ua.Variant(words, ua.VariantType.UInt16))
            await self.node(decision_id(device, point)).write_value(value)
