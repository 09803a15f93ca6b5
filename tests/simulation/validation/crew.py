"""People of a quick plant: they look when something has happened, and only a pick takes them time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from msgspec.structs import replace

from devices.machines.world import WorldRefused
from simulation.people import LOOK_MS, DockWorker, Picker, Refused
from simulation.spec import StaffSpec
from simulation.staff import TwinDesk, TwinHands
from simulation.twin import Twin
from wcs.core.stations import StationWork


class PickDesk(TwinDesk):
    """Where only picking is shown."""

    def station_work(self, station: str) -> StationWork:
        return replace(super().station_work(station), takes=(), puts=())


class CarryDesk(TwinDesk):
    """Where everything but picking is shown."""

    def station_work(self, station: str) -> StationWork:
        return replace(super().station_work(station), picks=())


NO_TIME = StaffSpec(pick_ms=0, carry_ms=0)  # what is done is done at once; how long it takes is the crew's own


def at_once() -> int:
    """What takes no time."""
    return 0


class Crew:
    """Pickers at the first station, one who carries there, and a dock worker.

    `pick_ms` is asked at the beginning of each pick how long it takes.
    """

    def __init__(self, twin: Twin, pickers: int, pick_ms: Callable[[], int]) -> None:
        self._twin = twin
        self._happened = 0
        self._bell = twin.env.event()
        twin.after_step.append(self._ring)
        plant, hands = twin.plant, TwinHands(twin)
        self._employ(Picker(plant.stations[0], CarryDesk(twin, "carrier"), hands, NO_TIME).step, at_once)
        self._employ(DockWorker(plant.docks[0], plant, TwinDesk(twin, "dock worker"), hands, NO_TIME).step, at_once)
        for n in range(pickers):
            self._employ(Picker(plant.stations[0], PickDesk(twin, f"picker {n}"), hands, NO_TIME).step, pick_ms)

    def _ring(self, step: object) -> None:
        self._happened += 1
        self._bell.succeed()
        self._bell = self._twin.env.event()

    def _employ(self, step: Callable[[], int], took_ms: Callable[[], int]) -> None:
        def life() -> Generator[Any, Any, None]:
            while True:
                before = self._happened
                try:
                    usual_ms = step()
                except (Refused, WorldRefused):
                    usual_ms = LOOK_MS
                if usual_ms != LOOK_MS:
                    yield self._twin.env.timeout(took_ms())
                elif self._happened == before:
                    yield self._bell
                else:
                    yield self._twin.env.timeout(1)

        self._twin.env.process(life())
