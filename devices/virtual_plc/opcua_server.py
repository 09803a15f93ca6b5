"""An OPC UA server in front of a virtual PLC: one array variable a telegram, one server for all devices of the PLC.

Rule: the variables are exactly those of docs/device-interface.md; what belongs to the PLC cannot be written by clients,
and a write of the wrong length is refused before it is looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from asyncua import ua
from asyncua.common.node import Node
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import NodeData
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from devices.virtual_plc.blocks import DeviceBlock
from devices.virtual_plc.opcua_security import PlcSecurity, secure
from devices.virtual_plc.scan import ProgrammableController
from devices.words import (
    COMMAND_WORDS,
    DECISION_WORDS,
    NAMESPACE_URI,
    POINTS,
    TRANSFERS,
    command_id,
    decision_id,
    event_id,
    life_id,
    mirror_id,
    mirror_values,
    status_id,
    transfer_ack_id,
    transfer_id,
)

APPLICATION_URI = "urn:wcs:virtual-plc"
_WORD = ua.VariantType.UInt16
_MIRROR_TYPE = {
    "AckSeq": ua.VariantType.UInt32,
    "ActiveTask": ua.VariantType.UInt32,
    "PosX": ua.VariantType.Int32,
    "PosY": ua.VariantType.Int32,
    "PosZ": ua.VariantType.Int32,
    "LoadId": ua.VariantType.UInt64,
}

Take = Callable[[list[int]], None]


class OpcuaServer:
    """The words of all devices of one PLC, as variables."""

    def __init__(self, controller: ProgrammableController, security: PlcSecurity | None = None) -> None:
        self._controller = controller
        self._security = security
        self._server: Server | None = None
        self._namespace = 0
        self._published: dict[str, object] = {}

    async def start(self, host: str, port: int) -> None:
        """Listen; OSError if the port is taken."""
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        server = Server(user_manager=None if self._security is None else self._security.users())
        await server.init()
        server.set_endpoint(f"opc.tcp://{host}:{port}/")
        server.set_server_name("virtual PLC")
        await server.set_application_uri(APPLICATION_URI)
        await secure(server, self._security)
        self._namespace = await server.register_namespace(NAMESPACE_URI)
        self._server = server
        for block in self._controller.blocks:
            await self._add_device(block)
        await server.start()

    async def stop(self) -> None:
        """Hang up."""
        if self._server is not None:
            await self._server.stop()

    async def publish(self, block: DeviceBlock) -> None:
        """Write those variables of a block whose words changed; points and transfer points before the status."""
        device = block.device
        for point, event in enumerate(block.events):
            await self._write(event_id(device, point), event, _WORD)
        await self._write(transfer_id(device), block.transfers, _WORD)
        if self._published.get(status_id(device)) is block.status:
            return
        await self._write(status_id(device), block.status, _WORD)
        for name, value in mirror_values(block.status).items():
            await self._write(mirror_id(device, name), value, _MIRROR_TYPE.get(name, _WORD))

    async def _write(self, identifier: str, value: object, kind: ua.VariantType) -> None:
        published = self._published.get(identifier)
        if published is value or published == value:
            return
        self._published[identifier] = value
        assert self._server is not None
        now = ua.DateTime.now(UTC)
        data = ua.DataValue(ua.Variant(value, kind), SourceTimestamp=now, ServerTimestamp=now)
        await self._server.write_attribute_value(self._node_id(identifier), data)

    def _node_id(self, identifier: str) -> ua.NodeId:
        return ua.NodeId(ua.String(identifier), ua.Int16(self._namespace))

    async def _add_device(self, block: DeviceBlock) -> None:
        assert self._server is not None
        device, controller = block.device, self._controller
        folder = await self._server.nodes.objects.add_object(
            self._node_id(device), ua.QualifiedName(device, self._namespace)
        )
        await self._add_writable(
            folder, command_id(device), [0] * COMMAND_WORDS, lambda words: controller.write_command(block, words)
        )
        await self._add_writable(folder, life_id(device), 0, lambda words: controller.write_life(block, words[0]))
        await self._add_writable(
            folder, transfer_ack_id(device), [0] * TRANSFERS, lambda words: self._take_acks(block, words)
        )
        for point in range(POINTS):
            await self._add_writable(
                folder, decision_id(device, point), [0] * DECISION_WORDS, _decision_taker(controller, block, point)
            )
            await self._add(folder, event_id(device, point), block.events[point], _WORD)
        await self._add(folder, status_id(device), block.status, _WORD)
        await self._add(folder, transfer_id(device), block.transfers, _WORD)
        mirrors = await folder.add_object(
            self._node_id(f"{device}.Status"), ua.QualifiedName("Status", self._namespace)
        )
        for name, value in mirror_values(block.status).items():
            await self._add(mirrors, mirror_id(device, name), value, _MIRROR_TYPE.get(name, _WORD))

    async def _add(self, folder: Node, identifier: str, value: object, kind: ua.VariantType) -> Node:
        name = ua.QualifiedName(identifier.split(".", 1)[1].removeprefix("Status."), self._namespace)
        self._published[identifier] = value
        return await folder.add_variable(self._node_id(identifier), name, ua.Variant(value, kind))

    async def _add_writable(self, folder: Node, identifier: str, value: list[int] | int, take: Take) -> None:
        assert self._server is not None
        node = await self._add(folder, identifier, value, _WORD)
        await node.set_writable()
        length = len(value) if isinstance(value, list) else None

        def set_value(data: NodeData, attribute: AttributeIds, written: ua.DataValue) -> None:
            words = _written_words(written, length)
            data.attributes[attribute].value = written
            take(words)

        self._server.set_attribute_value_setter(node.nodeid, set_value, AttributeIds.Value)

    def _take_acks(self, block: DeviceBlock, words: Sequence[int]) -> None:
        for transfer, word in enumerate(words):
            if word != block.transfer_acks[transfer]:
                self._controller.write_transfer_ack(block, transfer, word)


def _decision_taker(controller: ProgrammableController, block: DeviceBlock, point: int) -> Take:
    return lambda words: controller.write_decision(block, point, words)


def _written_words(written: ua.DataValue, length: int | None) -> list[int]:
    value: Any = None if written.Value is None else written.Value.Value
    if length is None and isinstance(value, int):
        return [value]
    if isinstance(value, list) and len(value) == length:
        return [int(word) for word in value]
    raise ServiceError(StatusCodes.BadOutOfRange)
