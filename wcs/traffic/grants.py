"""Who may drive on: the next stretch for a vehicle, or why not.

Rule: a node is held by one vehicle. A vehicle holds the node it stands on and its released stretch, and lets go only
behind the last confirmed node. A lane needs no lock of its own: who drives in it holds both of its ends.

Why nobody collides, waits for ever or starves:
1. Every vehicle has a home, a parking node of its own that no way of another leads through. A state is *safe* if all
   could go home one after another, from where their stretches end. A grant is made only if its vehicle can go home
   afterwards, perhaps after some others. Then so can all that could before: those others go first, then the vehicle,
   then the rest as before, for one that has gone home is in nobody's way. So safe states stay safe (`safety`).
   Where only that helps, two vehicles exchange homes, if both can then go home (`Traffic.exchange_for`).
2. In a safe state somebody has a free way home. Whoever goes home by its quickest way comes nearer with every grant;
   whoever finds it blocked takes a detour, which is kept free until it is driven, one detour at a time. So if all go
   home, all arrive, in a bounded number of grants.
3. An errand older than `ERRAND_AGE_MAX_MS` sends all others home, the oldest errand first; homes are no longer
   exchanged, and they stay until it is done. If its vehicle is blocked it goes home too, once, and starts again when
   all are there. Then the track is empty, it is well-formed (`homes.check_track`), and the vehicle arrives. So every
   errand ends, while no vehicle stands for ever at its work.
4. All else is for speed: errands led past those who drive and stand now (`Traffic.way`; home leads the quickest way),
   not meeting head-on in a two-way lane, not closing a ring of vehicles that wait for each other, the youngest of these
   giving way first, the oldest being asked first. It only refuses, or chooses among grants that 1 allows.
A vehicle out of service stands on what it holds; ways avoid it, and whoever it cuts off from home stands still too.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec.structs import replace

from slotting.compiled import BoolArray
from wcs.traffic.records import Grant, Refusal, VehicleTraffic
from wcs.traffic.safety import NOBODY, ROAD, free_way
from wcs.traffic.state import Traffic
from wcs.traffic.ways import FAR

NODES_MAX = 4  # P2–P4 and the sink of one POSITION or EXTEND
AHEAD_MAX = 8  # two such stretches
ENOUGH_MS = 2_000  # driving beyond the next node: who holds so much need not ask for more yet, and will not stop
AHEAD_MS = 4_000  # what it is then given: some nodes in one telegram; more would only keep others waiting
ASK_AGAIN_MS = 1_000  # another way may have become the quickest meanwhile; more often costs more than it finds
DETOUR_AFTER_MS = 3_000  # what blocks for less is a vehicle passing by
PATIENCE_MS = 10_000  # longer than passing by or one pick; shorter than anybody would watch
ERRAND_AGE_MAX_MS = 600_000  # far above any errand on a track that moves: beyond it the track is cleared
YIELD_MS = 15_000  # who gave way lets the others pass before it comes out again: a few nodes' driving
HEAD_ON_NODES_MAX = 32  # how far ahead a vehicle looks for one that comes towards it

HELD, KEPT, ARRIVED, ENOUGH = "held", "kept free for a detour", "arrived", "holds enough of its way"
NO_WAY, CUT_OFF = "no way", "cut off from its home"  # until a node or an edge is opened, or a vehicle drives again


def next_grant(traffic: Traffic, vehicle: str, now_ms: int, *, nodes_max: int = NODES_MAX) -> Grant | Refusal:
    """The next stretch for this vehicle, or why there is none now. Changes nothing: apply it with `traffic.grant`.

    A vehicle without errand is led home, so do not ask for one that is at work where it stands. Ask again after its
    rest (`rest_after`), the oldest errand first (`traffic.waiting()`).
    """
    v = traffic.vehicles[vehicle]
    room = min(nodes_max, AHEAD_MAX - len(v.ahead))
    if not v.able:
        return Refusal(vehicle=vehicle, reason="out of service")
    if room < 1 or _beyond_ms(traffic, v) >= ENOUGH_MS:
        return Refusal(vehicle=vehicle, reason=ENOUGH, node=v.end)
    if not traffic.mobile[traffic.numbers[vehicle]]:
        return Refusal(vehicle=vehicle, reason=CUT_OFF, node=v.home)
    if v.detour:
        return _along_detour(traffic, v, room)
    overdue = _overdue(traffic, now_ms)
    recalled = v.sink is not None and overdue is not None and overdue != vehicle
    towards = v.home if recalled else v.towards
    if v.end == towards and v.sink not in (None, v.end):
        rested = v.node == v.home and now_ms - v.moved_ms >= YIELD_MS
        if recalled or not (rested or len(traffic.errands) == 1):
            until_ms = None if recalled else v.moved_ms + YIELD_MS
            return Refusal(vehicle=vehicle, reason="gives way", held_by=overdue, node=v.end, until_ms=until_ms)
        towards = v.sink or v.home
    if v.end == towards:
        return Refusal(vehicle=vehicle, reason=ARRIVED, node=v.end)
    if overdue == vehicle and v.end == v.home:
        away = _not_home(traffic, vehicle)
        if away is not None:
            return Refusal(vehicle=vehicle, reason="waits until all are home", held_by=away)
    retreat = v.sink is not None and (recalled or v.retreating) and towards == v.home
    answer = _lead(traffic, v, towards, room, now_ms, retreat=retreat, exchange=overdue is None)
    if isinstance(answer, Grant):
        return answer
    if towards != v.home and v.end != v.home and _should_give_way(traffic, v, now_ms, overdue == vehicle):
        back = _lead(traffic, v, v.home, room, now_ms, retreat=True, exchange=False)
        if isinstance(back, Grant):
            return back
    return _until(traffic, answer, v, now_ms)


def rest_after(traffic: Traffic, refusal: Refusal, now_ms: int) -> tuple[str, int | None]:
    """The node that must be given up ("" for none), and the time, before asking again is worth it.

    Whatever changes for the vehicle itself comes before both. None: who drives will confirm a node in any case.
    """
    v = traffic.vehicles[refusal.vehicle]
    node = (refusal.node or "") if refusal.reason in (HELD, KEPT) else ""
    if v.ahead and refusal.reason in (HELD, KEPT, ARRIVED, ENOUGH):
        return node, None
    return node, min(now_ms + ASK_AGAIN_MS, refusal.until_ms or now_ms + ASK_AGAIN_MS)


def is_overdue(traffic: Traffic, now_ms: int) -> bool:
    """Whether an errand is so old that the track may be cleared for it."""
    return bool(traffic.errands) and now_ms - traffic.errands[0][0] >= ERRAND_AGE_MAX_MS


def _lead(
    traffic: Traffic, v: VehicleTraffic, towards: str, room: int, now_ms: int, *, retreat: bool, exchange: bool
) -> Grant | Refusal:
    answer = _along_way(traffic, v, towards, room, retreat=retreat, exchange=exchange)
    if isinstance(answer, Refusal) and not v.ahead and now_ms - v.moved_ms >= DETOUR_AFTER_MS:
        return _by_detour(traffic, v, towards, room, retreat=retreat) or answer
    return answer


def _along_way(
    traffic: Traffic, v: VehicleTraffic, towards: str, room: int, *, retreat: bool, exchange: bool
) -> Grant | Refusal:
    """The longest safe part of the quickest way."""
    number = traffic.numbers[v.vehicle]
    way = traffic.way(v, towards, HEAD_ON_NODES_MAX)
    if not way:
        return Refusal(vehicle=v.vehicle, reason=NO_WAY, node=towards, held_by=traffic.held_by(towards))
    free = _free_nodes(traffic, v, way[:room])
    if free == 0:
        return _held(traffic, v, way[0])
    refusal = Refusal(vehicle=v.vehicle, reason="others could not go home past it", node=traffic.graph.names[way[0]])
    for count in range(free, 0, -1):
        other = _comes_towards(traffic, number, way, count)
        if other is not None:
            node = traffic.graph.names[way[count - 1]]
            refusal = Refusal(vehicle=v.vehicle, reason="another comes towards it", node=node, held_by=other)
            continue
        if _closes_ring(traffic, number, way, count):
            node = traffic.graph.names[way[count - 1]]
            refusal = Refusal(vehicle=v.vehicle, reason="others wait for it and it would wait for them", node=node)
            continue
        homes: tuple[tuple[str, str], ...] = ()
        safe = traffic.is_safe(number, way[count - 1])
        if not safe and exchange:
            homes = traffic.exchange_for(number, way[count - 1])
        if safe or homes:
            nodes = tuple(traffic.graph.names[n] for n in way[:count])
            return Grant(vehicle=v.vehicle, nodes=nodes, towards=towards, retreat=retreat, homes=homes)
    return refusal


def _beyond_ms(traffic: Traffic, v: VehicleTraffic) -> int:
    """How long this vehicle drives beyond the next node on what it holds."""
    nodes = [traffic.graph.index[name] for name in v.ahead]
    return sum(traffic.graph.edge_ms(origin, end) for origin, end in pairwise(nodes))


def _free_nodes(traffic: Traffic, v: VehicleTraffic, way: list[int]) -> int:
    """How many nodes of its way are free for this vehicle, one after another, as far as it needs them now."""
    number, last = traffic.numbers[v.vehicle], traffic.graph.index[v.end]
    free, beyond_ms = 0, _beyond_ms(traffic, v)
    for node in way:
        if beyond_ms >= AHEAD_MS or not traffic.is_free(node, number):
            break
        if v.ahead or free:
            beyond_ms += traffic.graph.edge_ms(last, node)
        free, last = free + 1, node
    return free


def _along_detour(traffic: Traffic, v: VehicleTraffic, room: int) -> Grant | Refusal:
    """More of the way that is kept free. It is safe, for so is its rest and the way home from its end."""
    nodes, rest = v.detour[:room], v.detour[room:]
    for name in nodes:
        if not traffic.is_free(traffic.node(name), traffic.numbers[v.vehicle]):
            return _held(traffic, v, traffic.node(name))
    return Grant(
        vehicle=v.vehicle,
        nodes=nodes,
        towards=v.detour[-1],
        detour=rest,
        kept=v.kept if rest else (),
        retreat=v.retreating,
    )


def _by_detour(traffic: Traffic, v: VehicleTraffic, towards: str, room: int, *, retreat: bool) -> Grant | None:
    """A whole free way to `towards` and on home, past all who stand: kept free from now on."""
    if traffic.detours:
        return None
    number, graph = traffic.numbers[v.vehicle], traffic.graph
    shut: BoolArray = graph.obstacles | ((traffic.holders >= 0) & (traffic.holders != number))
    shut |= (traffic.home_of != ROAD) & (traffic.home_of != number)
    origin, sink, home = traffic.node(v.end), traffic.node(towards), traffic.node(v.home)
    if traffic.home_of[sink] == NOBODY and traffic.is_free(sink, number):
        shut[sink] = graph.obstacles[sink]
    way = free_way(graph.first, graph.ends, shut, origin=origin, sink=sink)
    back = free_way(graph.first, graph.ends, shut, origin=sink, sink=home)
    if not way or (sink != home and not back):
        return None
    names = tuple(graph.names[n] for n in way)
    kept = tuple(graph.names[n] for n in back) if len(names) > room else ()
    return Grant(
        vehicle=v.vehicle, nodes=names[:room], towards=towards, detour=names[room:], kept=kept, retreat=retreat
    )


def _held(traffic: Traffic, v: VehicleTraffic, node: int) -> Refusal:
    name, holder = traffic.graph.names[node], int(traffic.holders[node])
    if holder >= 0:
        return Refusal(vehicle=v.vehicle, reason=HELD, node=name, held_by=traffic.names[holder])
    keeper = traffic.names[traffic.keepers[node]]
    return Refusal(vehicle=v.vehicle, reason=KEPT, node=name, held_by=keeper)


def _comes_towards(traffic: Traffic, number: int, way: list[int], count: int) -> str | None:
    """Who comes the other way along our way behind its first `count` nodes, and would meet us at their end."""
    for step in range(count, len(way)):
        holder = int(traffic.holders[way[step]])
        if holder < 0 or holder == number:
            continue
        other = traffic.vehicles[traffic.names[holder]]
        if not other.able or int(traffic.end_nodes[holder]) != way[step]:
            return None
        theirs = traffic.way(other, other.towards, step - count + 1)
        return other.vehicle if theirs == way[count - 1 : step][::-1] else None
    return None


def _closes_ring(traffic: Traffic, number: int, way: list[int], count: int) -> bool:
    """Whether behind the first `count` nodes of our way all would wait for each other, we for them and they for us."""
    if count == len(way):
        return False
    wanted = way[count]
    for _ in traffic.names:
        holder = int(traffic.holders[wanted])
        if holder < 0 or holder == number or int(traffic.end_nodes[holder]) != wanted:
            return False
        other = traffic.vehicles[traffic.names[holder]]
        onward = traffic.way(other, other.towards, 1) if other.able and not other.detour else []
        if not onward:
            return False
        wanted = onward[0]
        if wanted == way[count - 1]:
            return True
    return False


def _should_give_way(traffic: Traffic, v: VehicleTraffic, now_ms: int, overdue: bool) -> bool:
    """Whether this vehicle has stood long enough among vehicles that wait for each other."""
    stood_ms = now_ms - v.moved_ms
    if v.ahead or stood_ms < PATIENCE_MS:
        return False
    long = stood_ms >= 3 * PATIENCE_MS
    chain = _blockers(traffic, v, past_workers=long)
    if chain is None:
        return False
    if overdue or long:
        return True
    younger = [other for other in chain if (other.asked_ms, other.vehicle) > (v.asked_ms, v.vehicle)]
    return len(chain) > 1 and not any(_can_retreat(traffic, other) for other in younger)


def _can_retreat(traffic: Traffic, v: VehicleTraffic) -> bool:
    return isinstance(_along_way(traffic, v, v.home, NODES_MAX, retreat=True, exchange=False), Grant)


def _blockers(traffic: Traffic, v: VehicleTraffic, *, past_workers: bool) -> list[VehicleTraffic] | None:
    """v, who blocks it, who blocks that one, … until one is met again or waits for safety; None: one will move."""
    chain = [v]
    while True:
        last = chain[-1]
        way = traffic.way(last, last.towards, 1)
        holder = int(traffic.holders[way[0]]) if way else -1
        if holder < 0:
            return None if _at_work(traffic, last) else chain
        other = traffic.vehicles[traffic.names[holder]]
        if other.ahead or not other.able or (other.sink is None and not past_workers):
            return None
        if other == v or (other in chain and past_workers):
            return chain
        if other in chain:
            return None
        chain.append(other)


def _overdue(traffic: Traffic, now_ms: int) -> str | None:
    """The vehicle with the oldest errand, if that is too old and can be done at all."""
    for asked_ms, name in traffic.errands:
        if now_ms - asked_ms < ERRAND_AGE_MAX_MS:
            return None
        v = traffic.vehicles[name]
        if v.sink is None or not traffic.mobile[traffic.numbers[name]]:
            continue
        graph, sink = traffic.graph, traffic.node(v.sink)
        there, back = graph.time_ms(traffic.node(v.end), sink), graph.time_ms(sink, traffic.node(v.home))
        if graph.obstacles[sink] or FAR in (there, back):
            continue
        holder = traffic.held_by(v.sink)
        charges = holder not in (None, name) and traffic.home_of[sink] != ROAD
        if not charges:
            return name
    return None


def _at_work(traffic: Traffic, v: VehicleTraffic) -> bool:
    """Whether it stands where its errand ended although it could drive home: it loads or unloads there."""
    return v.sink is None and not v.ahead and _can_retreat(traffic, v)


def _not_home(traffic: Traffic, vehicle: str) -> str | None:
    """Another that is not home yet; who charges at a parking node is in nobody's way and need not be awaited."""
    for n, other in enumerate(traffic.vehicles.values()):
        away = other.ahead or traffic.home_of[traffic.node(other.node)] == ROAD
        if other.vehicle != vehicle and traffic.mobile[n] and away:
            return other.vehicle
    return None


def _until(traffic: Traffic, refusal: Refusal, v: VehicleTraffic, now_ms: int) -> Refusal:
    """The refusal with the next time at which patience changes the answer."""
    if v.ahead:
        return refusal
    ends = [v.moved_ms + wait_ms for wait_ms in (DETOUR_AFTER_MS, PATIENCE_MS, 3 * PATIENCE_MS)]
    ends += [asked_ms + ERRAND_AGE_MAX_MS for asked_ms, _ in traffic.errands[:1]]
    return replace(refusal, until_ms=min((end for end in ends if end > now_ms), default=None))
