"""A port to the devices of one PLC: connects, lets each device's session speak, reconnects with back-off.

Rule: one task does all input and output of a PLC, one call after the other; what waits to be written goes before
what is to be read, so that a decision never waits for the polls of other devices.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable

from devices.drivers.carriage import Carriage, CarriageLost, CarriageRefused, PlcDevice
from devices.drivers.report_queue import ReportQueue
from devices.session import (
    SUSPECT_MS,
    Delivery,
    DeviceSession,
    Phase,
    WriteDecision,
    WriteTransferAck,
    back_off_ms,
)
from wcs.core.ports import Command, DeviceId

READ_GAP_MS = 50  # between whole reads of a device that publishes: only while one is wanted
SILENT_READS_MAX = 3  # PlcLife moved so often, seen only by reading: the subscription is dead
WITHHELD_SLEEP_S = 0.05  # what is due may not be written: no lease comes sooner than that
SHORTEST_SLEEP_S = 0.001  # lets other tasks run when something is due at once


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _always() -> bool:
    return True


def _end_if_cancelled() -> None:
    """A protocol library may answer a cancellation with an error of its own: the wish to end must not be lost in it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class PlcPort:
    """Implements `wcs.core.ports.DevicePort` over a carriage."""

    def __init__(
        self,
        devices: tuple[PlcDevice, ...],
        carriage: Carriage,
        *,
        clock: Callable[[], float] | None = None,
        wall_ms: Callable[[], int] = _wall_ms,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.devices: tuple[DeviceId, ...] = tuple(device.device for device in devices)
        self._carriage = carriage
        self._clock = clock
        self._jitter = jitter
        self._may_write = _always
        self._queue = ReportQueue()
        self._wake = asyncio.Event()
        self._sessions = {
            device.device: DeviceSession(
                device.device, tracked=device.tracked, deliver=self._queue.put, wall_ms=wall_ms, jitter=jitter
            )
            for device in devices
        }
        self._next_read_ms = dict.fromkeys(self.devices, 0)
        self._silent_reads = dict.fromkeys(self.devices, 0)

    async def run(self, may_write: Callable[[], bool] = _always) -> None:
        """Connect, beat and deliver until cancelled; reconnects by itself with back-off.

        `may_write` is asked in the same breath as each write, so that a host that slept writes nothing when it wakes.
        """
        self._may_write = may_write
        attempts = 0
        try:
            while True:
                reason = await self._converse()
                await self._carriage.close()
                _end_if_cancelled()
                if any(session.synchronised for session in self._sessions.values()):
                    attempts = 0
                for session in self._sessions.values():
                    session.closed(reason)
                await asyncio.sleep(back_off_ms(attempts, self._jitter()) / 1000)
                attempts += 1
        finally:
            await self._carriage.close()

    def send(self, command: Command) -> None:
        """Take a committed command for sending; dropped if its device is not connected."""
        self._sessions[command.device].take(command, self._now_ms())
        self._wake.set()

    def reports(self) -> AsyncIterator[Delivery]:
        """What the devices say, in the order in which it was read."""
        return self._queue.stream()

    def _now_ms(self) -> int:
        return int((self._clock or asyncio.get_running_loop().time)() * 1000)

    async def _converse(self) -> str:
        """One connection from its beginning to its end; returns why it ended."""
        try:
            await self._carriage.open(self._wake.set)
            for device, session in self._sessions.items():
                session.opened(self._now_ms())
                self._next_read_ms[device] = self._silent_reads[device] = 0
            while True:
                _end_if_cancelled()
                self._wake.clear()
                self._hear_published()
                await self._write_due()
                await self._read_due()
                for session in self._sessions.values():
                    session.supervise(self._now_ms())
                if all(session.phase is Phase.RESTING for session in self._sessions.values()):
                    return "no device answers"
                await self._rest()
        except CarriageLost as lost:
            return f"{lost.words}: {lost}"

    def _hear_published(self) -> None:
        for device, reading in self._carriage.published():
            self._silent_reads[device] = 0
            self._sessions[device].heard(reading, self._now_ms())

    async def _write_due(self) -> None:
        if not self._may_write():
            return
        for device, session in self._sessions.items():
            for write in session.writes(self._now_ms()):
                if not self._may_write():
                    return  # what was due comes again: a life, an answer, a telegram that is not acknowledged
                try:
                    words = await self._carriage.write(device, write)
                except CarriageRefused as refused:
                    session.refused(str(refused), self._now_ms())
                    break
                if words is not None and isinstance(write, WriteDecision | WriteTransferAck):
                    session.read_back(write, words, self._now_ms())

    async def _read_due(self) -> None:
        for device, session in self._sessions.items():
            now_ms = self._now_ms()
            due_ms = self._next_read_ms[device]
            if self._reads(session, now_ms) and now_ms >= due_ms:
                interval_ms = self._carriage.poll_ms or READ_GAP_MS
                # In step: a read that begins late must not make every later one late as well.
                self._next_read_ms[device] = now_ms + interval_ms - (now_ms - due_ms) % interval_ms
                await self._read(device, session, now_ms)
                self._hear_published()
                await self._write_due()

    def _reads(self, session: DeviceSession, now_ms: int) -> bool:
        """Whether this device is to be read as soon as its interval is over."""
        if session.phase is Phase.RESTING:
            return False
        return self._carriage.poll_ms is not None or session.wants_whole_read(now_ms)

    async def _read(self, device: DeviceId, session: DeviceSession, now_ms: int) -> None:
        age_ms = session.life_age_ms(now_ms)
        try:
            reading = await self._carriage.read(device)
        except CarriageRefused as refused:
            session.refused(str(refused), self._now_ms())
            return
        session.heard(reading, self._now_ms())
        if self._carriage.poll_ms is None and age_ms >= SUSPECT_MS and session.life_age_ms(self._now_ms()) < age_ms:
            self._silent_reads[device] += 1
            if self._silent_reads[device] > SILENT_READS_MAX:
                raise CarriageLost("the subscription is silent")

    async def _rest(self) -> None:
        """Sleep until something is due, published or sent."""
        now_ms = self._now_ms()
        due_ms = [due for s in self._sessions.values() if (due := s.next_due_ms(now_ms)) is not None]
        due_ms += [self._next_read_ms[d] for d, s in self._sessions.items() if self._reads(s, now_ms)]
        shortest_s = SHORTEST_SLEEP_S if self._may_write() else WITHHELD_SLEEP_S
        sleep_s = max(shortest_s, (min(due_ms, default=now_ms) - now_ms) / 1000)
        alarm = asyncio.get_running_loop().call_later(sleep_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            alarm.cancel()
