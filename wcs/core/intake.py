"""What comes into the building: SKUs, opening stock, deliveries, arrivals at the docks; and what leaves it.

Rule: everything is checked before the first fact, so that a refusal has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from msgspec.structs import replace

from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core import handover, putaway, transports
from wcs.core.evolve_stock import account_of
from wcs.core.turn import AlreadyOtherwise, RequestRefused, Turn
from wcs.plant.model import LOST, OUTSIDE

OPENING_MAX = 500  # load units an event: a scan never waits behind more
QUANTITY_MAX = 1_000_000
TEXT_MAX = 64
OWN = "own"


def sku_changed(turn: Turn, event: v.SkuChanged) -> None:
    sku = event.sku
    if not sku.sku or len(sku.sku) > TEXT_MAX:
        raise RequestRefused("sku", f"wanted 1 to {TEXT_MAX} characters")
    if sku.unit_mass_g < 0 or sku.life_at_shipping_ms < 0:
        raise RequestRefused("sku", "negative mass or life")
    known = turn.state.sku.get(sku.sku)
    if known == sku:
        return
    if known is not None and known.life_at_shipping_ms != sku.life_at_shipping_ms:
        raise RequestRefused("life_at_shipping_ms", "cannot change while lots of the SKU are dated by it")
    turn.record(f.SkuDefined(sku=sku))


def ensure_lot(turn: Turn, sku: str, lot: str, expiry_ms: int | None) -> None:
    """A lot is known from its first receipt on; its removal date is computed whenever its expiry is set."""
    if (sku, lot) in turn.state.lot:
        return
    life_ms = turn.state.sku[sku].life_at_shipping_ms
    removal_ms = None if expiry_ms is None else expiry_ms - life_ms
    turn.record(f.LotDefined(lot=e.Lot(sku=sku, lot=lot, expiry_ms=expiry_ms, removal_ms=removal_ms)))


def check_lot(turn: Turn, field: str, sku: str, lot: str, expiry_ms: int | None) -> None:
    known = turn.state.lot.get((sku, lot))
    if known is not None and known.expiry_ms != expiry_ms:
        raise RequestRefused(field, f"lot {lot} of {sku} expires at {known.expiry_ms}, not {expiry_ms}")


def stock_opened(turn: Turn, event: v.StockOpened) -> None:
    """Opening stock: load units that stand in the racks already."""
    check_opening(turn, event)
    # Labelled ones first, so that a number drawn for another is above theirs.
    for n, opening in sorted(enumerate(event.load_units), key=lambda numbered: not numbered[1].load_unit):
        number = opening.load_unit or turn.state.next_number("load_unit")
        unit = e.LoadUnit(
            load_unit=number,
            barcode=opening.barcode,
            load_type=opening.load_type,
            place=OUTSIDE,
            role=opening.role,
            mass_g=opening.mass_g,
            height_mm=opening.height_mm,
            identified=True,
        )
        turn.record(f.LoadUnitCreated(load_unit=unit))
        turn.move(number, opening.place, turn.manual_key(), "opening stock")
        for c in opening.contents:
            ensure_lot(turn, c.sku, c.lot, c.expiry_ms)
            turn.post("adjustment", account_of(number), c.sku, c.lot, c.owner, c.quantity, f"opening stock {n}")
    turn.orders_changed = True


def check_opening(turn: Turn, event: v.StockOpened) -> None:
    if not 0 < len(event.load_units) <= OPENING_MAX:
        raise RequestRefused("load_units", f"wanted 1 to {OPENING_MAX}")
    state = turn.state
    seen: dict[str | int, None] = {}
    expiries: dict[tuple[str, str], int | None] = {}
    for n, opening in enumerate(event.load_units):
        field = f"load_units[{n}]"
        if opening.barcode in state.unit_of_barcode or opening.barcode in seen or not opening.barcode:
            raise RequestRefused(f"{field}.barcode", f"{opening.barcode!r} is in the book already (or empty)")
        if not turn.layout.is_location(opening.place) or not turn.layout.locations.has(opening.place):
            raise RequestRefused(f"{field}.place", f"{opening.place!r} is not a storage location")
        if state.room.is_held(opening.place) or opening.place in seen:
            raise RequestRefused(f"{field}.place", f"{opening.place} is taken")
        if opening.load_unit and (opening.load_unit in state.load_unit or opening.load_unit in seen):
            raise RequestRefused(f"{field}.load_unit", f"{opening.load_unit} is in the book already")
        seen[opening.barcode] = seen[opening.place] = seen[opening.load_unit] = None
        for c in opening.contents:
            if c.sku not in state.sku:
                raise RequestRefused(f"{field}.sku", f"unknown SKU {c.sku!r}")
            if not 0 < c.quantity <= QUANTITY_MAX:
                raise RequestRefused(f"{field}.quantity", f"wanted 1 to {QUANTITY_MAX}")
            check_lot(turn, f"{field}.expiry_ms", c.sku, c.lot, c.expiry_ms)
            if expiries.setdefault((c.sku, c.lot), c.expiry_ms) != c.expiry_ms:
                raise RequestRefused(f"{field}.expiry_ms", f"lot {c.lot} of {c.sku} is given two expiries")


def delivery_notified(turn: Turn, event: v.DeliveryNotified) -> None:
    """A supplier announced what will come."""
    if not event.number or len(event.number) > TEXT_MAX:
        raise RequestRefused("number", f"wanted 1 to {TEXT_MAX} characters")
    known = turn.state.delivery.get(event.number)
    if known is not None:
        lines = tuple(replace(line, received=0) for line in announced(turn, event.number))
        if lines == event.lines:
            return
        raise AlreadyOtherwise("number", f"delivery {event.number} exists with other content")
    expiries: dict[tuple[str, str], int | None] = {}
    barcodes: set[str] = set()
    for n, line in enumerate(event.lines):
        if line.barcode and line.barcode in barcodes:
            raise RequestRefused(f"lines[{n}].barcode", f"{line.barcode} is there twice: a load unit arrives once")
        barcodes.add(line.barcode)
        if line.sku not in turn.state.sku:
            raise RequestRefused(f"lines[{n}].sku", f"unknown SKU {line.sku!r}")
        if not 0 < line.quantity <= QUANTITY_MAX:
            raise RequestRefused(f"lines[{n}].quantity", f"wanted 1 to {QUANTITY_MAX}")
        check_lot(turn, f"lines[{n}].expiry_ms", line.sku, line.lot, line.expiry_ms)
        if expiries.setdefault((line.sku, line.lot), line.expiry_ms) != line.expiry_ms:
            raise RequestRefused(f"lines[{n}].expiry_ms", f"lot {line.lot} of {line.sku} is given two expiries")
    delivery = e.Delivery(number=event.number, state="announced", announced_ms=turn.now_ms)
    turn.record(f.DeliveryAnnounced(delivery=delivery, lines=event.lines))


def announced(turn: Turn, delivery: str) -> Iterator[e.DeliveryLine]:
    """The lines of a delivery, as they stand."""
    for number in count(1):
        line = turn.state.delivery_line.get((delivery, number))
        if line is None:
            return
        yield line


def load_unit_arrived(turn: Turn, event: v.LoadUnitArrived) -> None:
    """A dock worker accepted a load unit: goods receipt, and its way into the racks begins.

    Without a delivery it is an empty carrier coming back.
    """
    state = turn.state
    if event.place not in turn.layout.dock_inbound:
        raise RequestRefused("place", f"{event.place!r} is not an inbound point of a dock")
    number = state.unit_of_barcode.get(event.barcode, 0)
    if number and state.load_unit[number].place == event.place:
        return
    if number and state.load_unit[number].place not in (OUTSIDE, LOST):
        raise RequestRefused("barcode", f"{event.barcode} is at {state.load_unit[number].place} already")
    if state.unit_at(event.place):
        raise RequestRefused("place", f"{event.place} is occupied")
    labelled = state.load_unit.get(event.load_unit)
    if labelled is not None and labelled.barcode != event.barcode:
        raise RequestRefused("load_unit", f"load unit {event.load_unit} has the barcode {labelled.barcode}")
    if event.load_type not in turn.layout.load_type_of_number:
        raise RequestRefused("load_type", f"unknown load type {event.load_type}")
    if event.mass_g <= 0 or event.height_mm <= 0:
        raise RequestRefused("mass_g", "mass and height must be positive")
    line = _expected_line(turn, event) if event.delivery else None
    if not putaway.has_room_for_arrivals(turn):
        raise RequestRefused("place", putaway.WAREHOUSE_FULL)
    number = number or event.load_unit or state.next_number("load_unit")
    _enter(turn, event, number)
    if line is not None:
        _receive(turn, event, line, number)
    handover.placed_by_hand(turn, number, event.place, f"delivery {event.delivery or 'of empties'}")
    putaway.store(turn, number, reason="arrival")


def _expected_line(turn: Turn, event: v.LoadUnitArrived) -> e.DeliveryLine:
    state = turn.state
    if event.delivery not in state.delivery:
        raise RequestRefused("delivery", f"unknown delivery {event.delivery!r}")
    if not 0 < event.quantity <= QUANTITY_MAX:
        raise RequestRefused("quantity", f"wanted 1 to {QUANTITY_MAX}")
    for line in announced(turn, event.delivery):
        if line.barcode == event.barcode and not line.received:
            return line
    raise RequestRefused("barcode", f"{event.barcode} is not expected in delivery {event.delivery}")


def _enter(turn: Turn, event: v.LoadUnitArrived, number: int) -> None:
    role = e.LoadUnitRole.STOCK if event.delivery else e.LoadUnitRole.EMPTY
    if number in turn.state.load_unit and turn.state.load_unit[number].place == LOST:
        turn.move(number, OUTSIDE, turn.manual_key(), "found again, at a dock")
        for row in turn.state.contents(number):
            turn.post(account_of(number), "adjustment", row.sku, row.lot, row.owner, row.quantity, "was lost with it")
    unit = e.LoadUnit(
        load_unit=number,
        barcode=event.barcode,
        load_type=event.load_type,
        place=OUTSIDE,
        role=role,
        mass_g=event.mass_g,
        height_mm=event.height_mm,
    )
    turn.record(f.LoadUnitCreated(load_unit=unit))


def _receive(turn: Turn, event: v.LoadUnitArrived, line: e.DeliveryLine, number: int) -> None:
    ensure_lot(turn, line.sku, line.lot, line.expiry_ms)
    receipt = e.GoodsReceipt(
        number=turn.state.next_number("receipt"),
        delivery=event.delivery,
        line=line.line,
        load_unit=number,
        sku=line.sku,
        lot=line.lot,
        quantity=event.quantity,
        received_ms=turn.now_ms,
    )
    turn.record(f.GoodsReceived(receipt=receipt))
    turn.post(
        "supplier", account_of(number), line.sku, line.lot, OWN, event.quantity, f"goods receipt {receipt.number}"
    )


def departure_confirmed(turn: Turn, event: v.DepartureConfirmed) -> None:
    """The truck has it: quantity goes to the customer, the load unit out of the building, the order is shipped."""
    state = turn.state
    unit = state.load_unit.get(event.load_unit)
    if unit is None:
        raise RequestRefused("load_unit", f"unknown load unit {event.load_unit}")
    if unit.place == OUTSIDE:
        return
    if unit.place not in turn.layout.dock_outbound or state.transport_for(unit.load_unit) is not None:
        raise RequestRefused("load_unit", f"load unit {event.load_unit} stands at {unit.place}, not at a dock")
    if unit.role is e.LoadUnitRole.STOCK:
        raise RequestRefused("load_unit", f"load unit {event.load_unit} is packed for no order")
    for row in state.contents(unit.load_unit):
        turn.post(
            account_of(unit.load_unit), "customer", row.sku, row.lot, row.owner, row.quantity,
            f"order {unit.order_number} shipped",
        )  # fmt: skip
    place = unit.place
    handover.gone_by_hand(turn, unit.load_unit, f"order {unit.order_number} shipped")
    order = state.order.get(unit.order_number)
    turn.record(f.LoadUnitRoleChanged(load_unit=unit.load_unit, role=e.LoadUnitRole.EMPTY))
    if order is not None and order.state is e.OrderState.PACKED:
        short = any(line.backordered for line in state.lines(order.number))
        ended = e.OrderState.BACKORDERED if short else e.OrderState.SHIPPED
        turn.record(f.OrderStateChanged(order_number=order.number, state=ended, at_ms=turn.now_ms))
    turn.orders_changed = True
    for station in turn.layout.stations:
        turn.stations_to_serve[station] = None
    transports.wake_around(turn, place)
