"""A mind and its ledger without a host: each event is decided on and put on paper at once."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from wcs.core import events as v
from wcs.core.entities import Change, LoadUnitRole, Sku
from wcs.core.facts import Fact, LoadUnitMoved, QuantityPosted
from wcs.core.warehouse import Warehouse
from wcs.ledger.batch import CommitBatch, CommitReceipt, JournalEntry
from wcs.ledger.writer import LedgerWriter
from wcs.plant.file import load_plant

TINY = load_plant("tiny")
UNIT_PLACE = "A1-L-01-01-1"


class Clerk:
    """Opens the ledger, begins a term, and keeps books until closed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ledger = LedgerWriter(url)
        self.warehouse = Warehouse(TINY, self.ledger.load_rows())
        self.last = self.do(
            v.HostStarted(at_ms=0, epoch=self.ledger.epoch, plant=TINY.name, plant_digest=self.warehouse.layout.digest)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ledger.close()

    def do(self, *events: v.Event) -> CommitReceipt:
        """Decide on these events and commit them in one batch."""
        return self.ledger.commit(self.batch(*events))

    def batch(self, *events: v.Event) -> CommitBatch:
        """Decide on these events; not yet on paper."""
        entries = tuple(
            JournalEntry(event=event, facts=self.warehouse.handle(event).facts, received_at_ms=event.at_ms)
            for event in events
        )
        return CommitBatch(entries=entries, changes=tuple(self.warehouse.state.take_changes()))

    def define(self, *skus: str) -> CommitReceipt:
        """Make SKUs known."""
        return self.do(*(v.SkuChanged(at_ms=1, actor="clerk", sku=Sku(sku=sku)) for sku in skus))

    def open_stock(self, unit: int, place: str, sku: str, quantity: int) -> CommitReceipt:
        """One load unit with one content stands in the rack."""
        return self.do(opening(unit, place, sku, quantity))


def opening(unit: int, place: str, sku: str, quantity: int) -> v.StockOpened:
    """The event of opening stock with one load unit."""
    stock = v.StockQuantity(sku=sku, lot="L1", quantity=quantity)
    one = v.OpeningLoadUnit(
        barcode=f"T{unit:06d}", load_type=1, place=place, role=LoadUnitRole.STOCK, mass_g=3_000, height_mm=300,
        contents=(stock,), load_unit=unit,
    )  # fmt: skip
    return v.StockOpened(at_ms=2, actor="clerk", load_units=(one,))


def order(number: str, sku: str, quantity: int) -> v.OrderRequested:
    """An order of one line."""
    wish = v.OrderLineWish(sku=sku, quantity=quantity)
    return v.OrderRequested(at_ms=3, actor="shop", number=number, lines=(wish,))


def batch_of(*facts: Fact, changes: tuple[Change, ...] = ()) -> CommitBatch:
    """A batch that no mind would write: these facts of one tick."""
    entry = JournalEntry(event=v.Tick(at_ms=9), facts=facts, received_at_ms=9)
    return CommitBatch(entries=(entry,), changes=changes)


def moved(unit: int, source: str, sink: str, key: str) -> LoadUnitMoved:
    return LoadUnitMoved(load_unit=unit, source=source, sink=sink, key=key, occurred_ms=9)


def posted(source: str, sink: str, quantity: int, key: str) -> QuantityPosted:
    return QuantityPosted(
        source=source, sink=sink, sku="S1", lot="L1", owner="own", quantity=quantity, key=key, occurred_ms=9
    )
