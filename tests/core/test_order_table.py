"""Every pair of (stage of an order, what people and shops can ask of it) as one table: reviewed like code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.core.test_bad_luck import site_with_stock
from tests.core.warehouses import Site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.state import State
from wcs.core.turn import RequestRefused
from wcs.core.warehouse import Warehouse

GOLDEN = Path(__file__).parent / "golden" / "order.txt"
NUMBER, WANTED = "SO1", 2
OF_ORDERS = ("Order", "StockPicked", "StockReserved", "ReservationVoided", "LineBackordered", "QuantityPosted")


def test_every_pair_of_order_stage_and_act_is_as_the_golden_table_says() -> None:
    assert GOLDEN.read_text().splitlines() == table()


def table() -> list[str]:
    return [
        f"{name:13} {act:22} -> {outcome(Warehouse(stage.plant, stage.rows), event)}"
        for name, stage in stages().items()
        for act, event in acts(stage).items()
    ]


class Stage:
    """The books as they are at one moment of an order's life."""

    def __init__(self, site: Site) -> None:
        self.plant = site.plant
        self.at_ms = site.twin.now_ms
        self.rows: list[e.Entity] = [row for table in site.state.tables.values() for row in table]
        self.order = site.state.order[NUMBER]
        self.pick = next((r.number for r in site.state.reservation), 999)


def stages() -> dict[str, Stage]:
    found = {name: early_stage(name) for name in ("placed", "backordered", "cancelled")}
    ordinary: dict[str, Callable[[State], bool]] = {
        "released": lambda s: s.order[NUMBER].state is e.OrderState.RELEASED,
        "to be picked": pick_at_hand,
        "packed": lambda s: s.order[NUMBER].state is e.OrderState.PACKED,
        "at the dock": lambda s: s.load_unit[s.order[NUMBER].load_unit].place in s.layout.dock_outbound,
        "shipped": lambda s: s.order[NUMBER].state is e.OrderState.SHIPPED,
    }
    site = site_with_stock()
    site.order(NUMBER, ("TEA", WANTED))
    for name, is_met in ordinary.items():
        site.run_until(partial(is_met, site.state))
        found[name] = Stage(site)
    return found


def early_stage(name: str) -> Stage:
    """An order that cannot be released, for its only station is blocked."""
    site = site_with_stock(people=False)
    at_ms = site.twin.now_ms
    site.twin.handle(v.PlaceBlockRequested(at_ms=at_ms, actor="test", place="ST1", blocked=True))
    if name == "backordered":
        for lot in ("L1", "L2"):
            site.twin.handle(v.HoldRequested(at_ms=at_ms, actor="test", sku="TEA", lot=lot, reason="recall"))
    site.order(NUMBER, ("TEA", WANTED))
    if name == "cancelled":
        site.cancel(NUMBER)
    assert site.order_state(NUMBER).value == name
    return Stage(site)


def pick_at_hand(state: State) -> bool:
    """Both load units stand at the station."""
    order = state.order[NUMBER]
    station = state.layout.stations.get(order.station)
    picks = [state.reservation[n] for n in state.reservations_of_order.get(NUMBER, ())]
    return (
        station is not None
        and bool(picks)
        and state.unit_at(station.pick_point) == picks[0].load_unit
        and state.load_unit[order.load_unit].place in station.order_places
    )


def acts(stage: Stage) -> dict[str, v.Event]:
    """What shop, picker and dock worker can ask."""
    at_ms, pick = stage.at_ms, stage.pick
    lines = (v.OrderLineWish(sku="TEA", quantity=WANTED),)

    def picked(sku: str, quantity: int) -> v.Event:
        return v.PickConfirmed(at_ms=at_ms, actor="picker", reservation=pick, sku=sku, quantity=quantity)

    return {
        "the same order again": v.OrderRequested(at_ms=at_ms, actor="shop", number=NUMBER, lines=lines),
        "again, other content": v.OrderRequested(at_ms=at_ms, actor="shop", number=NUMBER, lines=lines * 2),
        "withdrawn": v.OrderCancelRequested(at_ms=at_ms, actor="shop", number=NUMBER),
        "picked": picked("TEA", WANTED),
        "picked short": picked("TEA", 1),
        "picked too much": picked("TEA", WANTED + 1),
        "picked, wrong item": picked("SALT", WANTED),
        "departure": v.DepartureConfirmed(at_ms=at_ms, actor="dock", load_unit=stage.order.load_unit),
    }


def outcome(warehouse: Warehouse, event: v.Event) -> str:
    try:
        facts = warehouse.handle(event).facts
    except RequestRefused as refused:
        return f"refused, {refused}"
    said = [type(fact).__name__ for fact in facts if type(fact).__name__.startswith(OF_ORDERS)]
    return " ".join([warehouse.state.order[NUMBER].state.value + ":", *(said or ["nothing"])])
