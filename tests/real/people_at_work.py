"""Modelled people in threads: their desk is the host itself, their hands the test port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from devices.machines.machine import Load
from devices.machines.world import WorldRefused
from simulation.people import DockWorker, Operator, Picker, Refused
from tests.real.plant_at_work import DONE_S, PlantAtWork
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.state import State
from wcs.core.stations import StationWork, work_at
from wcs.core.turn import RequestRefused
from wcs.plant.model import OUTSIDE


class Person(Protocol):
    name: str

    def step(self) -> int: ...


class HostDesk:
    """`simulation.people.Desk` on the host itself."""

    def __init__(self, works: PlantAtWork, actor: str) -> None:
        self._works = works
        self._actor = actor

    def station_work(self, station: str) -> StationWork:
        stations = self._works.site.layout.stations
        return self._works.see(lambda book: work_at(book, stations[station]))

    def load_unit(self, number: int) -> e.LoadUnit | None:
        return self._works.see(lambda book: book.load_unit.get(number))

    def find_barcode(self, barcode: str) -> e.LoadUnit | None:
        return self._works.see(lambda book: book.load_unit.get(book.unit_of_barcode.get(barcode, 0)))

    def departures(self, dock: str) -> list[e.LoadUnit]:
        points = self._works.site.layout.docks[dock].outbound_points

        def ready(book: State) -> list[e.LoadUnit]:
            units = [book.unit_at(point) for point in points]
            return [book.load_unit[unit] for unit in units if unit and book.transport_for(unit) is None]

        return self._works.see(ready)

    def expected(self) -> list[e.DeliveryLine]:
        return self._works.see(lambda book: [line for line in book.delivery_line if not line.received])

    def alarms(self) -> list[e.Alarm]:
        return self._works.see(lambda book: list(book.alarm))

    def task_places(self, task: int) -> tuple[str, str, str]:
        def places(book: State) -> tuple[str, str, str]:
            row = book.task[task]
            return row.device, row.source, row.sink

        return self._works.see(places)

    def confirm_pick(self, reservation: int, sku: str, quantity: int) -> None:
        self._do(
            lambda at_ms: v.PickConfirmed(
                at_ms=at_ms, actor=self._actor, reservation=reservation, sku=sku, quantity=quantity
            )
        )

    def placed(self, load_unit: int, place: str, reason: str = "") -> None:
        self._do(
            lambda at_ms: v.LoadUnitPlaced(
                at_ms=at_ms, actor=self._actor, load_unit=load_unit, place=place, reason=reason
            )
        )

    def arrived(self, line: e.DeliveryLine | None, load: Load, place: str) -> None:
        self._do(
            lambda at_ms: v.LoadUnitArrived(
                at_ms=at_ms, actor=self._actor, delivery=line.delivery if line else "", barcode=load.barcode,
                place=place, quantity=line.quantity if line else 0, load_type=load.load_type, mass_g=load.mass_g,
                height_mm=load.height_mm, load_unit=load.number,
            )
        )  # fmt: skip

    def departed(self, load_unit: int) -> None:
        self._do(lambda at_ms: v.DepartureConfirmed(at_ms=at_ms, actor=self._actor, load_unit=load_unit))

    def answer(self, alarm: int, answer: str) -> None:
        self._do(lambda at_ms: v.AlarmAnswered(at_ms=at_ms, actor=self._actor, alarm=alarm, answer=answer))

    def _do(self, make: Callable[[int], v.Event]) -> None:
        try:
            self._works.do(make)
        except RequestRefused as refused:
            raise Refused(str(refused)) from None


class WorldHands:
    """`simulation.people.Hands` over a test port of their own."""

    def __init__(self, works: PlantAtWork) -> None:
        self.port = works.running.open_test_port()

    def look(self, place: str) -> tuple[Load, ...]:
        return self.port.look(place)

    def carry(self, number: int, source: str, sink: str, *, by: str = "") -> None:
        self.port.carry(number, source, sink, by=by)

    def place(self, load: Load, place: str, *, by: str = "") -> None:
        self.port.place(load, place, by=by)

    def place_of(self, number: int) -> str:
        return self.port.dump().get(number, OUTSIDE)

    def accepts(self, place: str) -> bool:
        return self.port.accepts(place)

    def local_reset(self, device: str) -> None:
        self.port.inject(device, "local_reset")


@contextmanager
def people_at_work(works: PlantAtWork, *, speed: float, operator: bool = False) -> Iterator[None]:
    """Pickers and dock workers (and an operator who answers alarms) work until the block ends."""
    stop = threading.Event()
    hands: list[WorldHands] = []
    broken: list[BaseException] = []

    def their_hands() -> WorldHands:
        hands.append(WorldHands(works))
        return hands[-1]

    people: list[Person] = [Picker(s, HostDesk(works, "picker"), their_hands()) for s in works.plant.stations]
    people += [DockWorker(d, works.plant, HostDesk(works, "dock worker"), their_hands()) for d in works.plant.docks]
    if operator:
        people.append(Operator(works.plant, HostDesk(works, "operator"), their_hands()))
    threads = [
        threading.Thread(target=_live, args=(person, speed, stop, broken), name=person.name) for person in people
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(DONE_S)
        for pair in hands:
            pair.port.close()
    if broken:
        raise broken[0]


def _live(person: Person, speed: float, stop: threading.Event, broken: list[BaseException]) -> None:
    """Work until told to stop. A refusal is part of a person's day; anything else ends the test."""
    while not stop.is_set():
        try:
            busy_ms = person.step()
        except (Refused, WorldRefused):
            busy_ms = 2_000
        except BaseException as error:
            broken.append(error)
            return
        stop.wait(busy_ms / 1000 / speed)
