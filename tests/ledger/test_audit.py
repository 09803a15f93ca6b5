"""What the audit proves, and that it sees each kind of contradiction."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from simulation.twin import Twin
from tests.ledger.clerk import TINY
from tests.ledger.conftest import keep_books
from tests.ledger.test_writer import change
from wcs.core.ports import DeviceSnapshot
from wcs.ledger.audit import audit
from wcs.ledger.errors import WrongDatabase
from wcs.plant.model import LOST, OUTSIDE

MAY_CHANGE = tuple(
    f"DROP TRIGGER {table}_no_{act}"
    for table in ("journal", "containment_line", "content_line")
    for act in ("update", "delete")
)
A_MOVE = "(SELECT MAX(sequence) - 3 FROM containment_line)"
A_UNIT = "(SELECT MIN(load_unit) FROM content)"


def snapshots(twin: Twin) -> dict[str, DeviceSnapshot]:
    return {device: machine.snapshot(device) for machine in twin.machines for device in machine.devices}


def test_a_run_of_the_twin_passes_every_check(database_url: str, tiny_run: Twin) -> None:
    keep_books(database_url, tiny_run)
    report = audit(database_url, world=tiny_run.world.contents(), snapshots=snapshots(tiny_run), plant=TINY)
    assert {name: check.detail for name, check in report.checks.items() if not check.ok} == {}
    assert report.ok
    assert report.skipped == {}
    assert len(report.checks) == 14


def test_a_shipped_plant_is_found_by_its_digest_and_what_cannot_be_checked_is_said(tiny_url: str) -> None:
    report = audit(tiny_url)
    assert report.checks["fold_equals_tables"].ok
    assert sorted(report.skipped) == ["paper_equals_devices", "paper_equals_world"]


@pytest.mark.parametrize(
    ("check", "statement"),
    [
        ("journal_chain", "UPDATE journal SET document = document || ' ' WHERE sequence = 9"),
        ("journal_chain", "UPDATE journal SET occurred_at_ms = 1 WHERE sequence = 200"),
        ("journal_chain", "DELETE FROM journal WHERE sequence = 100"),
        ("every_move_one_line", f"UPDATE containment_line SET occurred_at_ms = 1 WHERE sequence = {A_MOVE}"),
        ("every_move_one_line", f"DELETE FROM containment_line WHERE sequence = {A_MOVE}"),
        (
            "every_move_one_line",
            "INSERT INTO containment_line SELECT site_id, sequence + 1, caused_by, 'M9999', load_unit, sink, source, 0 "
            "FROM containment_line ORDER BY sequence DESC LIMIT 1",
        ),
        (
            "task_numbers_once",
            "INSERT INTO journal SELECT site_id, (SELECT MAX(sequence) + 1 FROM journal), kind, event_sequence, name, "
            "version, document, 0, 0, 0, hash FROM journal WHERE name = 'DeviceTaskStarted' LIMIT 1",
        ),
        ("every_posting_one_line", "DELETE FROM content_line WHERE sequence = 4"),
        ("moves_continue", f"UPDATE containment_line SET source = 'CR2' WHERE sequence = {A_MOVE} AND source <> 'CR2'"),
        ("balances_equal_lines", f"UPDATE containment_balance SET place = 'X' WHERE load_unit = {A_UNIT}"),
        ("balances_equal_lines", "UPDATE content_balance SET quantity = quantity + 1 WHERE account = 'supplier'"),
        ("balances_equal_lines", "UPDATE sku_balance SET quantity = quantity + 1"),
        ("balances_equal_state", f"UPDATE load_unit SET place = 'CR1' WHERE load_unit = {A_UNIT}"),
        ("balances_equal_state", "UPDATE content SET quantity = quantity + 1"),
        ("reservations_within_stock", "UPDATE content SET reserved = quantity + 1"),
        ("reservations_within_stock", "UPDATE order_line SET reserved = 1"),
        ("fold_equals_tables", "UPDATE content SET reserved = 1"),
        ("fold_equals_tables", "DELETE FROM lot"),
        ("fold_equals_tables", "UPDATE device SET alarms = '[1,0,0,0]'"),
        (
            "one_load_unit_a_location",
            f"UPDATE load_unit SET place = (SELECT place FROM load_unit WHERE load_unit = {A_UNIT}) "
            f"WHERE load_unit = {A_UNIT} + 1",
        ),
    ],
)
def test_a_contradiction_is_seen(tiny_url: str, check: str, statement: str) -> None:
    change(tiny_url, *MAY_CHANGE, statement)
    report = audit(tiny_url)
    assert not report.ok
    assert not report.checks[check].ok, report


def test_a_balance_below_nothing_is_seen(tiny_url: str) -> None:
    change(tiny_url, "PRAGMA ignore_check_constraints = 1", "UPDATE content_balance SET quantity = -1")
    assert not audit(tiny_url).checks["no_negative_stock"].ok


def test_a_key_on_paper_twice_is_seen(tiny_url: str) -> None:
    rebuilt = (
        "CREATE TABLE doubled AS SELECT * FROM content_line",
        "DROP TABLE content_line",
        "ALTER TABLE doubled RENAME TO content_line",
        "UPDATE content_line SET key = (SELECT key FROM content_line WHERE sequence = 1) WHERE sequence = 2",
    )
    change(tiny_url, *rebuilt)
    assert not audit(tiny_url).checks["keys_unique"].ok


def test_a_load_that_stands_elsewhere_is_seen(tiny_url: str, tiny_run: Twin) -> None:
    world = tiny_run.world.contents()
    assert audit(tiny_url, world=world, plant=TINY).checks["paper_equals_world"].ok
    unit = next(unit for unit, place in world.items() if place != OUTSIDE)
    for elsewhere in ({**world, unit: "CR1"}, {**world, unit: OUTSIDE}, {**world, 9_999: "CR1"}):
        assert not audit(tiny_url, world=elsewhere, plant=TINY).checks["paper_equals_world"].ok


def test_what_is_lost_on_paper_is_not_looked_for(tiny_url: str, tiny_run: Twin) -> None:
    world = tiny_run.world.contents()
    unit = next(unit for unit, place in world.items() if place != OUTSIDE)
    change(tiny_url, f"UPDATE load_unit SET place = '{LOST}' WHERE load_unit = {unit}")
    assert audit(tiny_url, world=world, plant=TINY).checks["paper_equals_world"].ok


def test_a_load_on_a_belt_is_on_its_conveyor(tiny_url: str, tiny_run: Twin) -> None:
    world = tiny_run.world.contents()
    unit = next(unit for unit, place in world.items() if place != OUTSIDE)
    conveyor = TINY.conveyors[0]
    change(tiny_url, f"UPDATE load_unit SET place = '{conveyor.name}' WHERE load_unit = {unit}")
    for place in (conveyor.segments[0].name, conveyor.points[0].name, conveyor.transfer_points[0].name):
        assert audit(tiny_url, world={**world, unit: place}, plant=TINY).checks["paper_equals_world"].ok
    assert not audit(tiny_url, world=world, plant=TINY).checks["paper_equals_world"].ok


def test_a_device_that_carries_what_the_book_does_not_know_is_seen(tiny_url: str, tiny_run: Twin) -> None:
    said = snapshots(tiny_run)
    crane = TINY.cranes[0].name
    said[crane] = replace(said[crane], status=replace(said[crane].status, load_present=True, load_id=1))
    assert not audit(tiny_url, snapshots=said, plant=TINY).checks["paper_equals_devices"].ok


def test_a_transfer_point_that_is_occupied_against_the_book_is_seen(tiny_url: str, tiny_run: Twin) -> None:
    said = snapshots(tiny_run)
    device = TINY.conveyors[0].devices[0]
    transfers = list(said[device].transfers)
    transfers[0] = replace(transfers[0], occupied=True)
    said[device] = replace(said[device], transfers=tuple(transfers))
    assert not audit(tiny_url, snapshots=said, plant=TINY).checks["paper_equals_devices"].ok


def test_without_a_ledger_there_is_nothing_to_audit(tmp_path: object, postgres_url: str) -> None:
    for url in (f"sqlite:///{tmp_path}/none.db", postgres_url):
        with pytest.raises(WrongDatabase):
            audit(url)
