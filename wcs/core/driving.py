"""How a vehicle moves on the track: where it is, what it is granted, which stretch it is sent along.

Rule: a vehicle is sent only along nodes that traffic has granted, and what lies behind it is given back only when it
has confirmed the node beyond.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core import on_board
from wcs.core.attention import Rest
from wcs.core.ports import (
    STOPPED_STATES,
    Address,
    CommandCode,
    DeviceStatus,
    DeviceTask,
    OperatingMode,
    TaskType,
)
from wcs.core.turn import Turn
from wcs.traffic.grants import CUT_OFF, NO_WAY, next_grant, rest_after
from wcs.traffic.records import Grant, Refusal

VIA_MAX = 3  # P2–P4
# Beyond the time that its lane takes: a vehicle that confirms no node for so much longer stands, whatever it says.
STALLED_MS = 60_000
STALLED = "vehicle_stalled"
MISLOCATED = "vehicle_mislocated"


def confirmed(turn: Turn, vehicle: str, number: int, *, moved_by_hand: bool) -> None:
    """The vehicle's last confirmed node, as it says (word 58).

    One that may have been `moved_by_hand` stands where it says. Any other is where it was or on its way, whatever else
    it says: what it holds of the track stays held, for it is there or driving there, until a person says otherwise.
    """
    node = turn.layout.node_of_number.get(number)
    row = turn.state.vehicle[vehicle]
    if node is None:
        return
    if node == row.node or node in row.ahead:
        turn.end_alarms(vehicle, MISLOCATED, "it is where it was, or on its way")
    if node == row.node:
        return
    turn.end_alarms(vehicle, STALLED, "it moves again")
    if node in row.ahead:
        turn.record(f.VehicleReached(vehicle=vehicle, node=node, at_ms=turn.now_ms))
    elif moved_by_hand:
        believe(turn, vehicle, node)
    else:
        known = ", ".join((row.node, *row.ahead))
        turn.raise_alarm(vehicle, MISLOCATED, f"says that it is at {node}, and not at {known}", answers=("done",))


def may_have_moved_by_hand(known: e.Device, status: DeviceStatus) -> bool:
    """Whether people may have driven it since it was last seen: it stood for them then, or it does now."""
    was_stopped = bool(known.stopped) or known.mode is not OperatingMode.AUTOMATIC
    return was_stopped or status.state in STOPPED_STATES or status.mode is not OperatingMode.AUTOMATIC


def believe(turn: Turn, vehicle: str, node: str) -> None:
    """It stands there; what it held elsewhere is free, unless it has a task that it may yet go on with: then it stays
    held ahead of it, for that is where it drives if it is resumed, and where it stands if it did not see right.
    """
    holder = turn.state.traffic.held_by(node)
    if holder is not None and holder != vehicle:
        turn.raise_alarm(vehicle, "disagreement", f"says that it is at {node}, which {holder} holds", answers=("done",))
        return
    row = turn.state.vehicle[vehicle]
    turn.record(f.VehicleStopped(vehicle=vehicle, node=node, at_ms=turn.now_ms))
    if turn.state.device[vehicle].task:
        _take(turn, Grant(vehicle=vehicle, nodes=(row.node, *row.ahead), towards=row.sink or row.home))


def located(turn: Turn, vehicle: str) -> None:
    """A person has seen to it that the vehicle is where it says; one that drives is believed when it stands."""
    node = turn.layout.node_of_number.get(turn.state.device[vehicle].confirmed[0])
    if node is not None and node != turn.state.vehicle[vehicle].node and not turn.state.device[vehicle].task:
        believe(turn, vehicle, node)


def note_ability(turn: Turn, vehicle: str) -> bool:
    """Tell traffic whether this vehicle drives; one that does not blocks what it holds."""
    device = turn.state.device[vehicle]
    if not device.task:
        turn.end_alarms(vehicle, STALLED, "its task has ended")
    able = device.able and device.link is e.Link.SYNCHRONISED
    able = able and not is_stalled(turn, vehicle) and not on_board.is_unknown(turn.state, vehicle)
    if able != turn.state.vehicle[vehicle].able:
        turn.record(f.VehicleAbleChanged(vehicle=vehicle, able=able, at_ms=turn.now_ms))
    return able


def is_stalled(turn: Turn, vehicle: str) -> bool:
    """Whether it stands without a word; the others go round it until it confirms a node."""
    return turn.state.has_alarm(vehicle, STALLED)


def look_for_stalled(turn: Turn) -> None:
    """A vehicle under way that has confirmed no node for too long: an alarm, and no more traffic through it."""
    for number in turn.state.task_of_device.values():
        task = turn.state.task[number]
        row = turn.state.vehicle.get(task.device)
        if row is None or not row.ahead or not row.able or task.task.type is not TaskType.POSITION:
            continue
        stood_ms = turn.now_ms - row.moved_ms
        if task.state is not e.TaskState.ACCEPTED or stood_ms <= STALLED_MS:
            continue
        if stood_ms > STALLED_MS + lane_ms(turn, task.device, row.node, row.ahead[0]):
            turn.raise_alarm(task.device, STALLED, f"has stood at {row.node} for {stood_ms // 1000} s on its way")


def lane_ms(turn: Turn, vehicle: str, origin: str, end: str) -> int:
    """How long this vehicle drives from one node to the next."""
    for edge in turn.layout.plant.track.edges:
        if (edge.origin, edge.end) == (origin, end):
            speed_mm_s = min(edge.speed_max_mm_s, turn.layout.vehicles[vehicle].speed_mm_s)
            return edge.length_mm * 1000 // speed_mm_s
    return 0


def stand(turn: Turn, vehicle: str) -> None:
    """It has no task: what was granted and not driven is free again."""
    row = turn.state.vehicle[vehicle]
    if row.ahead:
        turn.record(f.VehicleStopped(vehicle=vehicle, node=row.node, at_ms=turn.now_ms))


def grant(turn: Turn, vehicle: str) -> tuple[str, ...] | Refusal:
    """The next stretch towards the errand (or home), reserved; if there is none now, nothing changes."""
    answer = next_grant(turn.state.traffic, vehicle, turn.now_ms, nodes_max=VIA_MAX + 1)
    return answer if isinstance(answer, Refusal) else _take(turn, answer)


def rest(turn: Turn, refusal: Refusal) -> Rest:
    """Until when asking again would bring the same answer."""
    return Rest(*rest_after(turn.state.traffic, refusal, turn.now_ms))


def no_way(turn: Turn, refusal: Refusal) -> str:
    """That something closes every way of this vehicle; empty if it only waits for its turn."""
    if refusal.reason not in (NO_WAY, CUT_OFF):
        return ""
    return f"{refusal.vehicle} finds no way from {turn.state.vehicle[refusal.vehicle].node} to {refusal.node}"


def _take(turn: Turn, answer: Grant) -> tuple[str, ...]:
    turn.record(
        f.RouteGranted(
            vehicle=answer.vehicle,
            nodes=answer.nodes,
            towards=answer.towards,
            detour=answer.detour,
            kept=answer.kept,
            retreat=answer.retreat,
            homes=answer.homes,
            at_ms=turn.now_ms,
        )
    )
    return answer.nodes


def stretch(turn: Turn, nodes: tuple[str, ...]) -> tuple[Address, tuple[int, int, int, int]]:
    """Sink address and P1–P4 of a POSITION along these nodes."""
    numbers = [turn.layout.nodes[n].number for n in nodes]
    via = ([*numbers[:-1], 0, 0, 0])[:VIA_MAX]
    return Address(a=numbers[-1]), (0, via[0], via[1], via[2])


def extend(turn: Turn, task: e.OpenTask) -> Rest | None:
    """A vehicle whose next stretch is free does not stop: lengthen its POSITION before it ends."""
    device = turn.state.device[task.device]
    if task.task.type is not TaskType.POSITION or task.state is not e.TaskState.ACCEPTED or device.command_sequence:
        return Rest()
    end = turn.state.vehicle[task.device].ahead[-1:] or (turn.state.vehicle[task.device].node,)
    if turn.layout.nodes[end[0]].number != task.task.sink.a:
        return Rest()
    nodes = grant(turn, task.device)
    if isinstance(nodes, Refusal):
        return rest(turn, nodes)
    sink, p = stretch(turn, nodes)
    longer = DeviceTask(number=task.number, type=TaskType.POSITION, source=task.task.sink, sink=sink, p=p)
    sequence = device.sequence + 1
    turn.record(f.DeviceTaskExtended(number=task.number, sequence=sequence, task=longer))
    turn.send_task(turn.state.task[task.number], sequence, CommandCode.EXTEND)
    return None
