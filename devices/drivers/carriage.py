"""What a protocol has to do for a port: carry words to and fro. Rule: it knows words and wires, no commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from devices.session import Reading, Write
from wcs.core.ports import DeviceId
from wcs.plant.model import Record


class PlcDevice(Record):
    """One device behind a PLC: its block (Modbus) and the point blocks that it has (tracked devices only)."""

    device: DeviceId
    block: int
    tracked: bool = False
    points: tuple[int, ...] = ()


class CarriageLost(Exception):
    """The connection is of no more use: it has to be closed and made anew. Its text is the reason to be shown."""

    words = "the connection is lost"


class WrongServerCertificate(CarriageLost):
    """The server's certificate is not trusted, not valid, or not the server's."""

    words = "the server's certificate is not trusted"


class NotThere(CarriageLost):
    """The server does not have a node that the device must have."""

    words = "the PLC has no such device, or not all its words"


class OtherSecurity(CarriageLost):
    """The server has no endpoint with our security: it asks for more, or can do less; the text says which."""

    words = "its security is not ours"


class WrongUser(CarriageLost):
    """The server does not accept our user and password."""

    words = "user or password is refused"


class CarriageRefused(Exception):
    """The PLC answers, but refuses to read or write the words of one device."""


class Carriage(Protocol):
    """One connection to one PLC."""

    poll_ms: int | None
    """How often everything is to be read; None: the PLC publishes what changes."""

    async def open(self, wake: Callable[[], None]) -> None:
        """Connect; `wake` is called whenever `published` has something. CarriageLost if it cannot be done."""

    async def close(self) -> None:
        """Let go of everything; raises nothing, may be called at any time and twice."""

    async def read(self, device: DeviceId) -> Reading:
        """Everything one device has, at once. CarriageLost, CarriageRefused."""

    async def write(self, device: DeviceId, write: Write) -> tuple[int, ...] | None:
        """Write, and read an answer back. CarriageLost, CarriageRefused."""

    def published(self) -> list[tuple[DeviceId, Reading]]:
        """What the PLC published since last asked, the latest of each. CarriageLost if it hung up."""
