"""What people have shut: orders are served from elsewhere, and keep no others waiting for what is behind."""

from __future__ import annotations

import networkx as nx
import pytest

from tests.core.test_bad_luck import (
    MINUTE_MS,
    alarms,
    deliver,
    place_of,
    run_until_carried_to,
    ships,
    site_with_stock,
)
from tests.core.test_waiting import block, serve
from tests.core.warehouses import DAY_MS, Site, stocked_site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core import waiting
from wcs.core.turn import RequestRefused
from wcs.plant.file import load_plant
from wcs.plant.model import Plant


def sources(site: Site, number: str) -> set[str]:
    """The aisles from which an order is promised."""
    units = site.state.reservations_of_order[number].values()
    return {place_of(site, unit)[:2] for unit in units}


def test_an_order_is_promised_what_can_be_fetched_though_it_expires_later() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    assert sources(site, "SO1") == {"A1"}
    block(site, "A1", "bent beam")
    site.order("SO2", ("TEA", 2))
    assert sources(site, "SO2") == {"A2"}
    ships(site, "SO2")


def test_a_single_location_that_is_blocked_is_promised_last_too() -> None:
    site = site_with_stock()
    block(site, "A1-L-01-01-1", "bent beam")
    site.order("SO1", ("TEA", 2))
    assert sources(site, "SO1") == {"A2"}
    ships(site)


def test_an_order_that_waits_for_what_is_shut_keeps_no_other_waiting() -> None:
    site = site_with_stock()
    block(site, "A1", "bent beam")
    for n in range(4):
        site.order(f"WAITS{n}", ("TEA", 11))
    site.order("SO1", ("TEA", 1))
    assert site.order_state("WAITS0") is e.OrderState.PLACED
    site.run_for(10 * MINUTE_MS)
    assert site.state.order["WAITS0"].waits_for == "A1 is blocked by mei: bent beam"


def call_waiting_in(site: Site, aisle: str) -> e.TransportOrder | None:
    """A source that is called and still stands in its bin, with no crane on the way to it."""
    for transport in site.state.transport:
        leg = site.state.leg.get(transport.leg)
        waits = leg is not None and not leg.device and transport.purpose is e.Purpose.RETRIEVAL
        if waits and place_of(site, transport.load_unit).startswith(aisle):
            return transport
    return None


@pytest.mark.parametrize("how", ["block", "service"])
def test_a_source_that_waits_in_an_aisle_when_it_is_shut_comes_from_elsewhere(how: str) -> None:
    site = site_with_stock()
    for n in range(4):  # more stock than one load unit of each aisle, so that cranes have more than one to fetch
        site.stock(f"A1-R-0{n + 1}-01-1", "TEA", 1)
        site.stock(f"A2-R-0{n + 1}-02-1", "TEA", 10, lot="L9")
    site.order("SO1", ("TEA", 14))
    site.run_until(lambda: call_waiting_in(site, "A1") is not None)
    waiting = call_waiting_in(site, "A1")
    assert waiting is not None
    if how == "block":
        block(site, "A1", "bent beam")
    else:
        serve(site, "CR1", in_service=False)
    assert site.state.transport.get(waiting.number) is None
    assert waiting.load_unit not in site.state.reservations_of_unit
    ships(site)


def test_the_empty_of_an_order_is_another_one_when_its_aisle_is_shut() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    site.order("SO2", ("TEA", 2))
    site.order("SO3", ("TEA", 2))
    behind = next(
        t for t in site.state.transport
        if t.purpose is e.Purpose.EMPTY_SUPPLY and not site.state.leg[t.leg].device
    )  # fmt: skip
    aisle = place_of(site, behind.load_unit)[:2]
    site.stock("A1-R-02-02-1" if aisle == "A2" else "A2-R-02-02-1")
    block(site, aisle, "bent beam")
    order = site.state.order[behind.order_number]
    assert order.load_unit not in (0, behind.load_unit)
    assert site.state.load_unit[behind.load_unit].role is e.LoadUnitRole.EMPTY
    block(site, aisle, "")
    site.run_until_ended()
    assert all(o.state is e.OrderState.SHIPPED for o in site.state.order)


