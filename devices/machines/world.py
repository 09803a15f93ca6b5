"""The physical world: which load stands where. Rule: a load is in exactly one place, and every move is one log line.

The world knows no PLC's memory: killing a PLC leaves it as it is. The twin holds a `MemoryWorld`; for virtual PLCs it
stands in a process of its own. Two wires between neighbours at a transfer point run through it as well: `accepts`
(the belt would take a load now) and `engaged` (a fork or load handler reaches into the place: the belt stands still).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devices.machines.machine import Load
from wcs.plant.locations import LocationTable
from wcs.plant.model import OUTSIDE, OUTSIDE_PLACES, Plant, Record

SINGLE = 1
MANY = 0


class WorldRefused(Exception):
    """A move that cannot happen physically: the load is not there, the sink is full or there is no such place."""


class WorldLine(Record):
    """One line of the world's log. `load` is given when the load enters the building, so that a replay knows it."""

    sequence: int
    time_ms: int
    number: int
    source: str
    sink: str
    by: str
    load: Load | None = None


def named_places(plant: Plant) -> dict[str, int]:
    """Every place of the plant but its storage locations, as SINGLE or MANY."""
    places = dict.fromkeys(OUTSIDE_PLACES, MANY)
    for conveyor in plant.conveyors:
        places[conveyor.name] = MANY
        places.update((merge, MANY) for merge in conveyor.merges)
        places.update((segment.name, MANY) for segment in conveyor.segments)
        places.update((point.name, SINGLE) for point in conveyor.transfer_points)
        places.update((point.name, SINGLE) for point in conveyor.points)
    for station in plant.stations:
        places[station.name] = MANY
        places.update((place, SINGLE) for place in station.order_places)
    places.update((dock.name, MANY) for dock in plant.docks)
    places.update((crane.name, SINGLE) for crane in plant.cranes)
    places.update((vehicle.name, SINGLE) for vehicle in plant.vehicles)
    return places


