"""Ways lead where they should, by machines that meet, and exits lead to where the ways go."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from wcs.plant.model import Plant, Point, PointKind
from wcs.plant.routes import FLEET, NoRoute, Routes

PLANTS = ("tiny", "demo")


@pytest.fixture(params=PLANTS)
def plant(request: pytest.FixtureRequest) -> Plant:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Plant)
    return found


@pytest.fixture
def routes(plant: Plant) -> Routes:
    return Routes(plant)


@pytest.fixture
def tiny_routes(tiny: Plant) -> Routes:
    return Routes(tiny)


def way(routes: Routes, origin: str, sink: str, *avoid: str) -> list[tuple[str, str, str]]:
    return [(leg.carrier, leg.source, leg.sink) for leg in routes.legs(origin, sink, frozenset(avoid))]


def carriers(routes: Routes, origin: str, sink: str) -> list[str]:
    """Carriers of a way whose legs meet, each beginning where the one before ended."""
    legs = routes.legs(origin, sink)
    assert (legs[0].source, legs[-1].sink) == (origin, sink)
    assert all(before.sink == after.source for before, after in pairwise(legs))
    return [leg.carrier for leg in legs]


def inbound(plant: Plant) -> list[str]:
    return [p for d in plant.docks for p in d.inbound_points]


def outbound(plant: Plant) -> list[str]:
    return [p for d in plant.docks for p in d.outbound_points]


def points(plant: Plant) -> list[Point]:
    return [p for c in plant.conveyors for p in c.points]


def test_from_every_dock_to_every_aisle_it_is_vehicle_conveyor_crane(plant: Plant, routes: Routes) -> None:
    for arrival, crane in product(inbound(plant), plant.cranes):
        assert carriers(routes, arrival, crane.aisle) == [FLEET, "CV", crane.name]


def test_from_every_aisle_to_every_station_it_is_crane_conveyor(plant: Plant, routes: Routes) -> None:
    for crane, station in product(plant.cranes, plant.stations):
        assert carriers(routes, crane.aisle, station.pick_point) == [crane.name, "CV"]


def test_from_every_station_onward_to_every_aisle_it_is_conveyor_crane(plant: Plant, routes: Routes) -> None:
    for station, crane in product(plant.stations, plant.cranes):
        assert carriers(routes, station.pick_point, crane.aisle) == ["CV", crane.name]
        assert routes.exit_towards(station.pick_point, f"{crane.aisle}.IN") == station.onward_exit


def test_from_every_station_put_on_to_every_dock_it_is_conveyor_vehicle(plant: Plant, routes: Routes) -> None:
    for station, departure in product(plant.stations, outbound(plant)):
        assert carriers(routes, station.put_on_point, departure) == ["CV", FLEET]


def test_from_every_aisle_to_every_dock_and_to_every_other_aisle(plant: Plant, routes: Routes) -> None:
    for crane, departure in product(plant.cranes, outbound(plant)):
        assert carriers(routes, crane.aisle, departure) == [crane.name, "CV", FLEET]
    for crane, other in product(plant.cranes, plant.cranes):
        if crane is not other:
            assert carriers(routes, crane.aisle, other.aisle) == [crane.name, "CV", other.name]


def test_every_point_and_entry_leads_to_the_clarification_lane(plant: Plant, routes: Routes) -> None:
    for origin in (*inbound(plant), *(p.name for p in points(plant)), *(c.aisle for c in plant.cranes)):
        assert routes.legs(origin, plant.clarification_points[0])


def test_exits_lead_where_they_say(plant: Plant, routes: Routes) -> None:
    """Whoever takes at each point the exit towards a place comes there, and meets no other place of rest before."""
    by_name = {p.name: p for p in points(plant)}
    ends = {s.name: s.end for c in plant.conveyors for s in c.segments}
    after = {s.origin: s.end for c in plant.conveyors for s in c.segments}
    rests = {t.name for c in plant.conveyors for t in c.transfer_points}
    rests |= {p.name for p in points(plant) if p.kind is PointKind.STATION}
    tried = 0
    for start, sink in product(by_name, sorted(rests)):
        exit_number = routes.exit_towards(start, sink)
        if exit_number is None:
            assert start == sink or len(legs_or_none(routes, start, sink)) != 1
            continue
        node = ends[by_name[start].exits[exit_number]]
        for _ in range(100):
            if node in rests:
                break
            if node in by_name:
                towards = routes.exit_towards(node, sink)
                assert towards is not None
                node = ends[by_name[node].exits[towards]]
            else:
                node = after[node]
        assert node == sink
        tried += 1
    assert tried > 30


def legs_or_none(routes: Routes, origin: str, sink: str) -> list[tuple[str, str, str]]:
    try:
        return way(routes, origin, sink)
    except NoRoute:
        return []


def test_a_station_hands_over_by_its_handover_exit_only(plant: Plant, routes: Routes) -> None:
    for station in plant.stations:
        assert routes.exit_towards(station.pick_point, station.handover_point) == station.handover_exit
        assert way(routes, station.pick_point, station.handover_point) == [
            ("CV", station.pick_point, station.handover_point)
        ]


def test_the_way_of_an_arrival_in_the_tiny_plant(tiny_routes: Routes) -> None:
    assert way(tiny_routes, "D1.IN1", "A1") == [
        (FLEET, "D1.IN1", "IN1"),
        ("CV", "IN1", "A1.IN"),
        ("CR1", "A1.IN", "A1"),
    ]


def test_a_way_may_end_and_begin_at_an_identification_point(tiny_routes: Routes) -> None:
    assert way(tiny_routes, "D1.IN1", "ID1") == [(FLEET, "D1.IN1", "IN1"), ("CV", "IN1", "ID1")]
    assert way(tiny_routes, "ID1", "A2") == [("CV", "ID1", "A2.IN"), ("CR2", "A2.IN", "A2")]


def test_no_way_leads_through_a_rack(tiny_routes: Routes) -> None:
    assert all("A1" not in leg[1:] for leg in way(tiny_routes, "A1.IN", "D1.OUT1"))


def test_a_load_that_its_aisle_cannot_take_goes_back_to_the_loop_by_the_crane(tiny_routes: Routes) -> None:
    assert way(tiny_routes, "A1.IN", "A2") == [
        ("CR1", "A1.IN", "A1.OUT"),
        ("CV", "A1.OUT", "A2.IN"),
        ("CR2", "A2.IN", "A2"),
    ]


def test_a_load_on_a_device_goes_on_from_there(tiny_routes: Routes) -> None:
    assert way(tiny_routes, "CR1", "A1") == [("CR1", "CR1", "A1")]
    assert way(tiny_routes, "CR1", "ST1.PICK") == [("CR1", "CR1", "A1.OUT"), ("CV", "A1.OUT", "ST1.PICK")]
    assert way(tiny_routes, "V1", "D1.OUT1") == [(FLEET, "V1", "D1.OUT1")]


def test_a_relocation_within_an_aisle_is_one_leg_of_its_crane(tiny_routes: Routes) -> None:
    assert way(tiny_routes, "A2", "A2") == [("CR2", "A2", "A2")]


def test_from_a_place_to_itself_there_is_nothing_to_do(tiny_routes: Routes) -> None:
    assert tiny_routes.legs("OUT1", "OUT1") == ()


@pytest.mark.parametrize("avoided", ["CR1", "A1", "CV", "CV1", "A1.IN", "V1", FLEET, "IN1", "N3"])
def test_nothing_goes_by_what_is_to_be_avoided(tiny_routes: Routes, avoided: str) -> None:
    with pytest.raises(NoRoute, match=f"no way from D1.IN1 to A1 without {avoided}"):
        tiny_routes.legs("D1.IN1", "A1", frozenset({avoided}))


def test_what_is_avoided_does_not_close_ways_that_do_not_need_it(tiny_routes: Routes) -> None:
    assert way(tiny_routes, "D1.IN1", "A2", "CR1", "ST1.PICK") == way(tiny_routes, "D1.IN1", "A2")


def test_one_lost_vehicle_of_six_does_not_close_the_fleet(demo: Plant) -> None:
    routes = Routes(demo)
    assert way(routes, "D1.IN1", "A1", "V1") == way(routes, "D1.IN1", "A1")
    with pytest.raises(NoRoute):
        routes.legs("D1.IN1", "A1", frozenset(v.name for v in demo.vehicles))


def test_an_infeed_out_of_use_is_replaced_by_the_other(demo: Plant) -> None:
    routes = Routes(demo)
    usual = way(routes, "D2.IN1", "A3")[0][2]
    other = way(routes, "D2.IN1", "A3", usual)[0][2]
    assert {usual, other} == {"IN1", "IN2"}


@pytest.mark.parametrize(("origin", "sink"), [("nowhere", "A1"), ("A1", "nowhere"), ("CLAR", "A1"), ("A1", "IN1.MIN")])
def test_where_no_way_leads_it_is_said(tiny_routes: Routes, origin: str, sink: str) -> None:
    with pytest.raises(NoRoute, match=f"no way from {origin} to {sink}"):
        tiny_routes.legs(origin, sink)


def test_a_crane_stores_from_where_belts_end_and_retrieves_to_where_they_begin(plant: Plant, routes: Routes) -> None:
    for aisle in plant.aisles:
        assert routes.inbound_points(aisle.name) == (f"{aisle.name}.IN",)
        assert routes.outbound_points(aisle.name) == (f"{aisle.name}.OUT",)


def test_whatever_enters_the_loop_is_identified_even_if_nobody_decides(plant: Plant, routes: Routes) -> None:
    for conveyor in plant.conveyors:
        for entry in {s.origin for s in conveyor.segments}:
            assert routes.identification_after(entry) == "ID1"
    assert routes.identification_after("A1.IN") is None
    assert routes.identification_after("D1.IN1") is None


def test_next_points_are_those_met_first(tiny_routes: Routes) -> None:
    assert tiny_routes.next_points("IN1") == ("ID1",)
    assert tiny_routes.next_points("ID1") == ("CLAR", "DA1")
    assert tiny_routes.next_points("A1.OUT") == ("DA2",)
    assert tiny_routes.next_points("CLAR") == ()
    assert tiny_routes.next_points("CR1") == ()


def test_an_exit_is_only_known_on_its_own_conveyor(tiny_routes: Routes) -> None:
    assert tiny_routes.exit_towards("DA1", "D1.OUT1") is None
    assert tiny_routes.exit_towards("CR1", "A1.IN") is None
    assert tiny_routes.exit_towards("A1.OUT", "A2.IN") is None


def test_two_tables_of_one_plant_agree_on_every_way(plant: Plant) -> None:
    one, other = Routes(plant), Routes(plant)
    places = [*inbound(plant), *outbound(plant), *(a.name for a in plant.aisles), *(p.name for p in points(plant))]
    for origin, sink in product(places, places):
        assert legs_or_none(one, origin, sink) == legs_or_none(other, origin, sink)


def test_a_farther_aisle_takes_longer(tiny_routes: Routes) -> None:
    assert tiny_routes.travel_time_ms("D1.IN1", "A2") > tiny_routes.travel_time_ms("D1.IN1", "A1") > 0
