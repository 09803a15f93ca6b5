"""The scan of a virtual PLC: machines in wall-clock time × speed, woken by what happens instead of by a tick.

    command or decision written ─┐
    change at a watched place ───┼─▶ scan: sense → judge → keep memory → advance step by step → keep → publish words
    next due moment, heartbeat ──┘

Rule: retentive memory is on disk before anything that it permits: before the words say so and before the next step.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from devices.machines.machine import Machine
from devices.virtual_plc.assembly import Assembled
from devices.virtual_plc.blocks import LIFE_INTERVAL_S, TELEMETRY_INTERVAL_S, DeviceBlock
from devices.virtual_plc.machine_store import MachineStore
from devices.virtual_plc.plant_clock import PlantClock
from devices.virtual_plc.remote_world import RemoteWorld
from devices.words import CommandHeader
from wcs.core.ports import Command

WCS_LOST_S = 3.0  # WcsLife still for so long (wall time): rule 12
ROUNDS_MAX = 20  # machines of one PLC answer each other's moves; beyond it two of them are quarrelling
WRONG_LOCATION = "wrong_location"
STEPS_MAX = 10_000  # due moments of one machine in one scan


class ScanStuck(Exception):
    """A machine does not come to rest within one scan: an error of its program."""


class ProgrammableController:
    """One PLC: its machines, their words and their memory.

    Servers call `write_*` for what clients write, and carry outside what each scan changed.
    """

    def __init__(
        self,
        assembled: Sequence[Assembled],
        device_order: Sequence[str],
        world: RemoteWorld,
        clock: PlantClock,
    ) -> None:
        self._assembled = tuple(assembled)
        self._machines = tuple(a.machine for a in assembled)
        self._stores: dict[int, MachineStore] = {id(a.machine): a.store for a in assembled}
        self._refuse = {id(a.machine): a.refuse for a in assembled}
        self._own_places = {place for a in assembled for place in a.own_places}
        machine_of = {device: m for m in self._machines for device in m.devices}
        self.blocks = tuple(DeviceBlock(device, machine_of[device], n) for n, device in enumerate(device_order))
        self._world = world
        self._clock = clock
        self._life_seen = dict.fromkeys(device_order, 0.0)
        self._wake = asyncio.Event()
        self._watched: tuple[str, ...] = ()
        self._watch_listener: Callable[[tuple[str, ...]], None] = lambda places: None

    def on_watch(self, listener: Callable[[tuple[str, ...]], None]) -> None:
        """Call with the watched places now and whenever they change."""
        self._watch_listener = listener
        listener(self._watched)

    def power_up(self) -> None:
        """Start every machine from its memory, and show the first words."""
        self._sense()
        for machine in self._machines:
            self._stores[id(machine)].power_up(machine, self._clock.now_ms())
        self.scan()

    def wake(self) -> None:
        """Something changed: scan soon."""
        self._wake.set()

    def inject(self, device: str, fault: str, arguments: Mapping[str, object]) -> None:
        """A fault from the test port for the machine of this device; "wrong_location" {nodes} is for its words."""
        block = next(b for b in self.blocks if b.device == device)
        if fault == WRONG_LOCATION:
            block.misread_location(msgspec.convert(arguments["nodes"], list[int]))
        else:
            block.machine.inject(fault, arguments, self._clock.now_ms())
        self.wake()

    def write_life(self, block: DeviceBlock, word: int) -> None:
        """WcsLife was written."""
        if word != block.wcs_life:
            block.wcs_life = word
            self._life_seen[block.device] = time.monotonic()
            if not block.machine.snapshot(block.device).status.wcs_alive:
                self._set_alive(block, True)

    def write_command(self, block: DeviceBlock, words: Sequence[int]) -> None:
        """Words 0–31 were written in one go (word 0 is not looked at)."""
        command = block.take_command(words)
        if isinstance(command, CommandHeader):
            self._refuse[id(block.machine)](block.device, command.epoch, command.sequence)
            self._keep(block.machine)
            self.wake()
        else:
            self._take(block, command)

    def write_decision(self, block: DeviceBlock, point: int, words: Sequence[int]) -> None:
        """The decision of a point was written in one go."""
        self._take(block, block.take_decision(point, words))

    def write_transfer_ack(self, block: DeviceBlock, transfer: int, word: int) -> None:
        """TransferAck of one transfer point was written."""
        self._take(block, block.take_transfer_ack(transfer, word))

    async def run(self, publish: Callable[[DeviceBlock], Awaitable[None]]) -> None:
        """Scan until cancelled, and carry changed words outside by `publish`."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._wall_s_to_next())
            self._wake.clear()
            for block in self.scan():
                await publish(block)

    def scan(self) -> list[DeviceBlock]:
        """One scan of all machines; the blocks whose words changed."""
        self._supervise_life()
        self._sense()
        rounds = 0
        changes = -1
        while changes != self._world.changes:
            changes = self._world.changes
            for machine in self._machines:
                self._advance(machine)
            self._watch_places()
            rounds += 1
            if rounds > ROUNDS_MAX:
                raise ScanStuck(", ".join(block.device for block in self.blocks))
        plant_ms, wall_s = self._clock.now_ms(), time.monotonic()
        self._keep_bodies(plant_ms)
        return [block for block in self.blocks if block.refresh(plant_ms, wall_s)]

    def _sense(self) -> None:
        before = self._watched
        self._watch_places()
        if self._watched is before:
            self._world.refresh()

    def _watch_places(self) -> None:
        sensed = {place for machine in self._machines for place in machine.watched_places()}
        places = tuple(sorted(sensed | self._own_places))
        if places != self._watched:
            self._watched = places
            self._world.watch(places)
            self._watch_listener(places)

    def _take(self, block: DeviceBlock, command: Command | None) -> None:
        """Judge a telegram in its own scan: sense, judge, keep; motion and words follow in the scan it wakes."""
        if command is not None:
            self._world.refresh()
            self._advance(block.machine)
            block.machine.command(command, self._clock.now_ms())
            self._keep(block.machine)
        self.wake()

    def _advance(self, machine: Machine) -> None:
        now_ms = self._clock.now_ms()
        for _ in range(STEPS_MAX):
            due_ms = machine.next_due_ms()
            moment_ms = now_ms if due_ms is None else min(due_ms, now_ms)
            machine.advance(moment_ms)
            self._keep(machine)
            if moment_ms >= now_ms:
                return
            if machine.next_due_ms() == due_ms:  # it waits for something else than time
                now_ms = max(now_ms, self._clock.now_ms())
                machine.advance(now_ms)
                self._keep(machine)
                return
        raise ScanStuck(machine.devices[0])

    def _keep_bodies(self, plant_ms: int) -> None:
        for assembled in self._assembled:
            if assembled.body is not None:
                moves = assembled.machine.next_due_ms() is not None
                assembled.store.keep_body(assembled.body(), plant_ms, moves=moves)

    def _keep(self, machine: Machine) -> None:
        self._stores[id(machine)].keep_memory(machine.memory())

    def _supervise_life(self) -> None:
        wall_s = time.monotonic()
        for block in self.blocks:
            still_s = wall_s - self._life_seen[block.device]
            if still_s >= WCS_LOST_S and block.machine.snapshot(block.device).status.wcs_alive:
                self._set_alive(block, False)

    def _set_alive(self, block: DeviceBlock, alive: bool) -> None:
        block.machine.set_wcs_alive(block.device, alive, self._clock.now_ms())
        self._keep(block.machine)
        self.wake()

    def _wall_s_to_next(self) -> float:
        wait_s = LIFE_INTERVAL_S
        for machine in self._machines:
            due_ms = machine.next_due_ms()
            if due_ms is not None:
                wait_s = min(wait_s, TELEMETRY_INTERVAL_S, self._clock.wall_s_until(due_ms))
        return wait_s
