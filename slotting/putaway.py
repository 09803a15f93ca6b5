"""Put-away: which free storage location takes a load.

Rule: the answer depends on nothing but the arguments; of equal choices the lowest location index wins. The locations
of an aisle are sorted by travel time once; which of them are free is a bitmap in that order with a summary above it,
so that the nearest free location is found without looking at a million of them.
"""

from __future__ import annotations

import numpy as np

from slotting.compiled import BoolArray, IntArray, compiled

# 32 bits a word in signed 64-bit integers: no mixing of signed and unsigned numbers in compiled code.
_WORD = 32
_BLOCK = _WORD * _WORD  # one summary word covers a block of 32 words

TAKEN = 1
BLOCKED = 2

# Any time in a score is below 11 years, so that sums of three stay far from 63 bits.
TIME_MAX_MS = 1 << 48


@compiled("int64(int64)")
def _lowest_bit(word: int) -> int:
    position = 0
    if word & 0xFFFF == 0:
        word >>= 16
        position += 16
    if word & 0xFF == 0:
        word >>= 8
        position += 8
    if word & 0xF == 0:
        word >>= 4
        position += 4
    if word & 0x3 == 0:
        word >>= 2
        position += 2
    if word & 0x1 == 0:
        position += 1
    return position


@compiled("int64(int64[:], int64[:], int64[:], int64)")
def _first_free_bit(first_block: IntArray, summary: IntArray, words: IntArray, aisle: int) -> int:
    for block in range(first_block[aisle], first_block[aisle + 1]):
        if summary[block] != 0:
            word = block * 32 + _lowest_bit(summary[block])
            return word * 32 + _lowest_bit(words[word])
    return -1


@compiled("void(int64[:], int64[:], int64, boolean)")
def _mark(summary: IntArray, words: IntArray, bit: int, free: bool) -> None:
    word = bit // 32
    block = word // 32
    if free:
        words[word] |= 1 << (bit % 32)
        summary[block] |= 1 << (word % 32)
    else:
        words[word] &= ~(1 << (bit % 32))
        if words[word] == 0:
            summary[block] &= ~(1 << (word % 32))


@compiled("void(int64[:], int64[:], int64[:], boolean[:])")
def _mark_all(bit_of: IntArray, summary: IntArray, words: IntArray, free: BoolArray) -> None:
    for index in range(bit_of.shape[0]):
        _mark(summary, words, bit_of[index], free[index])


@compiled("int64(int64[:], int64[:], int64[:], int64[:], int64[:], int64[:], int64[:], boolean[:], int64)")
def _choose(
    first_block: IntArray,
    summary: IntArray,
    words: IntArray,
    location_at: IntArray,
    travel_ms: IntArray,
    aisle_load_ms: IntArray,
    aisle_sku_count: IntArray,
    aisle_able: BoolArray,
    spread_penalty_ms: int,
) -> int:
    total = 0
    for aisle in range(aisle_sku_count.shape[0]):
        total += aisle_sku_count[aisle]
    best = -1
    best_score = 0
    for aisle in range(aisle_able.shape[0]):
        if not aisle_able[aisle]:
            continue
        bit = _first_free_bit(first_block, summary, words, aisle)
        if bit < 0:
            continue
        location = location_at[bit]
        score = travel_ms[location] + aisle_load_ms[aisle]
        if total > 0 and aisle_sku_count[aisle] == total:
            score += spread_penalty_ms
        if best < 0 or score < best_score or (score == best_score and location < best):
            best = location
            best_score = score
    return best


