"""Each kind of the fault vocabulary done to a real plant: at the test port, on its lines, to its processes and disk.

    bench.befall(Fault(at_ms=0, kind="no_read", target="ID1"))

Rule: `befall` returns when what lasts is over and the fault is known to have taken effect, which only the world, the
lines, the processes and the book can say.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import msgspec

from simulation.faults import ANY, DRAWS, KINDS, Fault, FaultRefused
from simulation.faults_at_test_port import befall_at_test_port, end_at_test_port
from tests.real.bad_line import Address, BadLine, Faults
from tests.real.clock import wait_until
from tests.real.people_at_work import people_at_work
from tests.real.plant_at_work import PlantAtWork, plant_at_work
from tests.real.stock import open_the_books
from tests.real.test_a_bad_line import refill
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.entities import Link
from wcs.core.ports import OperatingMode, ResultCode, TaskType
from wcs.core.state import State
from wcs.plant.file import load_plant
from wcs.plant.model import LOST, Protocol

SPEED = 25.0
EFFECT_S = 40.0  # of wall time: a fault that waits for its load, behind others, on a busy machine
OPEN_ORDERS = 4  # of each article two: both cranes have always something to do
BIN_RESULTS = (ResultCode.SOURCE_EMPTY, ResultCode.SINK_OCCUPIED)
LINE_KINDS = {
    "telegram_lost": "lost", "telegram_late": "delayed", "telegram_doubled": "doubled", "telegram_reordered": "late",
}  # fmt: skip


class FaultsAtWork:
    """A busy plant behind lines of its own, one a PLC."""

    def __init__(self, works: PlantAtWork, lines: dict[str, BadLine]) -> None:
        self.works = works
        self._lines = lines
        self._plc_of = {device: plc.name for plc in works.plant.plcs for device in plc.devices}
        self._protocol_of = {device: plc.protocol for plc in works.plant.plcs for device in plc.devices}
        self._ordered = 0

    def order_more(self) -> None:
        """So many open orders that every machine has something to do; what is missing of an article is counted in."""
        open_orders = self.works.see(lambda book: len(book.orders_open))
        for _ in range(OPEN_ORDERS - open_orders):
            self._ordered += 1
            sku = ("LEFT", "RIGHT")[self._ordered % 2]
            refill(self.works, sku)
            self.works.order(f"F{self._ordered:05d}", (sku, 1))

    def befall(self, fault: Fault) -> None:
        """It happens, takes effect and is over."""
        self.order_more()
        act = getattr(self, f"_{fault.kind}", None)
        if act is None:
            act = self._telegram if fault.kind in LINE_KINDS else self._at_test_port
        act(fault)

    def until(self, seen: Callable[[], object], what: str) -> None:
        """Wait for it while orders go on coming."""

        def looked() -> object:
            found = seen()
            if not found:
                self.order_more()
            return found

        wait_until(looked, what, EFFECT_S, self.works.story)

    # --- the line ---

    def _telegram(self, fault: Fault) -> None:
        line = self._lines[self._plc_of[fault.target]]
        what, way = LINE_KINDS[fault.kind], str(fault.arguments.get("way", KINDS[fault.kind][1].get("way", "down")))
        count = fault.number("count") if "count" in KINDS[fault.kind][1] else 1
        delay_s = fault.number("delay_ms") / 1_000 / SPEED if what == "delayed" else 0.0
        before, known = line.counts[what], len(self.works.facts)
        line.strike(what, way, count=count, delay_s=delay_s)
        self.until(lambda: line.counts[what] - before >= count, f"{what} {way} at {fault.target}")
        if what == "lost":  # there is no other way to lose a telegram of TCP: it is missed, and said again
            self._back(fault.target, known)

    def _stale_value(self, fault: Fault) -> None:
        line = self._lines[self._plc_of[fault.target]]
        before = line.counts["stale"]
        line.hold_answers()
        self._pass(fault.number("for_ms"))
        line.let_answers_go()
        assert line.counts["stale"] > before

    def _connection_dropped(self, fault: Fault) -> None:
        known = len(self.works.facts)
        line = self._lines[self._plc_of[fault.target]]
        line.take_down()
        self._lost(fault.target, known)
        self._pass(fault.number("for_ms"))
        line.bring_up()
        self._back(fault.target, known)

    # --- processes, disk and shop ---

    def _plc_restart(self, fault: Fault, *, wipe: bool = False) -> None:
        known, plc = len(self.works.facts), self._plc_of[fault.target]
        before = self.works.running.pids[plc]
        self.works.running.kill(plc, wipe=wipe)
        self._lost(fault.target, known)
        self._pass(fault.number("for_ms"))
        self.works.running.restart(plc)
        assert self.works.running.pids[plc] != before
        self._back(fault.target, known)

    def _plc_restart_wiped(self, fault: Fault) -> None:
        """It forgets a task; nobody sends it again before a person has looked."""
        self.until(lambda: self.works.world.look(fault.target), f"{fault.target} is loaded")
        known = len(self.works.facts)
        self._plc_restart(fault, wipe=True)
        self.until(lambda: self.works.told(f.DeviceTaskOutcomeUnknown, known), "nobody knows how its task ended")

    def _disk_slow(self, fault: Fault) -> None:
        """Somebody else holds the file, so that no commit ends, again and again."""
        delay_s = fault.number("delay_ms") / 1_000  # of wall time: a disk does not know the plant's speed
        with closing(sqlite3.connect(Path(self.works.url.removeprefix("sqlite:///")), isolation_level=None)) as other:
            first = other.execute("SELECT max(sequence) FROM journal").fetchone()[0]
            for _ in range(max(1, round(fault.number("for_ms") / 1_000 / SPEED / delay_s))):
                other.execute("BEGIN IMMEDIATE")
                threading.Event().wait(delay_s)
                other.execute("ROLLBACK")
            slow = "SELECT count(*) FROM journal WHERE sequence > ? AND committed_at_ms - received_at_ms >= ?"
            seen = (first, delay_s * 500)
            self.until(lambda: other.execute(slow, seen).fetchone()[0], "a commit took long")

    def _order_withdrawn(self, fault: Fault) -> None:
        number = fault.target
        if number == ANY:
            open_orders = self.works.see(lambda book: sorted(book.orders_open))
            number = open_orders[fault.number("draw") * len(open_orders) // DRAWS]
        self.works.do(lambda at_ms: v.OrderCancelRequested(at_ms=at_ms, actor="shop", number=number))
        assert self.works.see(lambda book: book.order[number].cancelled or book.order[number].ended_ms is not None)

    # --- the building ---

    def _at_test_port(self, fault: Fault) -> None:
        known, works = len(self.works.facts), self.works
        if fault.kind == "device_fault":
            wanted = {"empty": False, "loaded": True}.get(str(fault.value("when")))
            self.until(lambda: wanted is None or bool(works.world.look(fault.target)) is wanted, f"{fault} is due")
        lasts_ms = befall_at_test_port(works.world, works.plant, fault)
        self.until(lambda: self._shows(fault, known), f"{fault} has an effect")
        if lasts_ms:
            self._pass(lasts_ms)
            end_at_test_port(works.world, works.plant, fault)

    def _shows(self, fault: Fault, known: int) -> bool:
        works, seen = self.works, [s for s in self.works.told(f.DeviceSeen, known) if s.device == fault.target]
        match fault.kind:
            case "device_fault":
                return any(s.stopped == "fault" or any(s.alarms) for s in seen)
            case "operator_pause":
                return any(s.mode is OperatingMode.MANUAL for s in seen)
            case "no_read":
                told = works.told(f.LoadUnitSeen, known)
                return any(s.no_reads for s in told if s.point == fault.target)
            case _:
                point = works.see(lambda book: book.transfer_point.get(fault.target))
                return point is not None and point.occupied and not works.world.look(fault.target)

    def _wrong_location(self, fault: Fault) -> None:
        """A vehicle that stands says that it stands elsewhere."""
        works = self.works

        def stands(book: State) -> bool:
            task = book.device[fault.target].task
            return not task or book.task[task].task.type is not TaskType.POSITION

        self.until(lambda: works.see(stands), f"{fault.target} stands")
        node, known = works.see(lambda book: book.device[fault.target].confirmed[0]), len(works.facts)
        lasts_ms = befall_at_test_port(works.world, works.plant, fault)
        self.until(
            lambda: any(
                seen.device == fault.target and seen.confirmed[0] not in (0, node)
                for seen in works.told(f.DeviceSeen, known)
            ),
            f"{fault.target} says that it is elsewhere",
        )
        self._pass(lasts_ms)
        end_at_test_port(works.world, works.plant, fault)

    def _bin_occupied(self, fault: Fault) -> None:
        """A stranger stands in a bin that a crane is bound for; the operator answers, and somebody takes it away."""
        self._at_bin(fault, self._bound)
        works = self.works
        strangers = {number: place for number, place in works.world.dump().items() if number > 900_000}
        for number, place in strangers.items():
            if place != LOST:
                works.world.remove(number, place, by="operator")

    def _bin_empty(self, fault: Fault) -> None:
        """What a crane is bound for is gone."""
        self._at_bin(fault, self._wanted)

    def _at_bin(self, fault: Fault, bins: Callable[[], list[str]]) -> None:
        works, known = self.works, len(self.works.facts)

        def struck() -> bool:
            """It has happened at a bin that the crane has not reached yet."""
            found = bins() if fault.target == ANY else [fault.target]
            if not found:
                return False
            place = found[fault.number("draw") * len(found) // DRAWS]
            try:
                befall_at_test_port(works.world, works.plant, msgspec.structs.replace(fault, target=place))
            except FaultRefused:
                return False  # the crane was there first
            return True

        self.until(struck, f"a bin for {fault.kind}")
        self.until(
            lambda: any(done.result in BIN_RESULTS for done in works.told(f.DeviceTaskDone, known)),
            f"{fault.kind} is found",
        )

    def _bound(self) -> list[str]:
        layout = self.works.site.layout
        return self.works.see(
            lambda book: sorted(
                task.sink for task in book.task if layout.is_location(task.sink) and not book.unit_at(task.sink)
            )
        )

    def _wanted(self) -> list[str]:
        layout = self.works.site.layout
        return self.works.see(
            lambda book: sorted(
                task.source for task in book.task if layout.is_location(task.source) and not task.picked
            )
        )

    # --- what is seen ---

    def _lost(self, device: str, known: int) -> None:
        self.until(lambda: self._linked(device, Link.LOST, known), f"{device} is lost")

    def _back(self, device: str, known: int) -> None:
        self._lost(device, known)
        self.until(lambda: self._linked(device, Link.SYNCHRONISED, known), f"{device} is back")

    def _linked(self, device: str, link: Link, known: int) -> bool:
        told = self.works.told(f.DeviceLinkChanged, known)
        return any(changed.device == device and changed.link is link for changed in told)

    def _pass(self, plant_ms: int) -> None:
        """What lasts for a while lasts for a while: plant time goes by at its speed."""
        over_ms = self.works.world.clock().now_ms() + plant_ms
        clock = self.works.world.clock()
        wait_until(lambda: clock.now_ms() >= over_ms, "plant time goes by", plant_ms / 1_000 / SPEED + EFFECT_S)


@contextmanager
def faults_at_work(folder: Path) -> Iterator[FaultsAtWork]:
    """The tiny plant with people, an operator and a line to each PLC that may fail."""
    with ExitStack() as stack:
        lines: dict[str, BadLine] = {}
        protocols: dict[str, Protocol] = {}

        def through(plc: str, address: Address) -> Address:
            lines[plc] = stack.enter_context(BadLine(1, Faults()))
            return lines[plc].to(address, frames=protocols[plc] is Protocol.MODBUS)

        plant = load_plant("tiny")
        protocols.update({plc.name: plc.protocol for plc in plant.plcs})
        works = stack.enter_context(plant_at_work(folder, plant=plant, speed=SPEED, through=through))
        stack.enter_context(people_at_work(works, speed=SPEED, operator=True))
        open_the_books(works)
        yield FaultsAtWork(works, lines)
