"""A crane behind both protocols, driven by raw clients: the promises of the device interface, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.virtual_plc.running import RunningPlant, start_plant
from devices.words import crc16, encode_command
from tests.devices.virtual_plc_clients import (
    Driver,
    RawDevice,
    modbus_device,
    opcua_device,
    tote,
    transfer,
    until,
)
from wcs.core.ports import AckCode, Address, CommandCode, DeviceCommand, DeviceState, ResultCode
from wcs.plant.file import load_plant

SPEED = 8
PLC_OF = {"CR1": "PLC1", "CR2": "PLC2"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlant]:
    data: Path = tmp_path_factory.mktemp("cranes")
    with start_plant(load_plant("tiny"), data, SPEED, only_plcs=("PLC1", "PLC2")) as plant:
        yield plant


class Crane:
    """One crane of the plant, with loads and bins of its own for each test."""

    numbers = iter(range(1, 10_000))

    def __init__(self, running: RunningPlant, device: str) -> None:
        self.running = running
        self.device = device
        self.plc = PLC_OF[device]
        self.aisle = int(device[2:])

    def bin(self, bay: int, level: int, side: int = 1) -> Address:
        return Address(a=self.aisle, b=bay, c=level, d=10 * side + 1)

    def bin_name(self, bay: int, level: int, side: int = 1) -> str:
        return f"A{self.aisle}-{'LR'[side - 1]}-{bay:02d}-{level:02d}-1"

    def put(self, bay: int, level: int) -> int:
        number = next(self.numbers)
        with_port = self.running.open_test_port()
        with_port.place(tote(number), self.bin_name(bay, level))
        with_port.close()
        return number

    def moves(self, number: int) -> list[tuple[str, str]]:
        port = self.running.open_test_port()
        lines = [entry.line for entry in port.whole_log() if entry.line.number == number and entry.line.load is None]
        port.close()
        return [(line.source, line.sink) for line in lines]

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Driver]:
        connect = opcua_device if self.plc == "PLC1" else modbus_device
        async with connect(self.running.plcs[self.plc], self.device) as raw:
            device: RawDevice = raw
            yield Driver(device)


@pytest.fixture(params=["CR1", "CR2"], ids=["opcua", "modbus"])
def crane(running: RunningPlant, request: pytest.FixtureRequest) -> Crane:
    return Crane(running, request.param)


def run(coroutine: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


def test_a_transfer_runs_to_done_and_the_world_shows_pick_and_deposit_once(crane: Crane) -> None:
    number = crane.put(1, 1)

    async def scene() -> None:
        async with crane.connect() as driver:
            status = await driver.send(
                CommandCode.TASK, task=transfer(101, crane.bin(1, 1), crane.bin(2, 2, side=2), number)
            )
            assert status.ack_code == AckCode.ACCEPTED
            status = await driver.until(lambda s: s.state == DeviceState.DONE)
            assert (status.active_task, status.result) == (101, ResultCode.OK)
            await driver.receipt(101)
            status = await driver.status()
            assert [entry.task_number for entry in status.done_ring][:1] == [101]

    run(scene())
    source, sink = crane.bin_name(1, 1), crane.bin_name(2, 2, side=2)
    assert crane.moves(number) == [(source, crane.device), (crane.device, sink)]


def test_a_telegram_with_a_wrong_crc_is_counted_and_not_acknowledged(crane: Crane) -> None:
    async def scene() -> None:
        async with crane.connect() as driver:
            before = await driver.status()
            count = (await driver.raw.status_words())[13]
            sync = DeviceCommand(device=crane.device, epoch=1, sequence=before.ack_sequence + 1, code=CommandCode.SYNC)
            words = encode_command(sync)
            words[31] ^= 0x0100
            await driver.raw.write_command(words)

            async def counted() -> bool | None:
                return (await driver.raw.status_words())[13] == count + 1 or None

            await until(counted)
            assert (await driver.status()).ack_sequence == before.ack_sequence

    run(scene())


def test_the_same_telegram_twice_is_one_task_and_the_same_task_again_a_duplicate(crane: Crane) -> None:
    number = crane.put(1, 2)

    async def scene() -> None:
        async with crane.connect() as driver:
            task = transfer(201, crane.bin(1, 2), crane.bin(3, 1), number)
            accepted = await driver.send(CommandCode.TASK, task=task)
            again = DeviceCommand(
                device=crane.device,
                epoch=1,
                sequence=accepted.ack_sequence,
                code=CommandCode.TASK,
                task_number=201,
                task=task,
            )
            await driver.raw.write_command(encode_command(again))
            status = await driver.send(CommandCode.TASK, task=task)
            assert status.ack_code == AckCode.DUPLICATE_ACTIVE
            await driver.until(lambda s: s.state == DeviceState.DONE)
            await driver.receipt(201)
            status = await driver.send(CommandCode.TASK, task=task)
            assert status.ack_code == AckCode.DUPLICATE_DONE

    run(scene())
    assert len(crane.moves(number)) == 2


def test_a_code_that_the_interface_does_not_know_is_a_bad_parameter(crane: Crane) -> None:
    async def scene() -> None:
        async with crane.connect() as driver:
            sequence = (await driver.status()).ack_sequence + 1
            words = encode_command(
                DeviceCommand(device=crane.device, epoch=1, sequence=sequence, code=CommandCode.SYNC)
            )
            words[4] = 99
            words[31] = crc16(words[1:31])
            await driver.raw.write_command(words)
            status = await driver.until(lambda s: s.ack_sequence == sequence)
            assert status.ack_code == AckCode.BAD_PARAMETER

    run(scene())


def test_a_crane_killed_under_way_is_interrupted_and_resumes_without_moving_twice(crane: Crane) -> None:
    number = crane.put(5, 1)

    async def begin() -> int:
        async with crane.connect() as driver:
            await driver.send(CommandCode.TASK, task=transfer(301, crane.bin(5, 1), crane.bin(1, 4), number))
            status = await driver.until(lambda s: s.state == DeviceState.TO_DEPOSIT)
            return status.boot_count

    boot_count = asyncio.run(asyncio.wait_for(begin(), 60))
    crane.running.kill(crane.plc)
    address = crane.running.plcs[crane.plc]
    crane.running.restart(crane.plc)
    assert crane.running.plcs[crane.plc] == address

    async def go_on() -> None:
        async with crane.connect() as driver:
            status = await driver.status()
            assert status.boot_count == boot_count + 1
            assert (status.state, status.active_task) == (DeviceState.INTERRUPTED, 301)
            assert status.load_present
            await driver.send(CommandCode.RESUME, task_number=301)
            status = await driver.until(lambda s: s.state == DeviceState.DONE)
            assert status.result == ResultCode.OK
            await driver.receipt(301)

    run(go_on())
    assert crane.moves(number) == [
        (crane.bin_name(5, 1), crane.device),
        (crane.device, crane.bin_name(1, 4)),
    ]


def test_a_plc_that_lost_its_memory_takes_no_task_until_it_is_told_that_all_is_settled(crane: Crane) -> None:
    number = crane.put(4, 3)
    crane.running.kill(crane.plc, wipe=True)
    crane.running.restart(crane.plc)

    async def scene() -> None:
        async with crane.connect() as driver:
            task = transfer(401, crane.bin(4, 3), crane.bin(4, 4), number)
            status = await driver.send(CommandCode.TASK, task=task)
            assert not status.retentive_valid
            assert status.ack_code == AckCode.INTERLOCK
            status = await driver.send(CommandCode.SYNC, p1=1)
            assert status.retentive_valid
            status = await driver.send(CommandCode.TASK, task=task)
            assert status.ack_code == AckCode.ACCEPTED
            await driver.until(lambda s: s.state == DeviceState.DONE)
            await driver.receipt(401)

    run(scene())
    assert len(crane.moves(number)) == 2


def test_a_fault_injected_at_the_test_port_stops_the_crane_and_refuses_tasks(crane: Crane) -> None:
    port = crane.running.open_test_port()
    port.inject(crane.device, "fault", alarm="axis")

    async def scene() -> None:
        async with crane.connect() as driver:
            status = await driver.until(lambda s: bool(s.alarms[0] & 8))
            assert not status.ready
            status = await driver.send(CommandCode.TASK, task=transfer(501, crane.bin(1, 1), crane.bin(1, 3)))
            assert status.ack_code == AckCode.FAULTED
            port.inject(crane.device, "local_reset")
            await driver.send(CommandCode.RESET_FAULT)
            await driver.until(lambda s: s.ready)

    run(scene())
    port.close()


def test_plc_life_rises_and_its_tail_agrees_while_nothing_happens(crane: Crane) -> None:
    async def scene() -> None:
        async with crane.connect() as driver:
            first = (await driver.raw.status_words())[0]

            async def risen() -> bool | None:
                words = await driver.raw.status_words()
                assert words[0] == words[62]
                return words[0] != first or None

            await until(risen)

    run(scene())
