"""What a machine and its PLC look like from outside, to the twin and to a virtual PLC alike.

Rule: a machine is plain data and knows no clock: it is told the time, and it says when it next wants to be told.
Time is plant time in ms. `advance` may be called late or often; it does everything that is due, in order of due time.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from wcs.core.ports import Command, DeviceId, DeviceSnapshot, DeviceStatus, Telemetry
from wcs.plant.model import Record


class Load(Record):
    """A physical load: what a scanner, a scale and a contour check would see. `number` is the load unit number."""

    number: int
    barcode: str
    load_type: int
    mass_g: int
    height_mm: int


class World(Protocol):
    """The physical world: which load is at which place. One object; the twin holds it, PLC processes reach it.

    A place is a name of the plant: storage location, transfer point, segment, device, order place, "outside".
    Single places hold one load; segments, conveyors and "outside" hold many, in order of arrival.
    """

    def loads(self, place: str) -> tuple[Load, ...]:
        """What stands there, in order of arrival."""

    def move(self, number: int, source: str, sink: str, *, by: str, now_ms: int) -> None:
        """Move one load; raises WorldRefused (and changes nothing) if it is not at source or sink is full.

        `by` names who did it: "CR1 task 17 PICK", "person dock worker". Every move is one line of the world's log.
        """

    def listen(self, places: Iterable[str]) -> set[str]:
        """A set into which the world puts each of these places when something changed there (a load or a wire).

        The listener takes out what it has looked at.
        """

    def accepts(self, place: str) -> bool:
        """Wire from the taker: it would take a load at this place now (places without a taker always do)."""

    def set_accepts(self, place: str, accepts: bool) -> None:
        """The taker's machine sets its wire (a conveyor for each of its transfer points)."""

    def engaged(self, place: str) -> bool:
        """Wire from the giver or lifter: it reaches into this place, so the belt there must stand still."""

    def set_engaged(self, place: str, engaged: bool) -> None:
        """The machine that reaches into the place sets its wire."""


class WordKind(enum.IntEnum):
    """Which of a device's blocks."""

    STATUS = 0
    TRANSFER = 1
    POINT = 2


class Words(NamedTuple):
    """Words of one device that are read together; `rank` is the device's place in its machine."""

    rank: int
    device: DeviceId
    kind: WordKind = WordKind.STATUS
    number: int = 0


class Machine(Protocol):
    """One or several devices (a conveyor spans several word blocks) under one control program."""

    devices: tuple[DeviceId, ...]

    def command(self, command: Command, now_ms: int) -> None:
        """Judge one telegram, as the rules of the device interface say, in the scan at now_ms."""

    def advance(self, now_ms: int) -> None:
        """Do everything that is due up to now_ms, sensing and moving loads in the world."""

    def next_due_ms(self) -> int | None:
        """When something happens next without a command or a change in the world; None: nothing."""

    def watched_places(self) -> tuple[str, ...]:
        """Places whose change (by others) this machine senses: on a change, `advance` must be called."""

    def heeds_changes(self) -> bool:
        """Whether a change at a watched place may change at this moment what it does: if not, it need not be told."""

    def take_changes(self) -> tuple[Words, ...]:
        """Whose words may have changed since this was last asked."""

    def status(self, device: DeviceId) -> DeviceStatus:
        """The status words of a device."""

    def battery_permille(self, device: DeviceId) -> int:
        """What its battery holds; 1000 where there is none."""

    def snapshot(self, device: DeviceId) -> DeviceSnapshot:
        """What this device's blocks say now."""

    def telemetry(self, device: DeviceId, now_ms: int) -> Telemetry:
        """Positions and counters at now_ms."""

    def set_wcs_alive(self, device: DeviceId, alive: bool, now_ms: int) -> None:
        """WcsLife moves (or has stood still for 3 s of wall time)."""

    def inject(self, fault: str, arguments: Mapping[str, object], now_ms: int) -> None:
        """Test port: "fault", "clear_fault", "local_reset", "mode", "no_read", "stall", "battery", …"""

    def memory(self) -> msgspec.Struct:
        """The retentive memory, as plain data: replaced, never edited, so identity says whether it changed."""

    def restart(self, memory: msgspec.Struct | None, now_ms: int) -> None:
        """Power-up with retentive memory kept, or lost (None)."""
