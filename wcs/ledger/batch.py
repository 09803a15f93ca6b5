"""What is put on paper at once. Rule: a batch is written whole or not at all."""

from __future__ import annotations

from wcs.core.entities import Change
from wcs.core.events import Event
from wcs.core.facts import Fact
from wcs.core.ports import DeliveryNote
from wcs.plant.model import Record


class JournalEntry(Record):
    """One event and the facts it led to."""

    event: Event
    facts: tuple[Fact, ...]
    received_at_ms: int


class CommitBatch(Record):
    """Events with their facts, the rows that they changed (last word per row), and when commands were delivered."""

    entries: tuple[JournalEntry, ...]
    changes: tuple[Change, ...] = ()
    notes: tuple[DeliveryNote, ...] = ()


class CommitReceipt(Record):
    """Where the batch stands in the journal."""

    first_sequence: int
    last_sequence: int
    committed_at_ms: int
