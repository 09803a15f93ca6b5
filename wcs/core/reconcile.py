"""After every connect: what we have on paper against what the device says.

    connected ── SYNC ──▶ whole read ──▶ reconcile ──▶ synchronised

Rule: nothing is guessed and nothing is sent twice under a new number. The rows are tried top down, as the device
interface lists them.
"""

from __future__ import annotations

from wcs.core import driving, handover, legs, on_board, points, tasks
from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.layout import FLEET, Kind
from wcs.core.ports import (
    STOPPED_STATES,
    CommandCode,
    DeviceSnapshot,
    DeviceState,
    DeviceStatus,
    OperatingMode,
    ResultCode,
)
from wcs.core.turn import Turn

RUNNING = (
    DeviceState.ASSIGNED,
    DeviceState.TO_PICK,
    DeviceState.PICKING,
    DeviceState.TO_DEPOSIT,
    DeviceState.DEPOSITING,
)


def connected(turn: Turn, snapshot: DeviceSnapshot) -> None:
    """First read of a new connection: is the device ours? Then SYNC, the barrier against delayed telegrams."""
    device = turn.state.device[snapshot.device]
    status = snapshot.status
    foreign = reasons_to_freeze(turn, device, status)
    if foreign:
        freeze(turn, device, status, foreign)
        turn.raise_alarm(device.name, "foreign_device", foreign, answers=("take_over",))
        return
    if device.link is not e.Link.FROZEN:
        synchronise(turn, device, status)


def reasons_to_freeze(turn: Turn, device: e.Device, status: DeviceStatus) -> str:
    """Why another host seems to have driven this device; empty if it is ours."""
    if status.latched_epoch > turn.epoch:
        return f"epoch {status.latched_epoch} was seen there, ours is {turn.epoch}"
    counter = turn.state.counter.get("task")
    highest = counter.value if counter else 0
    seen = highest_task(status)
    if seen > highest:
        return f"task {seen} was seen there, ours go to {highest}"
    if status.ack_sequence > device.sequence:
        return f"command {status.ack_sequence} was acknowledged there, ours go to {device.sequence}"
    return ""


def freeze(turn: Turn, device: e.Device, status: DeviceStatus, reason: str) -> None:
    """No command goes there until a person takes it over."""
    task = highest_task(status)
    seen = (status.latched_epoch, task, status.ack_sequence)
    if device.link is e.Link.FROZEN and seen == (device.foreign_epoch, device.foreign_task, device.foreign_sequence):
        return
    turn.record(
        f.DeviceFrozen(
            device=device.name, reason=reason, epoch=status.latched_epoch, task=task, sequence=status.ack_sequence
        )
    )


def highest_task(status: DeviceStatus) -> int:
    return max([status.active_task, *(entry.task_number for entry in status.done_ring)])


def take_over(turn: Turn, name: str, actor: str) -> None:
    """A person says that the device is ours: epoch and task counter rise above everything that was seen there."""
    device = turn.state.device[name]
    counter = turn.state.counter.get("task")
    turn.record(
        f.EpochRaised(
            epoch=max(turn.epoch, device.foreign_epoch + 1),
            task_counter=max(device.foreign_task, counter.value if counter else 0),
            actor=actor,
        )
    )
    turn.record(f.DeviceLinkChanged(device=name, link=e.Link.FOUND, reason=f"taken over by {actor}"))
    sequence = max(device.sequence, device.foreign_sequence) + 1
    turn.send(name, CommandCode.SYNC, sequence=sequence)


def synchronise(turn: Turn, device: e.Device, status: DeviceStatus, *, p1: int = 0) -> None:
    """SYNC with a sequence above everything that either side has used."""
    if device.link is not e.Link.FOUND:
        turn.record(f.DeviceLinkChanged(device=device.name, link=e.Link.FOUND, reason="connected"))
    sequence = max(device.sequence, status.ack_sequence) + 1
    turn.send(device.name, CommandCode.SYNC, p1=p1, sequence=sequence)


def synchronised(turn: Turn, sequence: int, snapshot: DeviceSnapshot) -> None:
    """The whole read after SYNC's acknowledgement: reconcile, then work goes on."""
    device = turn.state.device[snapshot.device]
    if sequence != device.sync_sequence or device.link is e.Link.FROZEN:
        return
    status = snapshot.status
    turn.record(f.CommandAnswered(device=device.name, sequence=sequence, code=status.ack_code))
    turn.record(f.DeviceLinkChanged(device=device.name, link=e.Link.SYNCHRONISED, reason="reconciled"))
    turn.end_alarms(device.name, "device_lost", "device is back")
    tasks.see(turn, device.name, status, snapshot.battery_permille)
    if turn.layout.kinds[device.name] is Kind.CONVEYOR:
        tracked(turn, device.name, snapshot)
    else:
        if turn.layout.kinds[device.name] is Kind.VEHICLE:
            driving.confirmed(turn, device.name, status.confirmed[0], moved_by_hand=status.state not in RUNNING)
        task_driven(turn, device.name, status)
        on_board.look(turn, device.name, status)
    tasks.ask_for_reset(turn, device.name, status)
    turn.wake_all()


