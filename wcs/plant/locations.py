"""Numbers and names of storage locations: every location of the plant has one index, computed, never stored.

Rule: order is aisle, side, bay, level, depth, so an index and a name say the same thing.
"""

from __future__ import annotations

from bisect import bisect_right

from wcs.plant.model import Aisle, Plant, Record, Side

_SIDE_LETTER = {Side.LEFT: "L", Side.RIGHT: "R"}
_LETTER_SIDE = {letter: side for side, letter in _SIDE_LETTER.items()}


class LocationAddress(Record):
    """Where a storage location is: what a crane's Source and Sink words are made of."""

    aisle: str
    side: Side
    bay: int
    level: int
    depth: int


class LocationTable:
    """Index ↔ name ↔ address of all storage locations of a plant, by arithmetic.

    Example:
        `table.name(0)` is "A1-L-01-01-1"; `table.index("A1-L-01-01-1")` is 0.
    """

    def __init__(self, plant: Plant) -> None:
        self.aisles: tuple[Aisle, ...] = plant.aisles
        self._position = {aisle.name: n for n, aisle in enumerate(self.aisles)}
        self.first: list[int] = []
        total = 0
        for aisle in self.aisles:
            self.first.append(total)
            total += aisle.location_count
        self.count = total
        self._known: dict[str, int] = {}  # names that were asked for: at most all

    def aisle_position(self, index: int) -> int:
        """Position in `aisles` of the aisle that holds location `index`."""
        return bisect_right(self.first, index) - 1

    def address(self, index: int) -> LocationAddress:
        """The address of location `index` (0 ≤ index < count)."""
        if not 0 <= index < self.count:
            raise ValueError(f"no storage location {index}: the plant has {self.count}")
        position = self.aisle_position(index)
        aisle = self.aisles[position]
        rest, depth = divmod(index - self.first[position], aisle.depth)
        rest, level = divmod(rest, aisle.levels)
        side, bay = divmod(rest, aisle.bays)
        return LocationAddress(aisle=aisle.name, side=aisle.sides[side], bay=bay + 1, level=level + 1, depth=depth + 1)

    def index_of(self, address: LocationAddress) -> int:
        """The index of an address; ValueError if there is no such location."""
        position = self._position.get(address.aisle)
        if position is None:
            raise ValueError(f"no aisle {address.aisle}")
        aisle = self.aisles[position]
        inside = (
            address.side in aisle.sides
            and 1 <= address.bay <= aisle.bays
            and 1 <= address.level <= aisle.levels
            and 1 <= address.depth <= aisle.depth
        )
        if not inside:
            raise ValueError(f"no storage location {address}")
        side = aisle.sides.index(address.side)
        rest = (side * aisle.bays + address.bay - 1) * aisle.levels + address.level - 1
        return self.first[position] + rest * aisle.depth + address.depth - 1

    def name(self, index: int) -> str:
        """The name of location `index`, as printed on its label."""
        a = self.address(index)
        return f"{a.aisle}-{_SIDE_LETTER[a.side]}-{a.bay:02d}-{a.level:02d}-{a.depth}"

    def index(self, name: str) -> int:
        """The index of a named location; ValueError if there is none."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._read(name)
        return known

    def _read(self, name: str) -> int:
        parts = name.rsplit("-", 4)
        if len(parts) != 5 or parts[1] not in _LETTER_SIDE or not all(map(str.isdecimal, parts[2:])):
            raise ValueError(f"{name} is not a storage location")
        aisle, letter, *digits = parts
        bay, level, depth = map(int, digits)
        index = self.index_of(
            LocationAddress(aisle=aisle, side=_LETTER_SIDE[letter], bay=bay, level=level, depth=depth)
        )
        # One location, one name: "A1-L-5-3-1" would be a second one.
        if digits != [f"{bay:02d}", f"{level:02d}", f"{depth}"]:
            raise ValueError(f"{name} is not a storage location; {self.name(index)} is")
        return index

    def has(self, name: str) -> bool:
        """Whether `name` is a storage location of this plant."""
        try:
            self.index(name)
        except ValueError:
            return False
        return True
