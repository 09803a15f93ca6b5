"""Customer orders: placed, reserved, released to a station, withdrawn.

Rule: a station has at most as many orders, strangers and spares as its order places and its hand-over point hold, so a
load unit for an order never waits at the pick point, and sources always get past it. Sources are called as soon as the
order's own load unit is on its way; one that comes too early goes once more round and waits nowhere.
"""

from __future__ import annotations

import hashlib
from itertools import islice

import msgspec

from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core import putaway, reservation, shut, transports
from wcs.core.turn import AlreadyOtherwise, RequestRefused, Turn
from wcs.plant.model import PickStation

LINES_MAX = 500  # an order is one decision and one commit; more belongs into several orders
QUANTITY_MAX = 1_000_000
NUMBER_LENGTH_MAX = 64
# Orders looked at for release in one turn, so that one event never decides on a thousand.
RELEASES_MAX = 8
WAITING_LOOKED_AT_MAX = 500  # orders that wait for what is shut and are passed over in one look: a few milliseconds
EMPTIES_LOOKED_AT_MAX = 16
BUILDING, NO_EMPTIES = "site", "no_empties"
NO_PLACE, NO_EMPTY = "a free order place at a station", "an empty load unit for the order"
ENDED = (e.OrderState.SHIPPED, e.OrderState.BACKORDERED, e.OrderState.CANCELLED)


def place(turn: Turn, event: v.OrderRequested) -> None:
    """Take an order in, or refuse it. The same order again (same number and content) changes nothing."""
    digest = hashlib.sha256(msgspec.json.encode((event.lines, event.due_ms))).hexdigest()[:32]
    known = turn.state.order.get(event.number)
    if known is not None:
        if known.content_digest == digest:
            return
        raise AlreadyOtherwise("number", f"order {event.number} exists with other content")
    check(turn, event)
    lines = tuple(
        e.OrderLine(order_number=event.number, line=n, sku=wish.sku, quantity=wish.quantity)
        for n, wish in enumerate(event.lines, 1)
    )
    order = e.CustomerOrder(
        number=event.number,
        state=e.OrderState.PLACED,
        placed_ms=turn.now_ms,
        due_ms=event.due_ms,
        waits_for=NO_PLACE,
        content_digest=digest,
    )
    turn.record(f.OrderPlaced(order=order, lines=lines))
    for line in lines:
        reservation.reserve_or_backorder(turn, order, line)
    if not turn.state.reservations_of_order.get(order.number):
        turn.record(f.OrderStateChanged(order_number=order.number, state=e.OrderState.BACKORDERED, at_ms=turn.now_ms))
    turn.orders_changed = True


def check(turn: Turn, event: v.OrderRequested) -> None:
    if not event.number or len(event.number) > NUMBER_LENGTH_MAX:
        raise RequestRefused("number", f"wanted 1 to {NUMBER_LENGTH_MAX} characters")
    if not event.lines or len(event.lines) > LINES_MAX:
        raise RequestRefused("lines", f"wanted 1 to {LINES_MAX} lines")
    for n, wish in enumerate(event.lines):
        if wish.sku not in turn.state.sku:
            raise RequestRefused(f"lines[{n}].sku", f"unknown SKU {wish.sku!r}")
        if not 0 < wish.quantity <= QUANTITY_MAX:
            raise RequestRefused(f"lines[{n}].quantity", f"wanted 1 to {QUANTITY_MAX}")


def cancel(turn: Turn, event: v.OrderCancelRequested) -> None:
    """Withdraw an order in an orderly way, wherever it is."""
    order = turn.state.order.get(event.number)
    if order is None:
        raise RequestRefused("number", f"unknown order {event.number!r}")
    if order.cancelled:
        return
    if order.state in ENDED:
        raise RequestRefused("number", f"order {event.number} is {order.state.value} already")
    if order.state is e.OrderState.PACKED and (where := at_dock(turn, order)):
        raise RequestRefused("number", f"order {event.number} is packed and {where}: from there nothing comes back")
    under_way = order.state is e.OrderState.PACKED and turn.state.transport_for(order.load_unit) is not None
    if under_way and putaway.choose(turn, order.load_unit) is None:
        raise RequestRefused("number", f"order {event.number} is packed and {putaway.WAREHOUSE_FULL}")
    turn.record(f.OrderCancelled(order_number=order.number, actor=event.actor))
    for number in tuple(turn.state.reservations_of_order.get(order.number, ())):
        reservation.void(turn, number, "order withdrawn")
    if order.state is e.OrderState.PLACED:
        turn.record(f.OrderStateChanged(order_number=order.number, state=e.OrderState.CANCELLED, at_ms=turn.now_ms))
    elif order.state is e.OrderState.PACKED:
        withdraw(turn, turn.state.order[order.number])
    elif order.station:
        turn.stations_to_serve[order.station] = None
    turn.orders_changed = True


