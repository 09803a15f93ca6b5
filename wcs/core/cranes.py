"""What a stacker crane does next: storage and retrieval paired into dual command cycles.

Rule: a crane with a load on board finishes that first; then it alternates, so that a storage is followed by the
retrieval that lies nearest to where it ends, and no leg waits behind more than `WINDOW` younger ones. Where the
policy of pairing says so, it takes the oldest leg that can begin instead.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core import on_board, retries, tasks, transports, waiting
from wcs.core.ports import TaskType
from wcs.core.turn import Turn

# Retrievals looked at for the nearest: more gains little travel (Han et al. 1987) and lets old ones wait.
WINDOW = 8


def dispatch(turn: Turn, crane: str) -> None:
    """Give the crane its next task if it can take one and there is one."""
    device = turn.state.device[crane]
    if reasons_against_device(turn, device):
        return
    leg = leg_on_board(turn, crane) if turn.state.units_at.get(crane) else next_leg(turn, crane)
    if leg is None:
        return
    if not leg.device:
        turn.record(f.LegAssigned(number=leg.number, device=crane))
    address = turn.layout.crane_address
    tasks.start(
        turn,
        crane,
        leg,
        TaskType.DEPOSIT if leg.picked else TaskType.TRANSFER,
        source="" if leg.picked else leg.source,
        sink=leg.sink,
        source_address=None if leg.picked else address(crane, leg.source),
        sink_address=address(crane, leg.sink),
    )


def reasons_against_device(turn: Turn, device: e.Device) -> str:
    """Why a task-driven device gets no task now; empty if it can."""
    if device.task:
        return f"works on task {device.task}"
    if not device.able:
        return device.stopped or f"not able ({device.link.value}, mode {device.mode.name})"
    if not device.in_service:
        return f"taken out of service by {device.out_of_service_by}"
    if device.command_sequence:
        return "has not answered its last command"
    if on_board.is_unknown(turn.state, device.name):
        return "has a load on board that the book does not know"
    if retries.awaits_retry(turn, device.name):
        return retries.reason(turn, device.name)
    return ""


def leg_on_board(turn: Turn, crane: str) -> e.Leg | None:
    """The leg of the load on this crane, where it can be set down now."""
    for unit in turn.state.units_at.get(crane, ()):
        leg = turn.state.leg_of_unit(unit)
        if leg is None:
            transport = turn.state.transport_for(unit)
            leg = _resume_leg(turn, crane, transport) if transport is not None else None
        if leg is not None and not reasons_against_sink(turn, leg):
            return leg
        return None
    return None


def _resume_leg(turn: Turn, crane: str, transport: e.TransportOrder) -> e.Leg | None:
    """A load on a crane without a leg (its plan was changed on board): the leg to its new sink begins on board."""
    plan = transports.next_leg(turn, crane, transport.sink)
    if plan is None or plan.carrier != crane:
        return None
    leg = e.Leg(
        number=turn.state.next_number("leg"),
        transport_order=transport.number,
        load_unit=transport.load_unit,
        carrier=crane,
        source=crane,
        sink=plan.sink,
        picked=True,
    )
    turn.record(f.LegStarted(leg=leg))
    return leg


def next_leg(turn: Turn, crane: str) -> e.Leg | None:
    """Storage and retrieval in turn; of the retrievals the nearest of the oldest few."""
    layout, state = turn.layout, turn.state
    storage: e.Leg | None = None
    retrievals: list[e.Leg] = []
    closed: dict[str, None] = {}
    if waiting.block_of_aisle(state, crane) is not None:
        return None
    legs = (state.leg[n] for n in state.legs_of_carrier.get(crane, ()) if not state.leg[n].device)
    for leg in legs:
        if layout.is_location(leg.source):
            # What is against a transfer point is the same for all that wait to be set down there: asked once.
            if len(retrievals) < WINDOW and leg.sink not in closed:
                if not reasons_against(turn, leg):
                    retrievals.append(leg)
                elif reasons_against_sink(turn, leg):
                    closed[leg.sink] = None
        elif storage is None and not reasons_against(turn, leg):
            storage = leg
        if storage is not None and len(retrievals) >= WINDOW:
            break
    if state.policies.pairing == "oldest_first":
        found = [*retrievals, *([storage] if storage is not None else [])]
        return min(found, key=lambda leg: leg.number, default=None)
    stored_last = layout.is_location(last_sink(turn, crane))
    if storage is not None and not (stored_last and retrievals):
        return storage
    if not retrievals:
        return storage
    here = layout.crane_position_mm(crane, last_sink(turn, crane)) if last_sink(turn, crane) else (0, 0)
    return min(retrievals, key=lambda leg: (_travel(turn, crane, here, leg.source), leg.number))


def last_sink(turn: Turn, crane: str) -> str:
    """Where the crane's last task ended, as the book has it; empty before its first."""
    return turn.state.device[crane].last_place


def _travel(turn: Turn, crane: str, here: tuple[int, int], place: str) -> int:
    """Travel by the slower axis, as a figure to compare (speeds only: the nearest is the nearest either way)."""
    machine = turn.layout.cranes[crane]
    x, y = turn.layout.crane_position_mm(crane, place)
    return max(abs(x - here[0]) * 1000 // machine.speed_x_mm_s, abs(y - here[1]) * 1000 // machine.speed_y_mm_s)


def reasons_against(turn: Turn, leg: e.Leg) -> str:
    """Why this leg cannot begin now; empty if it can."""
    state, layout = turn.state, turn.layout
    if block := waiting.block_of(state, leg.source, e.Flow.OUT) or waiting.block_of(state, leg.sink, e.Flow.IN):
        return waiting.of_block(block)
    if not layout.is_location(leg.source) and (reason := reasons_against_source(turn, leg)):
        return reason
    return reasons_against_sink(turn, leg)


def reasons_against_source(turn: Turn, leg: e.Leg) -> str:
    """Why the load cannot be taken from its transfer point now; empty if it can."""
    point = turn.state.transfer_point.get(leg.source)
    if point is None or not point.ready_to_hand_over:
        return f"{leg.source} is not ready to hand over"
    if turn.state.load_unit[leg.load_unit].place != leg.source:
        return f"the load is not at {leg.source} yet"
    return ""


def reasons_against_sink(turn: Turn, leg: e.Leg) -> str:
    if turn.layout.is_location(leg.sink):
        return ""
    return transports.reasons_against_set_down(turn, leg.sink, leg=leg.number)