class FreeLocations:
    """Which storage locations are free, each aisle's in order of travel time.

    Plain data on arrays: `status` (TAKEN | BLOCKED bits by location) says it all, the rest follows from it, so a new
    one built from the same arguments is the same.

    Args:
        aisle: shape (n,), the aisle of each location, 0 ≤ aisle < aisle_count.
        travel_ms: shape (n,), time from the aisle's in-point to the location (or a mean over its uses), ≥ 0.
        aisle_count: how many aisles there are, > 0.
        status: shape (n,) uint8, TAKEN and BLOCKED bits; None: all free.
    Raises:
        ValueError: a wrong shape or type, an aisle or a time that is out of bounds.
    Example:
        >>> import numpy as np
        >>> free = FreeLocations(aisle=np.array([0, 0, 1]), travel_ms=np.array([900, 500, 700]), aisle_count=2)
        >>> free.first_free(0), free.free_count(0)
        (1, 2)
        >>> free.take(1); free.first_free(0), free.is_free(1)
        (0, False)
        >>> free.give(1); free.first_free(0)
        1
    """

    def __init__(
        self, *, aisle: IntArray, travel_ms: IntArray, aisle_count: int, status: np.ndarray | None = None
    ) -> None:
        _require_times("travel_ms", travel_ms, aisle.shape)
        if aisle.ndim != 1 or aisle.dtype != np.int64:
            raise ValueError(f"aisle: wanted int64 of shape (n,), not {aisle.dtype} of shape {aisle.shape}")
        if aisle_count < 1 or aisle.min(initial=0) < 0 or aisle.max(initial=0) >= aisle_count:
            raise ValueError(f"aisle: wanted 0 to {aisle_count - 1}")
        if status is not None and (status.shape != aisle.shape or status.dtype != np.uint8):
            raise ValueError(f"status: wanted uint8 of shape {aisle.shape}")
        self.aisle_count = aisle_count
        self.aisle = aisle.copy()
        self.travel_ms = travel_ms.copy()
        self.status = np.zeros(aisle.shape, np.uint8) if status is None else status.copy()
        sizes = np.bincount(aisle, minlength=aisle_count)
        blocks = (sizes + _BLOCK - 1) // _BLOCK
        self._first_block = np.concatenate([[0], np.cumsum(blocks)]).astype(np.int64)
        block_count = int(self._first_block[-1])
        self._summary = np.zeros(block_count, np.int64)
        self._words = np.zeros(block_count * _WORD, np.int64)
        self._location_at = np.full(block_count * _BLOCK, -1, np.int64)
        order = np.lexsort((np.arange(aisle.size), travel_ms, aisle))
        first_rank = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        bits = np.arange(aisle.size) - first_rank[aisle[order]] + self._first_block[aisle[order]] * _BLOCK
        self._location_at[bits] = order
        self._bit_of = np.empty(aisle.size, np.int64)
        self._bit_of[order] = bits
        free = self.status == 0
        _mark_all(self._bit_of, self._summary, self._words, free)
        self._free_counts: list[int] = np.bincount(aisle[free], minlength=aisle_count).tolist()

    def first_free(self, aisle: int) -> int:
        """The free location of this aisle that is reached soonest, or -1."""
        if not 0 <= aisle < self.aisle_count:
            raise ValueError(f"no aisle {aisle}: there are {self.aisle_count}")
        bit = _first_free_bit(self._first_block, self._summary, self._words, aisle)
        return int(self._location_at[bit]) if bit >= 0 else -1

    def free_count(self, aisle: int) -> int:
        """How many locations of this aisle are free."""
        return self._free_counts[aisle]

    def is_free(self, location: int) -> bool:
        """Whether this location is neither taken nor blocked."""
        return not self.status[location]

    def take(self, location: int) -> None:
        """A load stands there or is bound for it. Taking what is taken changes nothing."""
        self._set(location, int(self.status[location]) | TAKEN)

    def give(self, location: int) -> None:
        """Nothing stands there any more."""
        self._set(location, int(self.status[location]) & ~TAKEN)

    def block(self, location: int) -> None:
        """Not to be used, whether taken or not."""
        self._set(location, int(self.status[location]) | BLOCKED)

    def unblock(self, location: int) -> None:
        """May be used again."""
        self._set(location, int(self.status[location]) & ~BLOCKED)

    def _set(self, location: int, status: int) -> None:
        before = self.status[location]
        self.status[location] = status
        if bool(before) == bool(status):
            return
        _mark(self._summary, self._words, self._bit_of[location], status == 0)
        self._free_counts[self.aisle[location]] += 1 if status == 0 else -1


def choose_location(
    free: FreeLocations,
    aisle_load_ms: IntArray,
    aisle_sku_count: IntArray,
    aisle_able: BoolArray,
    *,
    spread_penalty_ms: int,
) -> int:
    """The storage location with the lowest score, or -1 if no able aisle has a free one.

    Score = travel time + work waiting for the aisle's crane, + the penalty where the SKU would stand in one aisle
    alone. With a penalty above every load, an SKU stands in two aisles as soon as two have room.

    Args:
        free: the free locations.
        aisle_load_ms: shape (aisles,), work waiting for each aisle's crane, ≥ 0.
        aisle_sku_count: shape (aisles,), load units of this SKU in each aisle, those bound for it included.
        aisle_able: shape (aisles,), whether the aisle may be used and the load fits its locations.
        spread_penalty_ms: ≥ 0.
    Raises:
        ValueError: a wrong shape or type, or a number that is out of bounds.
    Source:
        Hausman, Schwarz and Graves (1976), Management Science 22(6): closest open location.
    Example:
        >>> import numpy as np
        >>> free = FreeLocations(aisle=np.array([0, 0, 1]), travel_ms=np.array([900, 500, 700]), aisle_count=2)
        >>> able = np.array([True, True])
        >>> choose_location(free, np.array([0, 0]), np.array([0, 0]), able, spread_penalty_ms=60_000)
        1
        >>> choose_location(free, np.array([0, 0]), np.array([3, 0]), able, spread_penalty_ms=60_000)
        2
    """
    shape = (free.aisle_count,)
    if aisle_load_ms.shape != shape or aisle_load_ms.dtype != np.int64:
        raise ValueError(f"aisle_load_ms: wanted int64 of shape {shape}")
    if aisle_sku_count.shape != shape or aisle_sku_count.dtype != np.int64:
        raise ValueError(f"aisle_sku_count: wanted int64 of shape {shape}")
    if aisle_able.shape != shape or aisle_able.dtype != np.bool_:
        raise ValueError(f"aisle_able: wanted bool of shape {shape}")
    if not 0 <= spread_penalty_ms <= TIME_MAX_MS:
        raise ValueError(f"spread_penalty_ms: wanted 0 to {TIME_MAX_MS}, not {spread_penalty_ms}")
    return int(
        _choose(
            free._first_block,
            free._summary,
            free._words,
            free._location_at,
            free.travel_ms,
            aisle_load_ms,
            aisle_sku_count,
            aisle_able,
            spread_penalty_ms,
        )
    )


def _require_times(name: str, times_ms: IntArray, shape: tuple[int, ...]) -> None:
    if times_ms.shape != shape or times_ms.dtype != np.int64:
        raise ValueError(f"{name}: wanted int64 of shape {shape}, not {times_ms.dtype} of shape {times_ms.shape}")
    if times_ms.min(initial=0) < 0 or times_ms.max(initial=0) > TIME_MAX_MS:
        raise ValueError(f"{name}: wanted 0 to {TIME_MAX_MS}")
