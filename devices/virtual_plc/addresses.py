"""Ports of a running plant: the same at every start on one data folder, as long as nobody else has taken them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from devices.virtual_plc.files import read_if_there, write_whole
from wcs.plant.model import Protocol, Record

HOST = "127.0.0.1"  # virtual PLCs are never reachable from outside this machine
WORLD = "world"
NOWHERE: Mapping[str, int] = MappingProxyType({})  # no port is asked for by its number


class PlcAddress(Record):
    """Where one virtual PLC answers; a device's position in `devices` is its block."""

    plc: str
    protocol: Protocol
    host: str
    port: int
    devices: tuple[str, ...]

    @property
    def url(self) -> str:
        """As a client of its protocol writes it."""
        return f"opc.tcp://{self.host}:{self.port}" if self.protocol == Protocol.OPCUA else f"{self.host}:{self.port}"


class PortTaken(OSError):
    """A port that was asked for by its number is not free."""


def choose_ports(file: Path, names: tuple[str, ...], wanted: Mapping[str, int] = NOWHERE) -> dict[str, int]:
    """A port for each name: the wanted one, else the stored one if it is free, else a new one; stored for next time.

    Raises:
        PortTaken: a wanted port is not free.
    """
    try:
        stored = msgspec.json.decode(read_if_there(file) or b"{}", type=dict[str, int])
    except msgspec.MsgspecError:  # only a convenience: new ports do as well
        stored = {}
    held: list[socket.socket] = []
    ports: dict[str, int] = {}
    try:
        for name in names:
            held.append(_bind_wanted(name, wanted[name]) if name in wanted else _bind(stored.get(name, 0)))
            ports[name] = held[-1].getsockname()[1]
    finally:
        for one in held:
            one.close()
    write_whole(file, msgspec.json.encode(stored | ports))
    return ports


def _bind_wanted(name: str, port: int) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((HOST, port))
    except OSError as error:
        one.close()
        raise PortTaken(f"{name} cannot answer at {HOST}:{port}: {error.strerror}") from None
    return one


def _bind(port: int) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((HOST, port))
    except OSError:
        one.bind((HOST, 0))
    return one
