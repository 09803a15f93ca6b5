"""`wcs device`: a wrong argument is refused before anybody speaks to a PLC."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from api.cli import app

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
