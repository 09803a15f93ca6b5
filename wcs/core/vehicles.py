"""What the vehicles do next: fetch and bring loads between transfer points, charge, park.

A leg on a vehicle is a list of device tasks: POSITION to the source's node, PICK, POSITION to the sink's node, DEPOSIT.
Rule: a vehicle takes a leg only when there will be room for the load where it brings it, so that none waits loaded on
the track for a place: an empty transfer point, or a slot on the belts behind an entry, counted with all on their way.
"""

from __future__ import annotations

from wcs.core import cranes, driving, retries, tasks, transports
from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.attention import Rest
from wcs.core.layout import FLEET
from wcs.core.ports import Address, TaskType
from wcs.core.turn import Turn
from wcs.plant.model import BATTERY_LOW_PERMILLE
from wcs.traffic.grants import is_overdue
from wcs.traffic.homes import nearest_charger
from wcs.traffic.records import Refusal

BATTERY_TOP_UP_PERMILLE = 600  # an idle vehicle below it charges


def dispatch(turn: Turn) -> None:
    """One look at the fleet: who is able, who takes which leg, who drives on. The oldest errand is led first."""
    state = turn.state
    if is_overdue(state.traffic, turn.now_ms):
        state.attention.wake_all()
    state.attention.wake_rested(turn.now_ms)
    idle = []
    looked_at = dict.fromkeys(state.attention.awake())
    for vehicle in looked_at:
        able = driving.note_ability(turn, vehicle)
        device = turn.state.device[vehicle]
        if not able or not device.in_service:
            give_back(turn, vehicle)
            continue
        if device.command_sequence:
            state.attention.sleep(vehicle, Rest())
            continue
        if retries.awaits_retry(turn, vehicle):
            continue
        if not device.task:
            driving.stand(turn, vehicle)
        idle.append(vehicle)
    ready = [*idle, *(v for v in assign_legs(turn) if v not in idle)]
    while ready:
        for vehicle in in_order(turn, ready):
            looked_at[vehicle] = None
            rest = go_on(turn, vehicle)
            if rest is not None:
                state.attention.sleep(vehicle, rest)
        # Whom another's grant has woken meanwhile has its turn as well.
        ready = [v for v in state.attention.awake() if v not in looked_at and may_drive(turn, v)]


def in_order(turn: Turn, vehicles: list[str]) -> list[str]:
    """The oldest errand first, then those that have none, in the order given."""
    rows = turn.state.traffic.vehicles
    return sorted(vehicles, key=lambda v: (0, rows[v].asked_ms, v) if rows[v].sink is not None else (1, 0, ""))


def give_back(turn: Turn, vehicle: str) -> None:
    """A vehicle that stands gives back the leg that it has not begun, for another to take.

    One that is lost keeps it: most come back within seconds, and drive on where they were.
    """
    leg = leg_of(turn, vehicle)
    if leg is None or leg.picked or turn.state.device[vehicle].link is not e.Link.SYNCHRONISED:
        return
    task = tasks.open_task(turn, vehicle)
    if task is not None and task.leg == leg.number:
        return  # it is at the load already: nobody else may reach for it
    turn.record(f.LegAssigned(number=leg.number, device=""))
    if turn.state.vehicle[vehicle].sink is not None:
        turn.record(f.ErrandEnded(vehicle=vehicle))


def is_free(turn: Turn, vehicle: str) -> bool:
    """Whether a vehicle can be given a leg: it has none, carries nothing, and its battery lasts."""
    state = turn.state
    if state.units_at.get(vehicle) or leg_of(turn, vehicle) is not None:
        return False
    task = tasks.open_task(turn, vehicle)
    if task is not None and task.task.type is not TaskType.POSITION:
        return False
    return state.device[vehicle].battery_permille >= BATTERY_LOW_PERMILLE


def leg_of(turn: Turn, vehicle: str) -> e.Leg | None:
    """The leg that this vehicle has been given."""
    for number in turn.state.legs_of_device.get(vehicle, ()):
        return turn.state.leg[number]
    for unit in turn.state.units_at.get(vehicle, ()):
        return turn.state.leg_of_unit(unit)
    return None


def assign_legs(turn: Turn) -> list[str]:
    """Oldest leg first, to the vehicle that the policy names; returns who was given one."""
    state, attention = turn.state, turn.state.attention
    free: list[str] | None = None
    given: list[str] = []
    if not attention.take_legs() or not state.vehicles_idle:
        return given
    closed: dict[str, None] = {}
    for number in attention.legs_awake():
        if free is not None and not free:
            break
        leg = state.leg[number]
        place = place_against(turn, leg, closed)
        if place:
            attention.leg_rests(number, turn.layout.around(place))
            continue
        free = free_vehicles(turn) if free is None else free
        if not free:
            break
        node = turn.layout.stops[leg.source][0].name
        vehicle = _choose(turn, free, node)
        free.remove(vehicle)
        turn.record(f.LegAssigned(number=number, device=vehicle))
        turn.record(f.ErrandGiven(vehicle=vehicle, sink=node, at_ms=turn.now_ms))
        given.append(vehicle)
    return given


def free_vehicles(turn: Turn) -> list[str]:
    """Who can be given a leg now."""
    return [v for v in turn.state.vehicles_idle if may_drive(turn, v) and is_free(turn, v)]


def may_drive(turn: Turn, vehicle: str) -> bool:
    """Whether it can be given something to do: able, in service, and everything answered that it was sent."""
    device = turn.state.device[vehicle]
    able = turn.state.vehicle[vehicle].able and device.in_service and not device.command_sequence
    return able and not retries.awaits_retry(turn, vehicle)