def at_dock(turn: Turn, order: e.CustomerOrder) -> str:
    """Where a packed load unit is, if it stands at a dock already or a vehicle has been sent to bring it there."""
    docks = turn.layout.dock_outbound
    place = turn.state.load_unit[order.load_unit].place
    leg = turn.state.leg_of_unit(order.load_unit)
    if place in docks:
        return f"stands at {place}"
    return f"{leg.device} brings it to {leg.sink}" if leg is not None and leg.device and leg.sink in docks else ""


def withdraw(turn: Turn, order: e.CustomerOrder) -> None:
    """An order that nobody wants any more: what was picked becomes stock again and goes back to a bin."""
    release_unit(turn, order)
    turn.record(f.OrderStateChanged(order_number=order.number, state=e.OrderState.CANCELLED, at_ms=turn.now_ms))
    turn.orders_changed = True


def release_unit(turn: Turn, order: e.CustomerOrder) -> None:
    """The order's load unit is nobody's: stock if something is in it, else an empty for the next order."""
    unit = order.load_unit
    if not unit:
        return
    filled = bool(turn.state.contents_of.get(unit))
    role = e.LoadUnitRole.STOCK if filled else e.LoadUnitRole.EMPTY
    turn.record(f.LoadUnitRoleChanged(load_unit=unit, role=role))
    turn.record(f.OrderLoadUnitSet(order_number=order.number, load_unit=0))
    transport = turn.state.transport_for(unit)
    if transport is None or transport.purpose not in (e.Purpose.EMPTY_SUPPLY, e.Purpose.SHIPPING):
        return
    reason = f"order {order.number} does not need it"
    leg = turn.state.leg_of_unit(unit)
    if turn.layout.is_location(turn.state.load_unit[unit].place) and (leg is None or not leg.device):
        transports.drop(turn, transport.number, reason)  # it has not left its bin: it stays there
    else:
        putaway.store(turn, unit, reason=reason)


def unit_gone(turn: Turn, load_unit: int, reason: str) -> None:
    """A load unit is nowhere to be found: what was promised of it comes from elsewhere, and an order whose own load
    unit it was is filled again into another one.
    """
    state = turn.state
    reservation.give_up_unit(turn, load_unit, reason)
    unit = state.load_unit[load_unit]
    if unit.role is not e.LoadUnitRole.ORDER:
        return
    role = e.LoadUnitRole.STOCK if state.contents_of.get(load_unit) else e.LoadUnitRole.EMPTY
    turn.record(f.LoadUnitRoleChanged(load_unit=load_unit, role=role))
    order = state.order.get(unit.order_number)
    if order is None or order.load_unit != load_unit or order.state in ENDED:
        return
    if order.cancelled:
        turn.stations_to_serve[order.station] = None
        return
    turn.record(f.OrderBegunAnew(order_number=order.number, load_unit=load_unit, reason=reason))
    for line in state.lines(order.number):
        reservation.reserve_or_backorder(turn, state.order[order.number], line)
    if not state.reservations_of_order.get(order.number):
        turn.record(f.OrderStateChanged(order_number=order.number, state=e.OrderState.BACKORDERED, at_ms=turn.now_ms))
    turn.orders_changed = True


def release(turn: Turn) -> None:
    """Give free order places to the most urgent orders."""
    state = turn.state
    for _ in range(RELEASES_MAX):
        if not state.order_queue:
            turn.end_alarms(BUILDING, NO_EMPTIES, "no order waits for one")
            return
        first = state.order_queue[0][2]
        station = station_with_room(turn, first)
        number = next_order(turn) if station is not None else ""
        if number and number != first:
            station = station_with_room(turn, number)
        if station is None or not number:
            return
        empty = spare_unit_at(turn, station) or find_empty(turn)
        if not empty:
            wait(turn, number, NO_EMPTY)
            ask_for_empties(turn)
            return
        turn.end_alarms(BUILDING, NO_EMPTIES, "there is one")
        turn.record(f.OrderReleased(order_number=number, station=station.name))
        assign_unit(turn, number, empty)
        if state.load_unit[empty].place in (*station.order_places, station.handover_point):
            turn.stations_to_serve[station.name] = None
        else:
            send_empty(turn, empty, station, number)


def next_order(turn: Turn) -> str:
    """The most urgent order; while something is shut, of those whose stock can be fetched. Empty: there is none."""
    queue = turn.state.order_queue
    if not shut.anything(turn.state):
        return queue[0][2]
    for _, _, number in queue[:WAITING_LOOKED_AT_MAX]:
        behind = reservation.from_elsewhere(turn, number)
        if not behind:
            return number
        wait(turn, number, behind)
    return ""


def say_again(turn: Turn) -> None:
    """A person has shut or opened something: say what those in the queue that waited for it wait for now."""
    for _, _, number in turn.state.order_queue[:WAITING_LOOKED_AT_MAX]:
        if turn.state.order[number].waits_for not in (NO_PLACE, NO_EMPTY):
            wait(turn, number, reservation.from_elsewhere(turn, number) or NO_PLACE)


