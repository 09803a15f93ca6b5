"""Plain-Python twins of the kernels: slow, short and obviously right. The property tests compare; nothing else calls.

Rule: no arrays, no tricks, and nothing shared with the kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext


def travel_time_ms(distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> int:
    """Time of one axis, by decimals with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        distance, speed, accel = Decimal(distance_mm), Decimal(speed_mm_s), Decimal(accel_mm_s2)
        runs = distance >= speed * speed / accel
        seconds = distance / speed + speed / accel if runs else 2 * (distance / accel).sqrt()
        return int((seconds * 1000).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def choose_location(
    aisle: Sequence[int],
    travel_ms: Sequence[int],
    free: Sequence[bool],
    aisle_load_ms: Sequence[int],
    aisle_sku_count: Sequence[int],
    aisle_able: Sequence[bool],
    spread_penalty_ms: int,
) -> int:
    """The free location with the lowest (score, index), looking at every one."""
    in_one_aisle = sum(1 for count in aisle_sku_count if count) == 1
    choices = []
    for location, is_free in enumerate(free):
        home = aisle[location]
        if is_free and aisle_able[home]:
            alone = in_one_aisle and aisle_sku_count[home] > 0
            score = travel_ms[location] + aisle_load_ms[home] + (spread_penalty_ms if alone else 0)
            choices.append((score, location))
    return min(choices)[1] if choices else -1
