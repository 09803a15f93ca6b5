"""Two PLC processes and one world: what a crane sets down is what the conveyor's photo-eye sees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest

from devices.virtual_plc.running import RunningPlant, start_plant
from devices.words import decode_event, encode_decision
from tests.devices.virtual_plc_clients import Driver, modbus_device, tote, transfer, until
from wcs.core.ports import (
    AckCode,
    Address,
    CommandCode,
    DeviceState,
    OutcomeReason,
    PointDecision,
    PointStatus,
    ResultCode,
    TransferStatus,
)
from wcs.plant.file import load_plant

OUT = 5  # A2.OUT is transfer point 5 of CV1, and number 2 of crane CR2
ID1 = 0  # the identification point is point 0 of CV1
BIN = "A2-L-01-01-1"


@pytest.fixture
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlant]:
    with start_plant(load_plant("tiny"), tmp_path_factory.mktemp("hand_over"), 8, only_plcs=("PLC2", "PLC3")) as plant:
        yield plant


def test_a_tote_set_down_by_the_crane_gets_a_track_number_and_rides_off(running: RunningPlant) -> None:
    with closing(running.open_test_port()) as port:
        port.place(tote(11), BIN)

        async def scene() -> None:
            plcs = running.plcs
            async with modbus_device(plcs["PLC2"], "CR2") as crane, modbus_device(plcs["PLC3"], "CV1") as belt:
                fork, conveyor = Driver(crane), Driver(belt)
                assert (await conveyor.status()).state == DeviceState.INTERRUPTED
                assert (await conveyor.send(CommandCode.RESUME)).ack_code == AckCode.ACCEPTED

                async def point(wanted: bool) -> TransferStatus | None:
                    await conveyor.status()
                    seen = (await belt.transfers())[OUT]
                    return seen if seen.ready_to_accept == wanted else None

                before = await until(lambda: point(True))
                out = Address(a=2, b=0, c=2)
                await fork.send(CommandCode.TASK, task=transfer(1, Address(a=2, b=1, c=1, d=11), out, 11))
                done = await fork.until(lambda s: s.state == DeviceState.DONE)
                assert done.result == ResultCode.OK

                async def arrived() -> TransferStatus | None:
                    seen = (await belt.transfers())[OUT]
                    return seen if seen.event_sequence != before.event_sequence else None

                event = await until(arrived)
                assert event.track != 0
                assert not event.ready_to_accept
                await belt.write_transfer_ack(OUT, event.event_sequence)
                after = await until(lambda: point(True))
                assert after.track == event.track

        asyncio.run(asyncio.wait_for(scene(), 60))
        moves = [entry.line for entry in port.whole_log()]
        assert [(line.source, line.sink) for line in moves][1:3] == [(BIN, "CR2"), ("CR2", "A2.OUT")]


def test_a_scanned_tote_takes_the_exit_that_was_decided(running: RunningPlant) -> None:
    with closing(running.open_test_port()) as port:

        async def scene() -> None:
            async with (
                modbus_device(running.plcs["PLC3"], "CV1") as belt,
                modbus_device(running.plcs["PLC3"], "CV2") as rest,
            ):
                conveyor = Driver(belt)
                await conveyor.send(CommandCode.RESUME)
                await Driver(rest).send(CommandCode.RESUME)
                port.place(tote(12), "IN1")

                async def scanned() -> PointStatus | None:
                    await conveyor.status()
                    seen = decode_event(await belt.read(136, 32))
                    return seen if seen.scan_sequence else None

                seen = await until(scanned)
                assert seen.barcode == tote(12).barcode
                assert seen.mass_g == tote(12).mass_g
                decision = PointDecision(
                    device="CV1",
                    point=ID1,
                    scan_sequence=seen.scan_sequence,
                    track=seen.track,
                    exit=2,
                    epoch=conveyor.epoch,
                )
                assert not (await belt.write(136 + 32, encode_decision(decision))).isError()

                async def judged() -> PointStatus | None:
                    await conveyor.status()
                    now = decode_event(await belt.read(136, 32))
                    return now if now.outcomes else None

                outcome = (await until(judged)).outcomes[0]
                assert (outcome.scan_sequence, outcome.exit) == (seen.scan_sequence, 2)
                assert outcome.reason == OutcomeReason.AS_DECIDED

                async def at_the_end() -> bool | None:
                    await conveyor.status()
                    return port.dump()[12] == "CLAR" or None

                await until(at_the_end)

        asyncio.run(asyncio.wait_for(scene(), 60))
