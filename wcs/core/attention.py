"""What a look at the fleet must ask: a vehicle that was asked, and cannot go on, rests; so does a leg that was refused.

Rule: a vehicle rests until a row of its own changes, until the node that it waits for is given up, or until a time,
whichever is first; what may change an answer otherwise (closed nodes, vehicles that cannot drive, an errand so old that
the track is cleared) wakes all. So nobody rests for long while it could drive, and what a look costs does not grow with
the vehicles that stand. Legs that wait for a vehicle are looked at when a load, a leg, a transfer point or an idle
vehicle has changed, and at each tick; one that was refused rests until something has changed around the place that
refused it, or until the next tick. Derived, never stored: after a restart all are awake.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

NEVER_MS = 1 << 62


class Rest(NamedTuple):
    """Until when a vehicle need not be asked: a node given up, a time; "" and None for neither."""

    node: str = ""
    until_ms: int | None = None


class Attention:
    """The vehicles that are awake, and what wakes the others."""

    def __init__(self, vehicles: Iterable[str]) -> None:
        self._rank = {vehicle: n for n, vehicle in enumerate(vehicles)}
        self._awake: dict[str, None] = dict.fromkeys(self._rank)
        self._waiting: dict[str, dict[str, None]] = {}
        self._until_ms: dict[str, int] = {}
        self._soonest_ms = NEVER_MS  # no later than any of these
        self._legs_awake: dict[int, None] = {}
        self._legs_resting: dict[str, dict[int, None]] = {}  # by the place around which something must change
        self._legs_looked_at = False

    def wake_legs(self) -> None:
        """Something changed that may let any waiting leg be given to a vehicle."""
        self._legs_looked_at = False
        for place in tuple(self._legs_resting):
            self.wake_legs_around(place)

    def wake_legs_around(self, place: str) -> None:
        """Something changed around this place: those that it refused may be given to a vehicle now."""
        self._legs_looked_at = False
        self._legs_awake.update(self._legs_resting.pop(place, {}))

    def look_at_legs(self) -> None:
        """A vehicle may have become free for a leg."""
        self._legs_looked_at = False

    def take_legs(self) -> bool:
        """Whether waiting legs are to be looked at; they have been now."""
        before, self._legs_looked_at = self._legs_looked_at, True
        return not before

    def legs_awake(self) -> list[int]:
        """Which waiting legs to look at, the oldest first."""
        return sorted(self._legs_awake)

    def leg_waits(self, leg: int) -> None:
        """It waits for a vehicle from now on."""
        self._legs_awake[leg] = None

    def leg_rests(self, leg: int, place: str) -> None:
        """It was refused, and will be until something changes around this place."""
        self._legs_awake.pop(leg, None)
        self._legs_resting.setdefault(place, {})[leg] = None

    def leg_waits_no_more(self, leg: int) -> None:
        """It was given to a vehicle, or given up."""
        self._legs_awake.pop(leg, None)
        for legs in self._legs_resting.values():
            legs.pop(leg, None)

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
            self._until_ms.pop(vehicle, None)

    def wake_all(self) -> None:
        """Something of the whole track changed."""
        self.wake_legs()
        self._awake.update(dict.fromkeys(self._rank))
        self._waiting.clear()
        self._until_ms.clear()

    def wake_rested(self, now_ms: int) -> None:
        """Those whose time has come."""
        if now_ms < self._soonest_ms:
            return
        for vehicle in [v for v, until_ms in self._until_ms.items() if until_ms <= now_ms]:
            self.wake(vehicle)
        self._soonest_ms = min(self._until_ms.values(), default=NEVER_MS)

    def freed(self, nodes: Iterable[str]) -> None:
        """Nobody holds or keeps these nodes any more."""
        for node in nodes:
            for vehicle in self._waiting.pop(node, ()):
                self.wake(vehicle)

    def sleep(self, vehicle: str, rest: Rest) -> None:
        """Nothing to do for as long as that."""
        self._awake.pop(vehicle, None)
        if rest.node:
            self._waiting.setdefault(rest.node, {})[vehicle] = None
        if rest.until_ms is not None:
            self._until_ms[vehicle] = rest.until_ms
            self._soonest_ms = min(self._soonest_ms, rest.until_ms)
