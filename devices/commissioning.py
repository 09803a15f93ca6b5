"""For the person who connects a PLC for the first time: read its map, follow it, give it one task.

Rule: `probe` and `watch` only read, so they may stand beside a running site. `send_task` writes: it takes the next
command number of the device, so a site that drives this device too would hold it until a person takes it over; it
refuses to do so while the device says that a living WCS drives it, unless told that this is meant.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec

from devices.commissioning_rows import Row, changed_rows, command_rows, reading_rows, status_rows
from devices.drivers.carriage import Carriage, PlcDevice
from devices.drivers.modbus import ModbusCarriage
from devices.drivers.opcua import OpcUaCarriage
from devices.drivers.opcua_security import OpcUaSecurity
from devices.drivers.port import PlcPort
from devices.session import Delivery
from devices.words import decode_status, encode_command, encode_status
from devices.words_errors import TelegramError
from wcs.core.ports import (
    AckCode,
    CommandCode,
    Connected,
    DeviceCommand,
    DeviceSnapshot,
    DeviceState,
    DeviceStatus,
    DeviceTask,
    Disconnected,
    StatusChanged,
    Synchronised,
    Telemetry,
    Unanswered,
)
from wcs.plant.model import Protocol, Record

__all__ = ["Row", "Target", "TaskNotSent", "Telegram", "probe", "send_task", "watch"]

WATCH_MS = 50  # the poll of the interface
WCS_LOST_S = 4.0  # a device counts its WCS as lost after 3 s, and says so with its next status
TASK_TIMEOUT_S = 600.0  # the longest single task of a plant, and time to walk to the machine


class Target(Record):
    """One device behind one PLC, as a person at the machine knows it; `block` matters on Modbus only."""

    host: str
    port: int
    protocol: Protocol
    device: str
    block: int = 0
    tracked: bool = False
    points: tuple[int, ...] = ()
    security: OpcUaSecurity | None = None


class Telegram(Record):
    """What went to the PLC (`sent`) or came from it, decoded."""

    sent: bool
    title: str
    rows: tuple[Row, ...] = ()


class TaskNotSent(Exception):
    """The device has an active task, refused ours, or was lost; the text says which."""


async def probe(target: Target) -> tuple[Row, ...]:
    """Read everything a device says, once. CarriageLost or CarriageRefused if that cannot be done."""
    carriage = _carriage(target)
    try:
        await carriage.open(lambda: None)
        return reading_rows(await carriage.read(target.device))
    finally:
        await carriage.close()


async def watch(target: Target) -> AsyncIterator[tuple[Row, ...]]:
    """First everything that a device says, then what changes, for ever. CarriageLost when the connection ends."""
    carriage = _carriage(target)
    shown: tuple[Row, ...] = ()
    try:
        await carriage.open(lambda: None)
        while True:
            rows = reading_rows(await carriage.read(target.device))
            news = changed_rows(shown, rows)
            shown = rows
            if news:
                yield news
            await asyncio.sleep(WATCH_MS / 1000)
    finally:
        await carriage.close()


async def send_task(
    target: Target,
    task: DeviceTask,
    *,
    beside_active_task: bool = False,
    beside_wcs: bool = False,
    memory_settled: bool = False,
    timeout_s: float = TASK_TIMEOUT_S,
) -> AsyncIterator[Telegram]:
    """SYNC, one TASK, follow it to DONE, RECEIPT; yields every telegram, decoded, as it passes.

    Args:
        task: its number may be 0: then one above every number the device remembers is taken.
        beside_active_task: send even if the device has an active task (it will say BUSY).
        beside_wcs: send even if a living WCS drives the device; it will hold the device then.
        memory_settled: SYNC with P1 = 1: what the device carries is known, its memory counts as valid.
        timeout_s: how long to wait for each next report.
    Raises:
        TaskNotSent: see there.
        ValueOutOfRange: a number of the task does not fit its words; the PLC was not spoken to.
    """
    encode_command(DeviceCommand(device=target.device, epoch=1, sequence=1, code=CommandCode.TASK, task=task))
    if not beside_wcs:
        await _nobody_drives(target)
    device = PlcDevice(device=target.device, block=target.block, tracked=target.tracked, points=target.points)
    port = PlcPort((device,), _carriage(target))
    running = asyncio.create_task(port.run())
    errand = _Errand(task, beside_active_task=beside_active_task, memory_settled=memory_settled)
    reports = port.reports()
    try:
        while not errand.finished:
            report = await asyncio.wait_for(anext(reports), timeout_s)
            for telegram in errand.hear(report):
                yield telegram
            for command in errand.take_commands():
                port.send(command)
                title = f"{command.code.name} {command.sequence}"
                yield Telegram(sent=True, title=title, rows=command_rows(encode_command(command)))
    except TimeoutError:
        raise TaskNotSent(f"{target.device} said nothing new for {timeout_s} s") from None
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _nobody_drives(target: Target) -> None:
    """Wait until the device counts its WCS as lost; TaskNotSent if it does not: somebody's heart beats there.

    A device that was just sent a task, or just started, says "alive" for a while too.
    """
    carriage = _carriage(target)
    try:
        await carriage.open(lambda: None)
        for _ in range(round(WCS_LOST_S * 1000 / WATCH_MS)):
            words = (await carriage.read(target.device)).status
            with contextlib.suppress(TelegramError):  # a torn read is read again
                if words is None or not decode_status(words).wcs_alive:
                    return
            await asyncio.sleep(WATCH_MS / 1000)
    finally:
        await carriage.close()
    raise TaskNotSent(
        f"a living WCS drives {target.device}: stop that site first; sent beside it, the device would be held"
    )


class _Errand:
    """What to say to the device next, from what it said last."""

    def __init__(self, task: DeviceTask, *, beside_active_task: bool, memory_settled: bool) -> None:
        self.finished = False
        self._task = task
        self._beside_active_task = beside_active_task
        self._memory_settled = memory_settled
        self._epoch = 0
        self._sequence = 0
        self._task_sequence = 0
        self._commands: list[DeviceCommand] = []
        self._device = ""
        self._shown: tuple[Row, ...] = ()

    def take_commands(self) -> list[DeviceCommand]:
        """The commands to be sent now."""
        commands, self._commands = self._commands, []
        return commands

    def hear(self, report: Delivery) -> list[Telegram]:
        """Go on from a report; TaskNotSent if that is impossible."""
        if isinstance(report, Connected):
            return self._connected(report.snapshot)
        if isinstance(report, Synchronised):
            self._give_task(report.snapshot)
            return [self._telegram("Synchronised", report.snapshot.status)]
        if isinstance(report, StatusChanged):
            self._follow(report.status)
            return [self._telegram("Status", report.status)]
        if isinstance(report, Disconnected):
            raise TaskNotSent(f"{report.device} is lost: {report.reason}")
        if isinstance(report, Unanswered):
            raise TaskNotSent(f"{report.device} does not answer command {report.sequence}")
        return []

    def _connected(self, snapshot: DeviceSnapshot) -> list[Telegram]:
        status = snapshot.status
        if status.active_task and not self._beside_active_task:
            raise TaskNotSent(f"{snapshot.device} has the active task {status.active_task} ({status.state.name})")
        self._device = snapshot.device
        self._epoch = max(1, status.latched_epoch)
        self._sequence = status.ack_sequence
        self._command(CommandCode.SYNC, p1=int(self._memory_settled))
        return [self._telegram("Connected", status)]

    def _give_task(self, snapshot: DeviceSnapshot) -> None:
        if self._task.number == 0:
            known = (snapshot.status.active_task, *(entry.task_number for entry in snapshot.status.done_ring))
            self._task = msgspec.structs.replace(self._task, number=max(known) + 1)
        self._command(CommandCode.TASK, task=self._task)
        self._task_sequence = self._sequence

    def _follow(self, status: DeviceStatus) -> None:
        if self._task_sequence == 0:
            return
        taken = (AckCode.ACCEPTED, AckCode.DUPLICATE_ACTIVE)
        if status.ack_sequence == self._task_sequence and status.ack_code not in taken:
            raise TaskNotSent(f"{self._device} refused task {self._task.number}: {status.ack_code.name}")
        ours = status.active_task == self._task.number
        if ours and status.state is DeviceState.DONE and self._sequence == self._task_sequence:
            self._command(CommandCode.RECEIPT, task_number=self._task.number)
        elif not ours and status.ack_sequence == self._sequence > self._task_sequence:
            self.finished = True

    def _command(self, code: CommandCode, *, task: DeviceTask | None = None, task_number: int = 0, p1: int = 0) -> None:
        self._sequence += 1
        self._commands.append(
            DeviceCommand(
                device=self._device,
                epoch=self._epoch,
                sequence=self._sequence,
                code=code,
                task=task,
                task_number=task.number if task else task_number,
                p1=p1,
            )
        )

    def _telegram(self, title: str, status: DeviceStatus) -> Telegram:
        rows = status_rows(encode_status(status, Telemetry(device=self._device), life=0))
        news = changed_rows(self._shown, rows)
        self._shown = rows
        return Telegram(sent=False, title=title, rows=news)


def _carriage(target: Target) -> Carriage:
    device = PlcDevice(device=target.device, block=target.block, tracked=target.tracked, points=target.points)
    if target.protocol is Protocol.MODBUS:
        return ModbusCarriage(target.host, target.port, (device,))
    return OpcUaCarriage(target.host, target.port, (device,), target.security)
