"""The hands of the demo's people: what they can do to the physical world, over the test port. They decide nothing."""

from __future__ import annotations

from devices.machines.machine import Load
from devices.virtual_plc.testport import TestPort
from wcs.plant.model import OUTSIDE


class WorldHands:
    """`simulation.people.Hands` over a connection of its own."""

    def __init__(self, port: TestPort) -> None:
        self._port = port

    def look(self, place: str) -> tuple[Load, ...]:
        return self._port.look(place)

    def carry(self, number: int, source: str, sink: str, *, by: str = "") -> None:
        self._port.carry(number, source, sink, by=by)

    def place(self, load: Load, place: str, *, by: str = "") -> None:
        self._port.place(load, place, by=by)

    def place_of(self, number: int) -> str:
        return self._port.dump().get(number, OUTSIDE)

    def accepts(self, place: str) -> bool:
        return self._port.accepts(place)

    def local_reset(self, device: str) -> None:
        self._port.inject(device, "local_reset")

    def close(self) -> None:
        self._port.close()
