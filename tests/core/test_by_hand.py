"""What people do by hand, or say they have done: booked where the book can follow, else refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.staff import TwinHands
from tests.core.test_bad_luck import MINUTE_MS, ships, site_with_stock
from tests.core.test_orders import assert_ended_orderly, confirm, quantity_in_racks, run_until_picks_are_open
from tests.core.warehouses import Site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.ports import TransferChanged, TransferStatus
from wcs.core.stations import work_at
from wcs.core.surprises import ABSENT_MS
from wcs.core.turn import AlreadyOtherwise, RequestRefused
from wcs.plant.model import LOST, OUTSIDE


def say_placed(site: Site, load_unit: int, place: str, reason: str = "in the way") -> None:
    event = v.LoadUnitPlaced(at_ms=site.twin.now_ms, actor="op", load_unit=load_unit, place=place, reason=reason)
    site.twin.handle(event)


def carry(site: Site, load_unit: int, place: str) -> None:
    """In the building, then in the book."""
    TwinHands(site.twin).carry(load_unit, site.world.place_of(load_unit), place, by="op")
    say_placed(site, load_unit, place)


def count(site: Site, load_unit: int, quantity: int, sku: str = "TEA", lot: str = "L1") -> None:
    site.twin.handle(
        v.StockCounted(
            at_ms=site.twin.now_ms, actor="op", load_unit=load_unit, sku=sku, lot=lot, owner="own", quantity=quantity
        )
    )


def refused(field: str, work: Any, *arguments: Any) -> str:
    with pytest.raises(RequestRefused) as refusal:
        work(*arguments)
    assert refusal.value.field == field
    return refusal.value.reason


def test_no_load_unit_is_put_where_one_stands_or_is_on_its_way() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    site.run_until(lambda: any(t.purpose is e.Purpose.PUTAWAY for t in site.state.transport))
    bound = next(t for t in site.state.transport if t.purpose is e.Purpose.PUTAWAY)
    empty = next(u for u in site.state.empties if u not in site.state.transport_of_unit)
    assert f"load unit {bound.load_unit}" in refused("place", say_placed, site, empty, bound.sink)
    assert "occupied" in refused("place", say_placed, site, empty, site.state.load_unit[2].place)
    ships(site)


def test_a_machines_transfer_point_takes_nothing_that_its_photo_eye_has_not_seen() -> None:
    site = site_with_stock(people=False)
    assert "nothing is seen" in refused("place", say_placed, site, 1, "A1.IN")
    assert "what leaves" in refused("place", say_placed, site, 1, "D1.OUT1")


def test_a_load_unit_that_a_crane_is_on_its_way_to_is_not_moved_by_hand() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    site.run_until(lambda: any(t.task.load_id and not t.picked for t in site.state.task))
    task = next(t for t in site.state.task if t.task.load_id and not t.picked)
    assert task.device in refused("load_unit", say_placed, site, task.task.load_id, "A2-R-05-04-1")
    ships(site)


def test_an_order_whose_own_load_unit_is_not_found_is_filled_into_another() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    empty = site.state.order["SO1"].load_unit
    site.world.move(empty, site.world.place_of(empty), OUTSIDE, by="thief", now_ms=site.twin.now_ms)
    ships(site)
    assert site.state.load_unit[empty].place == LOST
    assert site.facts_of(f.OrderBegunAnew)


def test_an_order_whose_half_filled_load_unit_is_taken_away_is_picked_anew() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 12))
    site.run_until(lambda: bool(site.facts_of(f.StockPicked)))
    unit = site.state.order["SO1"].load_unit
    carry(site, unit, OUTSIDE)
    site.run_until_ended()
    line = site.state.lines("SO1")[0]
    assert (site.order_state("SO1"), line.picked, line.backordered) == (e.OrderState.BACKORDERED, 10, 2)
    site.run_until_quiet()
    site.check_paper_is_world()
    assert quantity_in_racks(site, "TEA") == 0, "what left is not in the building"


def test_a_packed_load_unit_found_in_a_rack_goes_on_to_its_dock() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    site.run_until(lambda: site.order_state("SO1") is e.OrderState.PACKED)
    carry(site, site.state.order["SO1"].load_unit, "A2-R-05-04-1")
    ships(site)


def test_a_load_unit_put_on_the_belt_before_it_is_complete_comes_back_to_its_station() -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 12))
    confirm(site, run_until_picks_are_open(site), 10)
    unit = site.state.order["SO1"].load_unit
    carry(site, unit, site.plant.stations[0].put_on_point)
    site.run_until(lambda: site.state.load_unit[unit].place == site.plant.stations[0].handover_point)
    confirm(site, run_until_picks_are_open(site), 2)
    assert site.order_state("SO1") is e.OrderState.PACKED


def test_what_is_said_to_be_put_on_and_is_never_seen_is_asked_about() -> None:
    site = site_with_stock(people=False)
    say_placed(site, 1, site.plant.stations[0].put_on_point)
    site.run_for(ABSENT_MS + 2_000)
    (alarm,) = site.state.alarm
    assert (alarm.code, alarm.load_unit) == ("vanished", 1)
    moved = v.AlarmAnswered(at_ms=site.twin.now_ms, actor="op", alarm=alarm.number, answer="moved")
    assert "say where it was moved" in refused("answer", site.twin.handle, moved)
    site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="op", alarm=alarm.number, answer="gone"))
    assert site.state.load_unit[1].place == LOST
    assert not len(site.state.transport)


def test_a_clarification_is_not_over_while_its_load_stands_there() -> None:
    site = site_with_stock(people=False)
    (lane,) = site.plant.clarification_points
    carry(site, 1, lane)
    site.run_for(2_000)
    (alarm,) = site.state.alarm
    answer = v.AlarmAnswered(at_ms=site.twin.now_ms, actor="op", alarm=alarm.number, answer="moved")
    assert lane in refused("answer", site.twin.handle, answer)
    carry(site, 1, "A1-L-01-01-1")
    assert not len(site.state.alarm)


def test_a_count_below_what_is_promised_is_promised_from_elsewhere() -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 8))
    count(site, 1, 3)
    site.twin.checker.whole()
    assert sum(r.quantity for r in site.state.reservation) == 8
    assert {r.load_unit for r in site.state.reservation} == {1, 2}
    count(site, 1, 0)
    site.twin.checker.whole()
    assert {r.load_unit for r in site.state.reservation} == {2}
    assert site.state.load_unit[1].role is e.LoadUnitRole.EMPTY


def test_what_is_counted_into_an_empty_is_stock_and_never_an_orders_own() -> None:
    site = site_with_stock(people=False)
    empty = next(iter(site.state.empties))
    count(site, empty, 4)
    assert site.state.load_unit[empty].role is e.LoadUnitRole.STOCK
    assert empty not in site.state.empties
    site.order("SO1", ("TEA", 24))
    assert empty in {r.load_unit for r in site.state.reservation}


def test_what_is_being_filled_or_has_left_is_not_counted() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    unit = site.state.order["SO1"].load_unit
    assert "SO1" in refused("load_unit", count, site, unit, 1)
    ships(site)
    gone = next(u.load_unit for u in site.state.load_unit if u.place != OUTSIDE)
    carry(site, gone, OUTSIDE)
    assert OUTSIDE in refused("load_unit", count, site, gone, 1)


def test_a_withdrawn_order_whose_load_unit_was_taken_away_ends_as_withdrawn() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 12))
    site.run_until(lambda: bool(site.facts_of(f.StockPicked)))
    unit = site.state.order["SO1"].load_unit
    site.cancel("SO1")
    if site.world.place_of(unit) in site.plant.stations[0].order_places:
        carry(site, unit, OUTSIDE)
    site.run_until_ended()
    assert site.order_state("SO1") is e.OrderState.CANCELLED
    assert_ended_orderly(site, "SO1")


def lines(*wanted: tuple[str, int], number: str = "DN1") -> tuple[e.DeliveryLine, ...]:
    return tuple(
        e.DeliveryLine(delivery=number, line=n, barcode=barcode, sku="TEA", lot="L9", quantity=quantity)
        for n, (barcode, quantity) in enumerate(wanted, 1)
    )


def announce(site: Site, announced: tuple[e.DeliveryLine, ...]) -> None:
    site.twin.handle(v.DeliveryNotified(at_ms=site.twin.now_ms, actor="erp", number="DN1", lines=announced))


def test_a_load_unit_is_announced_once_a_delivery() -> None:
    site = site_with_stock(people=False)
    assert "twice" in refused("lines[1].barcode", announce, site, lines(("T000007", 5), ("T000007", 5)))


def test_a_delivery_announced_again_with_more_or_fewer_lines_is_other_content() -> None:
    site = site_with_stock(people=False)
    announce(site, lines(("T000007", 5), ("T000008", 5)))
    announce(site, lines(("T000007", 5), ("T000008", 5)))
    for other in (lines(("T000007", 5)), lines(("T000007", 5), ("T000008", 5), ("T000009", 5))):
        with pytest.raises(AlreadyOtherwise):
            announce(site, other)
    assert len(site.state.delivery_line) == 2


def opening(number: int, barcode: str, place: str, expiry_ms: int | None = None) -> v.OpeningLoadUnit:
    stock = v.StockQuantity(sku="TEA", lot="L9", quantity=1, expiry_ms=expiry_ms)
    return v.OpeningLoadUnit(
        barcode=barcode, load_type=1, place=place, role=e.LoadUnitRole.STOCK, mass_g=3_000, height_mm=320,
        contents=(stock,), load_unit=number,
    )  # fmt: skip


def test_opening_stock_names_each_load_unit_and_each_lots_expiry_once() -> None:
    site = site_with_stock(people=False)

    def open_(*units: v.OpeningLoadUnit) -> None:
        site.twin.handle(v.StockOpened(at_ms=site.twin.now_ms, actor="keeper", load_units=units))

    first, second = "A1-L-04-04-1", "A1-R-04-04-1"
    refused("load_units[1].load_unit", open_, opening(70, "T70", first), opening(70, "T71", second))
    refused("load_units[1].expiry_ms", open_, opening(70, "T70", first, 1), opening(71, "T71", second, 2))
    drawn = site.state.next_number("load_unit")
    open_(opening(0, "T70", first), opening(drawn, "T71", second))
    assert site.state.unit_at(second) == drawn
    assert site.state.unit_at(first) == drawn + 1


def block_aisles(site: Site, *, blocked: bool) -> None:
    for aisle in site.plant.aisles:
        site.twin.handle(
            v.PlaceBlockRequested(at_ms=site.twin.now_ms, actor="op", place=aisle.name, blocked=blocked, reason="x")
        )


def test_an_answer_that_comes_when_its_load_unit_has_gone_on_moves_nothing() -> None:
    site = site_with_stock(people=False)
    block_aisles(site, blocked=True)
    carry(site, 1, site.plant.stations[0].put_on_point)
    (alarm,) = [a for a in site.state.alarm if a.code == "warehouse_full"]
    site.run_until(lambda: site.state.load_unit[1].place != alarm.subject)
    carry(site, 1, "A1-L-01-01-1")
    block_aisles(site, blocked=False)
    site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="op", alarm=alarm.number, answer="retry"))
    assert not len(site.state.transport)
    assert site.state.load_unit[1].place == "A1-L-01-01-1"


def test_a_packed_order_is_not_withdrawn_while_no_aisle_can_take_it_back() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    site.run_until(lambda: any(t.purpose is e.Purpose.SHIPPING for t in site.state.transport))
    block_aisles(site, blocked=True)
    assert "full" in refused("number", site.cancel, "SO1")
    block_aisles(site, blocked=False)
    ships(site)


def test_an_empty_that_nobody_needs_any_more_and_that_cannot_go_back_keeps_its_place_at_the_station() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 1))
    empty = site.state.order["SO1"].load_unit
    site.run_until(lambda: site.state.load_unit[empty].place == "CV")
    block_aisles(site, blocked=True)
    site.cancel("SO1")
    block_aisles(site, blocked=False)
    for number in ("SO2", "SO3", "SO4", "SO5"):
        site.order(number, ("TEA", 1))
    site.run_until_ended()
    assert {site.order_state(n) for n in ("SO2", "SO3", "SO4", "SO5")} == {e.OrderState.SHIPPED}


def leg_number(site: Site, unit: int) -> int:
    transport = site.state.transport_for(unit)
    assert transport is not None
    return transport.leg


def test_an_empty_that_has_not_left_its_bin_stays_there_when_its_order_is_withdrawn() -> None:
    site = site_with_stock(people=False)
    for n in range(3):
        site.order(f"SO{n}", ("TEA", 1))
    waits = next(o for o in site.state.order if not site.state.leg[leg_number(site, o.load_unit)].device)
    empty, place = waits.load_unit, site.state.load_unit[waits.load_unit].place
    site.cancel(waits.number)
    site.run_for(5_000)
    assert site.state.transport_for(empty) is None
    assert site.state.load_unit[empty].place == place
    assert not len(site.state.alarm)


def appeared(site: Site, place: str) -> list[str]:
    return [alarm.text for alarm in site.state.alarm if (alarm.subject, alarm.code) == (place, "appeared")]


def stranger_at(place: str) -> Site:
    """A warehouse in which something unknown stands at a place."""
    site = site_with_stock(people=False)
    site.foreign_load(place)
    site.run_until(lambda: bool(appeared(site, place)))
    return site


@pytest.mark.parametrize("place", ["CLAR", "A1.IN", "OUT1", "ST1.HAND"])
def test_an_unknown_load_that_is_exchanged_for_another_is_asked_for_anew(place: str) -> None:
    site = stranger_at(place)
    (first,) = appeared(site, place)
    site.world.move(900_000, place, OUTSIDE, by="stranger", now_ms=site.twin.now_ms)
    site.foreign_load(place, 900_001)  # before the photo-eye has seen the place empty
    site.run_for(MINUTE_MS)
    assert site.state.transfer_point[place].occupied
    (second,) = appeared(site, place)
    assert second != first
    assert f"track {site.state.transfer_point[place].track} " in second
    site.world.move(900_001, place, OUTSIDE, by="stranger", now_ms=site.twin.now_ms)
    site.run_until(lambda: not appeared(site, place))


def test_an_unknown_load_of_which_the_photo_eye_loses_sight_for_a_moment_is_asked_for_again() -> None:
    site = stranger_at("OUT1")
    before = appeared(site, "OUT1")
    place, point = site.state.layout.transfer_points["OUT1"], site.state.transfer_point["OUT1"]
    for occupied in (False, True):  # as a PLC says it whose belts' ends keep the number
        sequence = site.state.transfer_point["OUT1"].event_sequence + 1
        words = TransferStatus(occupied=occupied, track=point.track, event_sequence=sequence)
        said = TransferChanged(device=place.device, transfer=place.index, status=words)
        site.twin.handle(v.DeviceReported(at_ms=site.twin.now_ms, report=said))
        assert appeared(site, "OUT1") == (before if occupied else [])


def test_what_is_left_at_the_hand_over_point_is_put_on_when_it_can_be_taken_nowhere() -> None:
    site = site_with_stock(people=False)
    (station,) = site.plant.stations
    hand, left = station.handover_point, 2
    for crane in ("CR1", "CR2"):
        site.twin.cut(crane, restored_after_ms=MINUTE_MS)
    for n, (place, empty) in enumerate(zip(station.order_places, tuple(site.state.empties), strict=False)):
        carry(site, empty, place)
        site.order(f"SO{n}", ("TEA", 1))
        assert site.state.order[f"SO{n}"].load_unit == empty
    assert left not in site.state.reservations_of_unit
    carry(site, left, hand)
    work = work_at(site.state, station)
    assert (work.takes, work.puts) == ((), (left,))
    carry(site, left, station.put_on_point)
    site.run_until(lambda: site.state.layout.is_location(site.state.load_unit[left].place))


def test_an_empty_left_on_an_order_place_is_put_on() -> None:
    site = site_with_stock()
    (station,) = site.plant.stations
    carry(site, next(iter(site.state.empties)), station.order_places[0])
    site.run_until(lambda: not site.state.unit_at(station.order_places[0]))
    site.run_until_quiet()
    assert len(site.state.empties) == 3
