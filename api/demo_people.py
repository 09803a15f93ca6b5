"""The demo's people at work: a thread a person, at the desk over the API and in the building over the test port.

Rule: nothing that fails ends a person: a refusal is looked at again, a site or world that is away is waited for.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from api.demo_hands import WorldHands
from api.desk import DeskAway, HttpDesk
from devices.machines.world import WorldRefused
from devices.virtual_plc.remote_world import WorldUnreachable
from devices.virtual_plc.testport import TestPort
from simulation.people import DockWorker, Operator, Picker, Pool, Refused
from wcs.plant.model import Plant

logger = logging.getLogger(__name__)
SHORTEST_S = 0.03  # between two steps of one person, however fast the plant runs: the site is theirs together
REFUSED_S = 0.2  # what was refused may be right after the next event
AWAY_S, AWAY_S_MAX = 0.1, 1.0
END_S = 12.0  # a call to a site that has just been stopped runs into its time limit


class People:
    """A picker a station, a dock worker a dock, one operator."""

    def __init__(
        self,
        plant: Plant,
        address: str,
        tokens: dict[str, str],
        world: tuple[str, int],
        speed: float,
        pools: dict[str, Pool],
    ) -> None:
        self._speed = speed
        self._stop = threading.Event()
        self._workers: list[DockWorker] = []
        self._open: list[HttpDesk | WorldHands] = []
        self._threads: list[threading.Thread] = []

        def tools(name: str) -> tuple[HttpDesk, WorldHands]:
            pair = HttpDesk(address, tokens[name]), WorldHands(TestPort(world, name))
            self._open += pair
            return pair

        for station in plant.stations:
            self._employ(Picker(station, *tools(f"picker {station.name}")))
        for dock in plant.docks:
            desk, hands = tools(f"dock worker {dock.name}")
            worker = DockWorker(dock, plant, desk, hands, pool=pools[dock.name])
            self._workers.append(worker)
            self._employ(worker)
        self._employ(Operator(plant, *tools("operator")))

    @staticmethod
    def names(plant: Plant) -> list[str]:
        """Who they are: each has a token of their own."""
        pickers = [f"picker {station.name}" for station in plant.stations]
        return [*pickers, *(f"dock worker {dock.name}" for dock in plant.docks), "operator"]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def bring_nothing_more(self) -> None:
        """The docks take nothing in from now on; what leaves may leave."""
        for worker in self._workers:
            worker.brings = False

    def stop(self) -> None:
        """Send everybody home and wait until they are gone."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(END_S)
        for tool in self._open:
            tool.close()

    def _employ(self, person: Picker | DockWorker | Operator) -> None:
        thread = threading.Thread(target=self._work, args=(person.name, person.step), name=person.name, daemon=True)
        self._threads.append(thread)

    def _work(self, name: str, step: Callable[[], int]) -> None:
        away_s = AWAY_S
        while not self._stop.is_set():
            try:
                pause_s = max(SHORTEST_S, step() / 1000 / self._speed)
                away_s = AWAY_S
            except (Refused, WorldRefused) as refusal:
                logger.debug("%s: %s", name, refusal)
                pause_s = REFUSED_S
            except (DeskAway, WorldUnreachable) as away:
                logger.debug("%s: %s", name, away)
                pause_s, away_s = away_s, min(AWAY_S_MAX, away_s * 2)
            except Exception:
                logger.exception("%s stumbled", name)
                pause_s = AWAY_S_MAX
            self._stop.wait(pause_s)
