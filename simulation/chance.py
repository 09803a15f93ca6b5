"""Random draws as a function of (seed, stream, entity, counter). Rule: nobody's luck depends on who drew before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_WHOLE = 1 << 64


class Chance:
    """Counter-based draws: the same arguments give the same value on every machine and in every order.

    Example:
        >>> Chance(7).unit("orders", "o1", 0) == Chance(7).unit("orders", "o1", 0)
        True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def unit(self, stream: str, entity: object, counter: int = 0) -> float:
        """A number in [0, 1)."""
        text = f"{self.seed}|{stream}|{entity}|{counter}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") / _WHOLE

    def integer(self, low: int, high: int, stream: str, entity: object, counter: int = 0) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.unit(stream, entity, counter) * (high - low + 1))

    def choice(self, options: Sequence[T], stream: str, entity: object, counter: int = 0) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1, stream, entity, counter)]