def test_a_load_unit_on_its_way_to_what_is_shut_is_stored_elsewhere() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    on_belt = site.plant.conveyors[0].name

    def to_store() -> e.TransportOrder | None:
        found = (t for t in site.state.transport if t.purpose is e.Purpose.PUTAWAY)
        return next((t for t in found if place_of(site, t.load_unit) == on_belt), None)

    site.run_until(lambda: to_store() is not None)
    transport = to_store()
    assert transport is not None
    aisle = transport.sink[:2]
    block(site, aisle, "bent beam")
    assert site.state.transport[transport.number].sink[:2] != aisle
    site.run_until_quiet()
    assert place_of(site, transport.load_unit)[:2] not in (aisle, "CL")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_aisles_that_are_shut_and_opened_all_day_stop_nobody(seed: int) -> None:
    site, work = stocked_site(seed)
    for n in range(24):
        number, wishes = work.order(n)
        at_ms = site.twin.now_ms
        site.twin.handle(v.OrderRequested(at_ms=at_ms, actor="shop", number=number, lines=wishes))
        aisle = "A1" if (n // 3 + seed) % 2 else "A2"
        if n % 3 == 0:
            block(site, aisle, "bent beam")
        site.run_for(2 * MINUTE_MS)
        if n % 3 == 2:
            block(site, aisle, "")
    site.run_until_ended()
    site.run_until_quiet()
    site.check_paper_is_world()
    assert not len(site.state.alarm)


def empties_behind(site: Site, aisle: str) -> list[e.TransportOrder]:
    """Orders' empties that still stand in their bins there, with no crane on the way to them."""
    return [
        t for t in site.state.transport
        if t.purpose is e.Purpose.EMPTY_SUPPLY and place_of(site, t.load_unit).startswith(aisle)
        and not site.state.leg[t.leg].device
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["block", "service"])
def test_an_empty_that_turns_round_for_an_order_when_an_aisle_is_shut_is_not_stored_after_all(how: str) -> None:
    site = Site()
    site.start()
    site.skus("TEA")
    for n in range(1, 5):
        site.stock(f"A2-L-0{n}-01-1", "TEA", 1)
    for place in ("A2-R-01-01-1", "A1-R-01-01-1", "A1-R-02-01-1"):
        site.stock(place)
    block(site, "A2", "full", e.Flow.IN)
    for n in range(3):
        site.order(f"SO{n}", ("TEA", 1))
    site.twin.inject("CR1", "mode", mode="manual")
    site.run_until(lambda: any(u in site.state.empties_on_conveyors for u in site.state.transport_of_unit))
    block(site, "A2", "")
    assert empties_behind(site, "A1")
    if how == "block":
        block(site, "A1", "bent beam")
    else:
        serve(site, "CR1", in_service=False)
    for order in site.state.order:
        transport = site.state.transport_for(order.load_unit)
        assert transport is None or transport.purpose is not e.Purpose.PUTAWAY, order
    if how == "block":
        block(site, "A1", "")
    else:
        serve(site, "CR1", in_service=True)
    site.twin.inject("CR1", "mode", mode="automatic")
    site.run_until_ended()
    assert all(order.state is e.OrderState.SHIPPED for order in site.state.order)


def test_what_was_picked_for_an_order_stays_its_own_behind_a_block() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 12))
    site.run_until(lambda: bool(site.state.contents_of.get(site.state.order["SO1"].load_unit)))
    unit, bin_ = site.state.order["SO1"].load_unit, "A1-R-05-04-1"
    site.world.move(unit, place_of(site, unit), bin_, by="hand", now_ms=site.twin.now_ms)
    block(site, bin_, "bent beam", e.Flow.OUT)
    site.twin.handle(
        v.LoadUnitPlaced(at_ms=site.twin.now_ms, actor="mei", load_unit=unit, place=bin_, reason="in the way")
    )
    block(site, "A1", "inventory", e.Flow.OUT)
    assert site.state.order["SO1"].load_unit == unit
    assert site.state.load_unit[unit].role is e.LoadUnitRole.ORDER
    block(site, "A1", "")
    block(site, bin_, "")
    ships(site)
    shipped = [fact for fact in site.facts if isinstance(fact, f.QuantityPosted) and fact.sink == "customer"]
    assert sum(fact.quantity for fact in shipped) == 12


