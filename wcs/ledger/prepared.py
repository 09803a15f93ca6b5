"""A batch as rows, ready to be written. Rule: numbered and netted before the transaction begins; the journal's lines,
which take longest, are hashed while the database is busy with the rows of the others.
"""

from __future__ import annotations

import time
from collections import defaultdict
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from wcs.core.entities import Change, Entity
from wcs.core.events import Event
from wcs.core.facts import Fact
from wcs.ledger import bulk
from wcs.ledger.batch import CommitBatch, CommitReceipt
from wcs.ledger.chain import line_hash, times
from wcs.ledger.errors import BatchRefused
from wcs.ledger.journal_codec import encode
from wcs.ledger.postings import UNIT_PREFIX, Postings, post
from wcs.ledger.row_codec import CODECS
from wcs.ledger.tables import (
    EVENT,
    FACT,
    STATE_TABLES,
    command_delivery,
    containment_balance,
    containment_line,
    content_balance,
    content_line,
    journal,
    sku_balance,
)
from wcs.plant.model import Record

JOURNAL_COLUMNS = (
    "site_id", "sequence", "kind", "event_sequence", "name", "version", "document", "occurred_at_ms",
    "received_at_ms", "committed_at_ms", "hash",
)  # fmt: skip
CONTAINMENT_COLUMNS = ("site_id", "sequence", "caused_by", "key", "load_unit", "source", "sink", "occurred_at_ms")
CONTENT_COLUMNS = (
    "site_id", "sequence", "caused_by", "key", "source", "sink", "sku", "lot", "owner", "quantity", "occurred_at_ms",
)  # fmt: skip
CELL = ("site_id", "account", "sku", "lot", "owner")


class BooksEnd(Record):
    """Where the books end: the last journal line with its hash, and the last line of each book."""

    sequence: int
    hash: bytes
    containment: int
    content: int


