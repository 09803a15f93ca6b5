"""A stacker crane: mast, fork and sensors around the program of a task-driven PLC.

Rule: a command never moves anything; it changes the retentive memory, and `advance` moves what the memory says.

    travel (the slower of two axes) ─▶ reach (half a fork cycle) ─▶ the load changes place ─▶ retract (the other half)

A stop takes effect at once; the way of an emergency braking is not modelled.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from devices.machines.crane_reach import CraneReach, Stop
from devices.machines.kinematics import position_mm, travel_time_ms
from devices.machines.load_exchange import exchange
from devices.machines.machine import Load, Words, World
from devices.machines.task_controller import Alarm, Panel, TaskController
from devices.machines.task_plc import (
    FLAG_HOLD_ON_WCS_LOSS,
    Act,
    Senses,
    TaskMemory,
    finished,
    judge,
    stepped,
    stopped,
)
from wcs.core.ports import (
    Address,
    Command,
    DeviceCommand,
    DeviceSnapshot,
    DeviceState,
    DeviceStatus,
    DeviceTask,
    OperatingMode,
    ResultCode,
    TaskType,
    Telemetry,
)
from wcs.plant.model import Plant, Record, StackerCrane

SINK_WAIT_MS = 60_000  # the giver waits so long for a transfer point: device interface, hand-over
STEPS_PER_ADVANCE_MAX = 64  # a task has some ten; more means a loop that stands still in time


class Moving(enum.StrEnum):
    """What is in motion."""

    TRAVEL = "travel"
    REACH = "reach"
    RETRACT = "retract"
    WAIT = "wait"


class Motion(Record):
    """One motion with its end; `x_mm` and `y_mm` are where a travel goes."""

    moving: Moving
    started_ms: int
    ends_ms: int
    x_mm: int = 0
    y_mm: int = 0


class CranePhysical(Record):
    """The crane's body: it survives a loss of power. `reaches_into` names the place where the fork is, "" = centred."""

    x_mm: int
    y_mm: int
    reaches_into: str = ""
    motion: Motion | None = None
    still_since_ms: int = 0
    homing: bool = False
    confirmed: tuple[int, int, int] = (0, 0, 0)
    odometer_mm: int = 0
    cycle_count: int = 0
    pick_count: int = 0
    panel: Panel = Panel()


