"""Pick stations: call the sources, confirm picks, pack, send away.

    pick point     a source rests there while picks from it are open, then goes on: to another station that needs it,
                   back to a bin, or (nothing left) back as an empty
    order places   an order's own load unit stands there from the first pick to the last
    put-on point   packed load units leave for a dock, others go back to the racks

Rule: a person's confirmation moves quantity; nothing else does.
"""

from __future__ import annotations

from wcs.core import around, handover, orders, points, putaway, reservation, shut, transports
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.evolve_stock import account_of
from wcs.core.sscc import sscc
from wcs.core.state import State
from wcs.core.turn import RequestRefused, Turn
from wcs.plant.model import PickStation, Record

# Packed load units on their way beyond what the docks can hold: they stand on the outfeed, not on the loop. In a large
# plant it is one a station, for the way takes minutes, and what is on it would else be all that is shipped in them.
SHIPPING_AHEAD_MIN = 2


class StationWork(Record):
    """What people are to do at a station now."""

    takes: tuple[tuple[int, str], ...]
    picks: tuple[e.Reservation, ...]
    puts: tuple[int, ...]


def work_at(state: State, station: PickStation) -> StationWork:
    """Takes (load unit at the hand-over point, free order place), picks, and load units to be put on the conveyor."""
    free_places = [p for p in station.order_places if not state.unit_at(p)]
    arrived = state.unit_at(station.handover_point)
    takes = ((arrived, free_places[0]),) if arrived and free_places else ()
    source = state.unit_at(station.pick_point)
    picks = tuple(open_picks(state, station, source)) if source else ()
    return StationWork(takes=takes, picks=picks, puts=tuple(units_to_put_on(state, station)))


def open_picks(state: State, station: PickStation, source: int) -> list[e.Reservation]:
    """Picks from `source` for orders whose own load unit stands at this station."""
    picks = []
    for number in state.reservations_of_unit.get(source, ()):
        pick = state.reservation[number]
        order = state.order[pick.order_number]
        if order.station != station.name or not order.load_unit or order.cancelled:
            continue
        if state.load_unit[order.load_unit].place in station.order_places:
            picks.append(pick)
    return picks


def units_to_put_on(state: State, station: PickStation) -> list[int]:
    """Load units that are finished at the station, if the put-on point is free and there is somewhere to go."""
    point = state.transfer_point.get(station.put_on_point)
    if point is None or point.occupied or not point.ready_to_accept or state.unit_at(station.put_on_point):
        return []
    units = []
    places = station.order_places
    if all(map(state.unit_at, places)):  # what people have left at the hand-over point can be taken nowhere else
        places = (*places, station.handover_point)
    for place in places:
        unit = state.unit_at(place)
        if not unit:
            continue
        row = state.load_unit[unit]
        if row.role is not e.LoadUnitRole.ORDER or (row.sscc and docks_have_room(state)):
            units.append(unit)
    return units[:1]


def docks_have_room(state: State) -> bool:
    outbound = state.layout.dock_outbound
    bound = sum(len(state.units_to.get(p, ())) + bool(state.unit_at(p)) for p in outbound)
    return bound < len(outbound) + max(SHIPPING_AHEAD_MIN, len(state.layout.stations))


def serve(turn: Turn, station: PickStation) -> None:
    """Look at one station: what can leave its pick point, which orders are complete, which sources to call."""
    state = turn.state
    here = state.orders_at_station[station.name]
    for number in [n for n in here if n not in state.reservations_of_order or state.order[n].cancelled]:
        finish(turn, number)
    around.go_around_empties(turn, list(here))
    send_on(turn, station)
    if has_queue_room(state, station):
        for number in [n for n in here if n in state.uncalled_of_order]:
            call_sources(turn, station, number)
    else:
        break_circle(turn, station)


def send_on(turn: Turn, station: PickStation) -> None:
    """What rests at the pick point goes on as soon as nothing is to be picked from it."""
    state = turn.state
    unit = state.unit_at(station.pick_point)
    point = state.point.get(station.pick_point)
    if not unit or point is None or not point.waiting or open_picks(state, station, unit):
        return
    transport = state.transport_for(unit)
    if transport is None:
        if not next_use(turn, unit):
            return
        transport = state.transport_for(unit)
    leg = state.leg_of_unit(unit)
    if transport is None or leg is None:
        return
    to_handover = leg.sink == station.handover_point
    if to_handover and transports.is_occupied(turn, station.handover_point):
        transports.wait(turn, transport.number, f"{station.handover_point} is occupied")
        return
    exit_ = station.handover_exit if to_handover else station.onward_exit
    points.decide(turn, turn.layout.points[station.pick_point], exit_, f"towards {leg.sink}")


