"""What the servers refuse, whoever asks: words that belong to the PLC, half telegrams, strangers."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.truststore import TrustStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from asyncua.ua.uaerrors import BadOutOfRange, BadUserAccessDenied, UaError

from devices.virtual_plc.opcua_security import CLIENT_URI, PlcSecurity
from devices.virtual_plc.running import SECURITY_FOLDER, RunningPlant, start_plant
from devices.words import NAMESPACE_URI, mirror_values
from tests.devices.virtual_plc_clients import modbus_device, opcua_device
from wcs.plant.file import load_plant

ILLEGAL_ADDRESS = 2


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlant]:
    with start_plant(load_plant("tiny"), tmp_path_factory.mktemp("open"), 8, only_plcs=("PLC1", "PLC2")) as plant:
        yield plant


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlant]:
    data = tmp_path_factory.mktemp("secured")
    with start_plant(load_plant("tiny"), data, 8, only_plcs=("PLC1",), secured=True) as plant:
        yield plant


@pytest.mark.parametrize("name", ["Sts", "Transfer", "Point0.Evt", "Status.State", "Status.LoadId"])
def test_what_an_opcua_plc_says_cannot_be_written(running: RunningPlant, name: str) -> None:
    async def scene() -> None:
        async with opcua_device(running.plcs["PLC1"], "CR1") as crane:
            node = crane.node(name)
            value = await node.read_data_value()
            with pytest.raises(BadUserAccessDenied):
                await node.write_value(ua.DataValue(value.Value))

    asyncio.run(scene())


@pytest.mark.parametrize(("name", "words"), [("Cmd", 31), ("Cmd", 33), ("TransferAck", 1), ("Point1.Dec", 7)])
def test_an_opcua_telegram_of_the_wrong_length_is_refused(running: RunningPlant, name: str, words: int) -> None:
    async def scene() -> None:
        async with opcua_device(running.plcs["PLC1"], "CR1") as crane:
            with pytest.raises(BadOutOfRange):
                await crane.write(name, [0] * words)

    asyncio.run(scene())


def test_the_mirrors_show_what_the_status_words_say(running: RunningPlant) -> None:
    async def scene() -> None:
        async with opcua_device(running.plcs["PLC1"], "V1") as vehicle:
            for name, value in mirror_values(await vehicle.status_words()).items():
                assert await vehicle.node(f"Status.{name}").read_value() == value

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("offset", "count"),
    [(32, 1), (95, 1), (96, 4), (136, 1), (1, 30), (2, 1), (0, 2), (168, 7), (127, 2), (135, 2), (256 * 2, 1)],
)
def test_modbus_words_that_are_not_the_wcs_s_whole_telegrams_are_refused(
    running: RunningPlant, offset: int, count: int
) -> None:
    async def scene() -> None:
        async with modbus_device(running.plcs["PLC2"], "CR2") as crane:
            answer = await crane.write(offset, [0] * count)
            assert answer.isError()
            assert answer.exception_code == ILLEGAL_ADDRESS

    asyncio.run(scene())


def test_modbus_words_of_the_wcs_read_back_as_they_were_written(running: RunningPlant) -> None:
    async def scene() -> None:
        async with modbus_device(running.plcs["PLC2"], "DK1") as dock:
            assert not (await dock.write(128, list(range(1, 9)))).isError()
            assert await dock.read(128, 8) == list(range(1, 9))

    asyncio.run(scene())


def test_requests_that_arrive_together_are_answered_one_by_one_in_order(running: RunningPlant) -> None:
    async def scene() -> None:
        address = running.plcs["PLC2"]
        reader, writer = await asyncio.open_connection(address.host, address.port)
        requests = [struct.pack(">HHHBBHH", n, 0, 6, 1, 3, 35 + n, 1) for n in range(3)]
        writer.write(b"".join(requests))
        for n in range(3):
            header = await asyncio.wait_for(reader.readexactly(7), 5)
            number, _, length, _ = struct.unpack(">HHHB", header)
            body = await reader.readexactly(length - 1)
            assert number == n
            assert body[:2] == bytes([3, 2])
            if n == 0:
                assert body[2:] == b"\x01\x00"
        writer.close()
        await writer.wait_closed()

    asyncio.run(scene())


async def secured_client(plant: RunningPlant, password: str | None) -> Client:
    security = PlcSecurity(plant.data / SECURITY_FOLDER)
    client = Client(plant.plcs["PLC1"].url)
    client.application_uri = CLIENT_URI
    client.set_user(security.user().user)
    client.set_password(password or security.user().password)
    trust = TrustStore([security.servers], [])
    await trust.load()
    options = CertificateValidatorOptions.TRUSTED_VALIDATION | CertificateValidatorOptions.PEER_SERVER
    client.certificate_validator = CertificateValidator(options, trust).validate
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        certificate=str(security.folder / "client.der"),
        private_key=str(security.folder / "client.pem"),
    )
    return client


def test_a_secured_plc_takes_the_known_certificate_with_user_and_password(secured: RunningPlant) -> None:
    async def scene() -> None:
        client = await secured_client(secured, None)
        await client.connect()
        index = await client.get_namespace_index(NAMESPACE_URI)
        words = await client.get_node(ua.NodeId(ua.String("CR1.Sts"), ua.Int16(index))).read_value()
        assert words[3] == 0x0100
        await client.disconnect()

    asyncio.run(scene())


def test_a_secured_plc_refuses_a_wrong_password_and_an_open_connection(secured: RunningPlant) -> None:
    async def scene() -> None:
        with pytest.raises(UaError):
            await (await secured_client(secured, "wrong")).connect()
        with pytest.raises(UaError):
            await Client(secured.plcs["PLC1"].url).connect()

    asyncio.run(scene())
