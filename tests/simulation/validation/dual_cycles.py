"""Dual cycles as the mind pairs them: sources go round between a uniform rack and a pick station that takes no time.

Each order wants one piece from one source. Its crane fetches it, and as the source is put away again at once, the next
cycle stores it. Where it is stored is a put-away's choice; of the free locations of the rack all but one are blocked.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from devices.machines.world import WorldLine
from simulation.twin import Twin
from tests.simulation.validation.crew import Crew
from tests.simulation.validation.quick_plant import quick_plant
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.turn import Step
from wcs.plant.locations import LocationAddress, LocationTable
from wcs.plant.model import Aisle, Plant, Side, StackerCrane

CELLS = 32  # on each axis
LONGEST_S = 32
CONNECTED_MS = 1_000
SOURCE_MASS_G, EMPTY_MASS_G, BETWEEN_G = 10_000, 2_000, 5_000
SOURCE_HEIGHT_MM, EMPTY_HEIGHT_MM, BETWEEN_MM = 300, 320, 310
Cell = tuple[int, int]
Spot = tuple[float, float]  # of the rack, both from 0 to 1


def plant_with_uniform_rack(shape: float) -> Plant:
    """Aisle A1 is the rack, for sources alone; A2 is quick and for empties alone."""
    plant = quick_plant(order_places=4)
    (rack, empties), (crane, other) = plant.aisles, plant.cranes
    return replace(plant, aisles=(_uniform(rack, shape), _for_empties(empties)), cranes=(_slow(crane), other))


def _uniform(aisle: Aisle, shape: float) -> Aisle:
    width_mm = LONGEST_S * 1_000 // CELLS
    height_mm = round(width_mm * shape)
    return replace(
        aisle, sides=(Side.LEFT,), bays=CELLS, levels=CELLS, bay_pitch_mm=width_mm, level_pitch_mm=height_mm,
        x0_mm=width_mm // 2, y0_mm=height_mm // 2, location_height_mm=BETWEEN_MM,
    )  # fmt: skip


def _for_empties(aisle: Aisle) -> Aisle:
    return replace(aisle, location_mass_max_g=BETWEEN_G)


def _slow(crane: StackerCrane) -> StackerCrane:
    points = tuple(replace(point, x_mm=0, y_mm=0) for point in crane.transfer_points)
    return replace(
        crane, speed_x_mm_s=1_000, speed_y_mm_s=1_000, transfer_points=points, home_x_mm=0, home_y_mm=0
    )  # fmt: skip


class DualCycles:
    """The plant at work on pairs (where to store, what to fetch); `done_ms` is when each load came to A1.OUT."""

    def __init__(self, shape: float, pairs: Iterator[tuple[Spot, Spot]]) -> None:
        self.lines: list[WorldLine] = []
        self.twin = Twin(plant_with_uniform_rack(shape), log=self.lines.append)
        self.twin.wire = lambda way, device, telegram: (0,)
        self._pairs = pairs
        self._pair = next(pairs)
        self._table = LocationTable(self.twin.plant)
        self._free: dict[Cell, None] = {}
        self._standing: dict[Cell, int] = {}
        self._cell_of = {self._place(cell): cell for cell in self._cells()}
        self._orders = 0
        self._seen = 0
        self._open()
        Crew(self.twin, 1, lambda: 0)
        self.twin.after_step.append(self._after)
        self._order()

    @property
    def done_ms(self) -> list[int]:
        return [line.time_ms for line in self.lines if line.source == "CR1" and line.sink == "A1.OUT"]

    def run(self, cycles: int) -> None:
        limit_ms = self.twin.now_ms + 4_000 * LONGEST_S * cycles
        assert self.twin.run_until(lambda: self._orders > cycles, limit_ms=limit_ms)

    def _cells(self) -> list[Cell]:
        return [(bay, level) for bay in range(1, CELLS + 1) for level in range(1, CELLS + 1)]

    def _place(self, cell: Cell) -> str:
        address = LocationAddress(aisle="A1", side=Side.LEFT, bay=cell[0], level=cell[1], depth=1)
        return self._table.name(self._table.index_of(address))

    def _open(self) -> None:
        """Sources on the white squares of the rack, each with an article of its own; the black ones are blocked."""
        twin = self.twin
        twin.start()
        twin.run_to(CONNECTED_MS)
        units = []
        for n, cell in enumerate(self._cells(), 1):
            if sum(cell) % 2:
                self._free[cell] = None
                self._block(cell, blocked=True)
                continue
            self._standing[cell] = n
            twin.handle(v.SkuChanged(at_ms=twin.now_ms, actor="planner", sku=e.Sku(sku=f"S{n}", unit_mass_g=1)))
            units.append(self._unit(n, self._place(cell), SOURCE_MASS_G, SOURCE_HEIGHT_MM, f"S{n}"))
        empties = range(self._table.count - 40, self._table.count, 2)
        first = CELLS**2 + 1
        units += [
            self._unit(n, self._table.name(i), EMPTY_MASS_G, EMPTY_HEIGHT_MM) for n, i in enumerate(empties, first)
        ]
        twin.open_stock(units)

    def _unit(self, number: int, place: str, mass_g: int, height_mm: int, sku: str = "") -> v.OpeningLoadUnit:
        contents = (v.StockQuantity(sku=sku, lot="L", quantity=1_000),) if sku else ()
        return v.OpeningLoadUnit(
            barcode=f"T{number:06d}", load_type=1, place=place, mass_g=mass_g, height_mm=height_mm, load_unit=number,
            role=e.LoadUnitRole.STOCK if sku else e.LoadUnitRole.EMPTY, contents=contents,
        )  # fmt: skip

    def _block(self, cell: Cell, *, blocked: bool) -> None:
        self.twin.handle(
            v.PlaceBlockRequested(
                at_ms=self.twin.now_ms, actor="planner", place=self._place(cell), blocked=blocked,
                reason="kept free" if blocked else "",
            )
        )  # fmt: skip

    def _order(self) -> None:
        """The next order. What it fetches comes back a cycle later, and is stored before the order after it."""
        _, fetch = self._pair
        self._pair = next(self._pairs)
        source = self._standing.pop(_nearest(self._standing, fetch))
        self._orders += 1
        wish = v.OrderLineWish(sku=f"S{source}", quantity=1)
        number = f"O{self._orders}"
        self.twin.handle(v.OrderRequested(at_ms=self.twin.now_ms, actor="shop", number=number, lines=(wish,)))

    def _open_location(self) -> None:
        """The one location where the next put-away can go."""
        store, _ = self._pair
        into = _nearest(self._free, store)
        del self._free[into]
        self._block(into, blocked=False)

    def _after(self, step: Step) -> None:
        """Whenever the crane has fetched a source, its location is closed and the next order comes."""
        while self._seen < len(self.lines):
            line = self.lines[self._seen]
            self._seen += 1
            if line.sink == "CR1" and line.source in self._cell_of:
                self.twin.env.call_in(0, self._fetched, self._cell_of[line.source])
            elif line.source == "CR1" and line.sink in self._cell_of:
                self._standing[self._cell_of[line.sink]] = line.number

    def _fetched(self, cell: Cell) -> None:
        self._block(cell, blocked=True)
        self._free[cell] = None
        self._open_location()
        self._order()


def _nearest(cells: dict[Cell, int] | dict[Cell, None], spot: Spot) -> Cell:
    x, y = spot[0] * CELLS + 0.5, spot[1] * CELLS + 0.5
    return min(cells, key=lambda cell: ((cell[0] - x) ** 2 + (cell[1] - y) ** 2, cell))