def tracked(turn: Turn, device: str, snapshot: DeviceSnapshot) -> None:
    """A conveyor block: take in every transfer point and point, answer what is open, let the belt run."""
    status = snapshot.status
    for index, transfer in enumerate(snapshot.transfers):
        handover.transfer_changed(turn, device, index, transfer, again=True)
    for index, point in enumerate(snapshot.points):
        points.point_changed(turn, device, index, point, again=True)
    if not status.retentive_valid:
        turn.send(device, CommandCode.SYNC, p1=1)
    if status.state in (DeviceState.INTERRUPTED, DeviceState.PAUSED) and status.mode is OperatingMode.AUTOMATIC:
        turn.send(device, CommandCode.RESUME)


def task_driven(turn: Turn, device: str, status: DeviceStatus) -> None:
    """A crane or vehicle: what of our task it has."""
    task = tasks.open_task(turn, device)
    ring = {entry.task_number: entry.result for entry in status.done_ring}
    if not status.retentive_valid:
        memory_lost(turn, device, task, ring)
        return
    if task is None:
        if status.state is DeviceState.DONE and status.active_task:
            tasks.settle_unbooked_done(turn, device, status)
        elif status.active_task and status.state in STOPPED_STATES:
            turn.send(device, CommandCode.CANCEL, status.active_task)
        elif status.active_task:
            turn.raise_alarm(
                device, "disagreement", f"works on task {status.active_task}, which is closed here",
                answers=("done",), task=status.active_task,
            )  # fmt: skip
        return
    if task.state is e.TaskState.UNKNOWN:
        return
    if status.active_task == task.number or task.number in ring:
        adopt(turn, task, status)
    else:
        not_executed(turn, task)


def adopt(turn: Turn, task: e.OpenTask, status: DeviceStatus) -> None:
    """The device knows our task: go on from what it says."""
    tasks.take_in_progress(turn, task, status)
    if status.active_task != task.number:
        return
    if status.state in (DeviceState.PAUSED, DeviceState.INTERRUPTED):
        resume(turn, task.device, task.number, status)
    elif status.state is DeviceState.DONE and task.state is e.TaskState.DONE:
        turn.send(task.device, CommandCode.RECEIPT, task.number)


def resume(turn: Turn, device: str, task_number: int, status: DeviceStatus) -> None:
    """By policy a stopped task is resumed; the PLC judges by its sensors whether that is safe."""
    if status.mode is OperatingMode.AUTOMATIC:
        turn.send(device, CommandCode.RESUME, task_number)


def not_executed(turn: Turn, task: e.OpenTask) -> None:
    """Committed, but neither active nor in the ring: lost or refused. Offered again, under the same number."""
    if task.state is e.TaskState.DONE:
        tasks.ended(turn, task.number)
    elif task.picked or task.deposited:
        tasks.unknown(turn, task.number, "the device has forgotten a task that had begun")
    elif turn.state.device[task.device].able and turn.state.device[task.device].in_service:
        tasks.offer_again(turn, task.number)
    else:
        turn.record(f.DeviceTaskEnded(number=task.number, outcome="not executed"))
        legs.task_withdrawn(turn, task)


def memory_lost(turn: Turn, device: str, task: e.OpenTask | None, ring: dict[int, ResultCode]) -> None:
    """Retentive memory is gone: an open task's outcome is unknown and is never sent again by itself."""
    if task is not None and task.state is e.TaskState.DONE:
        tasks.ended(turn, task.number)
    elif task is not None and task.number not in ring:
        if task.state is not e.TaskState.UNKNOWN:
            tasks.unknown(turn, task.number, "the device has lost its retentive memory")
        return
    settle_memory(turn, device)


def settle_memory(turn: Turn, device: str) -> None:
    """Nothing is open any more: the device may trust its (new) memory."""
    if turn.state.device[device].link is e.Link.SYNCHRONISED:
        turn.send(device, CommandCode.SYNC, p1=1)


def is_driven_by_another(turn: Turn, device: str, status: DeviceStatus) -> bool:
    """A later epoch than ours was latched: another host drives it now, and we stop."""
    known = turn.state.device[device]
    if status.latched_epoch <= turn.epoch or known.link is not e.Link.SYNCHRONISED:
        return False
    freeze(turn, known, status, "another host drives this device")
    turn.raise_alarm(device, "foreign_device", "another host drives this device", answers=("take_over",))
    return True


def lost(turn: Turn, device: str, reason: str) -> None:
    """The connection is gone. Its task stays open on it; one alarm, however often it is reported."""
    known = turn.state.device[device]
    if known.link in (e.Link.FOUND, e.Link.SYNCHRONISED):
        turn.record(f.DeviceLinkChanged(device=device, link=e.Link.LOST, reason=reason))
        if known.ever_synchronised:
            turn.raise_alarm(device, "device_lost", reason)
        turn.wake(FLEET)  # if it is a vehicle, the others are led around it