def test_an_order_whose_empty_was_shut_in_takes_one_that_becomes_free_later() -> None:
    site = Site()
    site.start()
    site.skus("TEA")
    site.stock("A2-L-01-01-1", "TEA", 10)
    site.stock("A1-L-01-01-1")
    site.stock("A1-L-05-01-1")
    site.order("SO1", ("TEA", 1))
    site.order("SO2", ("TEA", 1))
    assert len(empties_behind(site, "A1")) == 1
    block(site, "A1", "inventory", e.Flow.OUT)
    site.stock("A2-R-01-01-1")
    site.run_until_ended()
    assert {order.state for order in site.state.order} == {e.OrderState.SHIPPED}


@pytest.mark.parametrize("seconds", range(58, 70, 2))
def test_a_source_called_while_a_crane_carries_it_behind_a_block_comes_from_elsewhere(seconds: int) -> None:
    site = Site()
    site.start()
    site.skus("TEA")
    site.stock("A2-L-01-01-1", "TEA", 3, lot="SOONER", expiry_ms=10 * DAY_MS)
    site.stock("A2-L-02-01-1", "TEA", 50, lot="LATER")
    for place in ("A2-R-01-01-1", "A2-R-02-01-1", "A2-R-03-01-1"):
        site.stock(place)
    block(site, "A1", "inventory", e.Flow.OUT)
    block(site, "A2", "full", e.Flow.IN)
    site.order("SO1", ("TEA", 1))
    site.run_for(seconds * 1000)
    site.order("SO2", ("TEA", 1))
    ships(site, "SO2")


def test_a_crane_with_a_load_that_finds_no_place_in_its_blocked_aisle_is_given_nothing_else() -> None:
    site = site_with_stock()
    deliver(site)
    task = run_until_carried_to(site)
    aisle, crane = task.sink[:2], task.device
    site.run_until(lambda: bool(site.state.units_at.get(crane)))
    block(site, aisle, "bent beam", e.Flow.IN)
    site.foreign_load(task.sink)
    site.run_until(lambda: bool(alarms(site, "warehouse_full")))
    site.order("SO1", ("TEA", 12))
    site.run_for(5 * MINUTE_MS)
    unit = site.state.unit_at(crane)
    assert unit
    assert not alarms(site, "task_refused")
    waits = {waiting.reason(site.state, t) for t in site.state.transport if place_of(site, t.load_unit)[:2] == aisle}
    assert waits == {f"{crane} has load unit {unit} on board, which finds no place"}
    block(site, aisle, "")
    ships(site)


@pytest.mark.parametrize("flow", [e.Flow.IN, e.Flow.BOTH])
def test_a_load_at_the_entry_of_an_aisle_is_brought_through_it_only_if_it_is_not_blocked_both_ways(
    flow: e.Flow,
) -> None:
    site = site_with_stock()
    block(site, "A2", "full", e.Flow.IN)
    deliver(site)
    site.twin.inject("CR1", "mode", mode="manual")
    site.run_until(lambda: bool(site.state.unit_at("A1.IN")))
    unit = site.state.unit_at("A1.IN")
    block(site, "A2", "")
    block(site, "A1", "bent beam", flow)
    site.twin.inject("CR1", "mode", mode="automatic")
    site.run_for(10 * MINUTE_MS)
    if flow is e.Flow.BOTH:
        assert place_of(site, unit) == "A1.IN"
        transport = site.state.transport_for(unit)
        assert transport is not None
        assert waiting.reason(site.state, transport) == "A1 is blocked by mei: bent beam"
        block(site, "A1", "")
    site.run_until(lambda: place_of(site, unit).startswith("A2-"))


