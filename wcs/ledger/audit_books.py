"""Checks within the books and the state tables. Rule: sums are made here again, in SQL, from the lines themselves."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from wcs.ledger.audit_findings import Findings
from wcs.ledger.audit_opening import Opening
from wcs.plant.model import OUTSIDE

LOCATION = re.compile(r".+-[LR]-\d{2,}-\d{2,}-\d+")

LAST_SINKS = """
SELECT l.load_unit, l.sink FROM containment_line l
JOIN (SELECT load_unit, MAX(sequence) AS sequence FROM containment_line WHERE site_id = :site GROUP BY load_unit) last
  ON l.sequence = last.sequence
WHERE l.site_id = :site AND l.caused_by > :closed
"""
SUMS = """
SELECT account, sku, lot, owner, SUM(quantity) FROM (
  SELECT sink AS account, sku, lot, owner, quantity FROM content_line WHERE site_id = :site AND caused_by > :closed
  UNION ALL
  SELECT source, sku, lot, owner, -quantity FROM content_line WHERE site_id = :site AND caused_by > :closed
) AS posted GROUP BY account, sku, lot, owner
"""
RESERVED = """
SELECT load_unit, sku, lot, owner, SUM(quantity) FROM reservation WHERE site_id = :site
GROUP BY load_unit, sku, lot, owner
"""
RESERVED_FOR_LINES = """
SELECT order_number, line, SUM(quantity) FROM reservation WHERE site_id = :site GROUP BY order_number, line
"""
BROKEN_MOVES = """
SELECT load_unit, sequence, source, came_from FROM (
  SELECT load_unit, sequence, source,
         LAG(sink) OVER (PARTITION BY load_unit ORDER BY sequence) AS came_from
  FROM containment_line WHERE site_id = :site AND caused_by > :closed
) AS moves WHERE came_from IS NULL OR source <> came_from ORDER BY sequence
"""


def _rows(connection: sa.Connection, sql: str, site_id: str, **values: int) -> list[Any]:
    return [tuple(row) for row in connection.execute(sa.text(sql), {"site": site_id, **values})]


def places(connection: sa.Connection, site_id: str) -> dict[int, str]:
    """Load unit → place, as the state says."""
    return dict(_rows(connection, "SELECT load_unit, place FROM load_unit WHERE site_id = :site", site_id))


def balances_equal_lines(connection: sa.Connection, site_id: str, opening: Opening, findings: Findings) -> str:
    """Each balance is what its lines add up to; every account's gain is another's loss."""
    closed = opening.sequence
    sinks = opening.places | dict(_rows(connection, LAST_SINKS, site_id, closed=closed))
    booked = dict(_rows(connection, "SELECT load_unit, place FROM containment_balance WHERE site_id = :site", site_id))
    _compare("load unit", _inside(sinks), _inside(booked), findings)
    sums = dict(opening.accounts)
    for *cell, quantity in _rows(connection, SUMS, site_id, closed=closed):
        sums[tuple(cell)] = sums.get(tuple(cell), 0) + int(quantity)
    cells = _balances(connection, site_id)
    _compare("account", _not_zero(sums), _not_zero(cells), findings)
    skus: dict[str, int] = {}
    for cell, quantity in cells.items():
        if cell[0].startswith("LU:"):
            skus[cell[1]] = skus.get(cell[1], 0) + quantity
    said = dict(_rows(connection, "SELECT sku, quantity FROM sku_balance WHERE site_id = :site", site_id))
    _compare("SKU", {s: n for s, n in skus.items() if n}, {s: n for s, n in said.items() if n}, findings)
    total = sum(cells.values())
    if total:
        findings.add(f"all content accounts together hold {total}, not nothing")
    return f"{len(booked)} load units, {len(cells)} content accounts"


def balances_equal_state(connection: sa.Connection, site_id: str, opening: Opening, findings: Findings) -> str:
    """The state's load units and contents are the balances of the books."""
    booked = dict(_rows(connection, "SELECT load_unit, place FROM containment_balance WHERE site_id = :site", site_id))
    units = places(connection, site_id)
    _compare("load unit", {unit: booked.get(unit, OUTSIDE) for unit in {**units, **booked}}, units, findings)
    physical = {cell: by for cell, by in _balances(connection, site_id).items() if cell[0].startswith("LU:")}
    contents = {
        (f"LU:{unit}", *cell): quantity
        for unit, *cell, quantity in _rows(
            connection, "SELECT load_unit, sku, lot, owner, quantity FROM content WHERE site_id = :site", site_id
        )
    }
    _compare("content", _not_zero(physical), contents, findings)
    return f"{len(units)} load units, {len(contents)} contents"


