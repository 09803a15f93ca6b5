"""The test port: what a person in the building, a demonstration or a test does to the physical world.

Rule: it places and carries loads as people would, looks at what is really there, and injects faults into machines;
it never speaks to a PLC as the WCS does.
"""

from __future__ import annotations

from collections.abc import Iterable

from devices.machines.machine import Load
from devices.virtual_plc.plant_clock import PlantClock
from devices.virtual_plc.remote_world import WorldLink
from devices.virtual_plc.world_calls import (
    AskClock,
    ClockSaid,
    Devices,
    Dump,
    Dumped,
    Enter,
    Inject,
    ListDevices,
    LoadAt,
    LoggedLine,
    LogLines,
    Look,
    Move,
    ReadLog,
    States,
)
from wcs.plant.model import OUTSIDE

LOG_LINES_A_READ = 1000


class TestPort:
    """A blocking client of the world process, for tests and modelled people; WorldRefused is "that cannot be"."""

    __test__ = False  # not a test, whatever its name

    def __init__(self, address: tuple[str, int], name: str = "test port") -> None:
        self._link = WorldLink(address, name)
        self._name = name

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    def clock(self) -> PlantClock:
        """Plant time of this plant; it needs no connection any more."""
        answer = self._link.ask(AskClock())
        assert isinstance(answer, ClockSaid)
        return PlantClock(answer.origin)

    def place(self, load: Load, place: str, *, by: str = "") -> None:
        """Let one load enter at a place (a dock's point, or any place that is free)."""
        self.place_all([(load, place)], by=by)

    def place_all(self, loads: Iterable[tuple[Load, str]], *, by: str = "") -> None:
        """Let many loads enter at once (opening stock): all of them or none."""
        entries = tuple(LoadAt(load=load, place=place) for load, place in loads)
        link = self._link
        counter = link.next_counter()
        link.ask(Enter(loads=entries, by=by or self._name, caller=link.caller, counter=counter))

    def carry(self, number: int, source: str, sink: str, *, by: str = "") -> None:
        """A person carries a load from one place to another."""
        link = self._link
        counter = link.next_counter()
        by = by or self._name
        link.ask(Move(number=number, source=source, sink=sink, by=by, caller=link.caller, counter=counter))

    def remove(self, number: int, source: str, *, by: str = "") -> None:
        """A load leaves the building."""
        self.carry(number, source, OUTSIDE, by=by)

    def look(self, place: str) -> tuple[Load, ...]:
        """What stands at a place, in order of arrival."""
        answer = self._link.ask(Look(places=(place,)))
        assert isinstance(answer, States)
        return answer.places[place].loads

    def accepts(self, place: str) -> bool:
        """Whether the machine that takes loads there would take one now: the light at a put-on point."""
        answer = self._link.ask(Look(places=(place,)))
        assert isinstance(answer, States)
        return answer.places[place].accepts

    def dump(self) -> dict[int, str]:
        """Where every load is that was ever in the building: load number → place."""
        answer = self._link.ask(Dump())
        assert isinstance(answer, Dumped)
        return answer.place_of

    def read_log(self, position: int = 0) -> tuple[tuple[LoggedLine, ...], int]:
        """Some lines of the world's log from a position on (0: the beginning), and the position after them."""
        answer = self._link.ask(ReadLog(position=position, lines_max=LOG_LINES_A_READ))
        assert isinstance(answer, LogLines)
        return answer.lines, answer.position

    def whole_log(self) -> list[LoggedLine]:
        """Every line of the world's log."""
        lines: list[LoggedLine] = []
        position = 0
        while True:
            some, position = self.read_log(position)
            if not some:
                return lines
            lines.extend(some)

    def inject(self, device: str, fault: str, **arguments: object) -> None:
        """A fault into the machine of a device, through the PLC process that hosts it."""
        self._link.ask(Inject(device=device, fault=fault, arguments=arguments))

    def devices(self) -> dict[str, str]:
        """Device → PLC, of those PLC processes that are up and attached to the world."""
        answer = self._link.ask(ListDevices())
        assert isinstance(answer, Devices)
        return answer.plc_of
