"""The controller of one task-driven device: memory, operating panel and alarms around the rules of `task_plc`.

Rule: memory is replaced, never edited, and `keep` is called with each new one before anything moves because of it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from devices.machines.task_plc import RUNNING, TaskMemory, refused, started, stopped
from wcs.core.ports import DeviceState, DeviceStatus, OperatingMode, ResultCode
from wcs.plant.model import Record


class Alarm(enum.IntFlag):
    """Bits of word 48."""

    EMERGENCY_STOP = 1 << 0
    OVERLOAD = 1 << 1
    FORK_NOT_CENTRED = 1 << 2
    AXIS = 1 << 3
    WCS_LOST = 1 << 4
    SOURCE_EMPTY = 1 << 5
    SINK_OCCUPIED = 1 << 6
    CONTOUR = 1 << 7
    JAM = 1 << 8
    LOCALISATION_LOST = 1 << 9
    BATTERY_LOW = 1 << 10


# What stops a machine; the other bits only tell.
FAULTS = Alarm.EMERGENCY_STOP | Alarm.OVERLOAD | Alarm.AXIS | Alarm.CONTOUR | Alarm.JAM | Alarm.LOCALISATION_LOST


# As plain integers, for a status is made after every step of a machine and flags are slow.
_FORK_NOT_CENTRED, _WCS_LOST, _SOURCE_EMPTY, _SINK_OCCUPIED, _BATTERY_LOW, _EMERGENCY_STOP = (
    int(alarm)
    for alarm in (
        Alarm.FORK_NOT_CENTRED,
        Alarm.WCS_LOST,
        Alarm.SOURCE_EMPTY,
        Alarm.SINK_OCCUPIED,
        Alarm.BATTERY_LOW,
        Alarm.EMERGENCY_STOP,
    )
)


class Panel(Record):
    """Key switch and standing causes of faults: they are physical and survive a loss of power."""

    mode: OperatingMode = OperatingMode.AUTOMATIC
    causes: int = 0


class TaskController:
    """What the PLC of a crane or vehicle keeps and says; the machine around it moves.

    Args:
        device: its name.
        keep: called with every new memory at once (a host writes it to its retentive file).
        panel: key switch and causes of an earlier life.
    """

    def __init__(self, device: str, keep: Callable[[TaskMemory], None], panel: Panel) -> None:
        self.device = device
        self.memory = TaskMemory()
        self.panel = panel
        self.latched = panel.causes
        self.wcs_alive = True
        self._keep = keep

    @property
    def runs(self) -> bool:
        """Whether a task is in steps 1–5."""
        return self.memory.state in RUNNING

    def remember(self, memory: TaskMemory) -> None:
        """Replace the retentive memory."""
        if memory is not self.memory:
            self.memory = memory
            self._keep(memory)

    def refuse(self, epoch: int, sequence: int) -> None:
        """Answer a telegram whose codes the interface does not have."""
        self.remember(refused(self.memory, epoch, sequence))

    def restart(self, memory: TaskMemory | None) -> None:
        """Power-up (rule 11)."""
        self.latched = self.panel.causes
        self.remember(started(memory))

    def raise_fault(self, alarm: Alarm) -> None:
        """A cause appears: a running task stops in FAULT, any other state only shows it (rule 10)."""
        self.panel = replace(self.panel, causes=int(self.panel.causes | alarm))
        self.latched |= alarm
        self.remember(stopped(self.memory, DeviceState.FAULT))

    def clear_latch(self) -> None:
        """RESET_FAULT or RESUME was accepted: what no longer stands is forgotten."""
        self.latched = self.panel.causes

    def change_mode(self, mode: OperatingMode) -> None:
        """The key switch turns; leaving AUTOMATIC pauses a running task."""
        self.panel = replace(self.panel, mode=mode)
        if mode != OperatingMode.AUTOMATIC:
            self.remember(stopped(self.memory, DeviceState.PAUSED))

    def inject(self, fault: str, arguments: Mapping[str, object]) -> bool:
        """The acts of the test port that every machine knows; False: not one of them.

        "fault" {alarm}: a cause appears. "clear_fault" {alarm}: it goes (without `alarm`: all). "local_reset": a
        person removes every cause and resets at the machine; RESET_FAULT may follow. "mode" {mode}: the key switch.
        """
        match fault:
            case "fault":
                alarm = Alarm[str(arguments.get("alarm", "axis")).upper()]
                if not alarm & FAULTS:
                    raise ValueError(f"{alarm.name} does not stop a machine")
                self.raise_fault(alarm)
            case "clear_fault":
                gone = Alarm[str(arguments["alarm"]).upper()] if "alarm" in arguments else FAULTS
                self.panel = replace(self.panel, causes=int(self.panel.causes & ~gone))
            case "local_reset":
                self.panel = replace(self.panel, causes=0)
            case "mode":
                mode = arguments["mode"]
                self.change_mode(
                    OperatingMode[mode.upper()] if isinstance(mode, str) else OperatingMode(int(str(mode)))
                )
            case _:
                return False
        return True

    def status(
        self,
        *,
        load_present: bool,
        centred: bool,
        in_position: bool,
        confirmed: tuple[int, int, int],
        charging: bool = False,
        battery_low: bool = False,
    ) -> DeviceStatus:
        """Words 33–93 but for telemetry; what the machine senses is given."""
        memory = self.memory
        faulted = bool(self.panel.causes or self.latched)
        automatic = self.panel.mode == OperatingMode.AUTOMATIC
        alarms = int(self.panel.causes | self.latched)
        if not centred and not self.runs:
            alarms |= _FORK_NOT_CENTRED
        if not self.wcs_alive:
            alarms |= _WCS_LOST
        if memory.result is ResultCode.SOURCE_EMPTY:
            alarms |= _SOURCE_EMPTY
        elif memory.result is ResultCode.SINK_OCCUPIED:
            alarms |= _SINK_OCCUPIED
        if battery_low:
            alarms |= _BATTERY_LOW
        return DeviceStatus(
            boot_count=memory.boot_count,
            latched_epoch=memory.latched_epoch,
            ack_sequence=memory.ack_sequence,
            ack_code=memory.ack_code,
            mode=self.panel.mode,
            state=memory.state,
            ready=automatic and memory.valid and not faulted,
            retentive_valid=memory.valid,
            load_present=load_present,
            wcs_alive=self.wcs_alive,
            emergency_stop_clear=not alarms & _EMERGENCY_STOP,
            in_position=in_position,
            homed=True,
            charging=charging,
            active_task=memory.active,
            result=memory.result,
            event_sequence=memory.event_sequence,
            alarms=(alarms, 0, 0, 0),
            confirmed=confirmed,
            load_type=memory.load_type if load_present else 0,
            load_id=memory.load_id if load_present else 0,
            done_ring=memory.done_ring,
            step_at_stop=memory.step_at_stop,
        )
