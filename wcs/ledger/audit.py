"""The audit: does the paper contradict itself, or the plant? Rule: it reads the database alone, with SQL of its own.

It shares no code with what writes: balances are summed again, hashes are computed again, the state is folded again. On
a live database it sees one moment (a read snapshot). Paper against plant is asked only where somebody hands in what the
plant says, and makes sense at rest: a load in motion is always ahead of its paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from wcs.core.layout import Layout
from wcs.core.ports import DeviceSnapshot
from wcs.ledger import audit_books, audit_plant
from wcs.ledger.audit_findings import Findings
from wcs.ledger.audit_journal import JournalAudit
from wcs.ledger.audit_opening import Archives, Opening, read_opening
from wcs.ledger.snapshot import read_snapshot
from wcs.plant.file import PlantFileError, load_plant
from wcs.plant.model import Plant, Record


class CheckResult(Record):
    """One check; `detail` says what was looked at, or the first contradictions found."""

    ok: bool
    detail: str


class AuditReport(Record):
    """All checks by name; `skipped` says which could not be made, and why."""

    ok: bool
    checks: dict[str, CheckResult]
    skipped: dict[str, str]


BooksCheck = Callable[[sa.Connection, str, Opening, Findings], str]
BOOKS: dict[str, BooksCheck] = {
    "balances_equal_lines": audit_books.balances_equal_lines,
    "balances_equal_state": audit_books.balances_equal_state,
    "no_negative_stock": audit_books.no_negative_stock,
    "reservations_within_stock": audit_books.reservations_within_stock,
    "one_load_unit_a_location": audit_books.one_load_unit_a_location,
    "keys_unique": audit_books.keys_unique,
    "moves_continue": audit_books.moves_continue,
}


def audit(
    url: str,
    site_id: str = "main",
    *,
    full: bool = False,
    archives: Path | None = None,
    world: Mapping[int, str] | None = None,
    snapshots: Mapping[str, DeviceSnapshot] | None = None,
    plant: Plant | None = None,
) -> AuditReport:
    """Prove the invariants of one site's ledger.

    Args:
        url: the database; it may be in use.
        site_id: whose books.
        full: read the archives too, from the first line on.
        archives: the folder where they are now, if it is not the one where they were made.
        world: load number → place, as the physical world says.
        snapshots: what each reachable device says, by device.
        plant: the building; without it a shipped plant with the same digest is taken, if there is one.
    Raises:
        WrongDatabase: there is no ledger.
    """
    checks: dict[str, CheckResult] = {}
    skipped: dict[str, str] = {}

    def make(name: str, check: Callable[[Findings], str]) -> None:
        findings = Findings()
        looked_at = check(findings)
        checks[name] = CheckResult(ok=not findings.count, detail=str(findings) if findings.count else looked_at)

    with read_snapshot(url) as connection:
        plant = plant or _installed_plant(connection, site_id)
        opening = read_opening(connection, site_id)
        files = Archives(connection, site_id, archives) if full and opening.sequence else None
        journal = JournalAudit(connection, site_id, plant, opening, files)
        journal.read()
        for name, check in journal.checks().items():
            make(name, check)
        if plant is None:
            skipped["fold_equals_tables"] = "the plant of this site was not given"
        for name, books_check in BOOKS.items():
            make(name, partial(books_check, connection, site_id, opening))
        places = audit_books.places(connection, site_id)
    if world is None:
        skipped["paper_equals_world"] = "no world was given"
    elif plant is None:
        skipped["paper_equals_world"] = "the plant of this site was not given"
    else:
        make("paper_equals_world", lambda findings: audit_plant.paper_equals_world(plant, places, world, findings))
    if snapshots is None:
        skipped["paper_equals_devices"] = "no device was asked"
    elif plant is None:
        skipped["paper_equals_devices"] = "the plant of this site was not given"
    else:
        make(
            "paper_equals_devices",
            lambda findings: audit_plant.paper_equals_devices(plant, places, snapshots, findings),
        )
    return AuditReport(ok=all(check.ok for check in checks.values()), checks=checks, skipped=skipped)


def _installed_plant(connection: sa.Connection, site_id: str) -> Plant | None:
    """The shipped plant that this site was set up with, if it is one."""
    row = connection.execute(
        sa.text("SELECT name, digest FROM installed_plant WHERE site_id = :site"), {"site": site_id}
    ).one_or_none()
    if row is None:
        return None
    try:
        plant = load_plant(row.name)
    except PlantFileError:
        return None
    return plant if Layout(plant).digest == row.digest else None
