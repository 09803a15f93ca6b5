"""A commissioning engineer at the virtual PLCs of the tiny plant, over both protocols."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devices.commissioning import Target, TaskNotSent, Telegram, probe, send_task, watch
from devices.commissioning_rows import event_rows, status_rows
from devices.drivers.carriage import CarriageRefused, NotThere
from devices.drivers.opcua_security import OpcUaSecurity
from devices.drivers.ports import open_port, plc_devices
from devices.machines.machine import Load
from devices.virtual_plc.running import SECURITY_FOLDER, RunningPlant, start_plant
from tests.devices.listener import listening
from wcs.core.ports import Address, Connected, DeviceTask, Disconnected, TaskType
from wcs.plant.file import load_plant
from wcs.plant.model import Plant

SPEED = 8.0
CRANES = pytest.mark.parametrize(("crane", "aisle"), [("CR1", 1), ("CR2", 2)], ids=["opcua", "modbus"])


@pytest.fixture(scope="module")
def plant() -> Plant:
    return load_plant("tiny")


@pytest.fixture(scope="module")
def running(plant: Plant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlant]:
    with start_plant(plant, tmp_path_factory.mktemp("plc"), SPEED, only_plcs=("PLC1", "PLC2")) as started:
        yield started


def target(running: RunningPlant, name: str) -> Target:
    for plc in running.plant.plcs:
        for device in plc_devices(plc, running.plant):
            if device.device == name:
                address = running.plcs[plc.name]
                return Target(
                    host=address.host,
                    port=address.port,
                    protocol=plc.protocol,
                    device=name,
                    block=device.block,
                    tracked=device.tracked,
                    points=device.points,
                )
    raise AssertionError(f"no device {name}")


async def errand(target: Target, task: DeviceTask) -> list[Telegram]:
    return [telegram async for telegram in send_task(target, task, memory_settled=True, timeout_s=30)]


def transfer(aisle: int, bay: int, number: int = 0) -> DeviceTask:
    return DeviceTask(
        number=number,
        type=TaskType.TRANSFER,
        source=Address(a=aisle, b=bay, c=1, d=11),
        sink=Address(a=aisle, b=bay, c=2, d=21),
        load_type=1,
    )


def test_a_device_that_the_plc_does_not_have_is_not_an_unreachable_plc(running: RunningPlant) -> None:
    with pytest.raises(NotThere, match="CR9"):
        asyncio.run(probe(msgspec.structs.replace(target(running, "CR1"), device="CR9")))
    with pytest.raises(CarriageRefused):
        asyncio.run(probe(msgspec.structs.replace(target(running, "CR2"), block=7)))


@CRANES
def test_one_task_is_followed_from_sync_to_receipt(running: RunningPlant, crane: str, aisle: int) -> None:
    source, sink = f"A{aisle}-L-02-01-1", f"A{aisle}-R-02-02-1"
    test_port = running.open_test_port()
    load = Load(number=100 + aisle, barcode=f"LU-{aisle}", load_type=1, mass_g=5_000, height_mm=200)
    test_port.place(load, source)
    telegrams = asyncio.run(errand(target(running, crane), transfer(aisle, 2)))
    assert [t.title.split()[0] for t in telegrams if t.sent] == ["SYNC", "TASK", "RECEIPT"]
    states = [row.meaning for t in telegrams for row in t.rows if row.name == "State"]
    assert "DONE" in states
    assert states[-1] == "IDLE"
    assert test_port.dump()[load.number] == sink
    test_port.close()


@CRANES
def test_a_refused_task_says_why(running: RunningPlant, crane: str, aisle: int) -> None:
    with pytest.raises(TaskNotSent, match="BAD_PARAMETER"):
        asyncio.run(errand(target(running, crane), transfer(aisle, bay=99)))


@CRANES
def test_a_device_that_a_living_wcs_drives_is_sent_nothing_unless_that_is_meant(
    running: RunningPlant, crane: str, aisle: int
) -> None:
    plc = next(plc for plc in running.plant.plcs if crane in plc.devices)
    address = running.plcs[plc.name]

    async def beside_a_site() -> None:
        site = asyncio.create_task(open_port(plc, running.plant, (address.host, address.port)).run())
        try:
            while (
                "WCS alive" not in {row.name: row for row in await probe(target(running, crane))}["StatusBits"].meaning
            ):
                pass
            with pytest.raises(TaskNotSent, match=f"a living WCS drives {crane}"):
                await errand(target(running, crane), transfer(aisle, 2))
            meant = send_task(target(running, crane), transfer(aisle, bay=99), beside_wcs=True, timeout_s=30)
            with pytest.raises(TaskNotSent, match="BAD_PARAMETER"):
                async for _ in meant:
                    pass
        finally:
            site.cancel()
            await asyncio.gather(site, return_exceptions=True)

    asyncio.run(beside_a_site())


@pytest.mark.parametrize("device", ["CR1", "V1", "CR2", "DK1"])
def test_the_map_is_read_with_names_and_meanings(running: RunningPlant, device: str) -> None:
    rows = {row.name: row for row in asyncio.run(probe(target(running, device)))}
    assert rows["MapVersion"].meaning == "1.0"
    assert rows["Mode"].meaning == "AUTOMATIC"
    assert (rows["PosX"].word, rows["PosX"].meaning) == (52, "mm")
    assert ("Transfer1.EventSeq" in rows) == (device == "DK1")


def test_watching_shows_everything_first(running: RunningPlant) -> None:
    async def first() -> set[str]:
        rows = watch(target(running, "CR2"))
        try:
            return {row.name for row in await anext(rows)}
        finally:
            await rows.aclose()  # type: ignore[attr-defined]

    assert {"State", "AckSeq", "StepAtStop"} <= asyncio.run(first())


def test_what_the_interface_does_not_name_is_said_to_be_so() -> None:
    words = [0] * 64
    words[3], words[8], words[9] = 0x0200, 9, 0x0101
    rows = {row.name: row.meaning for row in status_rows(words)}
    assert rows["MapVersion"] == "2.0, not in the interface"
    assert rows["State"] == "not in the interface"
    assert rows["StatusBits"] == "ready, bits 0x0100 not in the interface"


def test_a_barcode_is_shown_as_text() -> None:
    event = [0] * 32
    event[8:10] = [0x4C55, 0x2D31]
    barcode = event_rows(1, event)[-1]
    assert (barcode.word, barcode.name, barcode.value) == (136 + 40 + 8, "Point1.Barcode", "LU-1")


def test_a_secured_plc_is_trusted_by_its_certificate_and_a_stranger_is_refused(plant: Plant, tmp_path: Path) -> None:
    plc = next(plc for plc in plant.plcs if plc.name == "PLC1")
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    with start_plant(plant, tmp_path / "plc", SPEED, only_plcs=("PLC1",), secured=True) as running:
        folder = running.data / SECURITY_FOLDER
        trusted = tmp_path / "trusted"
        trusted.mkdir()
        (trusted / "server.der").write_bytes((folder / "server.der").read_bytes())
        (strangers / "client.der").write_bytes((folder / "client.der").read_bytes())
        user = msgspec.json.decode((folder / "user.json").read_bytes(), type=dict[str, str])
        security = OpcUaSecurity(
            certificate=folder / "client.der", private_key=folder / "client.pem", trust_dir=trusted, **user
        )
        address = (running.plcs["PLC1"].host, running.plcs["PLC1"].port)

        async def first_report(security: OpcUaSecurity | None) -> Connected | Disconnected:
            async with listening(open_port(plc, plant, address, security)) as listener:
                return await listener.until(
                    lambda: next((one for one in listener.heard if isinstance(one, Connected | Disconnected)), None)
                )

        assert isinstance(asyncio.run(first_report(security)), Connected)
        refusals = {
            "the server's certificate is not trusted": msgspec.structs.replace(security, trust_dir=strangers),
            "user or password is refused": msgspec.structs.replace(security, password="wrong"),
            "its security is not ours": None,
        }
        for words, wrong in refusals.items():
            report = asyncio.run(first_report(wrong))
            assert isinstance(report, Disconnected)
            assert report.reason.startswith(f"{words}: ")
        assert user["password"] not in repr(security)