class MemoryWorld:
    """The world in memory. Each change calls the log with its line, then those who watch its two places.

    Args:
        plant: which places there are.
        log: called with every new line, before watchers hear of it; what it raises undoes the move.
    """

    def __init__(self, plant: Plant, log: Callable[[WorldLine], None] = lambda line: None) -> None:
        self._table = LocationTable(plant)
        self._named = named_places(plant)
        self._log = log
        self._loads: dict[int, Load] = {}
        self._place_of: dict[int, str] = {}
        self._at: dict[str, dict[int, Load]] = {}
        self._listening: dict[str, list[set[str]]] = {}
        self._refusing: dict[str, bool] = {}
        self._engaged: dict[str, bool] = {}
        self._watchers: dict[str, list[Callable[[str], None]]] = {}
        self._everywhere: list[Callable[[str], None]] = []
        self._sequence = 0

    @property
    def sequence(self) -> int:
        """Number of the last log line."""
        return self._sequence

    def has_place(self, place: str) -> bool:
        """Whether the plant has this place."""
        return place in self._named or self._table.has(place)

    def is_single(self, place: str) -> bool:
        """Whether the place holds one load; WorldRefused if there is no such place."""
        if place in self._named:
            return self._named[place] == SINGLE
        if not self._table.has(place):
            raise WorldRefused(f"there is no place {place}")
        return True

    def loads(self, place: str) -> tuple[Load, ...]:
        """What stands there, in order of arrival."""
        standing = self._at.get(place)
        return tuple(standing.values()) if standing else ()

    def place_of(self, number: int) -> str:
        """Where a load is; a load never seen is outside."""
        return self._place_of.get(number, OUTSIDE)

    def load(self, number: int) -> Load | None:
        """What is known of a load."""
        return self._loads.get(number)

    def occupied_places(self) -> tuple[str, ...]:
        """Every place with a load, by name."""
        return tuple(sorted(place for place, numbers in self._at.items() if numbers))

    def contents(self) -> dict[int, str]:
        """Load number → place, for checks of paper against plant."""
        return dict(self._place_of)

    def move(self, number: int, source: str, sink: str, *, by: str, now_ms: int) -> None:
        """Move one load; raises WorldRefused (and changes nothing) if it is not at source or sink is full."""
        if number not in self._loads:
            raise WorldRefused(f"load {number} was never seen")
        if self._place_of[number] != source:
            raise WorldRefused(f"load {number} is at {self._place_of[number]}, not at {source}")
        self._record(number, source, sink, by, now_ms, None)

    def place(self, load: Load, place: str, *, by: str, now_ms: int) -> None:
        """A load enters the building (or comes back, perhaps changed) from outside."""
        at = self.place_of(load.number)
        if at != OUTSIDE:
            raise WorldRefused(f"load {load.number} is already at {at}")
        if load.number <= 0:
            raise WorldRefused("a load's number is above 0")
        self._record(load.number, OUTSIDE, place, by, now_ms, load)

    def listen(self, places: Iterable[str]) -> set[str]:
        """A set into which the world puts each of these places when something changed there."""
        changed: set[str] = set()
        for place in places:
            self._listening.setdefault(place, []).append(changed)
        return changed

    def accepts(self, place: str) -> bool:
        """Wire from the taker: it would take a load at this place now (places without a taker always do)."""
        return not self._refusing.get(place, False)

    def set_accepts(self, place: str, accepts: bool) -> None:
        """The taker's machine sets its wire."""
        if self.accepts(place) != accepts:
            self._refusing[place] = not accepts
            self._changed(place)

    def engaged(self, place: str) -> bool:
        """Wire from the giver: its fork or load handler reaches into this place, so nothing may move there."""
        return self._engaged.get(place, False)

    def set_engaged(self, place: str, engaged: bool) -> None:
        """The machine that reaches into the place sets its wire."""
        if self.engaged(place) != engaged:
            self._engaged[place] = engaged
            self._changed(place)

    def subscribe(self, places: Iterable[str], callback: Callable[[str], None]) -> None:
        """Call back with the place after each change at one of these places (of a load or a wire)."""
        for place in places:
            self._watchers.setdefault(place, []).append(callback)

    def subscribe_all(self, callback: Callable[[str], None]) -> None:
        """Call back with the place after each change anywhere."""
        self._everywhere.append(callback)

    def replay(self, lines: Iterable[WorldLine]) -> None:
        """Take over the lines of an earlier life, without logging them again. A gap in the log is refused."""
        for line in lines:
            if line.sequence != self._sequence + 1:
                raise WorldRefused(f"world log: line {line.sequence} follows line {self._sequence}")
            self._check(line.number, line.sink)
            if line.load is None and self._place_of.get(line.number) != line.source:
                raise WorldRefused(f"world log: line {line.sequence} moves load {line.number} from {line.source}")
            self._apply(line)

    def _record(self, number: int, source: str, sink: str, by: str, now_ms: int, load: Load | None) -> None:
        self._check(number, sink)
        line = WorldLine(
            sequence=self._sequence + 1, time_ms=now_ms, number=number, source=source, sink=sink, by=by, load=load
        )
        self._log(line)
        self._apply(line)
        self._changed(source)
        if sink != source:
            self._changed(sink)

    def _check(self, number: int, sink: str) -> None:
        if self.is_single(sink) and any(standing != number for standing in self._at.get(sink, ())):
            raise WorldRefused(f"{sink} is occupied by load {next(iter(self._at[sink]))}")

    def _apply(self, line: WorldLine) -> None:
        if line.load is not None:
            self._loads[line.number] = line.load
        standing = self._at.get(line.source)
        if standing is not None:
            standing.pop(line.number, None)
            if not standing:
                del self._at[line.source]
        self._at.setdefault(line.sink, {})[line.number] = self._loads[line.number]
        self._place_of[line.number] = line.sink
        self._sequence = line.sequence

    def _changed(self, place: str) -> None:
        for changed in self._listening.get(place, ()):
            changed.add(place)
        for callback in self._watchers.get(place, ()):
            callback(place)
        for callback in self._everywhere:
            callback(place)
