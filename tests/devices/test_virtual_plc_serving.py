"""Serving a plant as a command: its lines, its end, and what it leaves behind when it is killed itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from devices.virtual_plc.running import start_plant
from devices.virtual_plc.testport import TestPort
from tests.devices.virtual_plc_clients import DEADLINE_S, tote
from wcs.plant.file import load_plant

LINES = 7  # six devices and the test port
GIVE_UP_S = 60.0  # a server that says nothing for so long is ended by the test


@contextmanager
def served(data: Path) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable,
        "-m",
        "devices.virtual_plc.serve",
        "--plant",
        "tiny",
        "--speed",
        "8",
        "--data",
        str(data),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(GIVE_UP_S, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.wait(DEADLINE_S)
        assert process.stdout is not None
        process.stdout.close()


def lines_of(process: subprocess.Popen[str]) -> list[list[str]]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n").split("\t") for _ in range(LINES)]


def opened_port(lines: list[list[str]]) -> TestPort:
    host, port = lines[-1][2].split(":")
    return TestPort((host, int(port)))


def test_a_line_is_said_for_each_device_and_a_signal_ends_it_cleanly(tmp_path: Path) -> None:
    with served(tmp_path) as process:
        lines = lines_of(process)
        assert [(line[0], line[1], line[3]) for line in lines[:-1]] == [
            ("CR1", "opcua", "node s=CR1"),
            ("V1", "opcua", "node s=V1"),
            ("CR2", "modbus", "block 0"),
            ("DK1", "modbus", "block 1"),
            ("CV1", "modbus", "block 0"),
            ("CV2", "modbus", "block 1"),
        ]
        assert all(line[2].startswith("127.0.0.1:") for line in lines)
        with closing(opened_port(lines)) as port:
            assert sorted(port.devices()) == ["CR1", "CR2", "CV1", "CV2", "DK1", "V1"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0


def test_when_it_is_killed_its_plcs_stop_too_and_the_next_start_has_the_same_ports(tmp_path: Path) -> None:
    with served(tmp_path) as process:
        first = lines_of(process)
        with closing(opened_port(first)) as port:
            port.place(tote(1), "D1.IN1")
        process.send_signal(signal.SIGKILL)
    with served(tmp_path) as process:
        second = lines_of(process)
        with closing(opened_port(second)) as port:
            assert port.dump() == {1: "D1.IN1"}
    assert second == first


def test_a_stopped_plant_leaves_no_process_behind(tmp_path: Path) -> None:
    running = start_plant(load_plant("tiny"), tmp_path, 8)
    pids = running.pids
    running.stop()
    deadline = time.monotonic() + DEADLINE_S
    while any(is_alive(pid) for pid in pids.values()):
        assert time.monotonic() < deadline


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
