"""Crane tasks over a line that drops, delays, cuts, doubles and reorders: by the world's log each is executed once.

The mind is the real one, on a host that commits: it stores and fetches the same totes, again and again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.real.bad_line import Address, BadLine, Faults
from tests.real.people_at_work import people_at_work
from tests.real.plant_at_work import PlantAtWork, plant_at_work
from tests.real.stock import open_the_books
from wcs.core import events as v
from wcs.core.entities import OrderState
from wcs.core.state import State

SPEED = 25.0
CRANES = ("CR1", "CR2")  # CR1 over OPC UA, CR2 over Modbus
BAD = {"PLC1": False, "PLC2": True}  # PLC → whether it speaks in Modbus frames; the belts' line is good
FAULTS = Faults(lost=0.08, cut=0.002, delay_s=0.01, double=0.2, late=0.2)
BEFALLS = ("lost", "cut", "delayed", "doubled", "late")  # what FAULTS gives a chance
ROUND = 4  # orders at once: what two order places keep busy


@contextmanager
def plant_on_a_bad_line(folder: Path, seed: int) -> Iterator[tuple[PlantAtWork, BadLine]]:
    """The plant at work behind a bad line, with people and an operator."""
    with BadLine(seed, Faults()) as line:

        def through(plc: str, address: Address) -> Address:
            return line.to(address, frames=BAD[plc]) if plc in BAD else address

        with (
            plant_at_work(folder, speed=SPEED, through=through) as works,
            people_at_work(works, speed=SPEED, operator=True),
        ):
            open_the_books(works)
            line.faults = FAULTS
            yield works, line


def executions(works: PlantAtWork) -> Counter[str]:
    """Each act of a crane in the world's log ("CR1 task 7 PICK"), and how often it was done."""
    acts = (logged.line.by for logged in works.world.whole_log())
    return Counter(act for act in acts if act.startswith(CRANES))


def tasks_of(acts: Counter[str], crane: str) -> int:
    return len({act.split()[2] for act in acts if act.startswith(crane)})


def keep_cranes_busy(works: PlantAtWork, tasks_each: int) -> None:
    """Order one piece after another, and count what is missing back in, until both cranes have done so many tasks."""
    placed = 0
    while min(tasks_of(executions(works), crane) for crane in CRANES) < tasks_each:
        for sku in ("LEFT", "RIGHT"):
            refill(works, sku)
        numbers = [f"X{placed + n:05d}" for n in range(ROUND)]
        placed += ROUND
        for n, number in enumerate(numbers):
            works.order(number, (("LEFT", "RIGHT")[n % 2], 1))
        wait_until_shipped(works, numbers)


def wait_until_shipped(works: PlantAtWork, numbers: list[str]) -> None:
    works.until(
        lambda book: all(book.order[number].state is OrderState.SHIPPED for number in numbers), f"{numbers} ship", 120
    )


def refill(works: PlantAtWork, sku: str) -> None:
    """A count finds ten pieces again in the fullest load unit, so that orders never run out."""

    def fullest(book: State) -> tuple[int, str, int]:
        rows = [row for row in book.content if row.sku == sku]
        row = max(rows, key=lambda row: row.quantity)
        return row.load_unit, row.lot, row.reserved

    load_unit, lot, reserved = works.see(fullest)
    works.do(
        lambda at_ms: v.StockCounted(
            at_ms=at_ms, actor="clerk", load_unit=load_unit, sku=sku, lot=lot, owner="own", quantity=10 + reserved
        )
    )


def run(folder: Path, tasks_each: int) -> None:
    with plant_on_a_bad_line(folder, seed=1) as (works, line):
        keep_cranes_busy(works, tasks_each)
        line.heal()
        works.audit()
        acts = executions(works)
        assert {act: times for act, times in acts.items() if times > 1} == {}
        for crane in CRANES:
            assert tasks_of(acts, crane) >= tasks_each
        assert works.site.metrics.quarantined == 0
        assert all(line.counts[what] for what in BEFALLS), f"everything that befalls by chance did: {line.counts}"


def test_over_a_bad_line_each_crane_task_is_executed_once(tmp_path: Path) -> None:
    run(tmp_path, tasks_each=12)


@pytest.mark.soak
def test_over_a_bad_line_each_of_a_thousand_crane_tasks_is_executed_once(tmp_path: Path) -> None:
    run(tmp_path, tasks_each=500)
