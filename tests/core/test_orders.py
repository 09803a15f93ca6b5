"""Customer orders, from placed to shipped, withdrawn, short and refused."""

from __future__ import annotations

import copy

import msgspec
import pytest

from simulation.staff import TwinDesk, TwinHands
from tests.core.warehouses import DAY_MS, Site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.turn import AlreadyOtherwise, RequestRefused

SHIPPED, CANCELLED, BACKORDERED = e.OrderState.SHIPPED, e.OrderState.CANCELLED, e.OrderState.BACKORDERED


def site_with_stock(*, people: bool = True) -> Site:
    """Two articles, each in two aisles, and empties."""
    site = Site(people=people)
    site.start()
    site.skus("TEA", "RICE")
    site.stock("A1-L-01-01-1", "TEA", 10)
    site.stock("A2-L-01-01-1", "TEA", 10, lot="L2")
    site.stock("A1-R-02-01-1", "RICE", 5)
    for place in ("A1-L-03-01-1", "A2-L-03-01-1", "A2-R-03-01-1"):
        site.stock(place)
    return site


def confirm(site: Site, pick: e.Reservation, quantity: int, sku: str = "") -> None:
    site.twin.handle(
        v.PickConfirmed(
            at_ms=site.twin.now_ms, actor="test", reservation=pick.number, sku=sku or pick.sku, quantity=quantity
        )
    )


def quantity_in_racks(site: Site, sku: str) -> int:
    return sum(c.quantity for c in site.state.content if c.sku == sku)


def run_until_picks_are_open(site: Site) -> e.Reservation:
    """Nobody picks here: the test is the picker, and takes empties to their places."""
    station = site.plant.stations[0]
    desk, hands = TwinDesk(site.twin, "test"), TwinHands(site.twin)

    def ready() -> bool:
        work = desk.station_work(station.name)
        for unit, place in work.takes:
            if hands.place_of(unit) == station.handover_point:
                hands.carry(unit, station.handover_point, place, by="test")
                desk.placed(unit, place)
        return bool(work.picks)

    site.run_until(ready)
    return desk.station_work(station.name).picks[0]


def assert_ended_orderly(site: Site, number: str) -> None:
    site.run_until_quiet()
    assert not [r for r in site.state.reservation if r.order_number == number]
    assert not [c for c in site.state.content if c.reserved]
    assert not [u for u in site.state.load_unit if u.order_number == number]
    site.check_paper_is_world()


def test_an_order_goes_from_placed_to_shipped_with_one_posting_a_move() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 3), ("RICE", 2))
    site.run_until_ended()
    assert site.order_state("SO1") is SHIPPED
    site.run_until_quiet()
    site.check_paper_is_world()
    assert quantity_in_racks(site, "TEA") == 17
    assert quantity_in_racks(site, "RICE") == 3
    kinds = {type(fact) for fact in site.facts}
    assert kinds >= {f.OrderPlaced, f.StockReserved, f.OrderReleased, f.StockPicked, f.LoadUnitRoleChanged}
    moves = [fact for fact in site.facts_of(f.LoadUnitMoved) if isinstance(fact, f.LoadUnitMoved)]
    tasks = [m.key for m in moves if m.key.startswith("T")]
    assert len(tasks) == len(set(tasks))
    assert tasks
    labels = [x.sscc for x in site.facts_of(f.LoadUnitRoleChanged) if isinstance(x, f.LoadUnitRoleChanged) and x.sscc]
    assert len(labels) == 1
    assert len(labels[0]) == 18
    assert [order.sscc for order in site.state.order] == labels


def test_several_orders_are_at_a_station_at_once() -> None:
    site = site_with_stock()
    for number in ("SO1", "SO2", "SO3"):
        site.order(number, ("TEA", 2))
    site.run_until(lambda: len(site.state.orders_at_station["ST1"]) >= 2)
    site.run_until_ended()
    assert {site.order_state(n) for n in ("SO1", "SO2", "SO3")} == {SHIPPED}


