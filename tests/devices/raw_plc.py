"""A crane's PLC as bare words behind real servers: it acknowledges what it is sent, and can be told to misbehave.

It uses word numbers of the published text, not our codec, so that driver and test cannot share one mistake.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

SCAN_S = 0.01
SCANS_A_BEAT = 10
DEVICE = "CR1"
HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class RawPlc:
    """256 words of one device, and a scan that plays by the simplest rules."""

    def __init__(self) -> None:
        self.words = [0] * 256
        self.words[35] = 0x0100
        self.words[39] = 2
        self.words[41] = 0b01010111
        self.deaf_for = 0  # telegrams that it does not see
        self.dead = False  # PlcLife stands still
        self.executed: list[int] = []  # task numbers, once each time a TASK was carried out
        self.telegrams: list[tuple[int, ...]] = []
        self.writes: list[tuple[int, int]] = []  # (address, count) of every write
        self._scans = 0

    def write(self, address: int, words: list[int]) -> None:
        """What a client writes."""
        self.writes.append((address, len(words)))
        self.words[address : address + len(words)] = words
        if address <= 1 < address + len(words):
            self.telegrams.append(tuple(self.words[1:32]))
            if self.deaf_for:
                self.deaf_for -= 1
            else:
                self._judge()

    def scan(self) -> None:
        """Beat."""
        self._scans += 1
        if not self.dead and self._scans % SCANS_A_BEAT == 0:
            self._beat()

    def _beat(self) -> None:
        self.words[32] = self.words[94] = (self.words[32] + 1) & 0xFFFF

    def _judge(self) -> None:
        words = self.words
        sequence = words[2] << 16 | words[3]
        if sequence <= (words[36] << 16 | words[37]):
            return
        words[36:38], words[38] = words[2:4], 1
        if words[4] == 1:  # TASK: done at once
            self.executed.append(words[6] << 16 | words[7])
            words[42:44], words[40], words[44] = words[6:8], 6, 1
        elif words[4] == 8:  # RECEIPT: into the ring
            words[66:82] = [*words[42:44], words[44], 0, *words[66:78]]
            words[42:44], words[40], words[44] = [0, 0], 0, 0
        words[47] += 1
        self._beat()


async def _scan(plc: RawPlc, publish: Any = None) -> None:
    while True:
        plc.scan()
        if publish is not None:
            await publish()
        await asyncio.sleep(SCAN_S)


@contextlib.asynccontextmanager
async def over_modbus(plc: RawPlc, port: int) -> AsyncIterator[None]:
    """Serve its words in holding registers."""
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

    async def act(
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if values:
            plc.write(address, [int(value) for value in values])
        at = address - start
        registers[at : at + count] = plc.words[address : address + count]
        return None

    registers = SimData(0, values=list(plc.words), datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, simdata=[registers], action=act), address=(HOST, port))
    await server.serve_forever(background=True)
    scanning = asyncio.create_task(_scan(plc))
    try:
        yield
    finally:
        scanning.cancel()
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped


@contextlib.asynccontextmanager
async def over_opcua(plc: RawPlc, port: int) -> AsyncIterator[None]:
    """Serve its words as array variables of one object."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{HOST}:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    namespace = await server.register_namespace("urn:wcs:device:v1")

    def node_id(name: str) -> ua.NodeId:
        return ua.NodeId(ua.String(name), ua.Int16(namespace))

    folder = await server.nodes.objects.add_object(node_id(DEVICE), ua.QualifiedName(DEVICE, namespace))
    blocks = {
        "Cmd": (0, 32),
        "Sts": (32, 64),
        "Transfer": (96, 32),
        "TransferAck": (128, 8),
        **{f"Point{p}.Evt": (136 + 40 * p, 32) for p in range(3)},
        **{f"Point{p}.Dec": (168 + 40 * p, 8) for p in range(3)},
    }
    nodes: dict[str, Node] = {}
    for name, (first, count) in blocks.items():
        nodes[name] = await folder.add_variable(
            node_id(f"{DEVICE}.{name}"),
            ua.QualifiedName(name, namespace),
            ua.Variant(plc.words[first : first + count], ua.VariantType.UInt16),
        )
    nodes["WcsLife"] = await folder.add_variable(
        node_id(f"{DEVICE}.WcsLife"),
        ua.QualifiedName("WcsLife", namespace),
        ua.Variant(0, ua.VariantType.UInt16),
    )
    written = {name: nodes[name] for name in nodes if name not in ("Sts", "Transfer") and not name.endswith("Evt")}
    for node in written.values():
        await node.set_writable()
    seen: dict[str, ua.DataValue] = {name: await node.read_data_value() for name, node in written.items()}

    async def publish() -> None:
        for name, node in written.items():
            data = await node.read_data_value()
            if data is not seen[name]:  # a write puts a new value there, even if it says the same
                seen[name] = data
                assert data.Value is not None
                value = data.Value.Value
                first = blocks[name][0] if name in blocks else 0
                plc.write(first, list(value) if isinstance(value, list) else [value])
        for name, (first, count) in blocks.items():
            if name not in written:
                await nodes[name].write_value(ua.Variant(plc.words[first : first + count], ua.VariantType.UInt16))

    await server.start()
    scanning = asyncio.create_task(_scan(plc, publish))
    try:
        yield
    finally:
        scanning.cancel()
        await server.stop()
