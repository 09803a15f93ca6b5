"""What facts about stock, orders and deliveries do to the state. Rule: no decisions, no refusals; it happened."""

from __future__ import annotations

from msgspec.structs import replace

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.state import State

UNIT_PREFIX = "LU:"


def account_of(load_unit: int) -> str:
    """The content account of a load unit."""
    return f"{UNIT_PREFIX}{load_unit}"


def draw(state: State, name: str, value: int) -> None:
    """Remember that numbers up to `value` are used."""
    counter = state.counter.get(name)
    if counter is None or value > counter.value:
        state.counter.put(e.Counter(name=name, value=value))


def sku_defined(state: State, fact: f.SkuDefined) -> None:
    state.sku.put(fact.sku)


def lot_defined(state: State, fact: f.LotDefined) -> None:
    state.lot.put(fact.lot)


def lot_hold_changed(state: State, fact: f.LotHoldChanged) -> None:
    state.lot.put(replace(state.lot[fact.sku, fact.lot], hold=fact.hold))


def load_unit_created(state: State, fact: f.LoadUnitCreated) -> None:
    draw(state, "load_unit", fact.load_unit.load_unit)
    state.load_unit.put(fact.load_unit)


def load_unit_moved(state: State, fact: f.LoadUnitMoved) -> None:
    unit = state.load_unit[fact.load_unit]
    assert unit.place == fact.source, f"{fact} but it stands at {unit.place}"
    state.load_unit.put(replace(unit, place=fact.sink))
    if fact.key[0] == "M":
        draw(state, "manual_move", int(fact.key[1:]))


def quantity_posted(state: State, fact: f.QuantityPosted) -> None:
    for account, sign in ((fact.source, -1), (fact.sink, 1)):
        if not account.startswith(UNIT_PREFIX):
            continue
        key = (int(account[len(UNIT_PREFIX) :]), fact.sku, fact.lot, fact.owner)
        row = state.content.get(key)
        if row is None:
            assert sign > 0, f"{fact}: nothing there"
            state.content.put(
                e.Content(load_unit=key[0], sku=fact.sku, lot=fact.lot, owner=fact.owner, quantity=fact.quantity)
            )
        elif row.quantity + sign * fact.quantity == 0:
            state.content.drop(key)
        else:
            assert row.quantity + sign * fact.quantity > 0, f"{fact}: only {row.quantity} there"
            state.content.put(replace(row, quantity=row.quantity + sign * fact.quantity))
    if fact.key[0] == "C":
        draw(state, "content_line", int(fact.key[1:]))


def load_unit_role_changed(state: State, fact: f.LoadUnitRoleChanged) -> None:
    unit = state.load_unit[fact.load_unit]
    state.load_unit.put(replace(unit, role=fact.role, order_number=fact.order_number, sscc=fact.sscc))
    if fact.sscc:
        draw(state, "sscc", int(fact.sscc[8:17]))


def load_unit_identified(state: State, fact: f.LoadUnitIdentified) -> None:
    unit = state.load_unit[fact.load_unit]
    state.load_unit.put(replace(unit, identified=True, mass_g=fact.mass_g, height_mm=fact.height_mm))


def load_unit_hold_changed(state: State, fact: f.LoadUnitHoldChanged) -> None:
    state.load_unit.put(replace(state.load_unit[fact.load_unit], hold=fact.hold))


def delivery_announced(state: State, fact: f.DeliveryAnnounced) -> None:
    state.delivery.put(fact.delivery)
    for line in fact.lines:
        state.delivery_line.put(line)


def goods_received(state: State, fact: f.GoodsReceived) -> None:
    receipt = fact.receipt
    draw(state, "receipt", receipt.number)
    state.receipt.put(receipt)
    line = state.delivery_line[receipt.delivery, receipt.line]
    state.delivery_line.put(replace(line, received=line.received + receipt.quantity))


def order_placed(state: State, fact: f.OrderPlaced) -> None:
    for line in fact.lines:
        state.line.put(line)
    state.order.put(fact.order)


def _line_changed(state: State, order: str, line: int, reserved: int = 0, picked: int = 0, back: int = 0) -> None:
    row = state.line[order, line]
    state.line.put(
        replace(row, reserved=row.reserved + reserved, picked=row.picked + picked, backordered=row.backordered + back)
    )


def _content_reserved(state: State, r: e.Reservation, by: int) -> None:
    key = (r.load_unit, r.sku, r.lot, r.owner)
    row = state.content[key]
    assert 0 <= row.reserved + by <= row.quantity, f"{r}: {row.reserved} of {row.quantity} are reserved"
    state.content.put(replace(row, reserved=row.reserved + by))