class CraneMachine:
    """One stacker crane with its PLC.

    Args:
        plant: for its aisle and the names of the locations.
        crane: which crane.
        world: where loads are.
        keep: called with each new retentive memory, before anything moves because of it.
        physical: the body of an earlier life (its `physical()`), stopped where it was at `stopped_ms`.
    """

    def __init__(
        self,
        plant: Plant,
        crane: StackerCrane,
        world: World,
        *,
        keep: Callable[[TaskMemory], None] = lambda memory: None,
        physical: CranePhysical | None = None,
        stopped_ms: int = 0,
    ) -> None:
        self.crane = crane
        self.devices: tuple[str, ...] = (crane.name,)
        self._words = (Words(0, crane.name),)
        self._reach = CraneReach(plant, crane)
        self._world = world
        self._body = physical or CranePhysical(x_mm=crane.home_x_mm, y_mm=crane.home_y_mm)
        self.plc = TaskController(crane.name, keep, self._body.panel)
        if physical is not None:
            self._halt(stopped_ms)
            if self._body.reaches_into:
                world.set_engaged(self._body.reaches_into, True)

    def command(self, command: Command, now_ms: int) -> None:
        """Judge one telegram in the scan at now_ms."""
        if not isinstance(command, DeviceCommand):
            return
        self.advance(now_ms)
        memory, act = judge(self.plc.memory, command, self._senses(), self._reach)
        self.plc.remember(memory)
        match act:
            case Act.CLEAR_FAULT:
                self.plc.clear_latch()
            case Act.CHANGE_MODE:
                self.plc.change_mode(OperatingMode(command.p1))
            case Act.HOME:
                self._body = replace(self._body, homing=True)
            case Act.NONE | Act.EXTEND:
                pass
        self._settle(now_ms)

    def refuse(self, epoch: int, sequence: int) -> None:
        """Answer BAD_PARAMETER to a telegram whose codes could not be decoded."""
        self.plc.refuse(epoch, sequence)

    def advance(self, now_ms: int) -> None:
        """Do everything that is due up to now_ms."""
        for _ in range(STEPS_PER_ADVANCE_MAX):
            motion = self._body.motion
            if motion is not None and motion.moving == Moving.WAIT and self._sink_accepts():
                self._body = replace(self._body, motion=None, still_since_ms=now_ms)
                self._set_down(now_ms)
                continue
            due = self.next_due_ms()
            if due is None or due > now_ms:
                return
            if motion is None:
                self._begin(due)
            else:
                self._end(motion)
        raise AssertionError(f"{self.crane.name}: more than {STEPS_PER_ADVANCE_MAX} steps in one advance")

    def next_due_ms(self) -> int | None:
        """When the motion under way ends; at once if a task or homing waits to begin its motion."""
        if self._body.motion is not None:
            return self._body.motion.ends_ms
        if self.plc.runs or self._body.homing:
            return self._body.still_since_ms
        return None

    def watched_places(self) -> tuple[str, ...]:
        """Transfer points: a giver waits for them."""
        return self._reach.transfer_places

    def heeds_changes(self) -> bool:
        """While it waits to set down."""
        return self._body.motion is not None and self._body.motion.moving == Moving.WAIT

    def snapshot(self, device: str) -> DeviceSnapshot:
        """The status block; a crane has no transfer points or points of its own."""
        return DeviceSnapshot(device=device, status=self.status(device))

    def take_changes(self) -> tuple[Words, ...]:
        """Whatever it does shows in its status."""
        return self._words

    def battery_permille(self, device: str) -> int:
        """A crane has none."""
        return 1000

    def status(self, device: str) -> DeviceStatus:
        """The status words."""
        body = self._body
        return self.plc.status(
            load_present=self._load() is not None,
            centred=not body.reaches_into,
            in_position=body.motion is None or body.motion.moving != Moving.TRAVEL,
            confirmed=body.confirmed,
        )

    def telemetry(self, device: str, now_ms: int) -> Telemetry:
        """Where mast and carriage are."""
        x_mm, y_mm = self._position(now_ms)
        body = self._body
        way = abs(x_mm - body.x_mm) + abs(y_mm - body.y_mm)
        return Telemetry(
            device=device,
            x_mm=x_mm,
            y_mm=y_mm,
            odometer_m=(body.odometer_mm + way) // 1_000,
            cycle_count=body.cycle_count,
            pick_count=body.pick_count,
        )

    def set_wcs_alive(self, device: str, alive: bool, now_ms: int) -> None:
        """Rule 12: a task under way is finished, nothing new is accepted."""
        self.advance(now_ms)
        self.plc.wcs_alive = alive

    def inject(self, fault: str, arguments: Mapping[str, object], now_ms: int) -> None:
        """Test port: "fault" {alarm}, "clear_fault" {alarm}, "local_reset", "mode" {mode}."""
        self.advance(now_ms)
        if not self.plc.inject(fault, arguments):
            raise ValueError(f"{self.crane.name} knows no {fault}")
        self._settle(now_ms)

    def memory(self) -> TaskMemory:
        """The retentive memory: replaced whenever it changes."""
        return self.plc.memory

    def physical(self) -> CranePhysical:
        """The body as plain data: replaced whenever it changes. A host keeps it apart from the PLC's memory."""
        return self._body

    def restart(self, memory: msgspec.Struct | None, now_ms: int) -> None:
        """Power-up with retentive memory kept, or lost (None): the body stands where the power left it."""
        assert memory is None or isinstance(memory, TaskMemory)
        self._halt(now_ms)
        self.plc.restart(memory)

    def _senses(self) -> Senses:
        task = self.plc.memory.task
        return Senses(
            mode=self.plc.panel.mode,
            load_present=self._load() is not None,
            centred=not self._body.reaches_into,
            source_occupied=task is not None and self._is_occupied(task.source),
            sink_occupied=task is not None and self._is_occupied(task.sink),
            fault_standing=bool(self.plc.panel.causes),
            fault_latched=bool(self.plc.latched),
            wcs_alive=self.plc.wcs_alive,
            homing=self._body.homing,
        )

    def _load(self) -> Load | None:
        loads = self._world.loads(self.crane.name)
        return loads[0] if loads else None

    def _is_occupied(self, address: Address) -> bool:
        stop = self._reach.stop(address)
        return stop is not None and bool(self._world.loads(stop.place))

    def _settle(self, now_ms: int) -> None:
        """After a command or an act of the test port: stop what may no longer move."""
        if self._body.panel is not self.plc.panel:
            self._body = replace(self._body, panel=self.plc.panel)
        if self.plc.panel.causes or self.plc.panel.mode != OperatingMode.AUTOMATIC:
            self._body = replace(self._body, homing=False)
        if not self.plc.runs and not self._body.homing:
            self._halt(now_ms)
        elif self._body.motion is None:
            self._body = replace(self._body, still_since_ms=now_ms)

    def _halt(self, now_ms: int) -> None:
        """Everything stands still where it is."""
        motion = self._body.motion
        x_mm, y_mm = self._position(now_ms)
        self._stand(x_mm, y_mm, now_ms)
        self._body = replace(self._body, homing=False)
        if motion is not None and motion.moving == Moving.RETRACT and now_ms >= motion.ends_ms:
            self._centre()

    def _stand(self, x_mm: int, y_mm: int, now_ms: int) -> None:
        way = abs(x_mm - self._body.x_mm) + abs(y_mm - self._body.y_mm)
        self._body = replace(
            self._body,
            x_mm=x_mm,
            y_mm=y_mm,
            motion=None,
            still_since_ms=now_ms,
            odometer_mm=self._body.odometer_mm + way,
        )

    def _position(self, now_ms: int) -> tuple[int, int]:
        body, crane = self._body, self.crane
        motion = body.motion
        if motion is None or motion.moving != Moving.TRAVEL:
            return body.x_mm, body.y_mm
        elapsed = now_ms - motion.started_ms
        x_mm, y_mm = motion.x_mm - body.x_mm, motion.y_mm - body.y_mm
        x_come = position_mm(elapsed, abs(x_mm), crane.speed_x_mm_s, crane.accel_x_mm_s2)
        y_come = position_mm(elapsed, abs(y_mm), crane.speed_y_mm_s, crane.accel_y_mm_s2)
        return body.x_mm + (x_come if x_mm > 0 else -x_come), body.y_mm + (y_come if y_mm > 0 else -y_come)

    def _begin(self, at_ms: int) -> None:
        """Start the motion of the step that the memory says."""
        state, task = self.plc.memory.state, self.plc.memory.task
        if self._body.reaches_into:
            sets_down = state == DeviceState.DEPOSITING and self._load() is not None
            self._move_fork(Moving.REACH if sets_down else Moving.RETRACT, at_ms)
            return
        if not self.plc.runs:
            self._travel(self.crane.home_x_mm, self.crane.home_y_mm, at_ms)
            return
        assert task is not None
        match state:
            case DeviceState.ASSIGNED:
                picks = task.type in (TaskType.TRANSFER, TaskType.PICK)
                self._step(DeviceState.TO_PICK if picks else DeviceState.TO_DEPOSIT, at_ms)
            case DeviceState.TO_PICK:
                stop = self._stop(task.source)
                self._travel(stop.x_mm, stop.y_mm, at_ms)
            case DeviceState.TO_DEPOSIT:
                stop = self._stop(task.sink)
                self._travel(stop.x_mm, stop.y_mm, at_ms)
            case DeviceState.PICKING if self._load() is not None:
                self._end_pick(task, at_ms)
            case DeviceState.PICKING:
                self._reach_into(task.source, at_ms)
            case DeviceState.DEPOSITING:
                self._reach_into(task.sink, at_ms)
            case _:
                raise AssertionError(f"{self.crane.name}: no motion in {state.name}")

    def _end(self, motion: Motion) -> None:
        """A motion is over: sense, and take the next step."""
        at_ms = motion.ends_ms
        match motion.moving:
            case Moving.TRAVEL:
                self._stand(motion.x_mm, motion.y_mm, at_ms)
                self._arrive(at_ms)
            case Moving.REACH:
                self._exchange(at_ms)
                self._move_fork(Moving.RETRACT, at_ms)
            case Moving.RETRACT:
                self._centre()
                self._stand(self._body.x_mm, self._body.y_mm, at_ms)
                self._drawn_in(at_ms)
            case Moving.WAIT:
                self._finish(ResultCode.SINK_OCCUPIED, at_ms)

    def _arrive(self, at_ms: int) -> None:
        task = self.plc.memory.task
        if task is None or not self.plc.runs:
            self._body = replace(self._body, homing=False, confirmed=(0, 0, 0))
            return
        picks = self.plc.memory.state == DeviceState.TO_PICK
        stop = self._stop(task.source if picks else task.sink)
        self._body = replace(self._body, confirmed=stop.confirmed)
        if not picks and task.type == TaskType.POSITION:
            self._finish(ResultCode.OK, at_ms)
        elif not picks and not self._sink_accepts() and stop.is_transfer_point:
            wait = Motion(moving=Moving.WAIT, started_ms=at_ms, ends_ms=at_ms + SINK_WAIT_MS)
            self._body = replace(self._body, motion=wait)
        elif not picks:
            self._set_down(at_ms)
        elif any(self._world.loads(place) for place in stop.in_front):
            self.plc.raise_fault(Alarm.JAM)  # a load stands before the one that we were sent for
            self._settle(at_ms)
        elif not self._world.loads(stop.place):
            self._finish(ResultCode.SOURCE_EMPTY, at_ms)
        else:
            self._step(DeviceState.PICKING, at_ms)

    def _sink_accepts(self) -> bool:
        """Whether the sink is empty, the way to it is free, and its taker would take a load."""
        task = self.plc.memory.task
        assert task is not None
        stop = self._stop(task.sink)
        free = not any(self._world.loads(place) for place in (*stop.in_front, stop.place))
        return free and self._world.accepts(stop.place)

    def _set_down(self, at_ms: int) -> None:
        """Before the fork goes out with a load: the last moment for "do not deposit after loss of the WCS"."""
        if not self.plc.wcs_alive and self.plc.memory.flags & FLAG_HOLD_ON_WCS_LOSS:
            self.plc.remember(stopped(self.plc.memory, DeviceState.PAUSED))
            self._settle(at_ms)
        elif not self._sink_accepts():
            self._finish(ResultCode.SINK_OCCUPIED, at_ms)
        else:
            self._step(DeviceState.DEPOSITING, at_ms)

    def _exchange(self, at_ms: int) -> None:
        """The fork is all the way out."""
        task = self.plc.memory.task
        assert task is not None
        place, state = self._body.reaches_into, self.plc.memory.state
        if exchange(self._world, self.crane.name, task.number, state, place, at_ms):
            self._body = replace(self._body, pick_count=self._body.pick_count + 1)

    def _drawn_in(self, at_ms: int) -> None:
        """The fork is centred."""
        task, loaded = self.plc.memory.task, self._load() is not None
        if task is None:
            return
        match self.plc.memory.state:
            case DeviceState.PICKING if loaded:
                self._end_pick(task, at_ms)
            case DeviceState.PICKING:
                self._finish(ResultCode.SOURCE_EMPTY, at_ms)
            case DeviceState.DEPOSITING:
                self._finish(ResultCode.SINK_OCCUPIED if loaded else ResultCode.OK, at_ms)
            case _:
                pass  # the fork was centred before a travel, which begins now

    def _end_pick(self, task: DeviceTask, at_ms: int) -> None:
        if task.type == TaskType.PICK:
            self._finish(ResultCode.OK, at_ms)
        else:
            self._step(DeviceState.TO_DEPOSIT, at_ms)

    def _step(self, state: DeviceState, at_ms: int) -> None:
        self.plc.remember(stepped(self.plc.memory, state))
        self._settle(at_ms)

    def _finish(self, result: ResultCode, at_ms: int) -> None:
        self.plc.remember(finished(self.plc.memory, result))
        self._body = replace(self._body, motion=None, cycle_count=self._body.cycle_count + 1)
        self._settle(at_ms)

    def _travel(self, x_mm: int, y_mm: int, at_ms: int) -> None:
        crane = self.crane
        time_ms = max(
            travel_time_ms(abs(x_mm - self._body.x_mm), crane.speed_x_mm_s, crane.accel_x_mm_s2),
            travel_time_ms(abs(y_mm - self._body.y_mm), crane.speed_y_mm_s, crane.accel_y_mm_s2),
        )
        motion = Motion(moving=Moving.TRAVEL, started_ms=at_ms, ends_ms=at_ms + time_ms, x_mm=x_mm, y_mm=y_mm)
        self._body = replace(self._body, motion=motion)

    def _reach_into(self, address: Address, at_ms: int) -> None:
        place = self._stop(address).place
        self._world.set_engaged(place, True)
        self._body = replace(self._body, reaches_into=place)
        self._move_fork(Moving.REACH, at_ms)

    def _move_fork(self, moving: Moving, at_ms: int) -> None:
        half = self.crane.fork_cycle_ms // 2
        time_ms = half if moving == Moving.REACH else self.crane.fork_cycle_ms - half
        self._body = replace(self._body, motion=Motion(moving=moving, started_ms=at_ms, ends_ms=at_ms + time_ms))

    def _centre(self) -> None:
        if self._body.reaches_into:
            self._world.set_engaged(self._body.reaches_into, False)
            self._body = replace(self._body, reaches_into="")

    def _stop(self, address: Address) -> Stop:
        stop = self._reach.stop(address)
        assert stop is not None, f"{self.crane.name}: accepted an address that it has not: {address}"
        return stop
