"""The one world of a plant, with its log: what every call does to it.

Rule: a change is in the log before it is answered, and a call that is asked again is answered again, not done again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from devices.machines.world import MemoryWorld, WorldLine, WorldRefused
from devices.virtual_plc.plant_clock import PlantClock
from devices.virtual_plc.world_calls import Enter, LoggedLine, Move, PlaceState, States, Wire
from devices.virtual_plc.world_log import WorldLog
from wcs.plant.model import OUTSIDE, Plant

CALLERS_MAX = 1000  # each process start is a caller of its own; an older one has nothing left to ask again


class SharedWorld:
    """MemoryWorld of the plant, replayed from its log and kept in it."""

    def __init__(self, plant: Plant, log: WorldLog) -> None:
        self._log = log
        self._world = MemoryWorld(plant, self._write)
        self._latest: OrderedDict[str, int] = OrderedDict()
        self._call: tuple[str, int] = ("", 0)
        self.clock: PlantClock | None = None
        self.latest_logged_ms = 0
        self._world.replay(self._replayed())

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Call back with the place after each change."""
        self._world.subscribe_all(callback)

    def states(self, places: tuple[str, ...]) -> States:
        """What can be sensed at these places."""
        return States(places={place: self._state(place) for place in places})

    def contents(self) -> dict[int, str]:
        """Load number → place."""
        return self._world.contents()

    def move(self, call: Move) -> States:
        """Move one load; WorldRefused if it cannot be. Answers with what its two places look like now."""
        if not self._was_done(call.caller, call.counter):
            self._call = (call.caller, call.counter)
            now_ms = self._now_ms() if call.now_ms is None else call.now_ms
            self._world.move(call.number, call.source, call.sink, by=call.by, now_ms=now_ms)
            self._note(call.caller, call.counter)
        return self.states((call.source, call.sink))

    def enter(self, call: Enter) -> None:
        """Let loads enter; WorldRefused, and nothing done, if one of them cannot.

        A batch that was cut short by a kill is completed when it is asked again.
        """
        loads = call.loads
        if self._was_done(call.caller, call.counter):
            loads = tuple(entry for entry in loads if self._world.load(entry.load.number) != entry.load)
        self._check_entering(tuple((entry.load.number, entry.place) for entry in loads))
        self._call = (call.caller, call.counter)
        now_ms = self._now_ms()
        for entry in loads:
            self._world.place(entry.load, entry.place, by=call.by, now_ms=now_ms)
        self._note(call.caller, call.counter)

    def set_wire(self, call: Wire) -> None:
        """Set a wire of a hand-over."""
        self._world.is_single(call.place)
        if call.engaged:
            self._world.set_engaged(call.place, call.value)
        else:
            self._world.set_accepts(call.place, call.value)

    def _state(self, place: str) -> PlaceState:
        world = self._world
        world.is_single(place)
        return PlaceState(loads=world.loads(place), accepts=world.accepts(place), engaged=world.engaged(place))

    def _check_entering(self, entering: tuple[tuple[int, str], ...]) -> None:
        numbers: set[int] = set()
        taken: set[str] = set()
        for number, place in entering:
            at = self._world.place_of(number)
            if number <= 0 or number in numbers or at != OUTSIDE:
                raise WorldRefused(f"load {number} is already at {at}, named twice or no number")
            if self._world.is_single(place) and (place in taken or self._world.loads(place)):
                raise WorldRefused(f"{place} is occupied")
            numbers.add(number)
            taken.add(place)

    def _was_done(self, caller: str, counter: int) -> bool:
        return self._latest.get(caller, 0) >= counter

    def _note(self, caller: str, counter: int) -> None:
        self._latest[caller] = counter
        self._latest.move_to_end(caller)
        if len(self._latest) > CALLERS_MAX:
            self._latest.popitem(last=False)

    def _now_ms(self) -> int:
        return self.latest_logged_ms if self.clock is None else self.clock.now_ms()

    def _write(self, line: WorldLine) -> None:
        caller, counter = self._call
        self._log.append(LoggedLine(line=line, caller=caller, counter=counter))
        self.latest_logged_ms = max(self.latest_logged_ms, line.time_ms)

    def _replayed(self) -> Iterator[WorldLine]:
        for logged in self._log.lines():
            self._note(logged.caller, logged.counter)
            self.latest_logged_ms = max(self.latest_logged_ms, logged.line.time_ms)
            yield logged.line
