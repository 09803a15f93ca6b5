"""The invariants of ARCHITECTURE.md (1 to 6 and 8), watched from outside after every event with code of its own.

Rule: nothing here asks the core's own predicates; what the book says is folded again from the facts, and what the
building did from the lines of the world's log. After an event only what its facts touched is looked at, so that the
checks can be on in every seeded run; the whole tables are compared now and then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container

from devices.machines.world import MemoryWorld, WorldLine
from simulation.twin import Twin
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.turn import Step
from wcs.core.warehouse import Warehouse
from wcs.plant.model import LOST, OUTSIDE

CONTENT = tuple[str, str, str, str]
WHOLE_CHECK_EVERY = 1_000  # events between two comparisons of whole tables: each is a walk over everything
DONE_BY = re.compile(r"task (\d+) (PICK|DEPOSIT)")


class InvariantBroken(AssertionError):
    """Something that must always be true is not. The message says where: run, step and event."""


class Checker:
    """Folds the facts and the world's lines of one run, and compares.

    Args:
        warehouse: the mind that is watched.
        run: what a failure names: seed, commit and plant.
        whole_every: events between two comparisons of whole tables.
    """

    def __init__(self, warehouse: Warehouse, *, run: str = "", whole_every: int = WHOLE_CHECK_EVERY) -> None:
        self._warehouse = warehouse
        self._run = run
        self._whole_every = whole_every
        self._place: dict[int, str] = {}
        self._content: Counter[CONTENT] = Counter()
        self._keys: set[str] = set()
        self._tasks: set[int] = set()
        self._sequences: dict[str, int] = {}
        self._outstanding: dict[str, int] = {}
        self._device_of: dict[int, str] = {}
        self._halves: dict[tuple[str, str], WorldLine] = {}
        self.steps = 0

    def after(self, event: v.Event, facts: tuple[f.Fact, ...]) -> None:
        """Every check that this event's facts ask for.

        Raises:
            InvariantBroken: with the run, the step and the event.
        """
        self.steps += 1
        try:
            self._after(facts)
            if self.steps % self._whole_every == 0:
                self.whole()
        except (AssertionError, KeyError) as broken:
            where = f"{self._run} step {self.steps} at {event.at_ms} ms"
            raise InvariantBroken(f"{broken}\n  {where.strip()}\n  event {event}") from broken

    def _after(self, facts: tuple[f.Fact, ...]) -> None:
        touched: dict[int, None] = {}
        rows: dict[tuple[int, str, str, str], None] = {}
        for fact in facts:
            self._fold(fact, touched)
            self._note_rows(fact, rows)
        state = self._warehouse.state
        for unit in touched:
            assert state.load_unit[unit].place == self._place[unit], (unit, self._place[unit])
            self._stands_alone(unit)
        for key in rows:
            self._row_is_promised_what_it_holds(key)

    def world_line(self, line: WorldLine) -> None:
        """A line of the world's log: no machine executes the same half of a task twice."""
        match = DONE_BY.search(line.by)
        if match is None:
            return
        half = (match[1], match[2])
        if half in self._halves:
            raise InvariantBroken(f"executed twice: {line}, after {self._halves[half]}\n  {self._run}")
        self._halves[half] = line

    def _note_rows(self, fact: f.Fact, rows: dict[tuple[int, str, str, str], None]) -> None:
        match fact:
            case f.StockReserved(reservation=r):
                rows[r.load_unit, r.sku, r.lot, r.owner] = None
            case f.QuantityPosted(source=source, sink=sink, sku=sku, lot=lot, owner=owner):
                for account in (source, sink):
                    if account.startswith("LU:"):
                        rows[int(account[3:]), sku, lot, owner] = None
            case _:
                pass

    def _row_is_promised_what_it_holds(self, key: tuple[int, str, str, str]) -> None:
        unit, sku, lot, owner = key
        booked = self._content[f"LU:{unit}", sku, lot, owner]
        row = self._warehouse.state.content.get(key)
        assert (row.quantity if row else 0) == booked, (key, booked, row)
        assert row is None or 0 <= row.reserved <= row.quantity, row

    def _as_the_world_moved(self, fact: f.LoadUnitMoved) -> None:
        """A pick or deposit of a task is booked from where to where the machine carried that load."""
        number, _, half = fact.key[1:].partition(":")
        line = self._halves.get((number, half))
        if line is not None and fact.key[0] == "T" and not fact.reason:
            carried = line.source if half == "PICK" else line.sink
            booked = fact.source if half == "PICK" else fact.sink
            if line.number == fact.load_unit:
                assert carried == booked, f"{fact} where the world says {line}"

    def _fold(self, fact: f.Fact, touched: dict[int, None]) -> None:
        match fact:
            case f.LoadUnitCreated(load_unit=unit):
                self._place[unit.load_unit] = unit.place
                touched[unit.load_unit] = None
            case f.LoadUnitMoved(load_unit=number, source=source, sink=sink, key=key):
                assert self._place[number] == source, fact
                self._once(f"move {key}" if key[0] in "TLM" else f"move {key} {number}")
                self._place[number] = sink
                self._as_the_world_moved(fact)
                touched[number] = None
            case f.QuantityPosted(source=source, sink=sink, sku=sku, lot=lot, owner=owner, quantity=quantity, key=key):
                assert quantity > 0, fact
                self._once(f"content {key}")
                self._content[source, sku, lot, owner] -= quantity
                self._content[sink, sku, lot, owner] += quantity
                if source.startswith("LU:"):
                    assert self._content[source, sku, lot, owner] >= 0, fact
            case f.DeviceTaskStarted(open_task=task, sequence=sequence):
                assert task.number not in self._tasks, f"task number {task.number} was used twice"
                self._tasks.add(task.number)
                assert task.device not in self._outstanding, f"{task.device}: {fact}, {self._outstanding}"
                self._outstanding[task.device] = task.number
                self._device_of[task.number] = task.device
                self._rises(task.device, sequence)
            case f.DeviceTaskEnded(number=number):
                device = self._device_of.pop(number)
                assert self._outstanding.pop(device) == number, f"{device}: {fact}"
            case f.CommandIssued(device=device, sequence=sequence):
                self._rises(device, sequence)
            case _:
                pass

    def _once(self, key: str) -> None:
        assert key not in self._keys, f"posted twice: {key}"
        self._keys.add(key)

    def _rises(self, device: str, sequence: int) -> None:
        assert sequence > self._sequences.get(device, 0), f"{device}: sequence {sequence} does not rise"
        self._sequences[device] = sequence

    def _stands_alone(self, unit: int) -> None:
        place = self._place[unit]
        if self._is_single(place):
            others = [n for n in self._warehouse.state.units_at.get(place, ()) if n != unit]
            assert not others, f"{place} holds {unit} and {others}"

    def _is_single(self, place: str) -> bool:
        layout = self._warehouse.layout
        return layout.is_location(place) or place in layout.transfer_points or place in layout.kinds

    def whole(self) -> None:
        """The whole of the tables against the fold, and what is promised against what is there."""
        state = self._warehouse.state
        assert {u.load_unit: u.place for u in state.load_unit} == self._place
        booked = {(f"LU:{c.load_unit}", c.sku, c.lot, c.owner): c.quantity for c in state.content}
        assert booked == {k: q for k, q in self._content.items() if k[0].startswith("LU:") and q}
        assert not sum(self._content.values()), "quantity came from nowhere"
        self._reserved_is_promised()
        self._locations_are_given_once()
        assert {t.device: t.number for t in state.task} == self._outstanding

    def _reserved_is_promised(self) -> None:
        state = self._warehouse.state
        promised: Counter[tuple[int, str, str, str]] = Counter()
        for r in state.reservation:
            promised[r.load_unit, r.sku, r.lot, r.owner] += r.quantity
        for row in state.content:
            key = (row.load_unit, row.sku, row.lot, row.owner)
            assert row.reserved == promised.pop(key, 0), row
            assert 0 <= row.reserved <= row.quantity, row
            if row.reserved:
                assert not state.load_unit[row.load_unit].hold, row
                assert not state.lot[row.sku, row.lot].hold, row
                assert state.load_unit[row.load_unit].place not in (LOST, OUTSIDE), row
        assert not promised, promised
        for line in state.line:
            assert 0 <= line.reserved + line.picked + line.backordered <= line.quantity, line

    def _locations_are_given_once(self) -> None:
        state, layout = self._warehouse.state, self._warehouse.layout
        given: Counter[str] = Counter(u.place for u in state.load_unit if layout.is_location(u.place))
        here = {u.load_unit: u.place for u in state.load_unit}
        given.update(t.sink for t in state.transport if layout.is_location(t.sink) and here[t.load_unit] != t.sink)
        assert not [place for place, count in given.items() if count > 1], given.most_common(3)

    def paper_is_world(self, world: MemoryWorld, carried_off: Container[int] = ()) -> None:
        """What the book says stands somewhere is what the world holds (segments are their conveyor).

        Ask when nothing is under way; `carried_off` are loads that somebody took without a word, which the book
        learns of only when a device comes for them.
        """
        self.whole()
        state, layout = self._warehouse.state, self._warehouse.layout
        conveyor_of = {
            part: conveyor.name
            for conveyor in layout.plant.conveyors
            for part in (*(s.name for s in conveyor.segments), *conveyor.merges, *(p.name for p in conveyor.points))
        }
        wrong = []
        for unit in state.load_unit:
            if unit.load_unit in carried_off:
                continue
            at = world.place_of(unit.load_unit)
            if unit.place not in (at, conveyor_of.get(at)) and not (unit.place == LOST and at not in state.units_at):
                wrong.append(f"{unit.load_unit}: paper {unit.place}, world {at}")
        assert not wrong, wrong


def watch(twin: Twin, checker: Checker) -> None:
    """Ask the checker after every event of this twin, before its commands leave."""
    decide = twin.decide

    def decide_and_check(event: v.Event) -> Step:
        step = decide(event)
        checker.after(event, step.facts)
        return step

    twin.decide = decide_and_check
