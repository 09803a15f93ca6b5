"""`wcs device`: a wrong argument is refused before anybody speaks to a PLC."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from api.cli import app
from devices.virtual_plc.running import SECURITY_FOLDER, RunningPlant, start_plant
from wcs.plant.file import load_plant

MODBUS = ("--protocol", "modbus")


@pytest.fixture
def plc() -> Iterator[socket.socket]:
    """Where a PLC would listen: whoever connects is seen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def refused(*arguments: str) -> str:
    said = CliRunner().invoke(app, ("device", *arguments))
    assert (said.exit_code, said.stdout) == (2, ""), said.output
    return said.stderr


def refused_unheard(plc: socket.socket, *arguments: str) -> str:
    """What is said of arguments with which nobody connected."""
    command, *others = arguments
    why = refused(command, f"127.0.0.1:{plc.getsockname()[1]}", "CR1", *others)
    with pytest.raises(BlockingIOError):
        plc.accept()
    return why


@pytest.mark.parametrize("protocol", ["modbus", "opcua"])
@pytest.mark.parametrize("address", ["127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:²", "127.0.0.1", ":502"])
def test_an_address_is_a_host_and_a_port_that_there_is(address: str, protocol: str) -> None:
    assert "is not HOST:PORT" in refused("probe", address, "CR1", "--protocol", protocol)


def test_a_block_is_one_that_modbus_can_address(plc: socket.socket) -> None:
    assert "blocks 0 to 255" in refused_unheard(plc, "probe", *MODBUS, "--block", "256")


def test_a_point_is_one_that_a_device_has(plc: socket.socket) -> None:
    assert "points 0 to 2" in refused_unheard(plc, "watch", *MODBUS, "--tracked", "--point", "3")


@pytest.mark.parametrize("task", ['{"number": -1, "type": 4}', '{"number": 1, "type": 4, "load_mass_g": 4294967296}'])
@pytest.mark.parametrize("protocol", ["modbus", "opcua"])
@pytest.mark.parametrize("beside", [(), ("--beside-wcs",)], ids=["alone", "beside"])
def test_a_task_whose_numbers_fit_no_word_is_refused(
    task: str, protocol: str, beside: tuple[str, ...], plc: socket.socket
) -> None:
    assert "does not fit" in refused_unheard(plc, "send", task, "--protocol", protocol, *beside)


@pytest.mark.parametrize("words", ['"snik": {"a": 1}', '"sink": {"e": 1}'])
def test_a_task_with_a_word_that_there_is_not_is_refused(words: str, plc: socket.socket) -> None:
    task = f'{{"number": 1, "type": 4, {words}}}'
    assert "there is no " in refused_unheard(plc, "send", task, "--beside-wcs")


@pytest.mark.parametrize("protocol", ["modbus", "opcua"])
def test_a_name_that_no_host_can_have_is_not_reached(protocol: str) -> None:
    said = refused("probe", "a..b:502", "CR1", "--protocol", protocol)
    assert said.startswith("the PLC cannot be reached: ")
    assert len(said.splitlines()) == 1


PLANT = ("--plant", "tiny")
PASSWORD_REF = "TEST_PLC1_PASSWORD"  # its name, not itself
TRAVEL = '{"number": 900001, "type": 4, "sink": {"a": 1, "b": 3, "c": 2, "d": 11}}'


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlant]:
    folder = tmp_path_factory.mktemp("secured")
    with start_plant(load_plant("tiny"), folder, 8.0, only_plcs=("PLC1",), secured=True) as plant:
        yield plant


@pytest.fixture
def site_file(secured: RunningPlant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose PLC1 is the secured one; the password is in the environment."""
    folder = secured.data / SECURITY_FOLDER
    user = msgspec.json.decode((folder / "user.json").read_bytes(), type=dict[str, str])
    monkeypatch.setenv(PASSWORD_REF, user["password"])
    file = tmp_path / "site.toml"
    file.write_text(
        f"""name = "tiny"
[database]
url = "sqlite:///tiny.sqlite"
[plcs.PLC1]
address = "127.0.0.1:{secured.plcs["PLC1"].port}"
security = "basic256sha256"
user = "{user["user"]}"
password_ref = "env:{PASSWORD_REF}"
certificate = "{folder / "client.der"}"
private_key = "{folder / "client.pem"}"
trust_dir = "{folder / "servers"}"
[plcs.PLC2]
address = "127.0.0.1:1"
[plcs.PLC3]
address = "127.0.0.1:2"
"""
    )
    return file


def test_a_secured_plc_is_read_and_driven_as_its_site_file_says(site_file: Path) -> None:
    read = CliRunner().invoke(app, ("device", "probe", str(site_file), "CR1", *PLANT, "--json"))
    assert read.exit_code == 0, read.output
    assert "State" in [row["name"] for row in msgspec.json.decode(read.stdout)]
    task = (str(site_file), "CR1", TRAVEL, *PLANT, "--memory-settled", "--json")
    sent = CliRunner().invoke(app, ("device", "send", *task))
    assert sent.exit_code == 0, sent.output
    assert [t["title"].split()[0] for line in sent.stdout.splitlines() if (t := msgspec.json.decode(line))["sent"]] == [
        "SYNC", "TASK", "RECEIPT",
    ]  # fmt: skip


def test_a_plc_that_asks_for_security_is_told_from_one_that_cannot_be_reached(secured: RunningPlant) -> None:
    said = refused("probe", f"127.0.0.1:{secured.plcs['PLC1'].port}", "CR1")
    assert said == "the PLC answers, but its security is not ours: it asks for security\n"


def test_a_wrong_password_is_said_and_not_shown(site_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_REF, "not-the-one")
    said = refused("probe", str(site_file), "CR1", *PLANT)
    assert said.startswith("the PLC answers, but user or password is refused: ")
    assert "not-the-one" not in said


def test_a_password_that_is_nowhere_is_named_by_its_reference(site_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_REF)
    assert PASSWORD_REF in refused("watch", str(site_file), "CR1", *PLANT)


def test_with_a_plant_the_device_is_one_of_it_and_its_block_is_not_typed(site_file: Path) -> None:
    assert "has no device 'CR9'; it has CR1" in " ".join(refused("probe", str(site_file), "CR9", *PLANT).split())
    assert "--plant says protocol" in refused("probe", str(site_file), "CR1", *PLANT, "--block", "1")