def no_negative_stock(connection: sa.Connection, site_id: str, opening: Opening, findings: Findings) -> str:
    """Nothing physical is below nothing."""
    cells = {cell: by for cell, by in _balances(connection, site_id).items() if cell[0].startswith("LU:")}
    for cell, quantity in cells.items():
        if quantity < 0:
            findings.add(f"{' '.join(cell)} holds {quantity}")
    return f"{len(cells)} balances in load units"


def reservations_within_stock(connection: sa.Connection, site_id: str, opening: Opening, findings: Findings) -> str:
    """What is reserved is there, and is the sum of its reservations, on either side."""
    reserved = {tuple(cell): int(n) for *cell, n in _rows(connection, RESERVED, site_id)}
    contents = {
        tuple(cell): (quantity, held)
        for *cell, quantity, held in _rows(
            connection,
            "SELECT load_unit, sku, lot, owner, quantity, reserved FROM content WHERE site_id = :site",
            site_id,
        )
    }
    for cell, (quantity, held) in contents.items():
        if not 0 <= held <= quantity:
            findings.add(f"{cell}: {held} of {quantity} are reserved")
    _compare("content", reserved, {c: held for c, (_, held) in contents.items() if held}, findings)
    of_lines = {(order, line): int(n) for order, line, n in _rows(connection, RESERVED_FOR_LINES, site_id)}
    said = {
        (order, line): held
        for order, line, held in _rows(
            connection, "SELECT order_number, line, reserved FROM order_line WHERE site_id = :site", site_id
        )
        if held
    }
    _compare("order line", of_lines, said, findings)
    return f"{len(contents)} contents, {len(reserved)} with reservations"


def one_load_unit_a_location(connection: sa.Connection, site_id: str, opening: Opening, findings: Findings) -> str:
    """A storage location holds at most one load unit."""
    standing: dict[str, int] = {}
    for unit, place in places(connection, site_id).items():
        if not LOCATION.fullmatch(place):
            continue
        if place in standing:
            findings.add(f"{place} holds {standing[place]} and {unit}")
        standing[place] = unit
    return f"{len(standing)} occupied locations"


def keys_unique(connection: sa.Connection, site_id: str, opening: Opening, findings: Findings) -> str:
    """No move and no posting is on paper twice."""
    total = 0
    for table in ("containment_line", "content_line"):
        count = f"SELECT COUNT(*) FROM {table} WHERE site_id = :site"
        total += _rows(connection, count, site_id)[0][0]
        twice = f"SELECT key, COUNT(*) FROM {table} WHERE site_id = :site GROUP BY key HAVING COUNT(*) > 1"
        for key, times in _rows(connection, twice, site_id):
            findings.add(f"{key} stands {times} times in {table}")
    return f"{total} lines"


def moves_continue(connection: sa.Connection, site_id: str, opening: Opening, findings: Findings) -> str:
    """Each move of a load unit begins where the one before it ended."""
    for unit, sequence, source, came_from in _rows(connection, BROKEN_MOVES, site_id, closed=opening.sequence):
        stood = came_from or opening.places.get(unit, OUTSIDE)
        if source != stood:
            findings.add(f"line {sequence}: load unit {unit} leaves {source}, but it came to {stood}")
    count = "SELECT COUNT(*) FROM containment_line WHERE site_id = :site"
    return f"{_rows(connection, count, site_id)[0][0]} moves"


def _balances(connection: sa.Connection, site_id: str) -> dict[tuple[Any, ...], int]:
    sql = "SELECT account, sku, lot, owner, quantity FROM content_balance WHERE site_id = :site"
    return {tuple(cell): int(quantity) for *cell, quantity in _rows(connection, sql, site_id)}


def _inside(places: dict[int, str]) -> dict[int, str]:
    """What never moved has no balance: it is outside, as what has left."""
    return {unit: place for unit, place in places.items() if place != OUTSIDE}


def _not_zero(cells: dict[tuple[Any, ...], int]) -> dict[tuple[Any, ...], int]:
    return {cell: quantity for cell, quantity in cells.items() if quantity}


def _compare(what: str, expected: dict[Any, Any], found: dict[Any, Any], findings: Findings) -> None:
    if expected == found:
        return
    for key in expected:
        if key not in found or found[key] != expected[key]:
            findings.add(f"{what} {key}: {expected[key]} expected, {found.get(key, 'nothing')} found")
    for key in found:
        if key not in expected:
            findings.add(f"{what} {key}: nothing expected, {found[key]} found")
