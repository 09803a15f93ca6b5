"""A Modbus TCP server in front of a virtual PLC: every word in holding registers, block n at 256·n.

Rule: reads come from one image that is replaced block by block between scans, so they are never torn; writes outside
the words that belong to the WCS, or of half a telegram, are refused with "illegal data address".
"""

from __future__ import annotations

from collections.abc import Callable

from pymodbus import pymodbus_apply_logging_config
from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from devices.virtual_plc.blocks import DeviceBlock
from devices.virtual_plc.modbus_requests import InOrderServer
from devices.virtual_plc.scan import ProgrammableController
from devices.words import (
    COMMAND_WORDS,
    DECISION_WORDS,
    DEVICE_WORDS,
    EVENT_WORDS,
    POINTS,
    TRANSFERS,
    UNIT_ID,
    base_address,
    command_address,
    decision_address,
    event_address,
    life_address,
    status_address,
    transfer_ack_address,
)

Write = Callable[[list[int]], None]


class ModbusServer:
    """The words of all devices of one PLC, on one unit."""

    def __init__(self, controller: ProgrammableController) -> None:
        self._controller = controller
        self._image = [0] * (DEVICE_WORDS * (1 + max(block.number for block in controller.blocks)))
        self._server: InOrderServer | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; OSError or RuntimeError if the port is taken."""
        pymodbus_apply_logging_config("CRITICAL")
        for block in self._controller.blocks:
            await self.publish(block)
        registers = SimData(0, values=list(self._image), datatype=DataType.REGISTERS)
        device = SimDevice(UNIT_ID, simdata=[registers], action=self._act)
        self._server = InOrderServer(device, address=(host, port))
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        """Hang up."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped

    async def publish(self, block: DeviceBlock) -> None:
        """Take over the words of a block into the image."""
        base = status_address(block.number)
        words = [*block.status, *block.transfers]
        self._image[base : base + len(words)] = words
        for point, event in enumerate(block.events):
            at = event_address(block.number, point)
            self._image[at : at + EVENT_WORDS] = event

    async def _act(
        self,
        function: int,
        start_address: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """pymodbus: a request is about to be carried out on `registers`."""
        if values:
            words = [int(value) for value in values]
            write = self._write_at(address, len(words))
            if write is None:
                return ExcCodes.ILLEGAL_ADDRESS
            self._image[address : address + len(words)] = words
            write(words)
        at = address - start_address
        registers[at : at + count] = self._image[address : address + count]
        return None

    def _write_at(self, address: int, count: int) -> Write | None:
        """What a write of so many words at this address means; None if it is not for clients to write."""
        number = address // DEVICE_WORDS
        block = next((b for b in self._controller.blocks if b.number == number), None)
        if block is None:
            return None
        controller = self._controller
        if address == life_address(number) and count == 1:
            return lambda words: controller.write_life(block, words[0])
        if address == command_address(number) and count == COMMAND_WORDS - 1:
            return lambda words: controller.write_command(block, [0, *words])
        if address == base_address(number) and count == COMMAND_WORDS:
            return lambda words: self._write_life_and_command(block, words)
        for point in range(POINTS):
            if address == decision_address(number, point) and count == DECISION_WORDS:
                return lambda words: controller.write_decision(block, point, words)
        first = address - transfer_ack_address(number, 0)
        if first >= 0 and first + count <= TRANSFERS:
            return lambda words: self._write_acks(block, first, words)
        return None

    def _write_life_and_command(self, block: DeviceBlock, words: list[int]) -> None:
        self._controller.write_life(block, words[0])
        self._controller.write_command(block, words)

    def _write_acks(self, block: DeviceBlock, first: int, words: list[int]) -> None:
        for transfer, word in enumerate(words, first):
            self._controller.write_transfer_ack(block, transfer, word)