def next_use(turn: Turn, unit: int) -> bool:
    """A source that is done here: to the next station that needs it, or back to a bin; False: it must wait."""
    state = turn.state
    for number in state.reservations_of_unit.get(unit, ()):
        order = state.order[state.reservation[number].order_number]
        if order.state is e.OrderState.RELEASED and is_ready_for_sources(state, order):
            sink = turn.layout.stations[order.station].pick_point
            transports.create(turn, unit, sink, e.Purpose.RETRIEVAL, order_number=order.number)
            return True
    if not state.contents_of.get(unit) and state.load_unit[unit].role is e.LoadUnitRole.STOCK:
        turn.record(f.LoadUnitRoleChanged(load_unit=unit, role=e.LoadUnitRole.EMPTY))
    return putaway.store(turn, unit, reason="picks done")


def is_ready_for_sources(state: State, order: e.CustomerOrder) -> bool:
    """Its own load unit stands on an order place of its station."""
    if not order.load_unit or not order.station:
        return False
    return state.load_unit[order.load_unit].place in state.layout.stations[order.station].order_places


def is_on_its_way(state: State, order: e.CustomerOrder) -> bool:
    """Its own load unit stands at its station, or a conveyor carries it there."""
    if not order.load_unit or not order.station:
        return False
    place = state.load_unit[order.load_unit].place
    station = state.layout.stations[order.station]
    return place in station.order_places or place == station.handover_point or place in state.layout.conveyors


def call_sources(turn: Turn, station: PickStation, number: str) -> None:
    """Have the load units that an order draws on brought to its station, as far as the station has room."""
    state = turn.state
    if not is_on_its_way(state, state.order[number]):
        return
    orders.wait(turn, number, reservation.from_elsewhere(turn, number) if shut.anything(state) else "")
    for unit in dict.fromkeys(state.uncalled_of_order.get(number, {}).values()):
        if not has_queue_room(state, station):
            return
        call(turn, station, unit, number)


def has_queue_room(state: State, station: PickStation) -> bool:
    """Whether one more source may be under way to the station."""
    return len(state.units_to.get(station.pick_point, ())) < station.queue_length_max


def break_circle(turn: Turn, station: PickStation) -> None:
    """All that come are for orders that have no order place yet, and those that have one wait for theirs to be called:
    each would wait for the other for ever. The last that comes goes back to a bin, and one of theirs is called.
    """
    state = turn.state
    placed = [n for n in state.orders_at_station[station.name] if is_ready_for_sources(state, state.order[n])]
    wanting = [n for n in placed if any(can_be_called(state, u) for u in state.uncalled_of_order.get(n, {}).values())]
    if not wanting:
        return
    coming = list(state.units_to.get(station.pick_point, ()))
    for unit in (*coming, state.unit_at(station.pick_point)):
        promised = state.reservations_of_unit.get(unit, ())
        if any(state.reservation[number].order_number in placed for number in promised):
            return
    for unit in reversed(coming):
        if state.load_unit[unit].place in turn.layout.conveyors and putaway.choose(turn, unit) is not None:
            putaway.store(turn, unit, reason=f"{station.name} needs other load units first")
            call_sources(turn, station, wanting[0])
            return


def can_be_called(state: State, unit: int) -> bool:
    """Whether a source can be brought now: it stands in a bin that is not shut, or is on its way back to one."""
    transport, row = state.transport_for(unit), state.load_unit[unit]
    if transport is None:
        return state.layout.is_location(row.place) and not shut.why(state, row.place, e.Flow.OUT)
    return transport.purpose is e.Purpose.PUTAWAY and row.identified


def call(turn: Turn, station: PickStation, unit: int, order_number: str) -> None:
    """Bring one source; one that is on its way back to a bin turns round."""
    state = turn.state
    transport = state.transport_for(unit)
    if not can_be_called(state, unit):
        return
    if transport is None:
        transports.create(turn, unit, station.pick_point, e.Purpose.RETRIEVAL, order_number=order_number)
    else:
        transports.redirect(
            turn, transport.number, station.pick_point, e.Purpose.RETRIEVAL, "wanted again", order_number=order_number
        )