def test_what_expires_first_is_reserved_first() -> None:
    site = Site(people=False)
    site.start()
    site.skus("MILK", life_at_shipping_ms=7 * DAY_MS)
    late = site.stock("A1-L-01-01-1", "MILK", 5, lot="LATE", expiry_ms=90 * DAY_MS)
    early = site.stock("A1-L-02-01-1", "MILK", 5, lot="EARLY", expiry_ms=30 * DAY_MS)
    site.order("SO1", ("MILK", 7))
    promised = {r.load_unit: r.quantity for r in site.state.reservation}
    assert promised == {early: 5, late: 2}


def test_stock_with_too_little_life_at_shipping_is_never_reserved() -> None:
    site = Site(people=False)
    site.start()
    site.skus("MILK", life_at_shipping_ms=7 * DAY_MS)
    site.stock("A1-L-01-01-1", "MILK", 5, lot="OLD", expiry_ms=6 * DAY_MS)
    fresh = site.stock("A1-L-02-01-1", "MILK", 5, lot="FRESH", expiry_ms=60 * DAY_MS)
    site.order("SO1", ("MILK", 1))
    assert [r.load_unit for r in site.state.reservation] == [fresh]
    site.order("SO2", ("MILK", 1), due_ms=58 * DAY_MS)
    assert site.order_state("SO2") is BACKORDERED


@pytest.mark.parametrize("held", ["lot", "load unit"])
def test_what_is_held_is_never_reserved_and_its_promises_move(held: str) -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 3))
    (promise,) = site.state.reservation
    at = {"at_ms": site.twin.now_ms, "actor": "quality", "reason": "recall"}
    if held == "lot":
        site.twin.handle(v.HoldRequested(**at, sku="TEA", lot=promise.lot))  # type: ignore[arg-type]
    else:
        site.twin.handle(v.HoldRequested(**at, load_unit=promise.load_unit))  # type: ignore[arg-type]
    (moved,) = site.state.reservation
    assert moved.load_unit != promise.load_unit
    site.order("SO2", ("TEA", 20))
    assert all(r.load_unit != promise.load_unit for r in site.state.reservation)


def test_a_placed_order_is_withdrawn_at_once() -> None:
    site = site_with_stock(people=False)
    for n in range(1, 7):
        site.order(f"SO{n}", ("TEA", 1))
    waiting = [o.number for o in site.state.order if o.state is e.OrderState.PLACED]
    assert waiting
    site.cancel(waiting[-1])
    assert site.order_state(waiting[-1]) is CANCELLED
    assert not site.state.reservations_of_order.get(waiting[-1])


def test_a_released_order_is_withdrawn_and_its_empty_goes_back() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    site.run_until(lambda: site.order_state("SO1") is e.OrderState.RELEASED)
    site.cancel("SO1")
    site.run_until_ended()
    assert site.order_state("SO1") is CANCELLED
    assert_ended_orderly(site, "SO1")


def test_an_order_whose_source_is_on_its_way_is_withdrawn_and_the_source_goes_back() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    source = next(iter(site.state.reservation)).load_unit
    site.run_until(lambda: site.state.load_unit[source].place == "CV")
    site.cancel("SO1")
    site.run_until_ended()
    assert_ended_orderly(site, "SO1")
    assert site.state.layout.is_location(site.state.load_unit[source].place)
    assert quantity_in_racks(site, "TEA") == 20


def test_what_was_picked_for_a_withdrawn_order_is_stock_again() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1), ("RICE", 1))
    site.run_until(lambda: bool(site.facts_of(f.StockPicked)))
    site.cancel("SO1")
    site.run_until_ended()
    assert site.order_state("SO1") is CANCELLED
    assert_ended_orderly(site, "SO1")
    assert quantity_in_racks(site, "TEA") == 20
    assert quantity_in_racks(site, "RICE") == 5


@pytest.mark.parametrize("later_ms", [0, 2_000, 5_000, 10_000, 15_000, 20_000])
def test_a_packed_order_turns_round_when_it_is_withdrawn_until_a_vehicle_brings_it_to_its_dock(later_ms: int) -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    site.run_until(lambda: site.order_state("SO1") is e.OrderState.PACKED)
    site.run_for(later_ms)
    unit = site.state.order["SO1"].load_unit
    leg = site.state.leg_of_unit(unit)
    if leg is not None and leg.device and leg.sink in site.state.layout.dock_outbound:
        with pytest.raises(RequestRefused, match=f"{leg.device} brings it to {leg.sink}"):
            site.cancel("SO1")
        site.run_until_ended()
        assert site.order_state("SO1") is SHIPPED
    else:
        site.cancel("SO1")
        assert site.order_state("SO1") is CANCELLED
        assert_ended_orderly(site, "SO1")
        assert site.state.layout.is_location(site.state.load_unit[unit].place)
        assert quantity_in_racks(site, "TEA") == 20


