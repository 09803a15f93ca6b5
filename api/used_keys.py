"""Idempotency keys that were used. Rule: a key is on paper before its order is asked for.

Orders are never doubled by their numbers, which the books keep. This tells a caller that one key was used for two
orders, also after a restart. A crash between key and order leaves a key without an order: the same request again places
it, another one is refused, as it would have been. The key of a request that was refused is free again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable

import sqlalchemy as sa

from api.problems import Problem
from wcs.ledger.tables import idempotency_key
from wcs.plant.model import Record

KEPT_MS = 24 * 3_600_000  # callers that try again do so within a day; then only the order's number speaks
KEYS_MAX = 100_000  # twice what 2,000 orders an hour make in that day; the oldest go first


class Use(Record):
    """What a key was used for, and when."""

    number: str
    digest: str
    used_ms: int


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class UsedKeys:
    """Which order a key was used for, by actor: held in memory, the oldest first, and written through."""

    def __init__(self, engine: sa.Engine, now_ms: Callable[[], int] = wall_ms) -> None:
        self._engine = engine
        self._now_ms = now_ms
        self._writing = threading.Lock()  # one key may be noted by two requests at once
        self._open: Counter[tuple[str, str]] = Counter()  # requests that are not decided yet
        with engine.connect() as connection:
            rows = connection.execute(sa.select(idempotency_key).order_by(idempotency_key.c.used_ms)).all()
        self._uses = {
            (row.actor, row.key): Use(number=row.number, digest=row.digest, used_ms=row.used_ms) for row in rows
        }

    def check(self, actor: str, key: str, number: str, digest: str) -> None:
        """Refuse a key that was used for something else."""
        known = self._uses.get((actor, key))
        if known is None or known.used_ms <= self._now_ms() - KEPT_MS:
            return
        if (known.number, known.digest) != (number, digest):
            if self._open[actor, key]:  # it may be refused, and leave the key free
                raise Problem(409, "a request with this key is under way: try again", field="Idempotency-Key")
            raise Problem(
                422, f"this key was used for order {known.number}, with other content", field="Idempotency-Key"
            )

    async def note(self, actor: str, key: str, number: str, digest: str) -> None:
        """In memory before anything waits, for another may come with it meanwhile; then on paper.

        `decided` must follow.

        Raises:
            Problem: 503, the database does not take it now; the caller tries again.
        """
        self._open[actor, key] += 1
        use = Use(number=number, digest=digest, used_ms=self._now_ms())
        before = self._uses.pop((actor, key), None)
        self._uses[actor, key] = use
        gone = self._outdated(use.used_ms)
        try:
            await asyncio.to_thread(self._write, [*gone, (actor, key)], (actor, key), use)
        except sa.exc.DBAPIError as error:
            if before is None:
                self._uses.pop((actor, key), None)
            raise Problem(503, f"the key cannot be written down now: {error.orig}") from error

    def decided(self, actor: str, key: str) -> None:
        """A request that has noted its key has come to its end."""
        self._open[actor, key] -= 1
        if self._open[actor, key] <= 0:
            del self._open[actor, key]

    async def forget(self, actor: str, key: str) -> None:
        """Nothing was done under this key."""
        self._uses.pop((actor, key), None)
        await asyncio.to_thread(self._write, [(actor, key)], (actor, key), None)

    def _outdated(self, now_ms: int) -> list[tuple[str, str]]:
        """Take out of memory what is too old or too much."""
        gone: list[tuple[str, str]] = []
        for name, use in self._uses.items():
            if use.used_ms > now_ms - KEPT_MS and len(self._uses) - len(gone) <= KEYS_MAX:
                break
            gone.append(name)
        for name in gone:
            del self._uses[name]
        return gone

    def _write(self, gone: list[tuple[str, str]], name: tuple[str, str], use: Use | None) -> None:
        table = idempotency_key
        with self._writing, self._engine.begin() as connection:
            for actor, key in gone:
                connection.execute(table.delete().where(table.c.actor == actor, table.c.key == key))
            if use is not None:
                connection.execute(
                    table.insert().values(
                        actor=name[0], key=name[1], number=use.number, digest=use.digest, used_ms=use.used_ms
                    )
                )