class Prepared:
    """A batch, numbered and hashed on from where the books end."""

    def __init__(self, site_id: str, end: BooksEnd, batch: CommitBatch) -> None:
        self.site_id = site_id
        self.batch = batch
        self._after = end
        self._committed_at_ms = time.time_ns() // 1_000_000
        sequence = end.sequence
        facts: list[tuple[int, Fact]] = []
        for entry in batch.entries:
            sequence += 1
            for fact in entry.facts:
                sequence += 1
                facts.append((sequence, fact))
        self.postings: Postings = post(facts, containment_from=end.containment + 1, content_from=end.content + 1)
        _refuse_doubled_keys(self.postings)
        self.receipt = CommitReceipt(
            first_sequence=end.sequence + 1, last_sequence=sequence, committed_at_ms=self._committed_at_ms
        )

    @cached_property
    def lines(self) -> list[tuple[Any, ...]]:
        """The journal's rows, each hashed on from the one before it."""
        lines: list[tuple[Any, ...]] = []
        last, sequence = self._after.hash, self._after.sequence
        site, committed_at_ms = self.site_id, self._committed_at_ms
        for entry in self.batch.entries:
            event_sequence, at_ms, received_at_ms = sequence + 1, entry.event.at_ms, entry.received_at_ms
            at = times(at_ms, received_at_ms, committed_at_ms)
            items: tuple[Event | Fact, ...] = (entry.event, *entry.facts)
            for item in items:
                sequence += 1
                kind = EVENT if sequence == event_sequence else FACT
                name, version, document = encode(item)
                last = line_hash(last, sequence, kind, event_sequence, name, version, at, document)
                lines.append(
                    (
                        site, sequence, kind, event_sequence, name, version, document.decode(), at_ms, received_at_ms,
                        committed_at_ms, last,
                    )
                )  # fmt: skip
        return lines

    @property
    def end(self) -> BooksEnd:
        """Where the books end once this is on paper."""
        return BooksEnd(
            sequence=self.receipt.last_sequence,
            hash=self.lines[-1][-1] if self.lines else self._after.hash,
            containment=self._after.containment + len(self.postings.containment),
            content=self._after.content + len(self.postings.content),
        )

    def write(self, connection: sa.Connection) -> None:
        """Every row of the batch, into the transaction that is under way: what is soonest ready goes first."""
        self._write_balances(connection)
        self._write_lines(connection)
        self._write_notes(connection)
        write_changes(connection, self.site_id, self.batch.changes)
        bulk.insert(connection, journal, JOURNAL_COLUMNS, self.lines)

    def _write_lines(self, connection: sa.Connection) -> None:
        site, p = self.site_id, self.postings
        bulk.insert(
            connection, containment_line, CONTAINMENT_COLUMNS,
            [(site, x.sequence, x.caused_by, x.key, x.load_unit, x.source, x.sink, x.occurred_at_ms)
             for x in p.containment],
        )  # fmt: skip
        bulk.insert(
            connection, content_line, CONTENT_COLUMNS,
            [(site, x.sequence, x.caused_by, x.key, x.source, x.sink, x.sku, x.lot, x.owner, x.quantity,
              x.occurred_at_ms) for x in p.content],
        )  # fmt: skip

    def _write_balances(self, connection: sa.Connection) -> None:
        """One change a balance, whatever the number of lines; what is taken from a load unit must be there."""
        site, p = self.site_id, self.postings
        places = [(site, unit, place) for unit, place in sorted(p.places.items())]
        key: tuple[str, ...] = ("site_id", "load_unit")
        bulk.upsert(connection, containment_balance, (*key, "place"), key, places)
        taken: list[tuple[object, ...]] = []
        added: list[tuple[object, ...]] = []
        totals: dict[str, int] = {}
        for cell, by in sorted(p.deltas.items()):
            physical = cell[0].startswith(UNIT_PREFIX)
            if physical:
                totals[cell[1]] = totals.get(cell[1], 0) + by
            if by:
                (taken if physical and by < 0 else added).append((site, *cell, by))
        bulk.decrease(connection, content_balance, CELL, "quantity", taken)
        bulk.upsert(connection, content_balance, (*CELL, "quantity"), CELL, added, add="quantity")
        key = ("site_id", "sku")
        rows = [(site, sku, by) for sku, by in sorted(totals.items())]
        bulk.upsert(connection, sku_balance, (*key, "quantity"), key, rows, add="quantity")

    def _write_notes(self, connection: sa.Connection) -> None:
        key = ("site_id", "device", "sequence")
        sent = {(n.device, n.sequence): n.sent_at_ms for n in self.batch.notes if n.sent_at_ms is not None}
        acknowledged = {
            (n.device, n.sequence): n.acknowledged_at_ms for n in self.batch.notes if n.acknowledged_at_ms is not None
        }
        for column, moments in (("sent_at_ms", sent), ("acknowledged_at_ms", acknowledged)):
            rows = [(self.site_id, device, sequence, at_ms) for (device, sequence), at_ms in moments.items()]
            bulk.upsert(connection, command_delivery, (*key, column), key, rows)


def _refuse_doubled_keys(postings: Postings) -> None:
    """The same key twice in a batch would be netted twice before the database sees it."""
    for book in (postings.containment, postings.content):
        keys = [line.key for line in book]
        if len(set(keys)) != len(keys):
            doubled = next(key for n, key in enumerate(keys) if key in keys[:n])
            raise BatchRefused(f"the batch posts {doubled} twice")


def write_changes(connection: sa.Connection, site_id: str, changes: tuple[Change, ...]) -> None:
    """State rows: replaced or deleted by key, an entity at a time."""
    put: defaultdict[type[Entity], list[Entity]] = defaultdict(list)
    gone: defaultdict[type[Entity], list[tuple[Any, ...]]] = defaultdict(list)
    for change in changes:
        if change.row is None:
            gone[change.entity].append((site_id, *change.key))
        else:
            put[change.entity].append(change.row)
    for entity, keys in gone.items():
        bulk.delete(connection, STATE_TABLES[entity], ("site_id", *entity.KEY), keys)
    for entity, changed in put.items():
        codec = CODECS[entity]
        rows = [codec.encode(site_id, row) for row in changed]
        bulk.upsert(connection, STATE_TABLES[entity], ("site_id", *codec.fields), ("site_id", *entity.KEY), rows)
