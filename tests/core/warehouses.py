"""Small warehouses for tests: a mind and its machines in virtual time, with people, stock and a checker at every event.

Rule: a test says what happens and what must be true; how long it takes is the plant's business, within a limit.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.machines.machine import Load
from devices.machines.world import MemoryWorld, WorldLine
from simulation.checkers import Checker, watch
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.state import State
from wcs.plant.file import load_plant
from wcs.plant.model import Plant

FIRST_DAY_MS = 0
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SETTLE_MS = 2_000  # every device has connected and is synchronised
TOTE_EMPTY_G = 2_000
SUMMED_MASS_G = 200
TOTE_HEIGHT_MM = 320
WHOLE_CHECK_EVERY = 50  # events: tests are short


class Site:
    """One tiny plant at work, checked after every event."""

    def __init__(self, plant: Plant | None = None, *, people: bool = True) -> None:
        self.plant = plant or load_plant("tiny")
        self.twin = CheckedTwin(self.plant)
        self._people = people
        self._next_unit = 1

    @property
    def state(self) -> State:
        return self.twin.warehouse.state

    @property
    def world(self) -> MemoryWorld:
        return self.twin.world

    @property
    def facts(self) -> list[f.Fact]:
        assert self.twin.journal is not None
        return [fact for _, facts in self.twin.journal for fact in facts]

    def facts_of(self, kind: type[f.Fact]) -> list[f.Fact]:
        return [fact for fact in self.facts if type(fact) is kind]

    def start(self) -> None:
        """Power on, and let every device be found."""
        self.twin.start()
        self.run_for(SETTLE_MS)
        if self._people:
            add_people(self.twin)

    def skus(self, *names: str, life_at_shipping_ms: int = 0) -> None:
        for name in names:
            sku = e.Sku(sku=name, unit_mass_g=SUMMED_MASS_G, life_at_shipping_ms=life_at_shipping_ms)
            self.twin.handle(v.SkuChanged(at_ms=self.twin.now_ms, actor="test", sku=sku))

    def stock(
        self, place: str, sku: str = "", quantity: int = 0, *, lot: str = "L1", expiry_ms: int | None = None
    ) -> int:
        """A load unit in a bin, in world and book alike; without SKU an empty."""
        number = self._next_unit
        self._next_unit += 1
        contents: tuple[v.StockQuantity, ...] = ()
        if sku:
            contents = (v.StockQuantity(sku=sku, lot=lot, quantity=quantity, expiry_ms=expiry_ms),)
        unit = v.OpeningLoadUnit(
            barcode=f"T{number:06d}",
            load_type=1,
            place=place,
            role=e.LoadUnitRole.STOCK if sku else e.LoadUnitRole.EMPTY,
            mass_g=TOTE_EMPTY_G + quantity * SUMMED_MASS_G,
            height_mm=TOTE_HEIGHT_MM,
            contents=contents,
            load_unit=number,
        )
        self.twin.open_stock([unit])
        return number

    def order(self, number: str, *wishes: tuple[str, int], due_ms: int | None = None) -> None:
        lines = tuple(v.OrderLineWish(sku=sku, quantity=quantity) for sku, quantity in wishes)
        self.twin.handle(
            v.OrderRequested(at_ms=self.twin.now_ms, actor="shop", number=number, lines=lines, due_ms=due_ms)
        )

    def cancel(self, number: str) -> None:
        self.twin.handle(v.OrderCancelRequested(at_ms=self.twin.now_ms, actor="shop", number=number))

    def run_for(self, duration_ms: int) -> None:
        self.twin.run_until(lambda: False, limit_ms=self.twin.now_ms + duration_ms)

    def run_until(self, done: Callable[[], bool], *, within_ms: int = HOUR_MS) -> None:
        """Run until it is so; beyond `within_ms` of plant time the test has failed."""
        limit_ms = self.twin.now_ms + within_ms
        assert self.twin.run_until(done, limit_ms=limit_ms), self.report()

    def order_state(self, number: str) -> e.OrderState:
        return self.state.order[number].state

    def run_until_ended(self, *, within_ms: int = HOUR_MS) -> None:
        self.run_until(lambda: not self.state.orders_open, within_ms=within_ms)

    def run_until_quiet(self, *, within_ms: int = HOUR_MS) -> None:
        """Until nothing is under way any more: no transport order, no task, no outstanding command."""
        self.run_until(
            lambda: (
                not len(self.state.transport)
                and not len(self.state.task)
                and not any(d.command_sequence for d in self.state.device)
                and not any(d.link is not e.Link.SYNCHRONISED for d in self.state.device)
            ),
            within_ms=within_ms,
        )

    def check_paper_is_world(self) -> None:
        self.twin.checker.paper_is_world(self.world)

    def foreign_load(self, place: str, number: int = 900_000) -> Load:
        """Something in the building that the book does not know."""
        load = Load(number=number, barcode=f"X{number}", load_type=1, mass_g=3_000, height_mm=TOTE_HEIGHT_MM)
        self.world.place(load, place, by="stranger", now_ms=self.twin.now_ms)
        return load

    def foreign_load_at_door(self, number: int, barcode: str, mass_g: int, height_mm: int) -> Load:
        """A load at the dock with measures of its own."""
        load = Load(number=number, barcode=barcode, load_type=1, mass_g=mass_g, height_mm=height_mm)
        self.world.place(load, "D1.IN1", by="driver", now_ms=self.twin.now_ms)
        return load

    def report(self) -> str:
        """What does not move, for the one who reads a failure."""
        s, lines = self.state, [f"at {self.twin.now_ms} ms of plant time:"]
        lines += [str(o) for o in s.order if o.number in s.orders_open]
        lines += [f"{t} AT {s.load_unit[t.load_unit].place}" for t in s.transport]
        lines += [str(row) for table in (s.leg, s.task, s.alarm, s.point, s.block) for row in table]
        lines += [str(d) for d in s.device if not d.able or d.task or d.command_sequence]
        lines += [f"{p} book {s.unit_at(p.name)}" for p in s.transfer_point]
        for machine in self.twin.machines:
            for device in machine.devices:
                status = machine.snapshot(device).status
                lines.append(
                    f"{device}: {status.state.name} task {status.active_task} {status.result.name} ack "
                    f"{status.ack_sequence} {status.ack_code.name} {status.alarms} valid {status.retentive_valid}"
                )
        lines += [
            f"paper {u.load_unit} {u.place} world {self.world.place_of(u.load_unit)}"
            for u in s.load_unit
            if u.place != self.world.place_of(u.load_unit)
        ]
        return "\n".join(lines)


class CheckedTwin(Twin):
    """A twin whose every event is followed by the checks of the invariants."""

    def __init__(self, plant: Plant) -> None:
        super().__init__(plant, keep_journal=True, log=self._world_line)
        self.checker = Checker(self.warehouse, run=f"plant {plant.name}", whole_every=WHOLE_CHECK_EVERY)
        watch(self, self.checker)

    def _world_line(self, line: WorldLine) -> None:
        self.checker.world_line(line)


def stocked_site(seed: int = 1) -> tuple[Site, Workload]:
    """The tiny plant with a workload's SKUs and opening stock, started and staffed."""
    site = Site()
    work = Workload(site.plant, seed)
    site.start()
    for sku in work.skus():
        site.twin.handle(v.SkuChanged(at_ms=site.twin.now_ms, actor="test", sku=sku))
    site.twin.open_stock(work.opening(site.twin.now_ms))
    return site, work
