"""Drawn cycles of one crane alone, on the machine model that stands behind its virtual PLC: for acceptance.

Rule: every location of the aisle is drawn equally often; its own clock is what is measured, telegrams take none.
"""

from __future__ import annotations

from statistics import fmean

from devices.machines.crane import CraneMachine
from devices.machines.machine import Load
from devices.machines.world import MemoryWorld
from simulation.chance import Chance
from simulation.student import half_width_of
from wcs.core.ports import AckCode, Address, CommandCode, DeviceCommand, DeviceState, DeviceTask, ResultCode, TaskType
from wcs.plant.closed_forms import aisle_of, rack_of
from wcs.plant.locations import LocationAddress, LocationTable
from wcs.plant.model import OUTSIDE, Plant, Record, StackerCrane

CONFIDENCE = 0.95
CYCLES_MIN = 10  # fewer say nothing of their spread
CYCLES_MAX = 20_000  # of each kind: beyond it an aisle takes a minute, and the interval is far below the model's truth
LOAD_HEIGHT_MM, LOAD_MASS_G = 1, 1  # fits everywhere: the way is measured, not the contour check
BY = "trial"


class Mean(Record):
    """Of independent values: the mean with the half-width of its 95 % interval (Student)."""

    mean_s: float
    half_width_s: float
    count: int


class Trials(Record):
    """What one crane took for drawn single and dual command cycles."""

    single: Mean
    dual: Mean


def try_cycles(plant: Plant, crane: StackerCrane, *, cycles: int, seed: int) -> Trials:
    """So many single cycles (storage and retrieval in turn) and as many dual ones.

    Raises:
        ValueError: too few cycles for an interval, or more than CYCLES_MAX.
    """
    if not CYCLES_MIN <= cycles <= CYCLES_MAX:
        raise ValueError(f"{cycles} cycles: wanted from {CYCLES_MIN} to {CYCLES_MAX}")
    trial = _Trial(plant, crane, Chance(seed))
    singles = [trial.storage_ms() if n % 2 == 0 else trial.retrieval_ms() for n in range(cycles)]
    duals = [trial.dual_ms() for _ in range(cycles)]
    return Trials(single=_mean(singles), dual=_mean(duals))


def _mean(values_ms: list[int]) -> Mean:
    seconds = [ms / 1000 for ms in values_ms]
    return Mean(mean_s=fmean(seconds), half_width_s=half_width_of(seconds, CONFIDENCE), count=len(seconds))


class _Trial:
    """One crane in an empty aisle; loads are brought and taken away by hand in no time."""

    def __init__(self, plant: Plant, crane: StackerCrane, chance: Chance) -> None:
        self._world = MemoryWorld(plant, lambda line: None)
        self._machine = CraneMachine(plant, crane, self._world)
        self._aisle = aisle_of(plant, crane)
        self._crane, self._chance = crane, chance
        rack = rack_of(plant, crane)
        number = self._aisle.number
        self._in = (Address(a=number, b=0, c=rack.input.number, d=0), rack.input.transfer_point)
        self._out = (Address(a=number, b=0, c=rack.output.number, d=0), rack.output.transfer_point)
        self._table = LocationTable(plant)
        self._now_ms = self._sequence = self._draws = 0

    def storage_ms(self) -> int:
        began_ms = self._begun(self._in)
        self._carry(self._in, self._drawn())
        self._position(self._in)
        return self._now_ms - began_ms

    def retrieval_ms(self) -> int:
        began_ms = self._begun(self._out)
        self._carry(self._drawn(), self._out)
        return self._now_ms - began_ms

    def dual_ms(self) -> int:
        began_ms = self._begun(self._in)
        self._carry(self._in, self._drawn())
        self._carry(self._drawn(), self._out)
        self._position(self._in)
        return self._now_ms - began_ms

    def _begun(self, at: tuple[Address, str]) -> int:
        self._position(at)
        return self._now_ms

    def _drawn(self) -> tuple[Address, str]:
        aisle, chance = self._aisle, self._chance
        self._draws += 1
        bay = chance.integer(1, aisle.bays, "trial bay", self._crane.name, self._draws)
        level = chance.integer(1, aisle.levels, "trial level", self._crane.name, self._draws)
        depth = chance.integer(1, aisle.depth, "trial depth", self._crane.name, self._draws)
        side = chance.choice(aisle.sides, "trial side", self._crane.name, self._draws)
        address = LocationAddress(aisle=aisle.name, side=side, bay=bay, level=level, depth=depth)
        place = self._table.name(self._table.index_of(address))
        return Address(a=aisle.number, b=bay, c=level, d=side * 10 + depth), place

    def _carry(self, source: tuple[Address, str], sink: tuple[Address, str]) -> None:
        """One TRANSFER of a load that comes from nowhere and goes nowhere."""
        number = self._sequence + 1
        load = Load(
            number=number, barcode=f"T{number}", load_type=1, mass_g=LOAD_MASS_G, height_mm=LOAD_HEIGHT_MM
        )  # fmt: skip
        self._world.place(load, source[1], by=BY, now_ms=self._now_ms)
        self._do(TaskType.TRANSFER, source[0], sink[0])
        self._world.move(number, sink[1], OUTSIDE, by=BY, now_ms=self._now_ms)

    def _position(self, at: tuple[Address, str]) -> None:
        self._do(TaskType.POSITION, Address(), at[0])

    def _do(self, type: TaskType, source: Address, sink: Address) -> None:
        number = self._sequence + 1
        self._send(
            CommandCode.TASK,
            DeviceTask(number=number, type=type, source=source, sink=sink, load_id=number, load_type=1, p=(0, 0, 0, 0)),
        )
        while self._machine.status(self._crane.name).state is not DeviceState.DONE:
            due_ms = self._machine.next_due_ms()
            assert due_ms is not None, f"{self._crane.name} stands still in a trial"
            self._now_ms = max(self._now_ms, due_ms)
            self._machine.advance(self._now_ms)
        assert self._machine.status(self._crane.name).result is ResultCode.OK
        self._send(CommandCode.RECEIPT, None, number)

    def _send(self, code: CommandCode, task: DeviceTask | None, task_number: int = 0) -> None:
        self._sequence += 1
        self._machine.command(
            DeviceCommand(
                device=self._crane.name, epoch=1, sequence=self._sequence, code=code, task_number=task_number,
                task=task, p1=0, flags=0,
            ),
            self._now_ms,
        )  # fmt: skip
        assert self._machine.status(self._crane.name).ack_code is AckCode.ACCEPTED