def stock_reserved(state: State, fact: f.StockReserved) -> None:
    r = fact.reservation
    draw(state, "reservation", r.number)
    _content_reserved(state, r, r.quantity)
    state.reservation.put(r)
    line = state.line[r.order_number, r.line]
    state.line.put(replace(line, reserved=line.reserved + r.quantity))


def reservation_voided(state: State, fact: f.ReservationVoided) -> None:
    r = state.reservation[fact.number]
    _content_reserved(state, r, -r.quantity)
    state.reservation.drop(fact.number)
    _line_changed(state, r.order_number, r.line, reserved=-r.quantity)


def stock_picked(state: State, fact: f.StockPicked) -> None:
    r = state.reservation[fact.number]
    _content_reserved(state, r, -r.quantity)
    state.reservation.drop(fact.number)
    _line_changed(state, r.order_number, r.line, reserved=-r.quantity, picked=fact.quantity)


def line_backordered(state: State, fact: f.LineBackordered) -> None:
    _line_changed(state, fact.order_number, fact.line, back=fact.quantity)


def order_released(state: State, fact: f.OrderReleased) -> None:
    order = state.order[fact.order_number]
    state.order.put(
        replace(order, state=e.OrderState.RELEASED, station=fact.station, waits_for="", waits_until_ms=None)
    )


def order_load_unit_set(state: State, fact: f.OrderLoadUnitSet) -> None:
    state.order.put(replace(state.order[fact.order_number], load_unit=fact.load_unit, sscc=""))


def order_begun_anew(state: State, fact: f.OrderBegunAnew) -> None:
    for line in state.lines(fact.order_number):
        _line_changed(state, fact.order_number, line.line, picked=-line.picked)
    order = state.order[fact.order_number]
    state.order.put(
        replace(
            order,
            state=e.OrderState.PLACED,
            station="",
            load_unit=0,
            sscc="",
            waits_for=fact.reason,
            waits_until_ms=None,
        )
    )


def order_waits(state: State, fact: f.OrderWaits) -> None:
    order = state.order[fact.order_number]
    state.order.put(replace(order, waits_for=fact.waits_for, waits_until_ms=fact.until_ms))


def order_cancelled(state: State, fact: f.OrderCancelled) -> None:
    state.order.put(replace(state.order[fact.order_number], cancelled=True))


def order_state_changed(state: State, fact: f.OrderStateChanged) -> None:
    order = state.order[fact.order_number]
    ended = fact.state in (e.OrderState.SHIPPED, e.OrderState.BACKORDERED, e.OrderState.CANCELLED)
    state.order.put(
        replace(
            order, state=fact.state, ended_ms=fact.at_ms if ended else None, waits_for="", waits_until_ms=None,
            sscc=fact.sscc or order.sscc,
        )
    )  # fmt: skip


def numbers_drawn(state: State, fact: f.NumbersDrawn) -> None:
    draw(state, fact.name, fact.value)


def place_blocked(state: State, fact: f.PlaceBlocked) -> None:
    state.block.put(e.Block(place=fact.place, actor=fact.actor, reason=fact.reason, flow=fact.flow))


def place_unblocked(state: State, fact: f.PlaceUnblocked) -> None:
    state.block.drop(fact.place)


def alarm_raised(state: State, fact: f.AlarmRaised) -> None:
    draw(state, "alarm", fact.alarm.number)
    state.alarm.put(fact.alarm)


def alarm_ended(state: State, fact: f.AlarmEnded) -> None:
    state.alarm.drop(fact.number)


EVOLVE = {
    f.SkuDefined: sku_defined,
    f.LotDefined: lot_defined,
    f.LotHoldChanged: lot_hold_changed,
    f.LoadUnitCreated: load_unit_created,
    f.LoadUnitMoved: load_unit_moved,
    f.QuantityPosted: quantity_posted,
    f.LoadUnitRoleChanged: load_unit_role_changed,
    f.LoadUnitIdentified: load_unit_identified,
    f.LoadUnitHoldChanged: load_unit_hold_changed,
    f.DeliveryAnnounced: delivery_announced,
    f.GoodsReceived: goods_received,
    f.OrderPlaced: order_placed,
    f.StockReserved: stock_reserved,
    f.ReservationVoided: reservation_voided,
    f.StockPicked: stock_picked,
    f.LineBackordered: line_backordered,
    f.OrderReleased: order_released,
    f.OrderLoadUnitSet: order_load_unit_set,
    f.OrderBegunAnew: order_begun_anew,
    f.OrderWaits: order_waits,
    f.OrderCancelled: order_cancelled,
    f.OrderStateChanged: order_state_changed,
    f.NumbersDrawn: numbers_drawn,
    f.PlaceBlocked: place_blocked,
    f.PlaceUnblocked: place_unblocked,
    f.AlarmRaised: alarm_raised,
    f.AlarmEnded: alarm_ended,
}
