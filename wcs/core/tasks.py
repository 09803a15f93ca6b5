"""A device task from its number to its receipt, as the device reports it.

    planned in a leg ── TASK ──▶ SENT ── accepted ──▶ ACCEPTED ── DONE seen ──▶ DONE ── RECEIPT, in ring ──▶ ended
                                   │ refused: ended, the leg is offered again        │ UNKNOWN: a person answers

Rule: a status is a level, not an edge; reading the same one twice changes nothing. What the machine has done is booked
whatever the book thought of it (a physical confirmation is never refused).
"""

from __future__ import annotations

from wcs.core import driving, legs, on_board, stops
from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.layout import Kind
from wcs.core.ports import (
    STOPPED_STATES,
    AckCode,
    Address,
    CommandCode,
    DeviceState,
    DeviceStatus,
    DeviceTask,
    OperatingMode,
    ResultCode,
    TaskType,
)
from wcs.core.retries import REFUSED
from wcs.core.transports import end_leg, wake_around
from wcs.core.turn import Turn
from wcs.traffic.records import Refusal

# Of alarm word 1: what stops a machine until a person has reset it; not the WCS lost, source empty, sink occupied or
# battery low, which end by themselves.
FAULT_BITS = 0b11_1000_1111
BATTERY_STEP = 20  # permille: finer steps would only fill the journal
CARRIES_FROM = (TaskType.TRANSFER, TaskType.PICK)
CARRIES_TO = (TaskType.TRANSFER, TaskType.DEPOSIT)


