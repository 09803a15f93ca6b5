"""Modelled people: what they bring and take, at docks of every kind, and how long it takes them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from simulation.people import pools
from simulation.spec import StaffSpec
from simulation.staff import add_people
from tests.core.warehouses import HOUR_MS, Site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.plant.file import load_plant
from wcs.plant.model import Dock, Plant

SKU = "TEA"
LOOK_ANYWAY_MS = 30_000


def one_way_docks() -> Plant:
    """The tiny plant with a dock for arrivals and another, named before it, for departures."""
    plant = load_plant("tiny")
    (dock,) = plant.docks
    leaving = Dock(name="D0", inbound_points=(), outbound_points=dock.outbound_points)
    return replace(plant, docks=(leaving, replace(dock, outbound_points=())))


def site_with_one_empty(plant: Plant | None = None, *, people: bool = True) -> Site:
    site = Site(plant, people=people)
    site.start()
    site.skus(SKU)
    site.stock("A1-L-01-01-1", SKU, 30)
    site.stock("A2-L-01-01-1")
    return site


def block(site: Site, aisle: str, *, blocked: bool) -> None:
    site.twin.handle(
        v.PlaceBlockRequested(at_ms=site.twin.now_ms, actor="test", place=aisle, blocked=blocked, reason="test")
    )


def test_a_carrier_that_left_by_one_dock_comes_back_by_another() -> None:
    site = site_with_one_empty(one_way_docks())
    for n in range(3):
        site.order(f"SO{n}", (SKU, 1))
    site.run_until_ended()
    assert all(order.state is e.OrderState.SHIPPED for order in site.state.order)


def test_every_delivery_is_brought_in_where_another_dock_only_lets_go() -> None:
    site = site_with_one_empty(one_way_docks())
    for n in range(1, 5):
        line = e.DeliveryLine(delivery=f"DL{n}", line=1, barcode=f"T{600_000 + n}", sku=SKU, lot=f"D{n}", quantity=10)
        site.twin.handle(v.DeliveryNotified(at_ms=site.twin.now_ms, actor="erp", number=f"DL{n}", lines=(line,)))
    site.run_until(lambda: all(line.received for line in site.state.delivery_line))


def announce(site: Site, number: str, *barcodes: str, lot: str = "D") -> None:
    lines = tuple(
        e.DeliveryLine(delivery=number, line=n, barcode=barcode, sku=SKU, lot=f"{lot}{n}", quantity=10)
        for n, barcode in enumerate(barcodes, 1)
    )
    site.twin.handle(v.DeliveryNotified(at_ms=site.twin.now_ms, actor="erp", number=number, lines=lines))


def open_lines(site: Site) -> list[str]:
    return [line.barcode for line in site.state.delivery_line if not line.received]


@pytest.mark.parametrize(
    "barcode", ["XB1", "7", "T", "T0", "T-5", "T 5", "00340123450000000018", "T99999999999", "X" * 64]
)
def test_an_announced_load_unit_comes_whatever_its_barcode_is(barcode: str) -> None:
    site = site_with_one_empty()
    announce(site, "DL1", barcode, "T600001")
    site.run_until(lambda: not open_lines(site))
    site.run_until_quiet()
    unit = site.state.load_unit[site.state.unit_of_barcode[barcode]]
    assert site.twin.warehouse.layout.locations.has(unit.place), "it is put away under the barcode that was announced"
    assert site.world.place_of(unit.load_unit) == unit.place


def test_a_barcode_that_only_looks_like_anothers_number_comes_under_a_number_that_nobody_has() -> None:
    site = site_with_one_empty()
    first = site.state.unit_of_barcode["T000001"]
    announce(site, "DL1", "T1", "T01")
    site.run_until(lambda: not open_lines(site))
    numbers = {site.state.unit_of_barcode[barcode] for barcode in ("T000001", "T1", "T01")}
    assert len(numbers) == 3
    assert site.state.unit_of_barcode["T000001"] == first
    site.check_paper_is_world()


def test_what_cannot_be_brought_in_keeps_neither_empties_nor_others_outside() -> None:
    """One is in the building already, the other's label no scanner reads."""
    site = site_with_one_empty()
    announce(site, "DL1", "T000001", "车1", lot="E")
    site.order("SO1", (SKU, 1))
    site.run_until_ended()
    (left,) = site.state.units_at["outside"]
    site.run_until(lambda: site.state.load_unit[left].place != "outside")
    announce(site, "DL2", "XB1")
    site.run_until(lambda: open_lines(site) == ["T000001", "车1"])


def test_what_is_announced_while_it_is_inside_comes_when_it_has_left() -> None:
    site = site_with_one_empty()
    announce(site, "DL1", "T000002")
    site.order("SO1", (SKU, 1))
    site.run_until(lambda: not open_lines(site))
    assert site.order_state("SO1") is e.OrderState.SHIPPED, "the empty had to leave with an order first"


def test_a_carrier_whose_return_was_refused_comes_again() -> None:
    site = site_with_one_empty()
    site.order("SO1", (SKU, 1))
    site.run_until_ended()
    (left,) = site.state.units_at["outside"]
    for aisle in ("A1", "A2"):
        block(site, aisle, blocked=True)
    site.run_for(HOUR_MS // 12)
    assert site.state.load_unit[left].place == "outside", "there is no room for it"
    for aisle in ("A1", "A2"):
        block(site, aisle, blocked=False)
    site.run_until(lambda: site.state.load_unit[left].place != "outside")


@pytest.mark.parametrize("service", ["fixed", "exponential"])
def test_work_that_takes_as_long_as_a_look_is_done_when_its_time_is_over(service: str) -> None:
    """It counted as idle: done at the next look, half a minute later."""
    took_ms = {}
    for each_ms in (999, 1_000):
        site = site_with_one_empty(people=False)
        add_people(site.twin, StaffSpec(pick_ms=each_ms, carry_ms=each_ms, service=service))
        site.order("SO1", (SKU, 1))
        began_ms = site.twin.now_ms
        site.run_until_ended()
        took_ms[each_ms] = site.twin.now_ms - began_ms
    assert took_ms[1_000] - took_ms[999] < LOOK_ANYWAY_MS // 3


def test_units_outside_are_shared_out_among_docks() -> None:
    plant = load_plant("demo")
    units = [
        e.LoadUnit(
            load_unit=n, barcode=f"T{n:06d}", load_type=1, place="outside", role=e.LoadUnitRole.EMPTY, mass_g=1,
            height_mm=1,
        )
        for n in range(4)
    ]  # fmt: skip
    shared = pools(plant, units)
    taken = [[unit.load_unit for _ in units if (unit := shared[dock.name].take()) is not None] for dock in plant.docks]
    assert taken == [[0, 3], [1], [2]]
