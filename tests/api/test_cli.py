"""The command line: data on standard output, words for people on standard error, wrong use in a line."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from api.cli_demo import has_screen
from api.cli_device import TASK_EXAMPLE
from wcs.core.ports import DeviceTask, TaskType
from wcs.ledger.writer import LedgerWriter

READING = [("orders",), ("stock",), ("export", "customer_order"), ("audit",)]


def wcs(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """The address of an empty ledger."""
    url = f"sqlite:///{tmp_path / 'wcs.db'}"
    LedgerWriter(url).close()
    return url


@pytest.mark.parametrize(
    "command", [("orders",), ("stock",), ("export", "customer_order"), ("audit",), ("backup", "x")]
)
def test_a_ledger_that_is_not_there_is_said_in_a_line(command: tuple[str, ...], tmp_path: Path) -> None:
    said = wcs(*command, "--database", f"sqlite:///{tmp_path / 'nowhere.db'}")
    assert said.exit_code == 2
    assert said.stdout == ""
    assert said.stderr.startswith("there is no ledger at ")
    assert len(said.stderr.splitlines()) == 1
    assert not (tmp_path / "nowhere.db").exists()


@pytest.mark.parametrize("command", READING)
def test_a_file_that_is_no_database_is_said_in_a_line(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "other.db").write_text("this is no database, but a line of text that is long enough" * 9)
    said = wcs(*command, "--database", f"sqlite:///{tmp_path / 'other.db'}")
    assert (said.exit_code, said.stdout) == (2, "")
    assert "not a database" in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_a_wrong_database_address_is_said_in_a_line() -> None:
    said = wcs("orders", "--database", "nonsense")
    assert (said.exit_code, len(said.stderr.splitlines())) == (2, 1)


@pytest.mark.parametrize("command", READING)
def test_every_reading_command_takes_json(command: tuple[str, ...], ledger: str) -> None:
    said = wcs(*command, "--json", "--database", ledger)
    assert said.exit_code == 0, said.stderr
    for line in said.stdout.splitlines():
        json.loads(line)


def test_an_unknown_table_is_answered_with_those_that_are_there(ledger: str) -> None:
    said = wcs("export", "nothing", "--database", ledger)
    assert said.exit_code == 2
    assert "customer_order" in said.stderr


@pytest.mark.parametrize("command", ["orders", "stock"])
def test_reading_commands_give_json(command: str, ledger: str) -> None:
    assert json.loads(wcs(command, "--json", "--database", ledger).stdout) == []


def test_a_token_can_be_made_for_a_program_to_read(ledger: str) -> None:
    made = json.loads(wcs("token", "shop", "--scope", "order", "--json", "--database", ledger).stdout)
    assert (made["actor"], made["scopes"]) == ("shop", ["order"])
    assert made["token"].startswith("wcs_")
    assert wcs("token", "shop", "--scope", "order", "--database", ledger).stdout.startswith("wcs_")


def test_the_help_of_device_send_shows_a_task_that_can_be_sent() -> None:
    task = msgspec.json.decode(TASK_EXAMPLE, type=DeviceTask)
    assert task.number > 0
    assert task.type is TaskType.POSITION


def test_plcs_that_cannot_have_the_ports_of_the_site_file_say_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        site = tmp_path / "site.toml"
        lines = ['name = "tiny"', "[database]", 'url = "sqlite:///x.db"']
        lines += [f'[plcs.PLC{n}]\naddress = "127.0.0.1:{taken}"' for n in (1, 2, 3)]
        site.write_text("\n".join(lines))
        said = wcs("plc", "--plant", "tiny", "--site", str(site), "--data", str(tmp_path / "plc"))
    assert said.exit_code == 2
    assert f"127.0.0.1:{taken}" in said.stderr


def test_the_demo_opens_a_browser_only_where_there_is_a_screen() -> None:
    assert not has_screen("linux", {})
    assert has_screen("linux", {"DISPLAY": ":0"})
    assert has_screen("linux", {"WAYLAND_DISPLAY": "wayland-0"})
    assert has_screen("darwin", {})
