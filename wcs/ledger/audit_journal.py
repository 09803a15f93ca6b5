"""Checks that read the whole journal, in one pass: chain, task numbers, one line a posting fact, and the fold.

Rule: facts are folded by the mind's own `apply`, which never decides again; everything else here is computed anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from wcs.core.entities import Entity
from wcs.core.facts import DeviceTaskStarted, Fact, LoadUnitMoved, QuantityPosted
from wcs.core.warehouse import Warehouse
from wcs.ledger.audit_findings import Findings
from wcs.ledger.journal_codec import UnknownLine, decode_fact
from wcs.plant.model import Plant

ROWS_A_FETCH = 5_000  # a million facts pass through without standing in memory together
JOURNAL = """
SELECT sequence, kind, event_sequence, name, version, document, occurred_at_ms, received_at_ms, committed_at_ms, hash
FROM journal WHERE site_id = :site ORDER BY sequence
"""
CONTAINMENT = """
SELECT sequence, caused_by, key, load_unit, source, sink, occurred_at_ms
FROM containment_line WHERE site_id = :site ORDER BY sequence
"""
CONTENT = """
SELECT sequence, caused_by, key, source, sink, sku, lot, owner, quantity, occurred_at_ms
FROM content_line WHERE site_id = :site ORDER BY sequence
"""
KIND_FACT = 1


class _Book:
    """The lines of one book, expected one after another in the order of their facts."""

    def __init__(self, name: str, lines: Iterator[tuple[Any, ...]]) -> None:
        self.name = name
        self.findings = Findings()
        self.count = 0
        self._lines = lines

    def expect(self, *values: Any) -> None:
        """The next line must be this one; after the first difference nothing more can be said."""
        if self.findings.count:
            return
        self.count += 1
        expected, found = (self.count, *values), next(self._lines, None)
        if found != expected:
            self.findings.add(f"{self.name} {self.count}: {expected} expected, {found or 'no line'} found")

    def finish(self) -> None:
        """No line may be left without a fact."""
        left = None if self.findings.count else next(self._lines, None)
        if left is not None:
            self.findings.add(f"{self.name}: line {left[0]} has no fact")


class JournalAudit:
    """One pass over a site's journal."""

    def __init__(self, connection: sa.Connection, site_id: str, plant: Plant | None) -> None:
        self._connection = connection
        self._site_id = site_id
        self._warehouse = None if plant is None else Warehouse(plant)
        self._lines = 0
        self._facts = 0
        self.end = (0, bytes(32))
        self._chain = Findings()
        self._fold = Findings()
        self._tasks = Findings()
        self._task_numbers: set[int] = set()
        self._moves = _Book("containment line", self._stream(CONTAINMENT))
        self._postings = _Book("content line", self._stream(CONTENT))

    def checks(self) -> dict[str, Callable[[Findings], str]]:
        """What the pass found, by name of the check."""
        checks: dict[str, Callable[[Findings], str]] = {
            "journal_chain": lambda into: _told(self._chain, into, f"{self._lines} lines"),
            "task_numbers_once": lambda into: _told(self._tasks, into, f"{len(self._task_numbers)} tasks"),
            "every_move_one_line": lambda into: _told(self._moves.findings, into, f"{self._moves.count} moves"),
            "every_posting_one_line": lambda into: _told(
                self._postings.findings, into, f"{self._postings.count} postings"
            ),
        }
        if self._warehouse is not None:
            checks["fold_equals_tables"] = lambda into: _told(self._fold, into, f"{self._facts} facts")
        return checks

    def read(self, *, full: bool) -> None:
        """Read every line once."""
        expected, previous = 1, bytes(32)
        for line in self._stream(JOURNAL):
            sequence, found = int(line[0]), bytes(line[9])
            if sequence != expected:
                self._chain.add(f"line {expected} is missing: {sequence} follows")
            elif _hash(previous, line) != found:
                self._chain.add(f"line {sequence} ({line[3]}) is not what its hash covers")
            expected, previous = sequence + 1, found
            self.end = (sequence, found)
            self._lines += 1
            if line[1] == KIND_FACT:
                self._take_in(sequence, line)
        self._moves.finish()
        self._postings.finish()
        if self._warehouse is not None and not self._fold.count:
            for entity, table in self._warehouse.state.tables.items():
                self._compare_table(entity, table.rows)

    def _take_in(self, sequence: int, line: tuple[Any, ...]) -> None:
        self._facts += 1
        try:
            fact = decode_fact(line[3], line[4], line[5])
        except (UnknownLine, msgspec.MsgspecError) as error:
            self._fold.add(f"line {sequence} cannot be read: {error}")
            return
        self._check_postings(sequence, fact)
        if isinstance(fact, DeviceTaskStarted):
            number = fact.open_task.number
            if number in self._task_numbers:
                self._tasks.add(f"task {number} was started again in line {sequence}")
            self._task_numbers.add(number)
        if self._warehouse is not None and not self._fold.count:
            try:
                self._warehouse.apply(fact)
            except (AssertionError, KeyError) as error:
                self._fold.add(f"line {sequence} ({line[3]}) cannot be applied: {type(error).__name__} {error}")

    def _check_postings(self, sequence: int, fact: Fact) -> None:
        if isinstance(fact, LoadUnitMoved):
            self._moves.expect(sequence, fact.key, fact.load_unit, fact.source, fact.sink, fact.occurred_ms)
        elif isinstance(fact, QuantityPosted):
            self._postings.expect(
                sequence, fact.key, fact.source, fact.sink, fact.sku, fact.lot, fact.owner, fact.quantity,
                fact.occurred_ms,
            )  # fmt: skip

    def _compare_table(self, entity: type[Entity], folded: dict[Any, Entity]) -> None:
        """The table's rows are the folded rows, field by field."""
        fields = entity.__struct_fields__
        columns = ", ".join(f'"{name}"' for name in fields)
        left = dict(folded)
        for values in self._stream(f'SELECT {columns} FROM "{entity.TABLE}" WHERE site_id = :site'):
            row = dict(zip(fields, values, strict=True))
            key = tuple(row[name] for name in entity.KEY)
            mine = left.pop(key if len(key) > 1 else key[0], None)
            if mine is None:
                self._fold.add(f"{entity.TABLE} {key} stands in the table but not in the journal")
                continue
            for name, value in msgspec.to_builtins(mine).items():
                said = row[name]
                if isinstance(value, dict | list | tuple):
                    said, value = json.loads(said), json.loads(msgspec.json.encode(value))
                if said != value:
                    self._fold.add(f"{entity.TABLE} {key} {name}: {value} folded, {said} in the table")
        for key in left:
            self._fold.add(f"{entity.TABLE} {key} is in the journal but not in the table")

    def _stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        result = self._connection.execute(
            sa.text(sql), {"site": self._site_id}, execution_options={"yield_per": ROWS_A_FETCH}
        )
        for row in result:
            yield tuple(row)


def _told(found: Findings, into: Findings, looked_at: str) -> str:
    if found.count:
        into.take_over(found)
    return looked_at


def _hash(previous: bytes, line: tuple[Any, ...]) -> bytes:
    """SHA-256 of the hash before and the line, as the format of the journal says."""
    sequence, kind, event_sequence, name, version, document, occurred, received, committed, _ = line
    text = f"{sequence}|{kind}|{event_sequence}|{name}|{version}|{occurred}|{received}|{committed}|{document}"
    return hashlib.sha256(previous + text.encode()).digest()
