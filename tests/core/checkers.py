"""The invariants, watched from outside after every event with code of its own.

Rule: nothing here asks the core's own predicates; what the book says is folded again from the facts.
"""

from __future__ import annotations

import re
from collections import Counter

from devices.machines.world import MemoryWorld
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.warehouse import Warehouse
from wcs.plant.model import LOST, OUTSIDE

CONTENT = tuple[str, str, str, str]
WHOLE_CHECK_EVERY = 50  # events between two comparisons of whole tables: each is a walk over everything


class Checker:
    """Folds the facts of one run and compares."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._place: dict[int, str] = {}
        self._content: Counter[CONTENT] = Counter()
        self._keys: set[str] = set()
        self._tasks: set[int] = set()
        self._sequences: dict[str, int] = {}
        self._outstanding: dict[str, int] = {}
        self._events = 0

    def after(self, event: v.Event, facts: tuple[f.Fact, ...]) -> None:
        """Every check that this event's facts ask for."""
        touched: set[int] = set()
        for fact in facts:
            self._fold(fact, touched)
        state = self._warehouse.state
        for unit in touched:
            assert state.load_unit[unit].place == self._place[unit], (event, unit)
            self._stands_alone(unit)
        self._events += 1
        if self._events % WHOLE_CHECK_EVERY == 0:
            self.whole()

    def _fold(self, fact: f.Fact, touched: set[int]) -> None:
        match fact:
            case f.LoadUnitCreated(load_unit=unit):
                self._place[unit.load_unit] = unit.place
                touched.add(unit.load_unit)
            case f.LoadUnitMoved(load_unit=number, source=source, sink=sink, key=key):
                assert self._place[number] == source, fact
                self._once(f"move {key}" if key[0] in "TLM" else f"move {key} {number}")
                self._place[number] = sink
                touched.add(number)
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
                self._rises(task.device, sequence)
            case f.DeviceTaskEnded(number=number):
                self._outstanding = {d: n for d, n in self._outstanding.items() if n != number}
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

    def paper_is_world(self, world: MemoryWorld) -> None:
        """What the book says stands somewhere is what the world holds (segments are their conveyor)."""
        self.whole()
        state, layout = self._warehouse.state, self._warehouse.layout
        conveyor_of = {
            part: conveyor.name
            for conveyor in layout.plant.conveyors
            for part in (*(s.name for s in conveyor.segments), *conveyor.merges, *(p.name for p in conveyor.points))
        }
        wrong = []
        for unit in state.load_unit:
            at = world.place_of(unit.load_unit)
            if unit.place not in (at, conveyor_of.get(at)) and not (unit.place == LOST and at not in state.units_at):
                wrong.append(f"{unit.load_unit}: paper {unit.place}, world {at}")
        assert not wrong, wrong


DONE_BY = re.compile(r"task (\d+) (PICK|DEPOSIT)")


def check_each_move_once(lines: list[str]) -> None:
    """`by` of the world's log: no machine executed the same half of a task twice."""
    counts = Counter(match.groups() for by in lines if (match := DONE_BY.search(by)))
    assert not [key for key, count in counts.items() if count > 1], counts.most_common(3)
