"""What is on its way at once: two vehicles to an entry, for the belts have taken the first load when the second comes;
packed load units for each place at the docks, and one a station more. And how far: to what is near.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.twin_plant import twin_plant
from simulation.people import Picker
from simulation.shift import STATIONS, Shift
from simulation.shops import add_shops
from simulation.spec import WorkloadSpec
from simulation.staff import TwinDesk, TwinHands, add_people
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import events as v
from wcs.core.entities import Purpose, TransportOrder
from wcs.core.transports import BROUGHT_AT_ONCE_MAX, conveyor_fill, vehicles_bound_for
from wcs.core.turn import Turn
from wcs.plant.model import Plant


def opened(plant: Plant, orders_per_hour: float, people: Callable[[Twin], None]) -> Twin:
    """A twin with stock, people and shops."""
    twin = Twin(plant)
    workload = Workload(twin.plant, 1)
    twin.start()
    for sku in workload.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="test", sku=sku))
    twin.open_stock(workload.opening(0))
    people(twin)
    add_shops(twin, workload, WorkloadSpec(orders_per_hour=orders_per_hour))
    return twin


def add_pickers(twin: Twin) -> None:
    """Nobody is at the dock: what comes there stays."""
    hands, shift = TwinHands(twin), Shift(twin)
    for station in twin.plant.stations:
        picker = Picker(station, TwinDesk(twin, f"picker {station.name}"), hands)
        places = (station.name, station.pick_point, station.handover_point, station.put_on_point)
        shift.add(picker, picker.step, (*places, *station.order_places, STATIONS))


def test_two_vehicles_are_bound_for_one_entry_and_no_conveyor_gets_more_than_it_holds() -> None:
    plant = twin_plant(aisles=2, stations=2, vehicles=12, segments=80)
    twin = opened(plant, orders_per_hour=120, people=add_people)
    turn = Turn(twin.warehouse.state, 0)
    most = 0
    for second in range(60, 1_500):
        twin.run_to(second * 1_000)
        for conveyor, entries in turn.layout.vehicle_entries.items():
            most = max(most, *(len(vehicles_bound_for(turn, entry)) for entry in entries), 0)
            if conveyor.startswith("CI"):  # where nobody but vehicles sets anything down
                assert conveyor_fill(turn, conveyor) <= turn.layout.conveyor_fill_max(conveyor)
    assert most == BROUGHT_AT_ONCE_MAX


@pytest.mark.parametrize(("stations", "on_their_way"), [(2, 4), (5, 7)])
def test_a_packed_load_unit_a_station_is_on_its_way_beyond_what_the_dock_holds(
    stations: int, on_their_way: int
) -> None:
    plant = twin_plant(aisles=2, stations=stations, docks=1, vehicles=12, segments=80)
    twin = opened(plant, orders_per_hour=300, people=add_pickers)
    twin.run_to(2_400_000)
    state = twin.warehouse.state
    places = list(twin.warehouse.layout.dock_outbound)
    assert len(places) == 2
    assert sum(len(state.units_to.get(p, ())) + bool(state.unit_at(p)) for p in places) == on_their_way


def test_an_order_is_picked_and_shipped_near_its_stock() -> None:
    twin = opened(twin_plant(aisles=4, stations=4, docks=4, vehicles=8, segments=160), 0, add_people)
    state, routes = twin.warehouse.state, twin.warehouse.layout.routes
    units = {c.load_unit: c.sku for c in state.content}
    far = [u for u in units if state.load_unit[u].place.startswith(("A3-", "A4-"))]
    sku = next(s for s in {units[u] for u in far} if all(u in far for u in units if units[u] == s))
    line = v.OrderLineWish(sku=sku, quantity=1)
    twin.handle(v.OrderRequested(at_ms=twin.now_ms, actor="shop", number="SO1", lines=(line,)))
    aisle = state.load_unit[next(iter(state.reservations_of_order["SO1"].values()))].place.split("-")[0]
    assert twin.run_until(lambda: bool(state.order["SO1"].station), limit_ms=60_000)
    stations = twin.warehouse.layout.stations
    way_ms = {name: routes.travel_time_ms(aisle, s.pick_point) for name, s in stations.items()}
    assert state.order["SO1"].station == min(way_ms, key=lambda name: way_ms[name]) != "ST1"

    def shipping() -> list[TransportOrder]:
        return [t for t in state.transport if t.purpose is Purpose.SHIPPING]

    assert twin.run_until(lambda: bool(shipping()), limit_ms=3_600_000)
    (transport,) = shipping()
    dock_ms = {p: routes.travel_time_ms(transport.source, p) for p in twin.warehouse.layout.dock_outbound}
    assert dock_ms[transport.sink] == min(dock_ms.values()) < dock_ms["D1.OUT1"]
