"""When people look: an idle one looks again when something has changed where they work, at their next second.

They look once a second in the plant. A twin that asked each of them each second would spend a day on it, so here a
person sleeps until the book or the building has changed at one of their places; whatever this overlooks is seen by a
look every half minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from simulation.people import LOOK_MS, Person
from simulation.twin import Twin
from wcs.core import facts as f
from wcs.core.turn import Step
from wcs.plant.model import OUTSIDE

IDLE_LOOK_MS = 30_000
# What is no place, and yet is worth a look.
ALARMS, DELIVERIES, STATIONS, POOL = "alarms", "deliveries", "stations", "pool"


class _OnShift:
    """One person: works, or is idle since a look."""

    __slots__ = ("call", "idle", "looked_ms", "person", "rung", "step")

    def __init__(self, person: Person, step: Callable[[], int]) -> None:
        self.person = person
        self.step = step
        self.call = 0
        self.looked_ms = 0
        self.idle = False
        self.rung = False


class Shift:
    """The people of one twin."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._at: dict[str, list[_OnShift]] = {}
        twin.after_step.append(self._hear)

    def add(self, who: Person, step: Callable[[], int], places: Iterable[str]) -> None:
        """Somebody begins: `step` does one piece of work and says how long it took, `LOOK_MS` if there was none."""
        person = _OnShift(who, step)
        places = tuple(dict.fromkeys(places))
        for place in places:
            self._at.setdefault(place, []).append(person)
        known = [place for place in places if self._twin.world.has_place(place)]
        self._twin.world.subscribe(known, lambda place: self._ring(person))
        self._twin.env.call_in(0, self._work, person, 0)

    def _work(self, person: _OnShift, call: int) -> None:
        if person.call != call:
            return  # looked for another reason meanwhile
        person.call += 1
        person.idle = person.rung = False
        person.looked_ms = self._twin.now_ms
        took_ms = person.step()
        person.idle = took_ms == LOOK_MS and not person.person.works and not person.rung
        self._twin.env.call_in(IDLE_LOOK_MS if person.idle else took_ms, self._work, person, person.call)

    def _ring(self, person: _OnShift) -> None:
        if not person.idle:
            person.rung = True
            return
        person.idle = False
        person.call += 1
        since_ms = self._twin.now_ms - person.looked_ms
        self._twin.env.call_in(LOOK_MS - since_ms % LOOK_MS, self._work, person, person.call)

    def _hear(self, step: Step) -> None:
        for fact in step.facts:
            concerned = _CONCERNED.get(type(fact))
            if concerned is not None:
                for place in concerned(self._twin, fact):
                    for person in self._at.get(place, ()):
                        self._ring(person)


def _moved(twin: Twin, fact: f.LoadUnitMoved) -> Iterator[str]:
    yield fact.source
    yield fact.sink
    if fact.sink == OUTSIDE:
        yield STATIONS  # there is room at the docks again
        yield POOL


def _unit_changed(twin: Twin, fact: f.LoadUnitRoleChanged | f.LoadUnitHoldChanged) -> Iterator[str]:
    yield twin.warehouse.state.load_unit[fact.load_unit].place


def _reserved(twin: Twin, fact: f.StockReserved) -> Iterator[str]:
    yield twin.warehouse.state.load_unit[fact.reservation.load_unit].place


def _order_changed(twin: Twin, fact: f.OrderLoadUnitSet | f.OrderBegunAnew) -> Iterator[str]:
    yield twin.warehouse.state.order[fact.order_number].station


def _point_seen(twin: Twin, fact: f.TransferPointSeen) -> Iterator[str]:
    yield fact.name


_CONCERNED: dict[type[f.Fact], Callable[..., Iterable[str]]] = {
    f.LoadUnitMoved: _moved,
    f.LoadUnitRoleChanged: _unit_changed,
    f.LoadUnitHoldChanged: _unit_changed,
    f.StockReserved: _reserved,
    f.OrderLoadUnitSet: _order_changed,
    f.OrderBegunAnew: _order_changed,
    f.TransferPointSeen: _point_seen,
    f.ReservationVoided: lambda twin, fact: (STATIONS,),
    f.OrderCancelled: lambda twin, fact: (STATIONS,),
    f.AlarmRaised: lambda twin, fact: (ALARMS,),
    f.AlarmEnded: lambda twin, fact: (ALARMS,),
    f.DeliveryAnnounced: lambda twin, fact: (DELIVERIES,),
}
