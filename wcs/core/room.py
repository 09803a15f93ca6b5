"""Which storage locations are free, and where each SKU stands: what put-away decides on.

Rule: a location is free when nothing stands there, nothing is bound for it and nobody blocked it. All of it is derived
from the tables by the state's index methods; the choice itself is the kernel's in `slotting.putaway`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from slotting.putaway import TAKEN, FreeLocations, choose_location
from slotting.travel import travel_times_ms
from wcs.core.layout import Layout

# More than any travel and any waiting work: an SKU stands in two aisles as soon as two have room.
SPREAD_PENALTY_MS = 3_600_000


class Room:
    """The free places of the racks.

    Args:
        layout: of the plant.
        held: where something stands, and what something is bound for, a place as often as that.
        blocked: places and aisles.
        stocked: SKU and place of each content.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        held: Iterable[str] = (),
        blocked: Iterable[str] = (),
        stocked: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._locations = layout.locations
        self._aisle_position = {a.name: n for n, a in enumerate(layout.plant.aisles)}
        self._aisle_of = layout.aisle_of
        self._held = Counter(index for place in held if (index := self._index(place)) is not None)
        self._sku_count: dict[str, np.ndarray] = {}
        self._none = np.zeros(len(layout.plant.aisles), np.int64)
        self.blocked_aisles: dict[str, None] = {}
        aisle, travel = _travel(layout)
        status = np.zeros(aisle.shape, np.uint8)
        status[np.fromiter(self._held, np.int64, len(self._held))] = TAKEN
        self.free = FreeLocations(aisle=aisle, travel_ms=travel, aisle_count=len(layout.plant.aisles), status=status)
        for place in blocked:
            self.block(place)
        for sku, place in stocked:
            self.sku_moved(sku, "", place)

    def _index(self, place: str) -> int | None:
        return self._locations.index(place) if self._aisle_of(place) is not None else None

    def enter(self, place: str) -> None:
        """Something stands there now."""
        self._hold(place, 1)

    def leave(self, place: str) -> None:
        self._hold(place, -1)

    def book(self, place: str) -> None:
        """Something is bound for it."""
        self._hold(place, 1)

    def unbook(self, place: str) -> None:
        self._hold(place, -1)

    def _hold(self, place: str, by: int) -> None:
        index = self._index(place)
        if index is None:
            return
        held = self._held.get(index, 0) + by
        assert held >= 0, f"{place} was given twice"
        if held:
            self._held[index] = held
            self.free.take(index)
        else:
            del self._held[index]
            self.free.give(index)

    def is_held(self, place: str) -> bool:
        """Whether something stands there or is bound for it."""
        return self._locations.index(place) in self._held

    def block(self, place: str) -> None:
        index = self._index(place)
        if index is not None:
            self.free.block(index)
        elif place in self._aisle_position:
            self.blocked_aisles[place] = None

    def unblock(self, place: str) -> None:
        index = self._index(place)
        if index is not None:
            self.free.unblock(index)
        elif place in self._aisle_position:
            del self.blocked_aisles[place]

    def sku_moved(self, sku: str, source: str, sink: str) -> None:
        """A load unit with this SKU changed places (empty: it came or went)."""
        before, after = self._aisle_of(source), self._aisle_of(sink)
        if before == after:
            return
        counts = self._sku_count.get(sku)
        if counts is None:
            counts = self._sku_count[sku] = self._none.copy()
        if before is not None:
            counts[self._aisle_position[before]] -= 1
        if after is not None:
            counts[self._aisle_position[after]] += 1

    def free_count(self) -> int:
        """Free locations in aisles that are not blocked."""
        return sum(
            self.free.free_count(n) for name, n in self._aisle_position.items() if name not in self.blocked_aisles
        )

    def choose(self, sku: str, able: dict[str, bool], load_ms: dict[str, int]) -> str | None:
        """The location for one load unit of `sku` among the able aisles; None if there is none."""
        names = self._aisle_position
        able_row = np.fromiter((able[a] and a not in self.blocked_aisles for a in names), np.bool_, len(names))
        load_row = np.fromiter((load_ms[a] for a in names), np.int64, len(names))
        index = choose_location(
            self.free, load_row, self._sku_count.get(sku, self._none), able_row, spread_penalty_ms=SPREAD_PENALTY_MS
        )
        return None if index < 0 else self._locations.name(index)


def _travel(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Aisle position and travel time from the aisle's in-point, for every location by index."""
    aisles, times = [], []
    for position, aisle in enumerate(layout.plant.aisles):
        crane = layout.crane_of_aisle[aisle.name]
        inbound = layout.routes.inbound_points(aisle.name)[0]
        point = layout.crane_points[crane.name, inbound]
        bay = np.arange(aisle.bays).repeat(aisle.levels)
        level = np.tile(np.arange(aisle.levels), aisle.bays)
        sinks = np.stack(
            [aisle.x0_mm + bay * aisle.bay_pitch_mm, aisle.y0_mm + level * aisle.level_pitch_mm], axis=1
        ).astype(np.int64)
        one_side = travel_times_ms(
            np.array([point.x_mm, point.y_mm], np.int64),
            sinks,
            speed_mm_s=np.array([crane.speed_x_mm_s, crane.speed_y_mm_s], np.int64),
            accel_mm_s2=np.array([crane.accel_x_mm_s2, crane.accel_y_mm_s2], np.int64),
        )
        times.append(np.tile(one_side.repeat(aisle.depth), len(aisle.sides)))
        aisles.append(np.full(aisle.location_count, position, np.int64))
    return np.concatenate(aisles), np.concatenate(times)