def ask_for_empties(turn: Turn) -> None:
    """Where nothing is picked and nothing moves, no empty will come by itself."""
    state = turn.state
    if not len(state.transport) and not any(state.orders_at_station.values()):
        turn.raise_alarm(BUILDING, NO_EMPTIES, "orders wait for an empty load unit, and none can be fetched")


def send_empty(turn: Turn, empty: int, station: PickStation, number: str) -> None:
    """Have an empty load unit brought to a station; one that is under way to a bin turns round."""
    known = turn.state.transport_for(empty)
    sink, purpose, reason = station.handover_point, e.Purpose.EMPTY_SUPPLY, f"load unit for order {number}"
    if known is None:
        transports.create(turn, empty, sink, purpose, order_number=number, reason=reason)
    else:
        transports.redirect(turn, known.number, sink, purpose, reason, order_number=number)


def assign_unit(turn: Turn, number: str, unit: int) -> None:
    turn.record(f.LoadUnitRoleChanged(load_unit=unit, role=e.LoadUnitRole.ORDER, order_number=number))
    turn.record(f.OrderLoadUnitSet(order_number=number, load_unit=unit))


def wait(turn: Turn, number: str, reason: str) -> None:
    if turn.state.order[number].waits_for != reason:
        turn.record(f.OrderWaits(order_number=number, waits_for=reason))


def station_with_room(turn: Turn, number: str) -> PickStation | None:
    """The station with the fewest orders that has room for one more; of these the one that is soonest reached from
    what is reserved for this order, for that is driven there and back; then by name.
    """
    best: list[PickStation] = []
    best_count = 0
    for name, station in turn.layout.stations.items():
        count = len(turn.state.orders_at_station[name])
        if (best and count > best_count) or count >= places_of(station) or name in turn.state.block:
            continue
        if count + foreign_units(turn, station) < places_of(station):
            best = [*best, station] if best and count == best_count else [station]
            best_count = count
    if len(best) < 2:
        return best[0] if best else None
    units = set(turn.state.reservations_of_order.get(number, {}).values())
    return min(best, key=lambda s: (sum(transports.travel_ms(turn, u, s.pick_point) for u in units), s.name))


def places_of(station: PickStation) -> int:
    """How many load units for orders a station holds: one more than stands on order places waits at the hand-over."""
    return len(station.order_places) + 1


def foreign_units(turn: Turn, station: PickStation) -> int:
    """Order places taken by load units that belong to no order at work here (packed or to be put back), and those
    that nobody needs any more and that are still on their way here, as there was no other place for them.
    """
    count = 0
    for place in (*station.order_places, station.handover_point):
        unit = turn.state.unit_at(place)
        if unit and not _serves_open_order(turn, unit, station) and not is_spare(turn, unit):
            count += 1
    bound = turn.state.units_to.get(station.handover_point, ())
    return count + sum(not _serves_open_order(turn, unit, station) for unit in bound)


def _serves_open_order(turn: Turn, unit: int, station: PickStation) -> bool:
    return turn.state.load_unit[unit].order_number in turn.state.orders_at_station[station.name]


def is_spare(turn: Turn, unit: int) -> bool:
    """An empty load unit at a station whose order did not need it in the end."""
    return turn.state.load_unit[unit].role is e.LoadUnitRole.EMPTY and turn.state.transport_for(unit) is None


def spare_unit_at(turn: Turn, station: PickStation) -> int:
    for place in (*station.order_places, station.handover_point):
        unit = turn.state.unit_at(place)
        if unit and is_spare(turn, unit):
            return unit
    return 0


def find_empty(turn: Turn) -> int:
    """An empty load unit: one that is on a conveyor anyway, else of the oldest few in racks the one whose crane has
    least to do; 0 if there is none.
    """
    return find_empty_on_conveyor(turn) or find_empty_in_rack(turn)


def find_empty_on_conveyor(turn: Turn) -> int:
    """One on its way to a bin, and of these the last that came: it is the least likely to have left the loop."""
    state = turn.state
    for unit in islice(reversed(state.empties_on_conveyors), EMPTIES_LOOKED_AT_MAX):
        transport = state.transport_for(unit)
        known = state.load_unit[unit]
        if transport is not None and transport.purpose is e.Purpose.PUTAWAY and known.identified and not known.hold:
            return unit
    return 0


def find_empty_in_rack(turn: Turn) -> int:
    """One from where there is a way now: nothing is shut, and its crane works."""
    state, layout = turn.state, turn.layout
    any_shut = shut.anything(state)
    best, best_legs, looked_at = 0, 0, 0
    for unit in state.empties:
        row = state.load_unit[unit]
        aisle = layout.aisle_of(row.place)
        crane = layout.crane_of_aisle[aisle].name if aisle is not None else ""
        if not crane or not state.device[crane].able or (any_shut and shut.why(state, row.place, e.Flow.OUT)):
            continue
        if looked_at == EMPTIES_LOOKED_AT_MAX:
            break
        looked_at += 1
        if unit in state.transport_of_unit or row.hold:
            continue
        legs = len(state.legs_of_carrier.get(crane, ()))
        if not best or legs < best_legs:
            best, best_legs = unit, legs
    return best
