"""A conveyor and its PLC: one machine, several word blocks, loads that keep their TrackNumber in all of them.

Each block runs or stands by itself; a segment belongs to the block of the node at its end. What a load weighs, where
it stands and who moved it is the world's; what the PLC remembers is `ConveyorMemory`. The tables of the rules stand
where they are kept: hand-over in conveyor_transfer, decisions in conveyor_point, commands in conveyor_block, room and
the argument against lock-up in conveyor_belt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from devices.machines.conveyor_block import BlockMemory, Panel, faulted, judge, started, turned
from devices.machines.conveyor_block import status_of as block_status
from devices.machines.conveyor_flow import TRACK_MAX, Flow, FlowMemory, no_memory
from devices.machines.conveyor_point import judged
from devices.machines.conveyor_transfer import acknowledged, ready_to_accept
from devices.machines.conveyor_transfer import status_of as transfer_status
from devices.machines.machine import WordKind, Words, World
from devices.machines.task_controller import FAULTS, Alarm
from wcs.core.ports import (
    Command,
    DeviceCommand,
    DeviceId,
    DeviceSnapshot,
    DeviceState,
    DeviceStatus,
    OperatingMode,
    PointDecision,
    PointStatus,
    Telemetry,
    TransferAck,
    TransferStatus,
)
from wcs.plant.model import Conveyor, LoadType, Record

TRANSFERS_PER_BLOCK = 8  # words 96–127
POINTS_PER_BLOCK = 3  # words 136–255
RENUMBERING_STEP_MS = 100  # no conveyor gives a TrackNumber ten times a second, so a clock outruns the counter


class ConveyorMemory(Record):
    """The retentive memory of the PLC: its blocks in order, and what it knows of its loads."""

    blocks: tuple[BlockMemory, ...]
    flow: FlowMemory


class ConveyorMachine:
    """One tracked PLC.

    Args:
        conveyor: what stands there.
        world: senses and moves the loads.
        load_types: their limits, for the flags overweight and contour.
        first_track: the first TrackNumber to give.
        deadline_factor: the speed of a virtual PLC, so that the deadlines of points stay in wall time.
        keep: called with every new memory at the end of the scan that changed it.
    """

    def __init__(
        self,
        conveyor: Conveyor,
        world: World,
        *,
        load_types: tuple[LoadType, ...] = (),
        first_track: int = 1,
        deadline_factor: int = 1,
        keep: Callable[[ConveyorMemory], None] | None = None,
    ) -> None:
        self.devices: tuple[DeviceId, ...] = conveyor.devices
        self._conveyor = conveyor
        self._world = world
        self._first_track = first_track
        self._keep = keep
        self._flow = Flow(conveyor, world, load_types, first_track, deadline_factor)
        self._panels = {device: Panel() for device in conveyor.devices}
        self._blocks = {device: BlockMemory() for device in conveyor.devices}
        self._transfers = {(place.device, place.index): place.name for place in conveyor.transfer_points}
        self._transfers_of: dict[str, list[str]] = {device: [] for device in conveyor.devices}
        for place in conveyor.transfer_points:
            self._transfers_of[place.device].append(place.name)
        self._points = {(point.device, point.index): point.name for point in conveyor.points}
        self._words = {device: Words(n, device) for n, device in enumerate(conveyor.devices)}
        rank = {device: n for n, device in enumerate(conveyor.devices)}
        for device, index in self._transfers:
            name = self._transfers[device, index]
            self._words[name] = Words(rank[device], device, WordKind.TRANSFER, index)
        for device, index in self._points:
            name = self._points[device, index]
            self._words[name] = Words(rank[device], device, WordKind.POINT, index)
        self._wires: dict[str, bool] = {}
        self._changed_words: set[str] = set(conveyor.devices)
        self._scanning = False
        self._look_again = False
        self._now_ms = 0
        self._memory = ConveyorMemory(blocks=tuple(self._blocks.values()), flow=self._flow.memory())
        self._set_wires()

    def command(self, command: Command, now_ms: int) -> None:
        """Judge one telegram in the scan at now_ms; what is not fresh, or not for this block, is ignored."""
        self._scan(now_ms, lambda: self._judge(command))

    def advance(self, now_ms: int) -> None:
        """Do everything that is due up to now_ms, in order of time and of node names."""
        if self._scanning:
            self._look_again = True
        else:
            self._scan(now_ms, None)

    def next_due_ms(self) -> int | None:
        """When a load arrives somewhere, is at a divert or times out."""
        return self._flow.next_due_ms()

    def watched_places(self) -> tuple[str, ...]:
        """Transfer points, stations and segments."""
        return self._flow.watched

    def heeds_changes(self) -> bool:
        """Always: a load may have come onto its belts."""
        return True

    def snapshot(self, device: DeviceId) -> DeviceSnapshot:
        """Status, eight transfer points and three points of a block; what it does not have reads zero."""
        transfers = (self.transfer_words(device, index) for index in range(TRANSFERS_PER_BLOCK))
        points = (self.point_words(device, index) for index in range(POINTS_PER_BLOCK))
        return DeviceSnapshot(
            device=device,
            status=self.status(device),
            transfers=tuple(transfers),
            points=tuple(points),
        )

    def status(self, device: DeviceId) -> DeviceStatus:
        """The status words of a block."""
        return block_status(self._blocks[device], self._panels[device])

    def battery_permille(self, device: DeviceId) -> int:
        """A conveyor has none."""
        return 1000

    def take_changes(self) -> tuple[Words, ...]:
        """Whose words may have changed since this was last asked, in plant order."""
        names = self._changed_words
        if not names:
            return ()
        self._changed_words = set()
        return tuple(sorted(map(self._words.__getitem__, names)))

    def telemetry(self, device: DeviceId, now_ms: int) -> Telemetry:
        """A conveyor has no position: only how often a load was moved."""
        return Telemetry(device=device, cycle_count=self._flow.moves, battery_permille=1000)

    def set_wcs_alive(self, device: DeviceId, alive: bool, now_ms: int) -> None:
        """Shows in an alarm only: points take their default exits by deadline, and that is all that is needed."""
        self._panels[device].wcs_alive = alive
        self._changed_words.add(device)

    def inject(self, fault: str, arguments: Mapping[str, object], now_ms: int) -> None:
        """Test port. Each names its place:

        "fault" {device, alarm}, "clear_fault" {device}, "local_reset" {device}, "mode" {device, mode},
        "no_read" {point, count}, "stuck_photo_eye" {transfer_point}, "free_photo_eye" {transfer_point}.
        `device` may be left out: then every block.
        """
        self._scan(now_ms, lambda: self._inject(fault, arguments))

    def memory(self) -> ConveyorMemory:
        """The retentive memory: replaced whenever it changes."""
        if self._keep is None:
            self._memory = ConveyorMemory(blocks=tuple(self._blocks.values()), flow=self._flow.memory())
        return self._memory

    def restart(self, memory: msgspec.Struct | None, now_ms: int) -> None:
        """Power-up: the belts stand until RESUME. Memory lost: numbers that were never given before, by the clock."""
        assert memory is None or isinstance(memory, ConveyorMemory)
        self._scan(now_ms, lambda: self._recover(memory))

    # --- one scan ---

    def _scan(self, now_ms: int, act: Callable[[], None] | None) -> None:
        """What is due, what is new in the world, what is asked; then memory and wires.

        Our own moves and wires ring the bells of those who watch the world. They may move something in turn and call
        `advance` from within this scan: then we look once more before we end it.
        """
        assert not self._scanning, "a command within a scan"
        self._scanning = True
        try:
            self._now_ms = max(self._now_ms, now_ms)
            if act is not None:
                self._look()
                act()
            self._look_again = True
            while self._look_again:
                self._look_again = False
                self._look()
                self._remember()
                self._set_wires()
        finally:
            self._scanning = False

    def _look(self) -> None:
        self._flow.run(self._now_ms)
        self._flow.sense(self._now_ms)
        self._flow.run(self._now_ms)

    def _remember(self) -> None:
        if self._keep is None:
            return  # nobody keeps it: it is made when it is asked for
        memory = ConveyorMemory(blocks=tuple(self._blocks.values()), flow=self._flow.memory())
        if memory != self._memory:
            self._memory = memory
            self._keep(memory)

    def _set_wires(self) -> None:
        """Tell the givers, wired, where a load may be set down."""
        if not self._flow.changed_words:
            return
        changed, self._flow.changed_words = self._flow.changed_words, set()
        self._changed_words |= changed
        for name in sorted(changed):
            if name not in self._flow.kinds:
                continue
            accepts = ready_to_accept(
                self._flow.transfer_memory[name],
                self._flow.kinds[name],
                running=self._runs(self._flow.owners[name]),
            )
            if self._wires.get(name) != accepts:
                self._wires[name] = accepts
                self._world.set_accepts(name, accepts)

    def _judge(self, command: Command) -> None:
        match command:
            case DeviceCommand(device=device) if device in self._blocks:
                self._changed_words.add(device)  # the panel may have changed alone
                self._set_block(device, judge(self._blocks[device], command, self._panels[device]))
            case TransferAck(device=device, transfer=index) if (device, index) in self._transfers:
                name = self._transfers[device, index]
                before = self._flow.transfer_memory[name]
                self._flow.set_transfer(name, acknowledged(before, command.event_sequence))
                self._flow.wake(name, self._now_ms)
            case PointDecision(device=device, point=index) if (device, index) in self._points:
                name = self._points[device, index]
                epoch = self._blocks[device].latched_epoch
                before_decision = self._flow.point_memory[name]
                self._flow.set_point(name, judged(before_decision, self._flow.points[name], command, epoch))
                self._flow.wake(name, self._now_ms)

    def _set_block(self, device: DeviceId, memory: BlockMemory) -> None:
        """A block's memory, and its belts as its state says."""
        self._blocks[device] = memory
        self._flow.changed_words.update(self._transfers_of[device])
        clock = self._flow.belts.clocks[device]
        if memory.state != DeviceState.IDLE:
            clock.stop(self._now_ms)
        elif not clock.running:
            clock.start(self._now_ms)
            self._flow.wake_all(self._now_ms)

    def _recover(self, memory: ConveyorMemory | None) -> None:
        kept: tuple[BlockMemory | None, ...] = memory.blocks if memory else (None,) * len(self.devices)
        for device, block in zip(self.devices, kept, strict=True):
            self._blocks[device] = started(block)
            self._changed_words.add(device)
            self._panels[device].latched = self._panels[device].causes
        self._flow.belts.power_up()
        never_given = (self._first_track + self._now_ms // RENUMBERING_STEP_MS) % TRACK_MAX + 1
        self._flow.recover(memory.flow if memory else no_memory(self._flow, never_given), self._now_ms)
        self._wires.clear()
        self._flow.changed_words.update(self._flow.kinds)

    # --- words ---

    def transfer_words(self, device: DeviceId, index: int) -> TransferStatus:
        """The words of one transfer point."""
        name = self._transfers.get((device, index))
        if name is None:
            return TransferStatus()
        return transfer_status(self._flow.transfer_memory[name], self._flow.kinds[name], running=self._runs(device))

    def _runs(self, device: DeviceId) -> bool:
        return self._blocks[device].state == DeviceState.IDLE

    def point_words(self, device: DeviceId, index: int) -> PointStatus:
        """The words of one point."""
        name = self._points.get((device, index))
        return PointStatus() if name is None else self._flow.point_memory[name].event

    # --- test port ---

    def _inject(self, fault: str, arguments: Mapping[str, object]) -> None:
        match fault:
            case "no_read":
                point = self._known(arguments, "point", self._flow.points)
                self._flow.no_reads[point] = int(str(arguments.get("count", 1)))
            case "stuck_photo_eye" | "free_photo_eye":
                name = self._known(arguments, "transfer_point", self._flow.kinds)
                (self._flow.stuck_eyes.add if fault == "stuck_photo_eye" else self._flow.stuck_eyes.discard)(name)
                self._flow.sense_transfer(name, self._now_ms)
            case _:
                devices = (str(arguments["device"]),) if "device" in arguments else self.devices
                for device in devices:
                    if device not in self._blocks:
                        raise ValueError(f"{self._conveyor.name} has no device {device}")
                    self._changed_words.add(device)
                    self._set_block(device, self._inject_block(device, fault, arguments))

    def _inject_block(self, device: DeviceId, fault: str, arguments: Mapping[str, object]) -> BlockMemory:
        memory, panel = self._blocks[device], self._panels[device]
        match fault:
            case "fault":
                return faulted(memory, panel, Alarm[str(arguments.get("alarm", "jam")).upper()])
            case "clear_fault" if "alarm" in arguments:
                panel.causes &= ~Alarm[str(arguments["alarm"]).upper()]
                return memory
            case "clear_fault" | "local_reset":
                panel.causes &= ~FAULTS
                return memory
            case "mode":
                return turned(memory, panel, _mode(arguments["mode"]))
            case _:
                raise ValueError(f"{self._conveyor.name} knows no {fault}")

    def _known(self, arguments: Mapping[str, object], key: str, names: Mapping[str, object]) -> str:
        name = str(arguments.get(key))
        if name not in names:
            raise ValueError(f"{self._conveyor.name} has no {key} {name}")
        return name


def _mode(value: object) -> OperatingMode:
    """A mode by name or number."""
    return OperatingMode[value.upper()] if isinstance(value, str) else OperatingMode(int(str(value)))
