"""A crane in a rack of its own, driven as its PLC is driven: telegrams down, the status says when a task is done.

Travel is what the crane's own clock shows less its fork cycles. A rack that is taken as a uniform density (Bozer and
White; Hausman, Schwarz and Graves) is fine, its locations in the middles of its cells, and its crane does not ramp.
"""

from __future__ import annotations

from functools import cache

from devices.machines.crane import CraneMachine
from devices.machines.world import MemoryWorld, WorldLine
from tests.devices.machine_drive import Bench, at, tote, transfer
from wcs.core.ports import AckCode, Address, CommandCode, ResultCode, TaskType
from wcs.plant.model import (
    Aisle,
    Conveyor,
    CranePoint,
    Plant,
    Plc,
    Protocol,
    Side,
    StackerCrane,
    Track,
    TransferPoint,
)

FORK_MS = 4_000
CELLS = 64  # on each axis: the middles of 64 cells know the mean of a uniform density to better than 0.02 %
LONGEST_S = 64  # travel to the far end: a millisecond of rounding is 0.002 % of it
NO_RAMP_MM_S2 = 10**9
IN, OUT = transfer(1), transfer(2)


def rack_plant(
    *, bays: int, levels: int, pitch_mm: tuple[int, int], first_mm: tuple[int, int], speed_mm_s: tuple[int, int],
    accel_mm_s2: int,
) -> Plant:  # fmt: skip
    """One aisle with a rack on its left, its two transfer points at the origin, and nothing else."""
    aisle = Aisle(
        name="A1", number=1, sides=(Side.LEFT,), bays=bays, levels=levels, depth=1, bay_pitch_mm=pitch_mm[0],
        level_pitch_mm=pitch_mm[1], x0_mm=first_mm[0], y0_mm=first_mm[1], location_height_mm=400,
        location_mass_max_g=30_000, zone="AMBIENT",
    )  # fmt: skip
    crane = StackerCrane(
        name="CR1", aisle="A1", speed_x_mm_s=speed_mm_s[0], speed_y_mm_s=speed_mm_s[1], accel_x_mm_s2=accel_mm_s2,
        accel_y_mm_s2=accel_mm_s2, fork_cycle_ms=FORK_MS,
        transfer_points=(
            CranePoint(number=1, transfer_point="A1.IN", x_mm=0, y_mm=0),
            CranePoint(number=2, transfer_point="A1.OUT", x_mm=0, y_mm=0),
        ),
    )  # fmt: skip
    names = ("A1.IN", "A1.OUT")
    conveyor = Conveyor(
        name="CV", devices=("CV1",), merges=(), points=(), segments=(),
        transfer_points=tuple(TransferPoint(name=n, device="CV1", index=i) for i, n in enumerate(names)),
    )  # fmt: skip
    return Plant(
        name="rack", load_types=(), aisles=(aisle,), cranes=(crane,), conveyors=(conveyor,), stations=(), docks=(),
        clarification_points=(), track=Track(), vehicles=(),
        plcs=(Plc(name="PLC1", protocol=Protocol.OPCUA, devices=("CR1", "CV1")),),
    )  # fmt: skip


def uniform_rack(shape: float) -> Plant:
    """`shape` is b: how long the lift to the top takes, as a share of the travel to the far end."""
    length_mm = LONGEST_S * 1_000 // CELLS
    height_mm = round(length_mm * shape)
    return rack_plant(
        bays=CELLS, levels=CELLS, pitch_mm=(length_mm, height_mm), first_mm=(length_mm // 2, height_mm // 2),
        speed_mm_s=(1_000, 1_000), accel_mm_s2=NO_RAMP_MM_S2,
    )  # fmt: skip


class CraneCycles:
    """One crane at its transfer points, with cycles to do."""

    def __init__(self, plant: Plant) -> None:
        lines: list[WorldLine] = []
        world = MemoryWorld(plant, lines.append)
        self.bench = Bench(CraneMachine(plant, plant.cranes[0], world), world, lines)
        self._task = 0

    def _do(self, type: TaskType, source: Address, sink: Address) -> None:
        self._task += 1
        assert self.bench.task(type, number=self._task, source=source, sink=sink) == AckCode.ACCEPTED
        assert self.bench.until_done() == ResultCode.OK
        assert self.bench.send(CommandCode.RECEIPT, self._task) == AckCode.ACCEPTED

    def single_ms(self, bay: int, level: int) -> int:
        """Store one load and come back: how long the crane travelled."""
        bench, number = self.bench, self._task + 1
        began_ms = bench.now_ms
        bench.world.place(tote(number), "A1.IN", by="test", now_ms=began_ms)
        self._do(TaskType.TRANSFER, IN, at(bay, level))
        self._do(TaskType.POSITION, Address(), IN)
        bench.world.move(number, bench.world.place_of(number), "outside", by="test", now_ms=bench.now_ms)
        return bench.now_ms - began_ms - 2 * FORK_MS

    def dual_ms(self, storage: tuple[int, int], retrieval: tuple[int, int]) -> int:
        """Store one load, fetch another: how long the crane travelled."""
        bench, number = self.bench, self._task + 1
        began_ms, source = bench.now_ms, f"A1-L-{retrieval[0]:02d}-{retrieval[1]:02d}-1"
        bench.world.place(tote(number), "A1.IN", by="test", now_ms=began_ms)
        bench.world.place(tote(number + 1), source, by="test", now_ms=began_ms)
        self._do(TaskType.TRANSFER, IN, at(*storage))
        self._do(TaskType.TRANSFER, at(*retrieval), OUT)
        for load, place in ((number, bench.world.place_of(number)), (number + 1, "A1.OUT")):
            bench.world.move(load, place, "outside", by="test", now_ms=bench.now_ms)
        return bench.now_ms - began_ms - 4 * FORK_MS


@cache
def single_travels_ms(shape: float) -> tuple[int, ...]:
    """The travel of a single cycle to each location of a uniform rack."""
    cycles = CraneCycles(uniform_rack(shape))
    return tuple(cycles.single_ms(bay, level) for bay in range(1, CELLS + 1) for level in range(1, CELLS + 1))