def confirm_pick(turn: Turn, event: v.PickConfirmed) -> None:
    """A picker moved quantity from the source into the order's load unit; less than asked is a short pick."""
    state = turn.state
    pick = state.reservation.get(event.reservation)
    if pick is None:
        raise RequestRefused("reservation", f"no open pick {event.reservation}")
    order = state.order[pick.order_number]
    station = turn.layout.stations.get(order.station)
    if station is None or pick not in open_picks(state, station, state.unit_at(station.pick_point)):
        raise RequestRefused("reservation", f"pick {event.reservation}: its load units are not both at a station")
    if event.sku != pick.sku:
        raise RequestRefused("sku", f"wrong item: {pick.sku} is wanted, {event.sku!r} was scanned")
    if not 0 <= event.quantity <= pick.quantity:
        raise RequestRefused("quantity", f"wanted 0 to {pick.quantity}")
    turn.record(f.StockPicked(number=pick.number, quantity=event.quantity, actor=event.actor))
    if event.quantity:
        turn.post(
            account_of(pick.load_unit), account_of(order.load_unit), pick.sku, pick.lot, pick.owner, event.quantity,
            f"pick {pick.number} for order {order.number}",
        )  # fmt: skip
    if event.quantity < pick.quantity:
        short_pick(turn, pick)
    turn.stations_to_serve[station.name] = None


def short_pick(turn: Turn, pick: e.Reservation) -> None:
    """The load unit holds no more of it, whatever the book says: post the difference, promise it from elsewhere."""
    state = turn.state
    lines = [(pick.order_number, pick.line)]
    left = state.content.get((pick.load_unit, pick.sku, pick.lot, pick.owner))
    if left is not None:
        lines += reservation.void_content(turn, left, f"short pick {pick.number}")
        turn.post(
            account_of(pick.load_unit), "adjustment", pick.sku, pick.lot, pick.owner, left.quantity,
            f"short pick {pick.number}",
        )  # fmt: skip
    reservation.promise_again(turn, lines)


def finish(turn: Turn, number: str) -> None:
    """Nothing is left to be picked for the order: pack it, or give its load unit free."""
    state = turn.state
    order = state.order[number]
    if order.cancelled:
        orders.withdraw(turn, order)
        return
    filled = bool(state.contents_of.get(order.load_unit))
    if filled:
        label = sscc(state.next_number("sscc"))
        turn.record(
            f.LoadUnitRoleChanged(load_unit=order.load_unit, role=e.LoadUnitRole.ORDER, order_number=number, sscc=label)
        )
        turn.record(f.OrderStateChanged(order_number=number, state=e.OrderState.PACKED, at_ms=turn.now_ms, sscc=label))
    else:
        orders.release_unit(turn, order)
        turn.record(f.OrderStateChanged(order_number=number, state=e.OrderState.BACKORDERED, at_ms=turn.now_ms))
    turn.orders_changed = True


def unit_placed(turn: Turn, event: v.LoadUnitPlaced) -> None:
    """A person put a load unit on an order place or on a put-on point, as the station's work asks."""
    state, layout = turn.state, turn.layout
    unit = state.load_unit[event.load_unit]
    if unit.place == event.place:
        return
    if event.place in layout.station_of_place:
        if state.unit_at(event.place):
            raise RequestRefused("place", f"{event.place} is occupied")
        handover.placed_by_hand(turn, unit.load_unit, event.place, "taken to its order place")
        turn.stations_to_serve[layout.station_of_place[event.place].name] = None
        transports.wake_around(turn, unit.place)
        return
    if unit.place in layout.station_of_handover and unit.role is e.LoadUnitRole.ORDER:
        return  # the belt was faster than the person: it has been round, and come back to be filled
    handover.placed_by_hand(turn, unit.load_unit, event.place, "put on the conveyor")
    put_on_seen(turn, unit.load_unit)
    turn.stations_to_serve[layout.station_of_put_on[event.place].name] = None
    turn.orders_changed = True


def put_on_seen(turn: Turn, unit_number: int) -> None:
    """A load unit was put on a conveyor by a person: where it is to go follows from what it is."""
    state = turn.state
    unit = state.load_unit[unit_number]
    if state.transport_for(unit_number) is not None:
        return
    order = state.order.get(unit.order_number) if unit.role is e.LoadUnitRole.ORDER else None
    if order is not None and unit.sscc:
        transports.create(
            turn, unit_number, best_dock(turn, unit_number), e.Purpose.SHIPPING, order_number=order.number
        )
    elif order is not None and order.station:  # it is not complete: back to where it is filled
        sink = turn.layout.stations[order.station].handover_point
        transports.create(turn, unit_number, sink, e.Purpose.EMPTY_SUPPLY, order_number=order.number)
    else:
        putaway.store(turn, unit_number, reason="put on the conveyor")


def best_dock(turn: Turn, unit: int) -> str:
    """The outbound point with the least bound for it; of these the one soonest reached; then by name."""
    state = turn.state
    return min(
        state.layout.dock_outbound,
        key=lambda p: (
            len(state.units_to.get(p, ())) + bool(state.unit_at(p)), transports.travel_ms(turn, unit, p), p
        ),
    )  # fmt: skip
