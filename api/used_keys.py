"""Idempotency keys that were used. Rule: orders are never doubled by their numbers, which the ledger keeps; this memory
only tells a caller that one key was used for two orders, and may be forgotten.
"""

from __future__ import annotations

from api.problems import Problem

KEYS_MAX = 10_000


class UsedKeys:
    """Which order a key was used for, by actor."""

    def __init__(self) -> None:
        self._orders: dict[tuple[str, str], tuple[str, str]] = {}

    def check(self, actor: str, key: str, number: str, digest: str) -> None:
        known = self._orders.get((actor, key))
        if known is not None and known != (number, digest):
            raise Problem(422, f"this key was used for order {known[0]}, with other content", field="Idempotency-Key")

    def note(self, actor: str, key: str, number: str, digest: str) -> None:
        while len(self._orders) >= KEYS_MAX:
            del self._orders[next(iter(self._orders))]
        self._orders[actor, key] = (number, digest)

    def forget(self, actor: str, key: str) -> None:
        self._orders.pop((actor, key), None)