def test_a_short_pick_posts_the_difference_and_is_reserved_from_elsewhere() -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 4))
    pick = run_until_picks_are_open(site)
    confirm(site, pick, 1)
    assert not site.state.contents(pick.load_unit), "the load unit holds no more of it"
    (other,) = site.state.reservation
    assert (other.quantity, other.load_unit == pick.load_unit) == (3, False)
    posted = [x for x in site.facts_of(f.QuantityPosted) if isinstance(x, f.QuantityPosted)]
    assert [(x.sink, x.quantity) for x in posted if x.sink == "adjustment"] == [("adjustment", 9)]


def test_a_short_pick_without_other_stock_is_backordered() -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("RICE", 4))
    pick = run_until_picks_are_open(site)
    confirm(site, pick, 3)
    (line,) = site.state.lines("SO1")
    assert (line.picked, line.backordered, line.reserved) == (3, 1, 0)


def test_a_wrong_item_is_refused_and_nothing_changes() -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 1))
    pick = run_until_picks_are_open(site)
    before = table_bytes(site)
    with pytest.raises(RequestRefused, match="wrong item") as refusal:
        confirm(site, pick, 1, sku="RICE")
    assert refusal.value.field == "sku"
    assert table_bytes(site) == before


def test_an_emptied_source_goes_back_as_an_empty() -> None:
    site = site_with_stock()
    site.order("SO1", ("RICE", 5))
    source = next(iter(site.state.reservation)).load_unit
    site.run_until_ended()
    site.run_until_quiet()
    assert site.state.load_unit[source].role is e.LoadUnitRole.EMPTY
    assert source in site.state.empties


def test_the_same_order_again_changes_nothing_and_other_content_is_refused() -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 1))
    before = table_bytes(site)
    site.order("SO1", ("TEA", 1))
    with pytest.raises(AlreadyOtherwise):
        site.order("SO1", ("TEA", 2))
    assert table_bytes(site) == before


@pytest.mark.parametrize("wish", [("NONE", 1), ("TEA", 0), ("TEA", -1), ("TEA", 10**12)], ids=str)
def test_a_refused_order_changes_nothing(wish: tuple[str, int]) -> None:
    site = site_with_stock(people=False)
    before = table_bytes(site)
    with pytest.raises(RequestRefused, match=r"lines\[0\]"):
        site.order("SO1", wish)
    assert table_bytes(site) == before


def test_put_away_spreads_an_article_over_two_aisles() -> None:
    site = site_with_stock()
    line = {"delivery": "DL1", "sku": "RICE", "quantity": 10, "expiry_ms": None}
    lines = tuple(
        msgspec.convert({**line, "line": n, "lot": f"D{n}", "barcode": f"T{700_000 + n}"}, e.DeliveryLine)
        for n in (1, 2)
    )
    site.twin.handle(v.DeliveryNotified(at_ms=site.twin.now_ms, actor="erp", number="DL1", lines=lines))
    site.run_until(lambda: all(x.received for x in site.state.delivery_line))
    site.run_until_quiet()
    aisles = {site.state.load_unit[c.load_unit].place[:2] for c in site.state.content if c.sku == "RICE"}
    assert aisles == {"A1", "A2"}


def table_bytes(site: Site) -> bytes:
    return msgspec.json.encode([list(table) for table in site.state.tables.values()])


def test_a_refusal_can_be_copied_as_schedulers_and_processes_do() -> None:
    refusal = AlreadyOtherwise("number", "order SO1 exists with other content")
    for other in (type(refusal)(*refusal.args), copy.copy(refusal)):
        assert (other.field, other.reason, str(other)) == (refusal.field, refusal.reason, f"number: {refusal.reason}")
