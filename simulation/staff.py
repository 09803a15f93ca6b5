"""The people of a twin: their desk is the mind itself, their hands are the world itself."""

from __future__ import annotations

import math
from collections.abc import Callable

from devices.machines.machine import Load
from devices.machines.world import WorldRefused
from simulation.chance import Chance
from simulation.people import LOOK_MS, USUAL, DockWorker, Operator, Person, Picker, Refused, pools
from simulation.shift import ALARMS, DELIVERIES, POOL, STATIONS, Shift
from simulation.spec import StaffSpec
from simulation.twin import Twin
from wcs.core import events as v
from wcs.core.entities import Alarm, DeliveryLine, LoadUnit
from wcs.core.stations import StationWork, work_at
from wcs.core.turn import RequestRefused


class TwinDesk:
    """What the system shows and takes, without the way over HTTP."""

    def __init__(self, twin: Twin, actor: str) -> None:
        self._twin = twin
        self._actor = actor

    def _act(self, event: v.Event) -> None:
        try:
            self._twin.handle(event)
        except RequestRefused as refusal:
            raise Refused(str(refusal)) from refusal

    def station_work(self, station: str) -> StationWork:
        warehouse = self._twin.warehouse
        return work_at(warehouse.state, warehouse.layout.stations[station])

    def load_unit(self, number: int) -> LoadUnit | None:
        return self._twin.warehouse.state.load_unit.get(number)

    def find_barcode(self, barcode: str) -> LoadUnit | None:
        return self.load_unit(self._twin.warehouse.state.unit_of_barcode.get(barcode, 0))

    def departures(self, dock: str) -> list[LoadUnit]:
        state = self._twin.warehouse.state
        points = self._twin.warehouse.layout.docks[dock].outbound_points
        units = [state.unit_at(p) for p in points]
        return [state.load_unit[u] for u in units if u and state.transport_for(u) is None]

    def expected(self) -> list[DeliveryLine]:
        return [line for line in self._twin.warehouse.state.delivery_line if not line.received]

    def alarms(self) -> list[Alarm]:
        return list(self._twin.warehouse.state.alarm)

    def task_places(self, task: int) -> tuple[str, str, str]:
        row = self._twin.warehouse.state.task[task]
        return row.device, row.source, row.sink

    def confirm_pick(self, reservation: int, sku: str, quantity: int) -> None:
        self._act(
            v.PickConfirmed(
                at_ms=self._twin.now_ms, actor=self._actor, reservation=reservation, sku=sku, quantity=quantity
            )
        )

    def placed(self, load_unit: int, place: str, reason: str = "") -> None:
        self._act(
            v.LoadUnitPlaced(
                at_ms=self._twin.now_ms, actor=self._actor, load_unit=load_unit, place=place, reason=reason
            )
        )

    def arrived(self, line: DeliveryLine | None, load: Load, place: str) -> None:
        self._act(
            v.LoadUnitArrived(
                at_ms=self._twin.now_ms,
                actor=self._actor,
                delivery=line.delivery if line else "",
                barcode=load.barcode,
                place=place,
                quantity=line.quantity if line else 0,
                load_type=load.load_type,
                mass_g=load.mass_g,
                height_mm=load.height_mm,
                load_unit=load.number,
            )
        )

    def departed(self, load_unit: int) -> None:
        self._act(v.DepartureConfirmed(at_ms=self._twin.now_ms, actor=self._actor, load_unit=load_unit))

    def answer(self, alarm: int, answer: str) -> None:
        self._act(v.AlarmAnswered(at_ms=self._twin.now_ms, actor=self._actor, alarm=alarm, answer=answer))


class TwinHands:
    """What people can do to the world of a twin."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin

    def look(self, place: str) -> tuple[Load, ...]:
        return self._twin.world.loads(place)

    def carry(self, number: int, source: str, sink: str, *, by: str = "") -> None:
        self._twin.world.move(number, source, sink, by=by, now_ms=self._twin.now_ms)

    def place(self, load: Load, place: str, *, by: str = "") -> None:
        self._twin.world.place(load, place, by=by, now_ms=self._twin.now_ms)

    def place_of(self, number: int) -> str:
        return self._twin.world.place_of(number)

    def accepts(self, place: str) -> bool:
        return self._twin.world.accepts(place)

    def local_reset(self, device: str) -> None:
        self._twin.inject(device, "local_reset")


def patient(step: Callable[[], int]) -> Callable[[], int]:
    """What the desk or the building refuses is tried again after a look."""

    def tried() -> int:
        try:
            return step()
        except (Refused, WorldRefused):
            return LOOK_MS

    return tried


def drawn(step: Callable[[], int], person: Person, chance: Chance) -> Callable[[], int]:
    """The same work, taking exponential times about its own; a look takes what it takes."""
    done = 0

    def timed() -> int:
        nonlocal done
        took_ms = step()
        if took_ms == LOOK_MS and not person.works:
            return took_ms
        done += 1
        return max(1, round(-math.log(1.0 - chance.unit("service", person.name, done)) * took_ms))

    return timed


def add_people(twin: Twin, staff: StaffSpec = USUAL, seed: int = 0) -> None:
    """A picker a station, a dock worker a dock, one operator."""
    hands, shift, plant, chance = TwinHands(twin), Shift(twin), twin.plant, Chance(seed)

    def add(person: Person, *places: str) -> None:
        step = patient(person.step)
        shift.add(person, drawn(step, person, chance) if staff.service == "exponential" else step, places)

    for station in plant.stations:
        picker = Picker(station, TwinDesk(twin, f"picker {station.name}"), hands, staff)
        places = (station.name, station.pick_point, station.handover_point, station.put_on_point)
        add(picker, *places, *station.order_places, STATIONS)
    pool_of = pools(plant)
    for dock in plant.docks:
        desk = TwinDesk(twin, f"dock worker {dock.name}")
        worker = DockWorker(dock, plant, desk, hands, staff, pool_of[dock.name])
        add(worker, *dock.inbound_points, *dock.outbound_points, DELIVERIES, POOL)
    put_on_points = (station.put_on_point for station in plant.stations)
    add(Operator(plant, TwinDesk(twin, "operator"), hands, staff), *plant.clarification_points, *put_on_points, ALARMS)
