"""Transport orders and their legs: create, start the next leg, end, redirect.

Rule: a load unit has at most one transport order, a transport order at most one leg, and a leg begins where the load
unit rests. What happens on arrival is asked of `arrivals`.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.layout import FLEET, Kind
from wcs.core.turn import Turn
from wcs.plant.routes import LegPlan, NoRoute

BROUGHT_AT_ONCE_MAX = 2  # vehicles to one entry: one sets down while the next comes; a third would only queue
FAR_MS = 3_600_000  # longer than any way: a place that no way leads to comes after all others


def create(
    turn: Turn, load_unit: int, sink: str, purpose: e.Purpose, *, order_number: str = "", reason: str = ""
) -> None:
    """Have a resting load unit carried to `sink`."""
    number = turn.state.next_number("transport_order")
    transport = e.TransportOrder(
        number=number,
        load_unit=load_unit,
        source=turn.state.load_unit[load_unit].place,
        sink=sink,
        purpose=purpose,
        state=e.TransportState.CREATED,
        created_ms=turn.now_ms,
        order_number=order_number,
    )
    turn.record(f.TransportOrderCreated(transport_order=transport, reason=reason))
    advance(turn, number)


def advance(turn: Turn, number: int) -> None:
    """The load unit rests and has no leg: it has arrived, or its next leg begins."""
    state = turn.state
    transport = state.transport[number]
    place = state.load_unit[transport.load_unit].place
    if place == transport.sink:
        turn.record(f.TransportOrderEnded(number=number, outcome="arrived"))
        wake_around(turn, place)
        return
    if place in turn.layout.kinds or place in turn.layout.conveyors:
        return
    plan = next_leg(turn, place, transport.sink)
    if plan is None and (place in turn.layout.station_of_handover or place in turn.layout.station_of_place):
        turn.record(f.TransportOrderEnded(number=number, outcome="left to the station's people"))
        wake_around(turn, place)
        return
    if plan is None:
        wait(turn, number, f"no way from {place} to {transport.sink}")
        turn.raise_alarm(
            place, "no_route", f"load unit {transport.load_unit}: no way to {transport.sink}", answers=("moved",),
            load_unit=transport.load_unit,
        )  # fmt: skip
        return
    leg = e.Leg(
        number=state.next_number("leg"),
        transport_order=number,
        load_unit=transport.load_unit,
        carrier=plan.carrier,
        source=place,
        sink=plan.sink,
    )
    turn.record(f.LegStarted(leg=leg))
    if plan.carrier in turn.layout.cranes:
        turn.planned_for_cranes[number] = None
    turn.wake(plan.carrier)


def next_leg(turn: Turn, place: str, sink: str) -> LegPlan | None:
    """The first leg from a resting place towards a sink, with concrete places; None if there is no way.

    Of transfer points side by side it leads to the one with the least bound for it.
    """
    layout = turn.layout
    origin, target = layout.target(place), layout.target(sink)
    if origin == target and origin in layout.aisles:
        return LegPlan(carrier=layout.crane_of_aisle[origin].name, source=place, sink=sink)
    if origin == target:  # once round the loop
        return LegPlan(carrier=layout.conveyor_of_place[origin], source=place, sink=sink)
    try:
        plans = layout.routes.first_legs(origin, target)
    except NoRoute:
        return None
    plan = plans[0] if len(plans) == 1 else min(plans, key=lambda p: bound_for(turn, p.sink))
    return LegPlan(carrier=plan.carrier, source=place, sink=sink if plan.sink == target else plan.sink)


def bound_for(turn: Turn, place: str) -> int:
    """How many load units stand at a transfer point or have a leg to it."""
    return len(turn.state.legs_bound_for.get(place, ())) + bool(turn.state.unit_at(place))


def origin_of(turn: Turn, load_unit: int) -> str:
    """The node of the route graph from which a load unit goes on, also while a conveyor carries it."""
    place = turn.state.load_unit[load_unit].place
    conveyor = turn.layout.conveyors.get(place)
    if conveyor is None:
        return turn.layout.target(place)
    leg = turn.state.leg_of_unit(load_unit)
    return leg.source if leg is not None and leg.carrier == place else conveyor.points[0].name


def travel_ms(turn: Turn, load_unit: int, sink: str) -> int:
    """How long a load unit is on its way to `sink`, roughly and without waiting; FAR_MS if no way leads there."""
    try:
        return turn.layout.routes.travel_time_ms(origin_of(turn, load_unit), sink)
    except NoRoute:
        return FAR_MS


def join_at_point(turn: Turn, number: int, point: str) -> None:
    """A load that a conveyor carries without a leg (found there, or planned anew) begins one at the point it meets."""
    transport = turn.state.transport[number]
    plan = next_leg(turn, point, transport.sink)
    if plan is None or plan.carrier != turn.layout.conveyor_of_place[point]:
        return
    leg = e.Leg(
        number=turn.state.next_number("leg"),
        transport_order=number,
        load_unit=transport.load_unit,
        carrier=plan.carrier,
        source=point,
        sink=plan.sink,
        picked=True,
    )
    turn.record(f.LegStarted(leg=leg))


def rests_elsewhere(turn: Turn, number: int, reason: str) -> None:
    """Its load unit was found or put somewhere else: the way goes on from there."""
    transport = turn.state.transport[number]
    if transport.leg:
        turn.record(f.LegEnded(number=transport.leg, outcome=reason))
    advance(turn, number)


def wait(turn: Turn, number: int, reason: str) -> None:
    """Say why it does not go on; said once."""
    if turn.state.transport[number].waits_for != reason:
        turn.record(f.TransportOrderWaits(number=number, waits_for=reason))


def end_leg(turn: Turn, number: int, outcome: str = "done") -> None:
    """The leg is over (or given up); the transport order goes on from where the load unit rests."""
    transport = turn.state.leg[number].transport_order
    turn.record(f.LegEnded(number=number, outcome=outcome))
    advance(turn, transport)


def redirect(turn: Turn, number: int, sink: str, purpose: e.Purpose, reason: str, *, order_number: str = "") -> None:
    """Another sink, wherever the load unit is now: a leg not begun is planned anew, a conveyor is told at its next
    point, a crane or vehicle finishes the task it has.
    """
    state = turn.state
    turn.record(
        f.TransportOrderRedirected(number=number, sink=sink, purpose=purpose, reason=reason, order_number=order_number)
    )
    transport = state.transport[number]
    if transport.leg == 0:
        advance(turn, number)
        return
    leg = state.leg[transport.leg]
    on_conveyor = leg.carrier in turn.layout.conveyors and (leg.picked or leg.source in turn.layout.entries)
    if on_conveyor:
        plan = next_leg(turn, leg.source, sink)
        if plan is not None and plan.carrier == leg.carrier:
            new_sink = leg.source if has_passed_hand_over(turn, leg, plan.sink) else plan.sink
            if new_sink != leg.sink:
                turn.record(f.LegRedirected(number=leg.number, sink=new_sink))
    elif not leg.device:
        end_leg(turn, leg.number, "redirected")


def has_passed_hand_over(turn: Turn, leg: e.Leg, sink: str) -> bool:
    """Whether a load has left a pick point by the way on, and comes to the hand-over point only once round: what waits
    at the pick point must not wait for it, for it may stand behind that.
    """
    station = turn.layout.station_of_point.get(leg.source)
    return station is not None and leg.picked and sink == station.handover_point and leg.sink != sink


def plan_from(turn: Turn, leg: e.Leg, point: str) -> tuple[int | None, e.Leg]:
    """The exit and the leg of a load that a point has seen and from where its planned sink cannot be reached in one
    leg: it turned round when it had passed the place from which it could.
    """
    plan = next_leg(turn, point, turn.state.transport[leg.transport_order].sink)
    if plan is None or plan.carrier != leg.carrier or plan.sink == leg.sink:
        return None, leg
    turn.record(f.LegRedirected(number=leg.number, sink=plan.sink))
    return turn.layout.routes.exit_towards(point, plan.sink), turn.state.leg[leg.number]


def drop(turn: Turn, number: int, outcome: str) -> None:
    """The transport order is over although its load unit is not at the sink."""
    transport = turn.state.transport[number]
    if transport.leg:
        turn.record(f.LegEnded(number=transport.leg, outcome=outcome))
    turn.record(f.TransportOrderEnded(number=number, outcome=outcome))


def is_bound_for(turn: Turn, place: str, *, but: int = 0, but_vehicles: bool = False) -> bool:
    """Whether a crane or vehicle that has its leg already is bringing something to `place`."""
    for number in turn.state.legs_coming_to.get(place, ()):
        leg = turn.state.leg[number]
        if number == but or (but_vehicles and leg.carrier == FLEET):
            continue
        if leg.device or leg.carrier in turn.layout.conveyors:
            return True
    return False


def reasons_against_bringing(turn: Turn, place: str, *, leg: int = 0) -> str:
    """Why no vehicle should fetch a load for this transfer point now; empty if one should.

    What the belts take away by themselves may be occupied now: it is free again when the vehicle comes, for room on
    the conveyor is counted with all that is on its way there.
    """
    state = turn.state
    point = state.transfer_point.get(place)
    if point is None or place not in turn.layout.entries:
        return reasons_against_set_down(turn, place, leg=leg)
    if not point.ready_to_accept and not state.unit_at(place):
        return f"{place} is not ready to accept"
    if len(vehicles_bound_for(turn, place, but=leg)) >= BROUGHT_AT_ONCE_MAX:
        return f"others are bound for {place}"
    if is_bound_for(turn, place, but=leg, but_vehicles=True):
        return f"another load is bound for {place}"
    return reasons_against_filling(turn, place, leg)


def vehicles_bound_for(turn: Turn, place: str, *, but: int = 0) -> list[int]:
    """The legs of vehicles that are to set down there, but for one."""
    legs = turn.state.legs_coming_to.get(place, ())
    rows = (turn.state.leg[number] for number in legs)
    return [leg.number for leg in rows if leg.carrier == FLEET and leg.device and leg.number != but]


def reasons_against_filling(turn: Turn, place: str, leg: int) -> str:
    """Why this load would be one too many on the conveyor behind an entry."""
    conveyor = turn.layout.conveyor_of_place[place]
    fill_max = turn.layout.conveyor_fill_max(conveyor)
    filled = conveyor_fill(turn, conveyor, but=leg)
    return f"{conveyor} is full: {filled} load units on it" if filled >= fill_max else ""


def reasons_against_set_down(turn: Turn, place: str, *, leg: int = 0, but_vehicles: bool = False) -> str:
    """Why nothing can be set down at a transfer point now; empty if it can."""
    state = turn.state
    point = state.transfer_point.get(place)
    if point is None:
        return f"{place} has not been seen yet"
    if point.occupied or state.unit_at(place):
        return f"{place} is occupied"
    if not point.ready_to_accept:
        return f"{place} is not ready to accept"
    if is_bound_for(turn, place, but=leg, but_vehicles=but_vehicles):
        return f"another load is bound for {place}"
    return reasons_against_filling(turn, place, leg) if place in turn.layout.entries else ""


def is_occupied(turn: Turn, place: str) -> bool:
    """Whether something stands at a transfer point, by the book or by its words, or is on its way there."""
    point = turn.state.transfer_point.get(place)
    if point is None or point.occupied or turn.state.unit_at(place):
        return True
    return any(turn.state.leg[n].picked for n in turn.state.legs_coming_to.get(place, ()))


def conveyor_fill(turn: Turn, conveyor: str, *, but: int = 0) -> int:
    """Load units on a conveyor and those being brought to it, but for one leg's."""
    state = turn.state
    coming = sum(len(vehicles_bound_for(turn, place, but=but)) for place in turn.layout.vehicle_entries[conveyor])
    on_it, to_it = state.units_at.get(conveyor, ()), state.legs_of_carrier.get(conveyor, {})
    if len(on_it) + len(to_it) + coming < turn.layout.conveyor_fill_max(conveyor):
        return len(on_it) + len(to_it) + coming  # a load in both is counted twice: it fits even so
    return len({*on_it, *to_it.values()}) + coming


def wake_around(turn: Turn, place: str) -> None:
    """Something changed at a place: whoever serves it looks again."""
    layout = turn.layout
    if place in layout.stops:
        turn.wake("VEHICLES")
    for crane in layout.cranes_at.get(place, ()):
        turn.wake(crane)
    for stations in (layout.station_of_point, layout.station_of_handover, layout.station_of_put_on):
        if place in stations:
            turn.stations_to_serve[stations[place].name] = None


def is_machine(turn: Turn, carrier: str) -> bool:
    """Whether a carrier is one task-driven machine by itself (a crane)."""
    return turn.layout.kinds.get(carrier) is Kind.CRANE