def start(
    turn: Turn,
    device: str,
    leg: e.Leg | None,
    type_: TaskType,
    *,
    source: str = "",
    sink: str = "",
    source_address: Address | None = None,
    sink_address: Address | None = None,
    p: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> None:
    """Give a device its next task: number and sequence are drawn here and committed before it leaves."""
    state = turn.state
    number = state.next_number("task")
    unit = state.load_unit[leg.load_unit] if leg is not None else None
    task = DeviceTask(
        number=number,
        type=type_,
        source=source_address or Address(),
        sink=sink_address or Address(),
        load_type=unit.load_type if unit else 0,
        load_height_mm=unit.height_mm if unit else 0,
        load_mass_g=unit.mass_g if unit else 0,
        load_id=unit.load_unit if unit else 0,
        p=p,
    )
    open_task = e.OpenTask(
        number=number,
        device=device,
        leg=leg.number if leg else 0,
        task=task,
        state=e.TaskState.SENT,
        source=source,
        sink=sink,
    )
    sequence = state.device[device].sequence + 1
    turn.record(f.DeviceTaskStarted(open_task=open_task, sequence=sequence))
    turn.send_task(open_task, sequence)


def offer_again(turn: Turn, number: int) -> None:
    """The same task under a new sequence: it was refused, or found never executed."""
    task = turn.state.task[number]
    sequence = turn.state.device[task.device].sequence + 1
    turn.record(f.DeviceTaskOffered(number=number, sequence=sequence))
    turn.send_task(task, sequence)


def open_task(turn: Turn, device: str) -> e.OpenTask | None:
    number = turn.state.task_of_device.get(device)
    return None if number is None else turn.state.task[number]


def status_changed(turn: Turn, device: str, status: DeviceStatus, battery_permille: int) -> None:
    """Take in what a synchronised device says of itself."""
    by_hand = driving.may_have_moved_by_hand(turn.state.device[device], status)
    see(turn, device, status, battery_permille)
    if turn.state.device[device].link is not e.Link.SYNCHRONISED:
        return
    take_in_acknowledgement(turn, device, status)
    stops.look(turn, device, status)
    ask_for_reset(turn, device, status)
    task = open_task(turn, device)
    if task is not None:
        take_in_progress(turn, task, status)
    elif status.state is DeviceState.DONE and status.active_task:
        settle_unbooked_done(turn, device, status)
    on_board.look(turn, device, status)
    if turn.layout.kinds[device] is Kind.VEHICLE:
        driving.confirmed(turn, device, status.confirmed[0], moved_by_hand=by_hand)
        turn.wake("VEHICLES")
    else:
        turn.wake(device)


def words_read(kind: Kind, status: DeviceStatus, battery_permille: int) -> tuple[object, ...]:
    """What the mind reads of a status: a status that differs in nothing else changes nothing here, and nothing later.

    For hosts that pay for every report. Steps 1–5 are one, but for a load on board that is not yet drawn in.
    """
    state = status.state
    running = DeviceState.ASSIGNED <= state <= DeviceState.DEPOSITING
    step = (-1 if state is DeviceState.PICKING and status.load_id else 0) if running else state
    return (
        step, status.ack_sequence, status.ack_code, status.latched_epoch, status.mode, status.ready,
        status.retentive_valid, status.active_task, status.result, status.alarms, status.load_id,
        status.done_ring, status.boot_count, status.confirmed if kind is Kind.VEHICLE else None,
        battery_permille // BATTERY_STEP, status.load_present and state is DeviceState.IDLE,
    )  # fmt: skip


def see(turn: Turn, device: str, status: DeviceStatus, battery_permille: int) -> None:
    """Remember what matters: whether it is able, why not, what it carries, what it complains of."""
    known = turn.state.device[device]
    stopped = status.state.name.lower() if status.state in STOPPED_STATES else ""
    able = (
        known.link is e.Link.SYNCHRONISED
        and status.mode is OperatingMode.AUTOMATIC
        and status.ready
        and status.retentive_valid
        and not stopped
    )
    battery_step = battery_permille // BATTERY_STEP * BATTERY_STEP
    confirmed = status.confirmed if turn.layout.kinds[device] is Kind.VEHICLE else (0, 0, 0)
    before = (
        known.mode, known.able, known.stopped, known.alarms, known.confirmed, known.load_unit, known.battery_permille
    )  # fmt: skip
    after = (status.mode, able, stopped, status.alarms, confirmed, status.load_id, battery_step)
    if before == after:
        return
    turn.record(
        f.DeviceSeen(
            device=device,
            mode=status.mode,
            able=able,
            stopped=stopped,
            alarms=status.alarms,
            confirmed=confirmed,
            load_unit=status.load_id,
            battery_permille=battery_step,
        )
    )
    if any(status.alarms) and (not known.able or not able):
        turn.raise_alarm(device, "device_fault", _alarm_text(status), answers=("reset_fault",))
    elif able and (not known.able or any(known.alarms)):
        turn.end_alarms(device, "device_fault", "device is able again")
        if not known.able:
            turn.end_alarms(device, REFUSED, "device is able again")
        turn.orders_changed = True


def ask_for_reset(turn: Turn, device: str, status: DeviceStatus) -> None:
    """A fault that still stands when nothing is on its way to the device wants a person, also after a reset that was
    refused or lost: an answered alarm does not end the condition.
    """
    known = turn.state.device[device]
    if status.alarms[0] & FAULT_BITS and not known.able and not known.command_sequence:
        turn.raise_alarm(device, "device_fault", _alarm_text(status), answers=("reset_fault",))


def _alarm_text(status: DeviceStatus) -> str:
    words = ", ".join(f"{word:#06x}" for word in status.alarms)
    return f"state {status.state.name}, mode {status.mode.name}, alarm words {words}"


def take_in_acknowledgement(turn: Turn, device: str, status: DeviceStatus) -> None:
    """The outstanding command was judged."""
    known = turn.state.device[device]
    if not known.command_sequence or status.ack_sequence < known.command_sequence:
        return
    code = status.ack_code if status.ack_sequence == known.command_sequence else AckCode.ACCEPTED
    turn.record(f.CommandAnswered(device=device, sequence=known.command_sequence, code=code))
    task = open_task(turn, device)
    if task is None or known.command_code not in (CommandCode.TASK, CommandCode.EXTEND):
        return
    if known.command_code == CommandCode.EXTEND:
        return  # refused, the vehicle ends at the former node; what is granted beyond is given back when it stands
    if code in (AckCode.ACCEPTED, AckCode.DUPLICATE_ACTIVE, AckCode.DUPLICATE_DONE):
        if task.state is e.TaskState.SENT:
            turn.record(f.DeviceTaskAccepted(number=task.number))
            turn.end_alarms(device, REFUSED, "a task was accepted")
    else:
        refused(turn, task, code)


def refused(turn: Turn, task: e.OpenTask, code: AckCode) -> None:
    """A refused task latched nothing: it is withdrawn, and the leg is offered again when the device is seen able."""
    turn.record(f.DeviceTaskRefused(number=task.number, code=code))
    turn.record(f.DeviceTaskEnded(number=task.number, outcome=f"refused: {code.name}"))
    turn.raise_alarm(
        task.device, REFUSED, f"task {task.number} {task.task.type.name} refused: {code.name}",
        answers=("done",), load_unit=task.task.load_id,
    )  # fmt: skip
    legs.task_withdrawn(turn, task)
    if code is AckCode.INTERLOCK and task.task.type in (TaskType.PICK, TaskType.DEPOSIT):
        drive_round(turn, task)


def drive_round(turn: Turn, task: e.OpenTask) -> None:
    """A vehicle that will not handle a load at the node where it was last seen stands beyond it (its memory was lost
    on the way): it drives on to a next node, by turns, and comes round again.
    """
    row = turn.state.vehicle.get(task.device)
    if row is None:
        return
    after = [edge.end for edge in turn.layout.plant.track.edges if edge.origin == row.node]
    if not after:
        return
    sink = after[task.number % len(after)]
    turn.record(f.ErrandGiven(vehicle=task.device, sink=sink, at_ms=turn.now_ms))
    nodes = driving.grant(turn, task.device)
    if not isinstance(nodes, Refusal):
        address, p = driving.stretch(turn, nodes)
        start(turn, task.device, None, TaskType.POSITION, sink=nodes[-1], sink_address=address, p=p)


def take_in_progress(turn: Turn, task: e.OpenTask, status: DeviceStatus) -> None:
    """What the status says about the task that we have open on this device."""
    if status.active_task == task.number:
        if task.state is e.TaskState.SENT:
            turn.record(f.DeviceTaskAccepted(number=task.number))
        if status.state is DeviceState.DONE:
            done(turn, task.number, status.result)
        elif status.load_id and status.load_id == task.task.load_id and status.state is not DeviceState.PICKING:
            book_pick(turn, task.number)
        return
    ring = {entry.task_number: entry.result for entry in status.done_ring}
    if task.number in ring:
        if task.state is not e.TaskState.DONE:
            done(turn, task.number, ring[task.number], receipted=True)
        if task.number in turn.state.task and turn.state.task[task.number].state is e.TaskState.DONE:
            ended(turn, task.number)


def book_pick(turn: Turn, number: int) -> None:
    """The load is on board. Booked once, whoever saw it first."""
    task = turn.state.task[number]
    if task.picked or task.task.type not in CARRIES_FROM:
        return
    turn.record(f.DeviceTaskLoadPicked(number=number))
    unit = task.task.load_id
    source = turn.state.load_unit[unit].place
    if source != task.source:
        turn.raise_alarm(
            task.device, "disagreement", f"picked load unit {unit} at {task.source}, but the book had it at {source}",
            answers=("done",), load_unit=unit,
        )  # fmt: skip
    turn.move(unit, task.device, f"T{number}:PICK")
    if task.leg in turn.state.leg:  # given up meanwhile, where a person has said that the load is gone
        turn.record(f.LegPicked(number=task.leg))
    wake_around(turn, source)


def book_deposit(turn: Turn, number: int, sink: str = "") -> None:
    """The load is set down. Booked once, whether the sink's photo-eye or the device's DONE came first."""
    task = turn.state.task[number]
    if task.deposited or task.task.type not in CARRIES_TO:
        return
    book_pick(turn, number)
    turn.record(f.DeviceTaskLoadDeposited(number=number))
    turn.move(task.task.load_id, sink or task.sink, f"T{number}:DEPOSIT")
    wake_around(turn, sink or task.sink)
    # The leg ends with the set-down, not with DONE: a fast belt may have the load at its next point before that.
    if task.leg in turn.state.leg:
        end_leg(turn, task.leg)


def done(turn: Turn, number: int, result: ResultCode, *, receipted: bool = False) -> None:
    """DONE with our task: commit the result and its postings, then RECEIPT."""
    task = turn.state.task[number]
    if task.state in (e.TaskState.DONE, e.TaskState.UNKNOWN):
        return
    if result is ResultCode.UNKNOWN:
        unknown(turn, number, "the device does not know where the load is")
        return
    if result is ResultCode.OK:
        book_pick(turn, number)
        book_deposit(turn, number)
    elif result in (ResultCode.SINK_OCCUPIED, ResultCode.CANCELLED_LOADED):
        book_pick(turn, number)
    turn.record(f.DeviceTaskDone(number=number, result=result))
    if not receipted:
        turn.send(task.device, CommandCode.RECEIPT, number)


def ended(turn: Turn, number: int) -> None:
    """Receipted: the device is free, and the leg goes on with what the result allows."""
    task = turn.state.task[number]
    turn.record(f.DeviceTaskEnded(number=number, outcome=task.result.name))
    legs.task_ended(turn, task)


def unknown(turn: Turn, number: int, reason: str) -> None:
    """Nobody guesses: a person says where the load is."""
    task = turn.state.task[number]
    if task.state is e.TaskState.UNKNOWN:
        return
    turn.record(f.DeviceTaskOutcomeUnknown(number=number, reason=reason))
    turn.raise_alarm(
        task.device,
        "outcome_unknown",
        f"task {number} {task.task.type.name} from {task.source or '-'} to {task.sink or '-'}: {reason}",
        answers=("at_source", "on_device", "at_sink", "gone"),
        task=number,
        load_unit=task.task.load_id,
    )


def settle_unbooked_done(turn: Turn, device: str, status: DeviceStatus) -> None:
    """A task of ours that a person has already closed is reported again: receipt it, nothing more."""
    counter = turn.state.counter.get("task")
    if not turn.state.device[device].command_sequence and counter is not None and status.active_task <= counter.value:
        turn.send(device, CommandCode.RECEIPT, status.active_task)
