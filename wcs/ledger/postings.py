"""Ledger lines from facts. Rule: one fact makes one line or none, always the same."""

from __future__ import annotations

from collections.abc import Iterable

from wcs.core.facts import Fact, LoadUnitMoved, QuantityPosted
from wcs.plant.model import Record

UNIT_PREFIX = "LU:"


class ContainmentLine(Record):
    """A load unit went from source to sink. `caused_by` is the journal sequence of its fact."""

    sequence: int
    caused_by: int
    key: str
    load_unit: int
    source: str
    sink: str
    occurred_at_ms: int


class ContentLine(Record):
    """A quantity went from one account to another."""

    sequence: int
    caused_by: int
    key: str
    source: str
    sink: str
    sku: str
    lot: str
    owner: str
    quantity: int
    occurred_at_ms: int


class Postings(Record):
    """The lines of one batch and what they add up to."""

    containment: tuple[ContainmentLine, ...]
    content: tuple[ContentLine, ...]
    places: dict[int, str]
    deltas: dict[tuple[str, str, str, str], int]


def post(facts: Iterable[tuple[int, Fact]], *, containment_from: int, content_from: int) -> Postings:
    """Lines of facts with their journal sequences, numbered from the given numbers, netted per balance cell."""
    containment: list[ContainmentLine] = []
    content: list[ContentLine] = []
    places: dict[int, str] = {}
    deltas: dict[tuple[str, str, str, str], int] = {}
    for sequence, fact in facts:
        if isinstance(fact, LoadUnitMoved):
            places[fact.load_unit] = fact.sink
            containment.append(
                ContainmentLine(
                    sequence=containment_from + len(containment),
                    caused_by=sequence,
                    key=fact.key,
                    load_unit=fact.load_unit,
                    source=fact.source,
                    sink=fact.sink,
                    occurred_at_ms=fact.occurred_ms,
                )
            )
        elif isinstance(fact, QuantityPosted):
            for account, sign in ((fact.source, -1), (fact.sink, 1)):
                cell = (account, fact.sku, fact.lot, fact.owner)
                deltas[cell] = deltas.get(cell, 0) + sign * fact.quantity
            content.append(
                ContentLine(
                    sequence=content_from + len(content),
                    caused_by=sequence,
                    key=fact.key,
                    source=fact.source,
                    sink=fact.sink,
                    sku=fact.sku,
                    lot=fact.lot,
                    owner=fact.owner,
                    quantity=fact.quantity,
                    occurred_at_ms=fact.occurred_ms,
                )
            )
    return Postings(containment=tuple(containment), content=tuple(content), places=places, deltas=deltas)
