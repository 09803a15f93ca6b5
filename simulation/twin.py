"""The SimPy host: the same mind and the same machine models in virtual time, with telegrams that take time.

Rule: events reach the mind in the order of (time, sequence); a machine has one pending timer, an idle one none.
No database: the journal is kept in memory if it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from devices.machines.conveyor import ConveyorMachine
from devices.machines.crane import CraneMachine
from devices.machines.machine import Load, Machine
from devices.machines.vehicle import VehicleMachine
from devices.machines.world import MemoryWorld
from simulation.clock import Clock
from wcs.core import events as v
from wcs.core.facts import Fact
from wcs.core.ports import (
    Command,
    CommandCode,
    Connected,
    DeviceCommand,
    DeviceReport,
    DeviceSnapshot,
    Disconnected,
    PointChanged,
    StatusChanged,
    Synchronised,
    TransferChanged,
)
from wcs.core.turn import Step
from wcs.core.warehouse import Warehouse
from wcs.plant.model import Plant

TELEGRAM_MS = 40  # one way, acknowledgement or report: half a poll interval and the wire
TICK_MS = 1_000
FIRST_EPOCH = 1
PLC_START_MS = 3_000  # a PLC's start-up and the session's new connection


class Twin:
    """One plant in virtual time."""

    def __init__(self, plant: Plant, *, keep_journal: bool = False) -> None:
        self.plant = plant
        self.env = Clock()
        self.world = MemoryWorld(plant)
        self.warehouse = Warehouse(plant)
        self.decide: Callable[[v.Event], Step] = lambda event: self.warehouse.handle(event)
        self.journal: list[tuple[v.Event, tuple[Fact, ...]]] | None = [] if keep_journal else None
        self.machines: list[Machine] = [
            *(CraneMachine(plant, c, self.world) for c in plant.cranes),
            *(VehicleMachine(plant, m, self.world) for m in plant.vehicles),
            *(ConveyorMachine(c, self.world, load_types=plant.load_types) for c in plant.conveyors),
        ]
        self._machine_of = {d: m for m in self.machines for d in m.devices}
        self._told: dict[str, DeviceSnapshot] = {}
        self._timer: dict[int, int] = {}
        self._looking: dict[int, bool] = {}
        self._syncing: dict[str, int] = {}
        self._sessions: dict[int, int] = {}
        self.world.subscribe_all(self._world_changed)

    @property
    def now_ms(self) -> int:
        return self.env.now_ms

    def start(self) -> None:
        """Power on: the host's term begins and every device connects."""
        self._begin_term()
        self._later(TICK_MS, self._tick)

    def _begin_term(self) -> None:
        digest = self.warehouse.layout.digest
        self.handle(v.HostStarted(at_ms=self.now_ms, epoch=FIRST_EPOCH, plant=self.plant.name, plant_digest=digest))
        for machine in self.machines:
            self._later(TELEGRAM_MS, partial(self._reconnect, machine))

    def open_stock(self, opening: list[v.OpeningLoadUnit]) -> None:
        """Opening stock, in world and book alike."""
        for unit in opening:
            load = Load(
                number=unit.load_unit,
                barcode=unit.barcode,
                load_type=unit.load_type,
                mass_g=unit.mass_g,
                height_mm=unit.height_mm,
            )
            self.world.place(load, unit.place, by="opening stock", now_ms=self.now_ms)
        for first in range(0, len(opening), 500):
            self.handle(
                v.StockOpened(at_ms=self.now_ms, actor="opening", load_units=tuple(opening[first : first + 500]))
            )

    def handle(self, event: v.Event) -> None:
        """One event into the mind; its commands leave at once and arrive a telegram later."""
        step = self.decide(event)
        self.warehouse.state.changes.clear()
        if self.journal is not None:
            self.journal.append((event, step.facts))
        for command in step.commands:
            session = self._sessions.get(id(self._machine_of[command.device]), 0)
            self._later(TELEGRAM_MS, partial(self._deliver, command, session))

    def inject(self, device: str, fault: str, /, **arguments: object) -> None:
        """A fault into the machine of a device."""
        machine = self._machine_of[device]
        machine.inject(fault, arguments, self.now_ms)
        self._advance(machine)

    def cut(self, device: str, *, restored_after_ms: int) -> None:
        """The connection to a device's PLC breaks, and comes back after a while; the machine goes on meanwhile."""
        machine = self._machine_of[device]
        self._lose(machine, "the connection is cut")
        self._later(restored_after_ms, partial(self._reconnect, machine))

    def restart(self, device: str, *, wiped: bool = False, restored_after_ms: int = PLC_START_MS) -> None:
        """Power loss of a device's PLC: it starts with its retentive memory kept, or wiped, and is connected again."""
        machine = self._machine_of[device]
        machine.advance(self.now_ms)
        self._lose(machine, "the PLC lost its power")
        machine.restart(None if wiped else machine.memory(), self.now_ms)
        self._advance(machine)
        self._later(restored_after_ms, partial(self._reconnect, machine))

    def host_restarts(self) -> None:
        """A new term: every connection is new, and what was on the wire is gone."""
        for machine in self.machines:
            self._sessions[id(machine)] = self._sessions.get(id(machine), 0) + 1
            for device in machine.devices:
                self._told.pop(device, None)
                self._syncing.pop(device, None)
        self._begin_term()

    def _lose(self, machine: Machine, reason: str) -> None:
        self._sessions[id(machine)] = self._sessions.get(id(machine), 0) + 1
        for device in machine.devices:
            self._told.pop(device, None)
            self._syncing.pop(device, None)
            machine.set_wcs_alive(device, False, self.now_ms)
            self.handle(v.DeviceReported(at_ms=self.now_ms, report=Disconnected(device=device, reason=reason)))

    def _reconnect(self, machine: Machine) -> None:
        for device in machine.devices:
            if device not in self._told:
                self._connect(device)

    def worker(self, step: Callable[[], int]) -> None:
        """A person: does one piece of work after another for as long as the run lasts."""

        def life() -> Any:
            while True:
                yield self.env.timeout(step())

        self.env.process(life())

    def run_until(self, done: Callable[[], bool], *, limit_ms: int) -> bool:
        """Run until `done` (asked at every step); False if it is not by `limit_ms`."""
        while not done():
            if not self.env._queue or self.env.peek() > limit_ms:
                return False
            self.env.step()
        return True

    def run_to(self, until_ms: int) -> None:
        """Run until that time."""
        self.env.run_to(until_ms)

    def _later(self, delay_ms: int, action: Callable[[], None]) -> None:
        self.env.call_in(delay_ms, action)

    def _tick(self) -> None:
        self.handle(v.Tick(at_ms=self.now_ms))
        self._later(TICK_MS, self._tick)

    def _connect(self, device: str) -> None:
        machine = self._machine_of[device]
        machine.set_wcs_alive(device, True, self.now_ms)
        self._advance(machine)
        snapshot = machine.snapshot(device)
        self._told[device] = snapshot
        self._report(device, Connected(snapshot=snapshot))

    def _report(self, device: str, report: DeviceReport) -> None:
        """A telegram on its way up; what a broken connection held is never heard."""
        machine = id(self._machine_of[device])
        session = self._sessions.get(machine, 0)

        def arrive() -> None:
            if self._sessions.get(machine, 0) == session:
                self.handle(v.DeviceReported(at_ms=self.now_ms, report=report))

        self._later(TELEGRAM_MS, arrive)

    def _deliver(self, command: Command, session: int) -> None:
        """A telegram down arrives; one for a connection that is no more is dropped."""
        machine = self._machine_of[command.device]
        if command.device not in self._told or self._sessions.get(id(machine), 0) != session:
            return
        machine.command(command, self.now_ms)
        if isinstance(command, DeviceCommand) and command.code is CommandCode.SYNC:
            self._syncing[command.device] = command.sequence
        self._advance(machine)

    def _world_changed(self, place: str) -> None:
        for n, machine in enumerate(self.machines):
            if not self._looking.get(n) and place in machine.watched_places():
                self._looking[n] = True
                self._later(0, partial(self._look, n))

    def _look(self, n: int) -> None:
        self._looking[n] = False
        self._advance(self.machines[n])

    def _advance(self, machine: Machine) -> None:
        machine.advance(self.now_ms)
        for device in machine.devices:
            self._tell(machine, device)
        due_ms = machine.next_due_ms()
        key = id(machine)
        if due_ms is not None and self._timer.get(key) != due_ms:
            self._timer[key] = due_ms
            self._later(max(0, due_ms - self.now_ms), lambda: self._due(machine, key, due_ms))

    def _due(self, machine: Machine, key: int, due_ms: int) -> None:
        if self._timer.get(key) == due_ms:
            del self._timer[key]
            self._advance(machine)

    def _tell(self, machine: Machine, device: str) -> None:
        """Report what changed since the last telling, as a session would."""
        old = self._told.get(device)
        if old is None:
            return
        new = machine.snapshot(device)
        sequence = self._syncing.get(device, 0)
        if sequence and new.status.ack_sequence >= sequence:
            del self._syncing[device]
            self._told[device] = new
            self._report(device, Synchronised(sequence=sequence, snapshot=new))
            return
        if new == old:
            return
        self._told[device] = new
        if new.status != old.status or new.battery_permille // 20 != old.battery_permille // 20:
            changed = StatusChanged(device=device, status=new.status, battery_permille=new.battery_permille)
            self._report(device, changed)
        for n, transfer in enumerate(new.transfers):
            if transfer != old.transfers[n]:
                self._report(device, TransferChanged(device=device, transfer=n, status=transfer))
        for n, point in enumerate(new.points):
            if point != old.points[n]:
                self._report(device, PointChanged(device=device, point=n, status=point))
