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
from wcs.ledger.audit_opening import Archives, Opening
from wcs.ledger.journal_codec import UnknownLine, decode_fact
from wcs.plant.model import Plant

ROWS_A_FETCH = 5_000  # a million facts pass through without standing in memory together
JOURNAL = """
SELECT sequence, kind, event_sequence, name, version, document, occurred_at_ms, received_at_ms, committed_at_ms, hash
FROM journal WHERE site_id = :site AND sequence > :closed ORDER BY sequence
"""
CONTAINMENT = """
SELECT sequence, caused_by, key, load_unit, source, sink, occurred_at_ms
FROM containment_line WHERE site_id = :site AND caused_by > :closed ORDER BY sequence
"""
CONTENT = """
SELECT sequence, caused_by, key, source, sink, sku, lot, owner, quantity, occurred_at_ms
FROM content_line WHERE site_id = :site AND caused_by > :closed ORDER BY sequence
"""
KIND_FACT = 1


class _Book:
    """The lines of one book, expected one after another in the order of their facts."""

    def __init__(self, name: str, lines: Iterator[tuple[Any, ...]], last: int) -> None:
        self.name = name
        self.findings = Findings()
        self.count = 0
        self._last = last
        self._lines = lines

    def expect(self, *values: Any) -> None:
        """The next line must be this one; after the first difference nothing more can be said."""
        if self.findings.count:
            return
        self.count += 1
        self._last += 1
        expected, found = (self._last, *values), next(self._lines, None)
        if found != expected:
            self.findings.add(f"{self.name} {self._last}: {expected} expected, {found or 'no line'} found")

    def finish(self) -> None:
        """No line may be left without a fact."""
        left = None if self.findings.count else next(self._lines, None)
        if left is not None:
            self.findings.add(f"{self.name}: line {left[0]} has no fact")


class JournalAudit:
    """One pass over a site's journal, from its newest closing on or, `archives` given, from the first line on."""

    def __init__(
        self,
        connection: sa.Connection,
        site_id: str,
        plant: Plant | None,
        opening: Opening,
        archives: Archives | None = None,
    ) -> None:
        self._connection = connection
        self._site_id = site_id
        self._opening = opening
        self._archives = archives
        begun = opening if archives is None else Opening()
        self._warehouse = None if plant is None else Warehouse(plant, begun.rows)
        self._lines = 0
        self._facts = 0
        self.end = (begun.sequence, begun.hash)
        self._last_task = begun.last_task
        self._chain = Findings()
        self._fold = Findings()
        self._tasks = Findings()
        self._task_numbers: set[int] = set()
        moves, postings = self._all("containment_line", CONTAINMENT), self._all("content_line", CONTENT)
        self._moves = _Book("containment line", moves, begun.containment_sequence)
        self._postings = _Book("content line", postings, begun.content_sequence)

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

    def read(self) -> None:
        """Read every line once."""
        for complaint in [] if self._archives is None else self._archives.complaints():
            self._chain.add(complaint)
        if self._chain.count:  # what cannot be read is not folded either
            self._fold.add("the archives cannot be read")
            return
        for line in self._all("journal", JOURNAL):
            last, previous = self.end
            sequence, found = int(line[0]), bytes(line[9])
            if sequence != last + 1:
                self._chain.add(f"line {last + 1} is missing: {sequence} follows")
            elif _hash(previous, line) != found:
                self._chain.add(f"line {sequence} ({line[3]}) is not what its hash covers")
            self.end = (sequence, found)
            self._lines += 1
            if line[1] == KIND_FACT:
                self._take_in(sequence, line)
            if sequence == self._opening.sequence:
                self._compare_with_closing()
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
            if number in self._task_numbers or number <= self._last_task:
                self._tasks.add(f"task {number} was started again in line {sequence}")
            self._task_numbers.add(number)
        if self._warehouse is not None and not self._fold.count:
            try:
                self._warehouse.apply(fact)
                self._warehouse.state.forget_changes()
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

    def _compare_with_closing(self) -> None:
        """A full audit has come to where the archives end: the closing must say the same."""
        if self._warehouse is None or self._fold.count:
            return
        said = dict.fromkeys(self._opening.rows)
        folded = dict.fromkeys(row for table in self._warehouse.state.tables.values() for row in table)
        for row in folded:
            if row not in said:
                self._fold.add(f"{row} is folded from the archives, but not in the closing")
        for row in said:
            if row not in folded:
                self._fold.add(f"{row} is in the closing, but not folded from the archives")

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

    def _all(self, table: str, sql: str) -> Iterator[tuple[Any, ...]]:
        """A table's rows: of the archives where they are read too, then of the database."""
        if self._archives is not None:
            yield from self._archives.rows(table)
        yield from self._stream(sql, closed=self._opening.sequence)

    def _stream(self, sql: str, **values: int) -> Iterator[tuple[Any, ...]]:
        result = self._connection.execute(
            sa.text(sql), {"site": self._site_id, **values}, execution_options={"yield_per": ROWS_A_FETCH}
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
