"""When people shut something: what waits behind it comes from elsewhere, what is on its way there goes elsewhere.

    source waits in its bin       its call is dropped; the order is served from other stock, or waits and says why
    empty waits in its bin        another one is sent to the order
    load unit on its way there    another location is chosen, where one can be reached from where it is

Rule: what a crane has begun, or carries, it finishes, and is looked at where it was set down; what nothing else can
serve waits until a person opens again, be it this or another way.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core import orders, putaway, shut, transports
from wcs.core.turn import Turn


def go_around(turn: Turn) -> None:
    """Look at every transport order once, when a person has shut or opened something."""
    for number in tuple(turn.state.transport.rows):
        look(turn, number)
    orders.say_again(turn)
    turn.stations_to_serve.update(dict.fromkeys(turn.layout.stations))
    turn.orders_changed = True


def go_around_planned(turn: Turn) -> None:
    """Look at what waits for a crane since this turn: called while it was carried to its bin, or come to an entry."""
    planned, turn.planned_for_cranes = turn.planned_for_cranes, {}
    if not shut.anything(turn.state):
        return
    for number in planned:
        if look(turn, number):
            turn.stations_to_serve.update(dict.fromkeys(turn.layout.stations))


def go_around_empties(turn: Turn, orders_here: list[str]) -> None:
    """Look at the empties of these orders: another one may have become free since theirs was shut in."""
    if not shut.anything(turn.state):
        return
    for number in orders_here:
        transport = turn.state.transport_for(turn.state.order[number].load_unit)
        if transport is not None and transport.purpose is e.Purpose.EMPTY_SUPPLY:
            look(turn, transport.number)


def look(turn: Turn, number: int) -> bool:
    """One transport order as it is now: another's empty may have become of it meanwhile. True: its call was dropped."""
    transport = turn.state.transport.get(number)
    leg = turn.state.leg.get(transport.leg) if transport is not None else None
    if transport is None or (leg is not None and leg.device):
        return False
    behind = shut.why(turn.state, turn.state.load_unit[transport.load_unit].place, e.Flow.OUT)
    if behind and transport.purpose is e.Purpose.RETRIEVAL:
        transports.drop(turn, transport.number, behind)
        return True
    if behind and transport.purpose is e.Purpose.EMPTY_SUPPLY:
        send_another(turn, transport, behind)
    elif not behind and transport.purpose is e.Purpose.PUTAWAY:
        store_elsewhere(turn, transport)
    return False


def send_another(turn: Turn, transport: e.TransportOrder, behind: str) -> None:
    """The empty load unit of an order cannot be fetched: another one becomes the order's, if there is one.

    One with something in it already (people have put it into a bin) stays the order's: that was picked for it.
    """
    if turn.state.contents_of.get(transport.load_unit):
        return
    order = turn.state.order[transport.order_number]
    other = orders.find_empty(turn)
    if not other or not order.station:
        return
    transports.drop(turn, transport.number, behind)
    turn.record(f.LoadUnitRoleChanged(load_unit=transport.load_unit, role=e.LoadUnitRole.EMPTY))
    orders.assign_unit(turn, order.number, other)
    orders.send_empty(turn, other, turn.layout.stations[order.station], order.number)


def store_elsewhere(turn: Turn, transport: e.TransportOrder) -> None:
    """A load unit is on its way to where nobody stores now."""
    behind = shut.why(turn.state, transport.sink, e.Flow.IN)
    if behind and putaway.choose(turn, transport.load_unit) is not None:
        putaway.store(turn, transport.load_unit, reason=behind)
