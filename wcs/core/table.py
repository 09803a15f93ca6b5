"""One table of the mind's memory. Rule: it remembers what changed since the last look, last word per row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Generic, TypeVar

from wcs.core import entities as e

E = TypeVar("E", bound=e.Entity)


class Table(Generic[E]):
    """Rows of one entity by key. A missing key is a KeyError: our bug.

    Args:
        entity: what its rows are.
        touched: where a table writes itself down at its first change since the last look.
        on_change: keeps the indexes; it is given the row before and after.
    """

    def __init__(
        self,
        entity: type[E],
        touched: list[Table[Any]],
        on_change: Callable[[E | None, E | None], None] | None = None,
    ) -> None:
        self.entity = entity
        self.rows: dict[Any, E] = {}
        self.changed: dict[Any, E | None] = {}  # since the last look; None: it is gone
        self.get: Callable[[object], E | None] = self.rows.get
        self._key = attrgetter(*entity.KEY)
        self._touched = touched
        self._on_change = on_change

    def __getitem__(self, key: object) -> E:
        return self.rows[key]

    def __iter__(self) -> Iterator[E]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, key: object) -> bool:
        return key in self.rows

    def put(self, row: E) -> None:
        key = self._key(row)
        rows, changed = self.rows, self.changed
        old = rows.get(key)
        if not changed:
            self._touched.append(self)
        rows[key] = changed[key] = row
        if self._on_change is not None:
            self._on_change(old, row)

    def drop(self, key: object) -> None:
        old = self.rows.pop(key)
        if not self.changed:
            self._touched.append(self)
        self.changed[key] = None
        if self._on_change is not None:
            self._on_change(old, None)