def test_loads_that_queue_for_a_blocked_aisle_are_stored_in_another_as_soon_as_that_is_opened() -> None:
    site = site_with_stock()
    block(site, "A2", "full", e.Flow.IN)
    for n in range(3):
        deliver(site, number=f"DL{n}", barcode=f"T70000{n}")
    cv = site.plant.conveyors[0].name
    site.run_until(lambda: any(place_of(site, u) == cv for u in site.state.transport_of_unit))
    block(site, "A1", "bent beam", e.Flow.IN)
    site.run_for(10 * MINUTE_MS)
    waiting_here = list(site.state.transport_of_unit)
    assert len(waiting_here) >= 2
    block(site, "A2", "")
    site.run_until_quiet()
    assert {place_of(site, unit)[:3] for unit in waiting_here} == {"A2-"}
    assert not len(site.state.alarm)


def test_orders_in_the_queue_do_not_blame_a_block_that_was_lifted() -> None:
    site = site_with_stock()
    site.skus("MATE")
    site.stock("A2-L-02-01-1", "MATE", 10)
    block(site, "A1", "inventory")
    for n in range(6):
        site.order(f"WAITS{n}", ("TEA", 11))
        site.order(f"SO{n}", ("MATE", 1))
    site.run_for(MINUTE_MS)
    assert len([order for order in site.state.order if "inventory" in order.waits_for]) > 1
    block(site, "A1", "")
    assert not [order for order in site.state.order if "inventory" in order.waits_for]
    site.run_until_ended()


def test_what_found_no_free_location_is_stored_when_an_aisle_is_opened_and_nobody_need_answer() -> None:
    site = site_with_stock()
    for aisle in ("A1", "A2"):
        block(site, aisle, "full", e.Flow.IN)
    site.order("SO1", ("TEA", 12))
    site.run_until(lambda: any(alarm.code == "warehouse_full" for alarm in site.state.alarm))
    unit = next(iter(site.state.alarm)).load_unit
    block(site, "A2", "")
    assert not len(site.state.alarm)
    assert site.state.transport_for(unit) is not None
    ships(site)


def test_a_location_found_occupied_keeps_what_a_person_had_blocked_it_for() -> None:
    site = site_with_stock()
    deliver(site)
    task = run_until_carried_to(site)
    block(site, task.sink, "inventory", e.Flow.OUT)
    site.foreign_load(task.sink)
    site.run_until(lambda: bool(alarms(site, "sink_occupied")))
    found = site.state.block[task.sink]
    assert (found.actor, found.flow) == ("plant", e.Flow.BOTH)
    told = f"{task.sink} is blocked for retrieval by mei: inventory"
    assert found.reason == f"found occupied by task {task.number}; before that {told}"


def moves_after(site: Site, count: int) -> list[f.LoadUnitMoved]:
    return [fact for fact in site.facts[count:] if isinstance(fact, f.LoadUnitMoved)]


def test_stock_behind_a_block_for_put_away_is_fetched_and_what_comes_is_stored_elsewhere() -> None:
    site = site_with_stock()
    block(site, "A1", "bent beam", e.Flow.IN)
    before = len(site.facts)
    site.order("SO1", ("TEA", 12))
    assert sources(site, "SO1") == {"A1", "A2"}
    ships(site)
    moves = moves_after(site, before)
    assert any(move.source.startswith("A1-") for move in moves)
    assert any(move.sink.startswith("A2-") for move in moves)
    assert not any(move.sink.startswith("A1-") for move in moves)


def test_a_block_for_retrieval_keeps_nothing_from_being_stored() -> None:
    site = site_with_stock()
    block(site, "A1", "inventory", e.Flow.OUT)
    block(site, "A2", "full", e.Flow.IN)
    before = len(site.facts)
    site.order("SO1", ("TEA", 2))
    assert sources(site, "SO1") == {"A2"}
    ships(site)
    moves = moves_after(site, before)
    assert any(move.sink.startswith("A1-") for move in moves)
    assert not any(move.source.startswith("A1-") for move in moves)
    site.order("WAITS", ("TEA", 15))
    site.run_for(10 * MINUTE_MS)
    assert site.state.order["WAITS"].waits_for == "A1 is blocked for retrieval by mei: inventory"
    block(site, "A1", "")
    ships(site, "WAITS")


