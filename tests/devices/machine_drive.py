"""One task-driven machine under test: sends telegrams with rising sequences and lets time pass from due to due."""

from __future__ import annotations

from collections.abc import Callable

from devices.machines.crane import CraneMachine
from devices.machines.machine import Load
from devices.machines.task_plc import TaskMemory
from devices.machines.vehicle import VehicleMachine
from devices.machines.world import MemoryWorld, WorldLine
from tests.devices.machine_plants import crane_plant, vehicle_plant
from wcs.core.ports import (
    AckCode,
    Address,
    CommandCode,
    DeviceCommand,
    DeviceState,
    DeviceStatus,
    DeviceTask,
    ResultCode,
    TaskType,
)

HOUR_MS = 3_600_000


def tote(number: int) -> Load:
    """A load of 5 kg."""
    return Load(number=number, barcode=f"T{number}", load_type=1, mass_g=5_000, height_mm=300)


def at(bay: int, level: int, *, side: int = 1, depth: int = 1) -> Address:
    """A storage location of aisle A1."""
    return Address(a=1, b=bay, c=level, d=side * 10 + depth)


def transfer(number: int) -> Address:
    """A transfer point of crane CR1."""
    return Address(a=1, b=0, c=number, d=0)


class Bench:
    """A machine, its world and the time; a test reads like what a commissioning engineer does."""

    def __init__(self, machine: CraneMachine | VehicleMachine, world: MemoryWorld, lines: list[WorldLine]) -> None:
        self.machine = machine
        self.world = world
        self.lines = lines
        self.now_ms = 0
        self.sequence = 0
        self.epoch = 1
        self.device = machine.devices[0]

    @property
    def status(self) -> DeviceStatus:
        return self.machine.snapshot(self.device).status

    def send(
        self, code: CommandCode, task_number: int = 0, *, task: DeviceTask | None = None, p1: int = 0, flags: int = 0
    ) -> AckCode:
        """Send a telegram now; what the PLC answers."""
        self.sequence += 1
        command = DeviceCommand(
            device=self.device,
            epoch=self.epoch,
            sequence=self.sequence,
            code=code,
            task_number=task_number,
            task=task,
            p1=p1,
            flags=flags,
        )
        self.machine.command(command, self.now_ms)
        assert self.status.ack_sequence == self.sequence
        return self.status.ack_code

    def task(
        self,
        type: TaskType,
        *,
        number: int = 7,
        source: Address | None = None,
        sink: Address | None = None,
        nodes: tuple[int, ...] = (),
        limit_mm_s: int = 0,
        flags: int = 0,
        code: CommandCode = CommandCode.TASK,
        load_id: int = 5,
    ) -> AckCode:
        """Send a TASK (or EXTEND)."""
        p2, p3, p4 = (*nodes, 0, 0, 0)[:3]
        task = DeviceTask(
            number=number,
            type=type,
            source=source or Address(),
            sink=sink or Address(),
            load_id=load_id,
            load_type=1,
            p=(limit_mm_s, p2, p3, p4),
        )
        return self.send(code, task=task, flags=flags)

    def pass_time(self, until_ms: int) -> None:
        """Let time pass, from due to due."""
        while (due := self.machine.next_due_ms()) is not None and due <= until_ms:
            self.now_ms = max(self.now_ms, due)
            self.machine.advance(self.now_ms)
        self.now_ms = until_ms
        self.machine.advance(until_ms)

    def until(self, reached: Callable[[DeviceStatus], bool]) -> None:
        """Let time pass until the status says so."""
        while not reached(self.status):
            due = self.machine.next_due_ms()
            assert due is not None, f"stands still in {self.status.state.name}"
            self.now_ms = max(self.now_ms, due)
            self.machine.advance(self.now_ms)

    def until_done(self) -> ResultCode:
        """Let time pass until DONE; its result."""
        self.until(lambda status: status.state == DeviceState.DONE)
        return self.status.result

    def inject(self, fault: str, **arguments: object) -> None:
        """An act of the test port."""
        self.machine.inject(fault, arguments, self.now_ms)

    def lose_power(self, *, memory_lost: bool = False) -> None:
        """Power off and on again at this moment."""
        memory: TaskMemory | None = None if memory_lost else self.machine.memory()
        self.machine.restart(memory, self.now_ms)

    def moves(self) -> list[str]:
        """The world's log without its first placings: time, source, sink."""
        return [f"{line.time_ms} {line.source} > {line.sink}" for line in self.lines if line.load is None]


def crane_bench(*, depth: int = 1, keep: Callable[[TaskMemory], None] = lambda memory: None) -> Bench:
    """One crane at home (x 0, y 500)."""
    plant = crane_plant(depth=depth)
    lines: list[WorldLine] = []
    world = MemoryWorld(plant, lines.append)
    return Bench(CraneMachine(plant, plant.cranes[0], world, keep=keep), world, lines)


def vehicle_bench() -> Bench:
    """One vehicle at N1, with a full battery."""
    plant = vehicle_plant()
    lines: list[WorldLine] = []
    world = MemoryWorld(plant, lines.append)
    return Bench(VehicleMachine(plant, plant.vehicles[0], world), world, lines)
