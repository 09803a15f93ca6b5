"""The SimPy host: the same mind and the same machine models in virtual time, with telegrams that take time.

Rule: events reach the mind in the order of (time, sequence); a machine has one pending timer, an idle one none. What
machines change in the building is seen by their neighbours at the same moment, without the clock.
No database: the journal is kept in memory if it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devices.machines.conveyor import ConveyorMachine
from devices.machines.crane import CraneMachine
from devices.machines.machine import Load, Machine, WordKind
from devices.machines.vehicle import VehicleMachine
from devices.machines.world import MemoryWorld, WorldLine
from simulation.clock import Clock
from wcs.core import events as v
from wcs.core.facts import Fact
from wcs.core.layout import Kind
from wcs.core.ports import (
    Command,
    CommandCode,
    Connected,
    DeviceCommand,
    DeviceReport,
    Disconnected,
    PointChanged,
    StatusChanged,
    Synchronised,
    TransferChanged,
)
from wcs.core.tasks import words_read
from wcs.core.turn import Step
from wcs.core.warehouse import Warehouse
from wcs.plant.model import Plant

TELEGRAM_MS = 40  # one way, acknowledgement or report: half a poll interval and the wire
TICK_MS = 1_000
FIRST_EPOCH = 1
PLC_START_MS = 3_000  # a PLC's start-up and the session's new connection
REFRESH_MS = 1_000  # a level whose telegram was lost is read again then

Wire = Callable[[str, str, object], tuple[int, ...]]
"""(way "up" or "down", device, telegram) → after how many ms it arrives: () lost, two numbers doubled."""


class _Session:
    """The conversation with one device: what the mind has been told of its words."""

    __slots__ = ("connected", "device", "kind", "machine", "number", "read", "syncing", "told")

    def __init__(self, device: str, kind: Kind, machine: int) -> None:
        self.device = device
        self.kind = kind
        self.machine = machine
        self.number = 0
        self.connected = False
        self.syncing = 0
        self.read: object = None
        self.told: dict[tuple[WordKind, int], object] = {}

    def end(self) -> None:
        """What is on the wire is never heard."""
        self.number += 1
        self.connected = False
        self.syncing = 0
        self.read = None
        self.told.clear()


class Twin:
    """One plant in virtual time.

    Args:
        plant: what stands there.
        keep_journal: keep every event with its facts in `journal`.
        warehouse: a mind that is not new (a warm start, a measured one).
        log: hears every line of the world's log.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        keep_journal: bool = False,
        warehouse: Warehouse | None = None,
        log: Callable[[WorldLine], None] = lambda line: None,
    ) -> None:
        self.plant = plant
        self.env = Clock()
        self.world = MemoryWorld(plant, log)
        self.warehouse = warehouse or Warehouse(plant)
        self.decide: Callable[[v.Event], Step] = lambda event: self.warehouse.handle(event)
        self.wire: Wire = lambda way, device, telegram: (TELEGRAM_MS,)
        self.after_step: list[Callable[[Step], None]] = []
        self.journal: list[tuple[v.Event, tuple[Fact, ...]]] | None = [] if keep_journal else None
        self.machines: list[Machine] = [
            *(CraneMachine(plant, c, self.world) for c in plant.cranes),
            *(VehicleMachine(plant, m, self.world) for m in plant.vehicles),
            *(ConveyorMachine(c, self.world, load_types=plant.load_types) for c in plant.conveyors),
        ]
        self._machine_of = {d: n for n, m in enumerate(self.machines) for d in m.devices}
        kinds = self.warehouse.layout.kinds
        self._sessions = {d: _Session(d, kinds[d], n) for d, n in self._machine_of.items()}
        self._timer: list[int | None] = [None] * len(self.machines)
        self._moved: set[int] = set()
        self._settling = False
        self._heeding: dict[str, list[int]] = {}
        self._heeds = [False] * len(self.machines)
        for n in range(len(self.machines)):
            self._note_heed(n)
        self.world.subscribe_all(self._world_changed)

    @property
    def now_ms(self) -> int:
        return self.env.now_ms

    def start(self) -> None:
        """Power on: the host's term begins and every device connects."""
        self._begin_term()
        self.env.call_in(TICK_MS, self._tick)

    def _begin_term(self) -> None:
        digest = self.warehouse.layout.digest
        self.handle(v.HostStarted(at_ms=self.now_ms, epoch=FIRST_EPOCH, plant=self.plant.name, plant_digest=digest))
        for machine in self.machines:
            self.env.call_in(TELEGRAM_MS, self._reconnect, machine)

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
        self.warehouse.state.forget_changes()
        if self.journal is not None:
            self.journal.append((event, step.facts))
        for command in step.commands:
            session = self._sessions[command.device]
            for delay_ms in self.wire("down", command.device, command):
                self.env.call_in(delay_ms, self._deliver, command, session, session.number)
        for hear in self.after_step:
            hear(step)

    def machine_of(self, device: str) -> Machine:
        """The machine that this device is, or is a block of."""
        return self.machines[self._machine_of[device]]

    def inject(self, device: str, fault: str, /, **arguments: object) -> None:
        """A fault into the machine of a device."""
        n = self._machine_of[device]
        self.machines[n].inject(fault, arguments, self.now_ms)
        self._settle(n)

    def cut(self, device: str, *, restored_after_ms: int) -> None:
        """The connection to a device's PLC breaks, and comes back after a while; the machine goes on meanwhile."""
        machine = self.machine_of(device)
        self._lose(machine, "the connection is cut")
        self.env.call_in(restored_after_ms, self._reconnect, machine)

    def restart(self, device: str, *, wiped: bool = False, restored_after_ms: int = PLC_START_MS) -> None:
        """Power loss of a device's PLC: it starts with its retentive memory kept, or wiped, and is connected again."""
        n = self._machine_of[device]
        machine = self.machines[n]
        machine.advance(self.now_ms)
        self._lose(machine, "the PLC lost its power")
        machine.restart(None if wiped else machine.memory(), self.now_ms)
        self._settle(n)
        self.env.call_in(restored_after_ms, self._reconnect, machine)

    def host_restarts(self) -> None:
        """A new term: every connection is new, and what was on the wire is gone."""
        for session in self._sessions.values():
            session.end()
        self._begin_term()

    def worker(self, step: Callable[[], int]) -> None:
        """A script: does one piece of work after another for as long as the run lasts; `step` returns how long."""

        def life() -> Any:
            while True:
                yield self.env.timeout(step())

        self.env.process(life())

    def run_to(self, until_ms: int) -> None:
        """Run until that time."""
        self.env.run_to(until_ms)

    def run_until(self, done: Callable[[], bool], *, limit_ms: int) -> bool:
        """Run until `done` (asked at every step); False if it is not by `limit_ms`."""
        while not done():
            if self.env.peek() > limit_ms:
                return False
            self.env.step()
        return True

    def _tick(self) -> None:
        self.handle(v.Tick(at_ms=self.now_ms))
        self.env.call_in(TICK_MS, self._tick)

    # --- sessions ---

    def _lose(self, machine: Machine, reason: str) -> None:
        for device in machine.devices:
            self._sessions[device].end()
            machine.set_wcs_alive(device, False, self.now_ms)
            self.handle(v.DeviceReported(at_ms=self.now_ms, report=Disconnected(device=device, reason=reason)))

    def _reconnect(self, machine: Machine) -> None:
        for device in machine.devices:
            if not self._sessions[device].connected:
                self._connect(self._sessions[device])

    def _connect(self, session: _Session) -> None:
        machine = self.machines[session.machine]
        machine.set_wcs_alive(session.device, True, self.now_ms)
        self._settle(session.machine)
        session.connected = True
        self._report(session, Connected(snapshot=self._tell_all(session)))

    def _tell_all(self, session: _Session) -> Any:
        """A snapshot, noted as told."""
        snapshot = self.machines[session.machine].snapshot(session.device)
        session.read = words_read(session.kind, snapshot.status, snapshot.battery_permille)
        session.told = {(WordKind.TRANSFER, n): transfer for n, transfer in enumerate(snapshot.transfers)}
        session.told.update({(WordKind.POINT, n): point for n, point in enumerate(snapshot.points)})
        return snapshot

    def _report(self, session: _Session, report: DeviceReport) -> None:
        """A telegram on its way up."""
        delays = self.wire("up", session.device, report)
        for delay_ms in delays:
            self.env.call_in(delay_ms, self._arrive, report, session, session.number)
        if not delays:
            self.env.call_in(REFRESH_MS, self._arrive, report, session, session.number)

    def _arrive(self, report: DeviceReport, session: _Session, number: int) -> None:
        """What a broken connection held is never heard."""
        if session.number == number:
            self.handle(v.DeviceReported(at_ms=self.now_ms, report=report))

    def _deliver(self, command: Command, session: _Session, number: int) -> None:
        """A telegram down arrives; one for a connection that is no more is dropped."""
        if not session.connected or session.number != number:
            return
        self.machines[session.machine].command(command, self.now_ms)
        if isinstance(command, DeviceCommand) and command.code is CommandCode.SYNC:
            session.syncing = command.sequence
        self._settle(session.machine)

    # --- machines ---

    def _note_heed(self, n: int) -> None:
        """A machine begins or ends to heed what changes at its places; most cranes and vehicles rarely do."""
        machine = self.machines[n]
        heeds = machine.heeds_changes()
        if heeds != self._heeds[n]:
            self._heeds[n] = heeds
            for place in machine.watched_places():
                heeding = self._heeding.setdefault(place, [])
                (heeding.append if heeds else heeding.remove)(n)

    def _world_changed(self, place: str) -> None:
        """Those who heed this place look at it."""
        heeding = self._heeding.get(place)
        if not heeding:
            return
        self._moved.update(heeding)
        if not self._settling:
            self.env.call_in(0, self._settle_moved)

    def _settle_moved(self) -> None:
        if self._moved:
            self._settle(self._moved.pop())

    def _due(self, n: int, due_ms: int) -> None:
        if self._timer[n] == due_ms:
            self._timer[n] = None
            self._settle(n)

    def _settle(self, first: int) -> None:
        """A machine does what is due; so do, at the same moment, those who sense what it moved, until all is quiet."""
        self._settling = True
        self._moved.add(first)
        while self._moved:
            n = min(self._moved)
            self._moved.discard(n)
            self._advance(n)
        self._settling = False

    def _advance(self, n: int) -> None:
        machine, now_ms = self.machines[n], self.env.now_ms
        machine.advance(now_ms)
        self._moved.discard(n)  # its own moves are no news to it
        if machine.heeds_changes() != self._heeds[n]:
            self._note_heed(n)
        for _, device, kind, index in machine.take_changes():
            session = self._sessions[device]
            if session.connected:
                self._tell(session, machine, kind, index)
        due_ms = machine.next_due_ms()
        if due_ms is not None and self._timer[n] != due_ms:
            self._timer[n] = due_ms
            self.env.call_in(max(0, due_ms - now_ms), self._due, n, due_ms)

    def _tell(self, session: _Session, machine: Machine, kind: WordKind, index: int) -> None:
        """Report what changed since the last telling, as a session would."""
        device = session.device
        if kind is WordKind.STATUS:
            self._tell_status(session, machine)
            return
        assert isinstance(machine, ConveyorMachine)
        if kind is WordKind.TRANSFER:
            transfer = machine.transfer_words(device, index)
            if session.told.get((kind, index)) != transfer:
                session.told[kind, index] = transfer
                self._report(session, TransferChanged(device=device, transfer=index, status=transfer))
        else:
            point = machine.point_words(device, index)
            if session.told.get((kind, index)) != point:
                session.told[kind, index] = point
                self._report(session, PointChanged(device=device, point=index, status=point))

    def _tell_status(self, session: _Session, machine: Machine) -> None:
        """Only what the mind reads is worth a telegram; that the others change nothing is tested."""
        device = session.device
        status = machine.status(device)
        if session.syncing and status.ack_sequence >= session.syncing:
            sequence, session.syncing = session.syncing, 0
            self._report(session, Synchronised(sequence=sequence, snapshot=self._tell_all(session)))
            return
        battery_permille = machine.battery_permille(device)
        read = words_read(session.kind, status, battery_permille)
        if read != session.read:
            session.read = read
            self._report(session, StatusChanged(device=device, status=status, battery_permille=battery_permille))
