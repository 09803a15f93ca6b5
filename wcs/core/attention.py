"""Which vehicles a look at the fleet must ask: one that was asked, and has nothing to do, is let be.

Rule: letting be changes no decision. A vehicle sleeps only while asking it again could not give another answer:
until a row of its own changes, or, if it waits for a node, until that node is given up. Whatever may change an answer
otherwise (closed nodes, vehicles that cannot drive, an errand so old that the track is cleared) wakes all.
Derived, never stored: after a restart all are awake.
"""

from __future__ import annotations

from collections.abc import Iterable


class Attention:
    """The vehicles that are awake, and the nodes for which others wait."""

    def __init__(self, vehicles: Iterable[str]) -> None:
        self._rank = {vehicle: n for n, vehicle in enumerate(vehicles)}
        self._awake: dict[str, None] = dict.fromkeys(self._rank)
        self._waiting: dict[str, dict[str, None]] = {}

    def awake(self) -> list[str]:
        """Whom to ask, in plant order."""
        return sorted(self._awake, key=self._rank.__getitem__)

    def is_awake(self, vehicle: str) -> bool:
        """Whether it is to be asked."""
        return vehicle in self._awake

    def wake(self, vehicle: str) -> None:
        """Something of this vehicle (or of a device that is none) changed."""
        if vehicle in self._rank:
            self._awake[vehicle] = None

    def wake_all(self) -> None:
        """Something of the whole track changed."""
        self._awake.update(dict.fromkeys(self._rank))
        self._waiting.clear()

    def freed(self, nodes: Iterable[str]) -> None:
        """Nobody holds or keeps these nodes any more."""
        for node in nodes:
            for vehicle in self._waiting.pop(node, ()):
                self._awake[vehicle] = None

    def sleep(self, vehicle: str, node: str = "") -> None:
        """Nothing to do until a row of its own changes, or this node is freed."""
        self._awake.pop(vehicle, None)
        if node:
            self._waiting.setdefault(node, {})[vehicle] = None
