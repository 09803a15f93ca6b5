"""A demo that cannot start says why in a line, with exit code 2, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from devices.virtual_plc.files import hold_lock
from tests.real.clock import wait_until
from wcs.ledger.database import engine_for
from wcs.ledger.migrate import upgrade

pytestmark = pytest.mark.timeout(120)
START_S = 60.0


def demo(data: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "api.cli", "demo", "--data", str(data), "--plant", "tiny", "--speed", "30"]
    return subprocess.Popen([*command, "--no-browser", *arguments], stderr=subprocess.PIPE, text=True)


def said_by(process: subprocess.Popen[str]) -> str:
    """What it said to people before it ended by itself, which is to be a line, not a traceback."""
    _, said = process.communicate(timeout=START_S)
    assert process.returncode == 2, said
    assert "Traceback" not in said
    return said.strip().splitlines()[-1]


def processes_of(data: Path) -> list[str]:
    """Command lines of living processes that name this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(data) in line:
            found.append(line)
    return found


def a_file_in_its_place(data: Path) -> None:
    data.write_text("not a folder")


def unreadable_notes(data: Path) -> None:
    data.mkdir()
    (data / "demo.json").write_text("{torn")


def a_file_that_is_no_database(data: Path) -> None:
    data.mkdir()
    (data / "wcs.db").write_bytes(b"this is no database at all, whatever its name says" * 100)


def a_database_of_a_newer_program(data: Path) -> None:
    data.mkdir()
    engine = engine_for(f"sqlite:///{data / 'wcs.db'}")
    upgrade(engine)
    engine.dispose()
    with closing(sqlite3.connect(data / "wcs.db")) as book:
        book.execute("UPDATE alembic_version SET version_num = '9999'")
        book.commit()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (a_file_in_its_place, "File exists"),
        (unreadable_notes, "cannot be read"),
        (a_file_that_is_no_database, "not a database"),
        (a_database_of_a_newer_program, "newer"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_with_its_reason(
    spoil: Callable[[Path], None], word: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    spoil(data)
    said = said_by(demo(data))
    assert word in said
    assert str(data) in said
    assert not processes_of(data)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"127.0.0.1:{port}" in said_by(demo(tmp_path, "--port", str(port)))


def test_a_second_demo_on_a_folder_says_at_once_whom_it_waits_for(tmp_path: Path) -> None:
    lock = hold_lock(tmp_path / "demo.lock")
    second = demo(tmp_path)
    assert second.stderr is not None
    assert "in use by another process" in second.stderr.readline()
    assert "in use by another process" in said_by(second)
    os.close(lock)


def test_a_wrong_orders_file_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id,sku,quantity\nA1,TEA,2\nA1,RICE,two\n")
    assert f"{file}: line 3" in said_by(demo(tmp_path / "data", "--orders-file", str(file)))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing_running(number: signal.Signals, tmp_path: Path) -> None:
    process = demo(tmp_path)
    wait_until(lambda: len(processes_of(tmp_path / "plant")) >= 2, "PLC processes are starting", START_S)
    process.send_signal(number)
    _, said = process.communicate(timeout=START_S)
    assert process.returncode != 0
    assert "Traceback" not in said
    wait_until(lambda: not processes_of(tmp_path), "all its processes are gone", START_S)
