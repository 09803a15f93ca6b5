"""Both drivers against real servers that expose bare words."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest

from devices.drivers.carriage import PlcDevice
from devices.drivers.modbus import modbus_port
from devices.drivers.opcua import opcua_port
from devices.drivers.port import PlcPort
from devices.drivers.report_queue import REPORTS_MAX, ReportQueue
from devices.session import Delivery
from tests.devices.listener import Listener, listening
from tests.devices.raw_plc import DEVICE, HOST, RawPlc, free_port, over_modbus, over_opcua
from wcs.core.ports import (
    CommandCode,
    Connected,
    DeliveryNote,
    DeviceCommand,
    DeviceState,
    DeviceStatus,
    DeviceTask,
    Disconnected,
    DoneEntry,
    PointDecision,
    ResultCode,
    StatusChanged,
    Synchronised,
    TaskType,
    Telemetry,
    TransferAck,
    Unanswered,
)
from wcs.plant.model import Protocol

SERVERS = {Protocol.MODBUS: over_modbus, Protocol.OPCUA: over_opcua}
BOTH = pytest.mark.parametrize("protocol", list(Protocol))


def port_to(protocol: Protocol, port: int, *, tracked: bool = False) -> PlcPort:
    devices = (PlcDevice(device=DEVICE, block=0, tracked=tracked, points=(0, 1, 2) if tracked else ()),)
    return modbus_port(HOST, port, devices) if protocol is Protocol.MODBUS else opcua_port(HOST, port, devices)


def command(sequence: int, code: CommandCode, task: int = 0) -> DeviceCommand:
    whole = DeviceTask(number=task, type=TaskType.TRANSFER) if code is CommandCode.TASK else None
    return DeviceCommand(device=DEVICE, epoch=1, sequence=sequence, code=code, task_number=task, task=whole)


async def synchronise(listener: Listener, sequence: int = 1) -> None:
    await listener.next(Connected)
    listener.port.send(command(sequence, CommandCode.SYNC))
    await listener.next(Synchronised)


@BOTH
def test_a_task_goes_from_sync_to_receipt(protocol: Protocol) -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        async with SERVERS[protocol](plc, address), listening(port_to(protocol, address)) as listener:
            await synchronise(listener)
            listener.port.send(command(2, CommandCode.TASK, task=77))
            done = await listener.next(StatusChanged, matching=lambda r: r.status.state is DeviceState.DONE)
            assert done.status.active_task == 77
            listener.port.send(command(3, CommandCode.RECEIPT, task=77))
            idle = await listener.next(StatusChanged, matching=lambda r: r.status.state is DeviceState.IDLE)
            assert idle.status.done_ring == (DoneEntry(task_number=77, result=ResultCode.OK),)
            notes = listener.of(DeliveryNote)
            assert [note.sequence for note in notes if note.acknowledged_at_ms] == [1, 2, 3]
        assert plc.executed == [77]

    asyncio.run(run())


@BOTH
def test_a_telegram_that_was_not_seen_is_sent_again_as_it_was(protocol: Protocol) -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        async with SERVERS[protocol](plc, address), listening(port_to(protocol, address)) as listener:
            await synchronise(listener)
            plc.deaf_for = 2
            listener.port.send(command(2, CommandCode.TASK, task=78))
            await listener.next(StatusChanged, matching=lambda r: r.status.active_task == 78)
            assert len(plc.telegrams) == 4
            assert len(set(plc.telegrams[1:])) == 1
        assert plc.executed == [78]

    asyncio.run(run())


@BOTH
def test_a_host_that_may_not_write_reads_on_and_writes_when_it_may(protocol: Protocol) -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        held = [True]
        async with (
            SERVERS[protocol](plc, address),
            listening(port_to(protocol, address), lambda: held[0]) as listener,
        ):
            await synchronise(listener)
            held[0] = False
            before = len(plc.writes)
            listener.port.send(command(2, CommandCode.TASK, task=79))
            plc.words[70] += 1  # an odd ring, only to be seen
            await listener.next(StatusChanged)
            assert plc.executed == []
            plc.words[70] -= 1
            await listener.next(StatusChanged, 2)
            assert len(plc.writes) - before <= 1, "at most the life that was on its way"
            held[0] = True
            await listener.next(StatusChanged, matching=lambda r: r.status.active_task == 79)
        assert plc.executed == [79]

    asyncio.run(run())


@BOTH
def test_a_plc_that_was_away_is_connected_again(protocol: Protocol) -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        async with listening(port_to(protocol, address)) as listener:
            async with SERVERS[protocol](plc, address):
                await listener.next(Connected)
            await listener.next(Disconnected, matching=lambda r: bool(listener.of(Connected)))
            plc.words[33] = 9
            async with SERVERS[protocol](plc, address):
                again = await listener.next(Connected, 2)
                assert again.snapshot.status.boot_count == 9

    asyncio.run(run())


@BOTH
def test_a_plc_whose_life_stands_still_is_lost_until_it_moves(protocol: Protocol) -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        async with SERVERS[protocol](plc, address), listening(port_to(protocol, address)) as listener:
            await listener.next(Connected)
            plc.dead = True
            lost = await listener.next(Disconnected)
            assert lost.reason == "PlcLife stands still"
            plc.dead = False
            await listener.next(Connected, 2)

    asyncio.run(run())


@BOTH
def test_a_plc_that_never_acknowledges_is_lost(protocol: Protocol) -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        async with SERVERS[protocol](plc, address), listening(port_to(protocol, address)) as listener:
            await listener.next(Connected)
            plc.deaf_for = 1_000
            listener.port.send(command(1, CommandCode.SYNC))
            assert await listener.next(Unanswered) == Unanswered(device=DEVICE, sequence=1)
            assert len(plc.telegrams) == 6
            await listener.next(Connected, 2)

    asyncio.run(run())


@BOTH
def test_answers_at_points_and_transfer_points_arrive_word_by_word(protocol: Protocol) -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        plc.words[108:112] = [1, 0, 5, 12]  # transfer point 3: EventSeq 12
        plc.words[176:180] = [0x1235, 1, 1, 0x86A0]  # point 1: ScanSeq, flags, TrackNumber 100000
        async with (
            SERVERS[protocol](plc, address),
            listening(port_to(protocol, address, tracked=True)) as listener,
        ):
            first = await listener.next(Connected)
            assert first.snapshot.points[1].track == 100_000
            listener.port.send(TransferAck(device=DEVICE, transfer=3, event_sequence=12))
            listener.port.send(
                PointDecision(device=DEVICE, point=1, scan_sequence=0x1235, track=100_000, exit=3, epoch=7)
            )
            listener.port.send(command(1, CommandCode.SYNC))
            await listener.next(Synchronised)  # answers are written before commands
            assert plc.words[128:136] == [0, 0, 0, 12, 0, 0, 0, 0]
            assert plc.words[208:216] == [0x1235, 1, 0x86A0, 3, 0x0700, 0, 0, 0x5DDD]

    asyncio.run(run())


def test_on_modbus_words_1_to_31_go_in_one_write_and_word_0_alone() -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        async with over_modbus(plc, address), listening(port_to(Protocol.MODBUS, address)) as listener:
            await synchronise(listener)
        assert set(plc.writes) == {(0, 1), (1, 31)}

    asyncio.run(run())


@BOTH
def test_a_plc_that_is_not_there_is_told_once(protocol: Protocol) -> None:
    async def run() -> None:
        address = free_port()
        async with listening(port_to(protocol, address)) as listener:
            lost = await listener.next(Disconnected)
            assert lost.reason.startswith("the connection is lost: no connection to")
            async with SERVERS[protocol](RawPlc(), address):
                await listener.next(Connected)
            assert listener.of(Disconnected)[0] is lost

    asyncio.run(run())


def test_an_opc_ua_server_of_another_kind_is_refused_by_name() -> None:
    async def run() -> None:
        address = free_port()
        devices = (PlcDevice(device="CR9", block=0),)
        async with over_opcua(RawPlc(), address), listening(opcua_port(HOST, address, devices)) as listener:
            lost = await listener.next(Disconnected)
            assert "CR9.Sts" in lost.reason

    asyncio.run(run())


def test_a_full_queue_keeps_the_latest_level_of_every_kind() -> None:
    async def run() -> None:
        queue = ReportQueue()
        for number in range(REPORTS_MAX + 500):
            queue.put(Telemetry(device="A", x_mm=number))
            queue.put(StatusChanged(device="B", status=DeviceStatus(event_sequence=number)))
        queue.put(Disconnected(device="A", reason="gone"))
        assert len(queue) <= REPORTS_MAX + 3
        reports = [report async for report in _first(queue, len(queue))]
        assert reports[-1] == Disconnected(device="A", reason="gone")
        last = REPORTS_MAX + 499
        assert Telemetry(device="A", x_mm=last) in reports
        assert StatusChanged(device="B", status=DeviceStatus(event_sequence=last)) in reports

    asyncio.run(run())


async def _first(queue: ReportQueue, count: int) -> AsyncIterator[Delivery]:
    stream = queue.stream()
    for _ in range(count):
        yield await anext(stream)


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed: no independent Modbus client")
def test_an_independent_client_reads_the_same_words() -> None:
    async def run() -> None:
        plc, address = RawPlc(), free_port()
        async with over_modbus(plc, address):
            arguments = [
                "mbpoll",
                "-0",
                "-1",
                "-q",
                "-a",
                "1",
                "-p",
                str(address),
                "-t",
                "4:hex",
                "-r",
                "32",
                "-c",
                "64",
                HOST,
            ]
            process = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
            out, _ = await asyncio.wait_for(process.communicate(), 10)
        shown = [int(line.split("0x")[1], 16) for line in out.decode().splitlines() if "0x" in line]
        assert shown[3] == 0x0100

    asyncio.run(run())