def place_against(turn: Turn, leg: e.Leg, closed: dict[str, None]) -> str:
    """The place that refuses this leg to all vehicles now; empty if none does.

    What is against bringing something to a sink is the same for all that wait for it: asked once, then it is closed
    (a leg that is given meanwhile only takes more of the room).
    """
    if leg.sink in closed:
        return leg.sink
    if cranes.reasons_against_source(turn, leg):
        return leg.source
    if transports.reasons_against_bringing(turn, leg.sink, leg=leg.number):
        closed[leg.sink] = None
        return leg.sink
    return ""


def _choose(turn: Turn, free: list[str], node: str) -> str:
    """Who takes a leg that begins at this node; ties by name."""
    if turn.state.policies.vehicle_choice == "longest_idle":
        return min(free, key=lambda v: (turn.state.vehicle[v].moved_ms, v))
    return min(free, key=lambda v: (_distance(turn, v, node), v))


def _distance(turn: Turn, vehicle: str, node: str) -> int:
    traffic = turn.state.traffic
    graph = traffic.graph
    return int(graph.time_ms(graph.index[traffic.vehicles[vehicle].end], graph.index[node]))


def go_on(turn: Turn, vehicle: str) -> Rest | None:
    """The next task of one vehicle, or a longer way for the one it drives; None: ask it again at the next look."""
    task = tasks.open_task(turn, vehicle)
    if task is not None:
        return driving.extend(turn, task) if turn.state.vehicle[vehicle].sink is not None else Rest()
    unit = turn.state.unit_at(vehicle)
    leg = leg_of(turn, vehicle) or (resume_leg(turn, vehicle, unit) if unit else None)
    if leg is not None:
        return carry(turn, vehicle, leg)
    return None if unit else park_or_charge(turn, vehicle)


def resume_leg(turn: Turn, vehicle: str, unit: int) -> e.Leg | None:
    """A load on a vehicle without a leg: its transport order goes on from on board."""
    transport = turn.state.transport_for(unit)
    if transport is None or transport.leg:
        return None
    plan = transports.next_leg(turn, vehicle, transport.sink)
    if plan is None:
        return None
    leg = e.Leg(
        number=turn.state.next_number("leg"),
        transport_order=transport.number,
        load_unit=unit,
        carrier=FLEET,
        source=vehicle,
        sink=plan.sink,
        device=vehicle,
        picked=True,
    )
    turn.record(f.LegStarted(leg=leg))
    return leg


def carry(turn: Turn, vehicle: str, leg: e.Leg) -> Rest | None:
    """Drive to the leg's source or sink, then pick or set down there."""
    row = turn.state.vehicle[vehicle]
    place = leg.sink if leg.picked else leg.source
    node, level = turn.layout.stops[place]
    if row.node != node.name:
        if row.sink != node.name:
            turn.record(f.ErrandGiven(vehicle=vehicle, sink=node.name, at_ms=turn.now_ms))
        return drive(turn, vehicle, leg)
    if row.sink is not None:
        turn.record(f.ErrandEnded(vehicle=vehicle))
    address = Address(a=node.number, b=level)
    if leg.picked:
        if not transports.reasons_against_set_down(turn, place, leg=leg.number, but_vehicles=True):
            tasks.start(turn, vehicle, leg, TaskType.DEPOSIT, sink=place, sink_address=address)
    elif not cranes.reasons_against_source(turn, leg):
        tasks.start(turn, vehicle, leg, TaskType.PICK, source=place, source_address=address)
    return None


def drive(turn: Turn, vehicle: str, leg: e.Leg | None = None) -> Rest | None:
    """One POSITION along what is granted now; nothing if nothing is, and where something closes every way, it is said
    of the load that waits for it.
    """
    nodes = driving.grant(turn, vehicle)
    if leg is not None:
        transports.wait(turn, leg.transport_order, driving.no_way(turn, nodes) if isinstance(nodes, Refusal) else "")
    if isinstance(nodes, Refusal):
        return driving.rest(turn, nodes)
    sink, p = driving.stretch(turn, nodes)
    tasks.start(turn, vehicle, None, TaskType.POSITION, sink=nodes[-1], sink_address=sink, p=p)
    return None


def park_or_charge(turn: Turn, vehicle: str) -> Rest | None:
    """An idle vehicle goes home. One whose battery is not full enough charges where it stands, if it can, or goes to a
    charger that is free and makes that its home.
    """
    row = turn.state.vehicle[vehicle]
    node, home = turn.layout.nodes[row.node], turn.layout.nodes[row.home]
    low = turn.state.device[vehicle].battery_permille < BATTERY_TOP_UP_PERMILLE
    if low and not node.charging and not home.charging:
        charger = row.sink if _charges(turn, row.sink) else nearest_charger(turn.state.traffic, vehicle)
        if charger is not None:
            if row.sink != charger:
                turn.record(f.ErrandGiven(vehicle=vehicle, sink=charger, at_ms=turn.now_ms))
            return drive(turn, vehicle)
    if row.sink is not None:
        turn.record(f.ErrandEnded(vehicle=vehicle))
    if low and node.charging and not row.ahead:
        tasks.start(turn, vehicle, None, TaskType.CHARGE, sink=row.node, sink_address=Address(a=node.number))
        return Rest()
    if row.node != row.home:
        return drive(turn, vehicle)
    return None if low else Rest()  # a charger may become free at any time


def _charges(turn: Turn, node: str | None) -> bool:
    return node is not None and turn.layout.nodes[node].charging