def test_a_load_unit_on_its_way_turns_to_another_aisle_for_a_block_for_put_away_alone() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))

    def stored_soon() -> e.TransportOrder | None:
        found = (t for t in site.state.transport if t.purpose is e.Purpose.PUTAWAY)
        return next((t for t in found if place_of(site, t.load_unit) == site.plant.conveyors[0].name), None)

    site.run_until(lambda: stored_soon() is not None)
    transport = stored_soon()
    assert transport is not None
    aisle = transport.sink[:2]
    block(site, aisle, "inventory", e.Flow.OUT)
    assert site.state.transport[transport.number].sink[:2] == aisle
    block(site, aisle, "bent beam", e.Flow.IN)
    assert site.state.block[aisle].reason == "bent beam"
    assert site.state.transport[transport.number].sink[:2] != aisle


def test_only_racks_are_blocked_one_way() -> None:
    site = site_with_stock()
    for place in ("ST1", "N1", next(iter(site.state.layout.edges))):
        with pytest.raises(RequestRefused, match=r"flow: .* is no location or aisle"):
            block(site, place, "wet floor", e.Flow.IN)


def edges_that_can_be_spared(plant: Plant) -> list[tuple[str, str]]:
    """Without any one of them everybody still comes everywhere."""
    track = nx.DiGraph([(edge.origin, edge.end) for edge in plant.track.edges])
    return [e for e in sorted(track.edges) if nx.is_strongly_connected(nx.restricted_view(track, [], [e]))]


def driven(*blocked: tuple[str, str]) -> set[tuple[str, str]]:
    """The edges that vehicles of the demo plant drive for six orders."""
    site = Site(load_plant("demo"))
    site.start()
    site.skus("TEA")
    for n in range(1, 9):
        site.stock(f"A{1 + n % 4}-L-0{n}-01-1", "TEA", 1)
        site.stock(f"A{1 + n % 4}-R-0{n}-01-1")
    for origin, end in blocked:
        block(site, f"{origin}>{end}", "wet floor")
    for n in range(6):
        site.order(f"SO{n}", ("TEA", 1))
    site.run_until_ended()
    assert all(order.state is e.OrderState.SHIPPED for order in site.state.order)
    at: dict[str, str] = {}
    edges = set()
    for fact in site.facts:
        if isinstance(fact, f.VehicleReached):
            edges.add((at.get(fact.vehicle, ""), fact.node))
            at[fact.vehicle] = fact.node
    return edges


def test_vehicles_drive_round_an_edge_that_is_blocked() -> None:
    usual = driven()
    spared = next(edge for edge in edges_that_can_be_spared(load_plant("demo")) if edge in usual)
    assert spared not in driven(spared)


def test_a_load_whose_vehicle_finds_no_way_past_what_is_blocked_says_so_and_goes_on() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))

    def shipping() -> e.TransportOrder | None:
        """On board, two nodes or more from its dock."""
        for transport in site.state.transport:
            leg = site.state.leg.get(transport.leg)
            if transport.purpose is e.Purpose.SHIPPING and leg is not None and leg.picked and leg.device == "V1":
                return transport if "N1" not in (row := site.state.vehicle["V1"]).ahead and row.node != "N1" else None
        return None

    site.run_until(lambda: shipping() is not None)
    transport = shipping()
    assert transport is not None
    block(site, "N1", "wet floor")
    site.run_for(2 * MINUTE_MS)
    row = site.state.vehicle["V1"]
    why = f"V1 finds no way from {row.node} to {row.home}"  # the track is one ring: no way home either
    assert site.state.transport[transport.number].waits_for == why
    block(site, "N1", "")
    ships(site)


def test_an_edge_that_is_not_there_is_refused_by_name() -> None:
    site = site_with_stock()
    with pytest.raises(RequestRefused, match="unknown location, aisle, station, node or edge 'N1>N9'"):
        block(site, "N1>N9", "wet floor")
