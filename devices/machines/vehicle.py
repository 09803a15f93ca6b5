"""A vehicle on the track: drive, load handler, battery and sensors around the program of a task-driven PLC.

Rule: a command never moves anything; it changes the retentive memory, and `advance` moves what the memory says.

    POSITION  drive over the nodes of the way; each node reached is confirmed (word 58) and raises EventSeq
    PICK, DEPOSIT  at standstill: reach (half of the handling) ─▶ the load changes place ─▶ retract (the other half)
    CHARGE  until the battery is full

EXTEND and CANCEL plan the drive anew from where it is and as fast as it is. A stop by pause, fault or loss of power
takes effect at once; the way of an emergency braking is not modelled.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from devices.machines.load_exchange import exchange
from devices.machines.machine import Words, World
from devices.machines.task_controller import Panel, TaskController
from devices.machines.task_plc import (
    FLAG_HOLD_ON_WCS_LOSS,
    Act,
    Senses,
    TaskMemory,
    cancelled,
    finished,
    judge,
    stepped,
    stopped,
)
from devices.machines.vehicle_battery import Battery
from devices.machines.vehicle_reach import VehicleReach
from devices.machines.vehicle_way import Drive, Leg, Roads, Spot, driven
from wcs.core.ports import (
    Command,
    DeviceCommand,
    DeviceSnapshot,
    DeviceState,
    DeviceStatus,
    OperatingMode,
    ResultCode,
    TaskType,
    Telemetry,
)
from wcs.plant.model import Plant, Record, Vehicle

SINK_WAIT_MS = 60_000  # the giver waits so long for a transfer point: device interface, hand-over
STEPS_PER_ADVANCE_MAX = 256  # a long time asleep passes many nodes; more means a loop that stands still in time


class Doing(enum.StrEnum):
    """What takes time at standstill."""

    REACH = "reach"
    RETRACT = "retract"
    WAIT = "wait"
    CHARGE = "charge"


class Work(Record):
    """One act at standstill with its end."""

    doing: Doing
    started_ms: int
    ends_ms: int


class VehiclePhysical(Record):
    """The vehicle's body: it survives a loss of power. `reaches_into` is the place where the load handler is.

    `way_task` and `way_done`: how many nodes of which task's way are behind it.
    """

    spot: Spot
    energy_mj: int
    heading_mrad: int = 0
    drive: Drive | None = None
    work: Work | None = None
    still_since_ms: int = 0
    way_task: int = 0
    way_done: int = 0
    stalled: bool = False
    reaches_into: str = ""
    odometer_mm: int = 0
    cycle_count: int = 0
    pick_count: int = 0
    panel: Panel = Panel()


class VehicleMachine:
    """One vehicle with its PLC.

    Args:
        plant: for the track.
        vehicle: which vehicle.
        world: where loads are.
        keep: called with each new retentive memory, before anything moves because of it.
        physical: the body of an earlier life (its `physical()`), stopped where it was at `stopped_ms`.
    """

    def __init__(
        self,
        plant: Plant,
        vehicle: Vehicle,
        world: World,
        *,
        keep: Callable[[TaskMemory], None] = lambda memory: None,
        physical: VehiclePhysical | None = None,
        stopped_ms: int = 0,
    ) -> None:
        self.vehicle = vehicle
        self.devices: tuple[str, ...] = (vehicle.name,)
        self._words = (Words(0, vehicle.name),)
        self._roads = Roads(plant, vehicle)
        self._battery = Battery(vehicle)
        self._world = world
        self._body = physical or VehiclePhysical(spot=Spot(node=self._roads.start), energy_mj=self._battery.full_mj)
        self.plc = TaskController(vehicle.name, keep, self._body.panel)
        if physical is not None:
            self._halt(stopped_ms)
            if self._body.reaches_into:
                world.set_engaged(self._body.reaches_into, True)

    def command(self, command: Command, now_ms: int) -> None:
        """Judge one telegram in the scan at now_ms."""
        if not isinstance(command, DeviceCommand):
            return
        self.advance(now_ms)
        reach = VehicleReach(self._roads, self._body.spot)
        was_cancelled = self.plc.memory.cancel_wanted
        memory, act = judge(self.plc.memory, command, self._senses(), reach)
        self.plc.remember(memory)
        match act:
            case Act.CLEAR_FAULT:
                self.plc.clear_latch()
            case Act.CHANGE_MODE:
                self.plc.change_mode(OperatingMode(command.p1))
            case Act.EXTEND:
                self._plan_anew(now_ms)
            case Act.NONE | Act.HOME:
                pass
        if memory.cancel_wanted and not was_cancelled:
            self._plan_anew(now_ms)
        self._settle(now_ms)

    def refuse(self, epoch: int, sequence: int) -> None:
        """Answer BAD_PARAMETER to a telegram whose codes could not be decoded."""
        self.plc.refuse(epoch, sequence)

    def advance(self, now_ms: int) -> None:
        """Do everything that is due up to now_ms."""
        for _ in range(STEPS_PER_ADVANCE_MAX):
            body = self._body
            if body.work is not None and body.work.doing == Doing.WAIT and self._sink_accepts():
                self._body = replace(body, work=None, still_since_ms=now_ms)
                self._set_down(now_ms)
                continue
            due = self.next_due_ms()
            if due is None or due > now_ms:
                return
            if body.drive is not None:
                self._pass_node(body.drive, due)
            elif body.work is not None:
                self._end(body.work)
            else:
                self._begin(due)
        raise AssertionError(f"{self.vehicle.name}: more than {STEPS_PER_ADVANCE_MAX} steps in one advance")

    def next_due_ms(self) -> int | None:
        """When the next node is reached or the work at standstill ends; None while stalled or without a task."""
        if self._body.drive is not None:
            return self._body.drive.next_pass_ms
        if self._body.work is not None:
            return self._body.work.ends_ms
        if self.plc.runs and not self._body.stalled:
            return self._body.still_since_ms
        return None

    def watched_places(self) -> tuple[str, ...]:
        """Transfer points: a giver waits for them."""
        return self._roads.stop_places

    def heeds_changes(self) -> bool:
        """While it waits to set down."""
        return self._body.work is not None and self._body.work.doing == Doing.WAIT

    def occupied_nodes(self, now_ms: int) -> tuple[int, ...]:
        """The node it stands at, or both ends of the edge it is on: two vehicles that share one may collide."""
        spot = driven(self._body.drive, now_ms)[1] if self._body.drive is not None else self._body.spot
        return (spot.node, spot.ahead) if spot.ahead else (spot.node,)

    def snapshot(self, device: str) -> DeviceSnapshot:
        """The status block; a vehicle has no transfer points or points of its own."""
        battery_permille = self.battery_permille(device)
        return DeviceSnapshot(device=device, status=self.status(device), battery_permille=battery_permille)

    def take_changes(self) -> tuple[Words, ...]:
        """Whatever it does shows in its status."""
        return self._words

    def battery_permille(self, device: str) -> int:
        """What the battery held at the last node or report."""
        return self._battery.permille(self._body.energy_mj)

    def status(self, device: str) -> DeviceStatus:
        """The status words."""
        body = self._body
        return self.plc.status(
            load_present=self._is_loaded(),
            centred=not body.reaches_into,
            in_position=body.drive is None and not body.spot.ahead,
            confirmed=(body.spot.node, 0, 0),
            charging=self._is_charging(),
            battery_low=self._battery.is_low(body.energy_mj),
        )

    def telemetry(self, device: str, now_ms: int) -> Telemetry:
        """Where it is; z is the heading in mrad."""
        body, spot, way_mm, energy_mj = self._body, self._body.spot, 0, self._body.energy_mj
        if body.drive is not None:
            _, spot, way_mm, _ = driven(body.drive, now_ms)
            energy_mj = self._battery.drained(energy_mj, way_mm)
        elif body.work is not None and body.work.doing == Doing.CHARGE:
            energy_mj = self._battery.charged(energy_mj, now_ms - body.work.started_ms)
        x_mm, y_mm = self._roads.coordinates(spot)
        return Telemetry(
            device=device,
            x_mm=x_mm,
            y_mm=y_mm,
            z_mm=body.heading_mrad,
            odometer_m=(body.odometer_mm + way_mm) // 1_000,
            cycle_count=body.cycle_count,
            pick_count=body.pick_count,
            battery_permille=self._battery.permille(energy_mj),
        )

    def set_wcs_alive(self, device: str, alive: bool, now_ms: int) -> None:
        """Rule 12: a task under way is finished, nothing new is accepted."""
        self.advance(now_ms)
        self.plc.wcs_alive = alive

    def inject(self, fault: str, arguments: Mapping[str, object], now_ms: int) -> None:
        """Test port: those of every machine; "stall" and "unstall" (it stops without a word), "battery" {permille}."""
        self.advance(now_ms)
        match fault:
            case "stall":
                if self._body.drive is not None:
                    self._halt(now_ms)
                self._body = replace(self._body, stalled=True)
            case "unstall":
                self._body = replace(self._body, stalled=False)
            case "battery":
                if self._body.drive is not None or self._is_charging():
                    self._halt(now_ms)
                energy_mj = self._battery.full_mj * int(str(arguments["permille"])) // 1_000
                self._body = replace(self._body, energy_mj=energy_mj)
            case _:
                if not self.plc.inject(fault, arguments):
                    raise ValueError(f"{self.vehicle.name} knows no {fault}")
        self._settle(now_ms)

    def memory(self) -> TaskMemory:
        """The retentive memory: replaced whenever it changes."""
        return self.plc.memory

    def physical(self) -> VehiclePhysical:
        """The body as plain data: replaced whenever it changes. A host keeps it apart from the PLC's memory."""
        return self._body

    def restart(self, memory: msgspec.Struct | None, now_ms: int) -> None:
        """Power-up with retentive memory kept, or lost (None): the body stands where the power left it."""
        assert memory is None or isinstance(memory, TaskMemory)
        self._halt(now_ms)
        self.plc.restart(memory)

    def _senses(self) -> Senses:
        task, body = self.plc.memory.task, self._body
        between = bool(body.spot.ahead) or body.drive is not None
        return Senses(
            mode=self.plc.panel.mode,
            load_present=self._is_loaded(),
            centred=not body.reaches_into,
            source_occupied=task is not None and self._is_occupied(task.source.a, task.source.b),
            sink_occupied=task is not None and self._is_occupied(task.sink.a, task.sink.b),
            fault_standing=bool(self.plc.panel.causes),
            fault_latched=bool(self.plc.latched),
            wcs_alive=self.plc.wcs_alive,
            stops_at_nodes=between and not body.stalled,
        )

    def _is_loaded(self) -> bool:
        return bool(self._world.loads(self.vehicle.name))

    def _is_charging(self) -> bool:
        return self._body.work is not None and self._body.work.doing == Doing.CHARGE

    def _is_occupied(self, node: int, level: int) -> bool:
        place = self._roads.stop_place(node, level)
        return place is not None and bool(self._world.loads(place))

    def _place(self) -> str:
        """The transfer point that the task names, at this node."""
        task = self.plc.memory.task
        assert task is not None
        address = task.source if task.type == TaskType.PICK else task.sink
        place = self._roads.stop_place(address.a, address.b)
        assert place is not None, f"{self.vehicle.name}: accepted a station that there is not: {address}"
        return place

    def _settle(self, now_ms: int) -> None:
        """After a command or an act of the test port: stop what may no longer move."""
        if self._body.panel is not self.plc.panel:
            self._body = replace(self._body, panel=self.plc.panel)
        if not self.plc.runs:
            self._halt(now_ms)
        elif self._body.drive is None and self._body.work is None:
            self._body = replace(self._body, still_since_ms=now_ms)

    def _halt(self, now_ms: int) -> None:
        """Everything stands still where it is."""
        body = self._body
        if body.drive is not None:
            self._body = self._come(body.drive, driven(body.drive, now_ms))
        elif body.work is not None and body.work.doing == Doing.CHARGE:
            energy_mj = self._battery.charged(body.energy_mj, now_ms - body.work.started_ms)
            self._body = replace(body, energy_mj=energy_mj)
        elif body.work is not None and body.work.doing == Doing.RETRACT and now_ms >= body.work.ends_ms:
            self._centre()
        self._body = replace(self._body, drive=None, work=None, still_since_ms=now_ms)

    def _come(self, drive: Drive, come: tuple[int, Spot, int, float]) -> VehiclePhysical:
        """The body where a drive has come."""
        done, spot, way_mm, _ = come
        nodes = sum(leg.nodes for leg in drive.legs[drive.passed : done])
        return self._moved(drive.legs[min(done, len(drive.legs) - 1)], spot, way_mm, nodes)

    def _moved(self, leg: Leg, spot: Spot, way_mm: int, nodes: int) -> VehiclePhysical:
        body = self._body
        return replace(
            body,
            spot=spot,
            heading_mrad=self._roads.heading_mrad(leg.origin, leg.end),
            way_done=body.way_done + nodes,
            odometer_mm=body.odometer_mm + way_mm,
            energy_mj=self._battery.drained(body.energy_mj, way_mm),
        )

    def _begin(self, at_ms: int) -> None:
        """Start what the memory says."""
        memory = self.plc.memory
        assert memory.task is not None
        if self._body.reaches_into:
            sets_down = memory.state == DeviceState.DEPOSITING and self._is_loaded()
            self._work(Doing.REACH if sets_down else Doing.RETRACT, at_ms)
            return
        match memory.state:
            case DeviceState.ASSIGNED:
                picks = memory.task.type == TaskType.PICK
                self._step(DeviceState.TO_PICK if picks else DeviceState.TO_DEPOSIT, at_ms)
            case DeviceState.TO_PICK if self._world.loads(self._place()):
                self._step(DeviceState.PICKING, at_ms)
            case DeviceState.TO_PICK:
                self._finish(ResultCode.SOURCE_EMPTY, at_ms)
            case DeviceState.TO_DEPOSIT if memory.task.type == TaskType.POSITION:
                self._drive(at_ms)
            case DeviceState.TO_DEPOSIT if memory.task.type == TaskType.CHARGE:
                self._charge(at_ms)
            case DeviceState.TO_DEPOSIT if self._sink_accepts():
                self._set_down(at_ms)
            case DeviceState.TO_DEPOSIT:
                wait = Work(doing=Doing.WAIT, started_ms=at_ms, ends_ms=at_ms + SINK_WAIT_MS)
                self._body = replace(self._body, work=wait)
            case DeviceState.PICKING if self._is_loaded():
                self._finish(ResultCode.OK, at_ms)
            case DeviceState.PICKING | DeviceState.DEPOSITING:
                self._world.set_engaged(self._place(), True)
                self._body = replace(self._body, reaches_into=self._place())
                self._work(Doing.REACH, at_ms)
            case _:
                raise AssertionError(f"{self.vehicle.name}: nothing to do in {memory.state.name}")

    def _end(self, work: Work) -> None:
        """Work at standstill is over: sense, and take the next step."""
        at_ms, task, state = work.ends_ms, self.plc.memory.task, self.plc.memory.state
        assert task is not None
        self._body = replace(self._body, work=None, still_since_ms=at_ms)
        match work.doing:
            case Doing.REACH:
                if exchange(self._world, self.vehicle.name, task.number, state, self._body.reaches_into, at_ms):
                    self._body = replace(self._body, pick_count=self._body.pick_count + 1)
                self._work(Doing.RETRACT, at_ms)
            case Doing.RETRACT:
                self._centre()
                if state == DeviceState.PICKING:
                    self._finish(ResultCode.OK if self._is_loaded() else ResultCode.SOURCE_EMPTY, at_ms)
                elif state == DeviceState.DEPOSITING:
                    self._finish(ResultCode.SINK_OCCUPIED if self._is_loaded() else ResultCode.OK, at_ms)
            case Doing.WAIT:
                self._finish(ResultCode.SINK_OCCUPIED, at_ms)
            case Doing.CHARGE:
                energy_mj = self._battery.charged(self._body.energy_mj, at_ms - work.started_ms)
                self._body = replace(self._body, energy_mj=energy_mj)
                self._charge(at_ms)

    def _drive(self, at_ms: int) -> None:
        """Plan the rest of the way from here; with a cancel that waits, to the next node only."""
        memory, body = self.plc.memory, self._body
        assert memory.task is not None
        done = body.way_done if body.way_task == memory.active else 0
        self._body = body = replace(body, way_task=memory.active, way_done=done)
        legs = self._roads.legs(body.spot, memory.way[done:], memory.task.p[0])
        if memory.cancel_wanted:
            legs = legs[:1]
        if not legs:
            self._finish(self._end_of_way(), at_ms)
        else:
            self._body = replace(body, drive=self._roads.drive(at_ms, legs))

    def _plan_anew(self, now_ms: int) -> None:
        """EXTEND or CANCEL in motion: go on from here, as fast as it is now."""
        drive = self._body.drive
        if drive is None:
            return
        come = driven(drive, now_ms)
        speed_mm_s = come[3]
        task, way_done = self.plc.memory.task, self._body.way_done
        assert task is not None
        body = self._come(drive, come)
        legs = self._roads.legs(body.spot, self.plc.memory.way[way_done:], task.p[0])
        if self.plc.memory.cancel_wanted:
            legs = self._roads.until_it_can_stop(legs, speed_mm_s)
        self._body = replace(body, drive=self._roads.drive(now_ms, legs, speed_mm_s), still_since_ms=now_ms)

    def _pass_node(self, drive: Drive, at_ms: int) -> None:
        """A node is reached: confirm it, and say so."""
        leg, passed = drive.legs[drive.passed], drive.passed + 1
        after = self._moved(leg, Spot(node=leg.reached), leg.length_mm, leg.nodes)
        memory = self.plc.memory
        if passed < len(drive.legs):
            self._body = replace(after, drive=replace(drive, passed=passed))
            self.plc.remember(replace(memory, event_sequence=memory.event_sequence + 1))
        else:
            self._body = replace(after, drive=None, still_since_ms=at_ms)
            self._finish(self._end_of_way(), at_ms)

    def _end_of_way(self) -> ResultCode:
        return cancelled(self._senses()) if self.plc.memory.cancel_wanted else ResultCode.OK

    def _charge(self, at_ms: int) -> None:
        if self._body.energy_mj >= self._battery.full_mj:
            self._finish(ResultCode.OK, at_ms)
        else:
            self._body = replace(
                self._body,
                work=Work(
                    doing=Doing.CHARGE,
                    started_ms=at_ms,
                    ends_ms=at_ms + self._battery.next_report_ms(self._body.energy_mj),
                ),
            )

    def _sink_accepts(self) -> bool:
        place = self._place()
        return self._world.accepts(place) and not self._world.loads(place)

    def _set_down(self, at_ms: int) -> None:
        """Before the handler goes out with a load: the last moment for "do not deposit after loss of the WCS"."""
        if not self.plc.wcs_alive and self.plc.memory.flags & FLAG_HOLD_ON_WCS_LOSS:
            self.plc.remember(stopped(self.plc.memory, DeviceState.PAUSED))
            self._settle(at_ms)
        else:
            self._step(DeviceState.DEPOSITING, at_ms)

    def _step(self, state: DeviceState, at_ms: int) -> None:
        self.plc.remember(stepped(self.plc.memory, state))
        self._settle(at_ms)

    def _finish(self, result: ResultCode, at_ms: int) -> None:
        self.plc.remember(finished(self.plc.memory, result))
        self._body = replace(self._body, drive=None, work=None, cycle_count=self._body.cycle_count + 1)
        self._settle(at_ms)

    def _work(self, doing: Doing, at_ms: int) -> None:
        half = self.vehicle.handling_ms // 2
        time_ms = half if doing == Doing.REACH else self.vehicle.handling_ms - half
        self._body = replace(self._body, work=Work(doing=doing, started_ms=at_ms, ends_ms=at_ms + time_ms))

    def _centre(self) -> None:
        if self._body.reaches_into:
            self._world.set_engaged(self._body.reaches_into, False)
            self._body = replace(self._body, reaches_into="")
