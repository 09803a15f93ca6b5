"""Every pair of (state of a task, what its device says) as one table: reviewed like code, and the documentation."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from tests.core.test_bad_luck import run_until_carried_to, site_with_stock
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.ports import AckCode, DeviceState, DoneEntry, ResultCode, StatusChanged
from wcs.core.warehouse import Warehouse

GOLDEN = Path(__file__).parent / "golden" / "device_task.txt"
RESULTS = tuple(r for r in ResultCode if r is not ResultCode.NONE)


def test_every_pair_of_task_state_and_report_is_as_the_golden_table_says() -> None:
    lines = table()
    assert GOLDEN.read_text().splitlines() == lines


def table() -> list[str]:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 2))
    task = run_until_carried_to(site, "A1.OUT")
    site.run_until(lambda: site.state.task[task.number].state is e.TaskState.ACCEPTED)
    idle = replace(site.twin.machine_of("CR1").snapshot("CR1").status, state=DeviceState.IDLE, active_task=0)
    rows = [row for table in site.state.tables.values() for row in table]
    lines = []
    for before in e.TaskState:
        if before is e.TaskState.REFUSED:
            continue
        for name, status in reports(task, idle).items():
            warehouse = Warehouse(site.plant, [_in_state(row, task.number, before) for row in rows])
            report = StatusChanged(device="CR1", status=status)
            step = warehouse.handle(v.DeviceReported(at_ms=site.twin.now_ms, report=report))
            after = warehouse.state.task.get(task.number)
            facts = [type(x).__name__ for x in step.facts if type(x).__name__.startswith(("DeviceTask", "Command"))]
            to = after.state.value if after is not None else "ended"
            lines.append(f"{before.value:9} {name:22} -> {to:9} {' '.join(facts)}".rstrip())
    return lines


def _in_state(row: e.Entity, number: int, state: e.TaskState) -> e.Entity:
    if isinstance(row, e.OpenTask) and row.number == number:
        result = ResultCode.OK if state is e.TaskState.DONE else ResultCode.NONE
        return replace(row, state=state, picked=False, result=result)
    if isinstance(row, e.Device) and row.name == "CR1" and state is e.TaskState.SENT:
        return replace(row, command_sequence=row.sequence)
    return row


def reports(task: e.OpenTask, idle):  # type: ignore[no-untyped-def]
    """What a device can say of a task of ours."""
    said = {
        "idle, refused": replace(idle, ack_code=AckCode.BUSY),
        "idle, accepted": replace(idle, ack_code=AckCode.ACCEPTED),
    }
    for state in DeviceState:
        if state not in (DeviceState.IDLE, DeviceState.DONE):
            said[state.name] = replace(idle, state=state, active_task=task.number)
    for result in RESULTS:
        done = replace(idle, state=DeviceState.DONE, active_task=task.number, result=result)
        said[f"DONE {result.name}"] = done
        said[f"in ring {result.name}"] = replace(idle, done_ring=(DoneEntry(task_number=task.number, result=result),))
    return said
