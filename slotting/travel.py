"""How long a stacker crane travels: integers in, integers out, rounded exactly.

Rule: no result depends on how a machine rounds floating point numbers.
"""

from __future__ import annotations

import math

import numpy as np

from slotting.compiled import IntArray, compiled

# Beyond these the products below could pass 63 bits; no crane is near them (10 km, 100 m/s, 100 m/s²).
DISTANCE_MAX_MM = 10_000_000
SPEED_MAX_MM_S = 100_000
ACCEL_MAX_MM_S2 = 100_000


@compiled("int64(int64, int64, int64)")
def _axis_time_ms(distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> int:
    if distance_mm * accel_mm_s2 >= speed_mm_s * speed_mm_s:
        doubled = 2000 * (distance_mm * accel_mm_s2 + speed_mm_s * speed_mm_s)
        whole = speed_mm_s * accel_mm_s2
        return (doubled + whole) // (2 * whole)
    # 2000·√(d/a) to the nearest integer is (isqrt(4·4e6·d/a) + 1) // 2.
    square = 16_000_000 * distance_mm // accel_mm_s2
    root = int(math.sqrt(square))
    while root * root > square:
        root -= 1
    while (root + 1) * (root + 1) <= square:
        root += 1
    return (root + 1) // 2


@compiled("int64[:](int64[:], int64[:, :], int64[:], int64[:])")
def _travel_times_ms(origin_mm: IntArray, sinks_mm: IntArray, speed_mm_s: IntArray, accel_mm_s2: IntArray) -> IntArray:
    times = np.empty(sinks_mm.shape[0], np.int64)
    for n in range(sinks_mm.shape[0]):
        x_ms = _axis_time_ms(abs(sinks_mm[n, 0] - origin_mm[0]), speed_mm_s[0], accel_mm_s2[0])
        y_ms = _axis_time_ms(abs(sinks_mm[n, 1] - origin_mm[1]), speed_mm_s[1], accel_mm_s2[1])
        times[n] = max(x_ms, y_ms)
    return times


def travel_times_ms(
    origin_mm: IntArray, sinks_mm: IntArray, *, speed_mm_s: IntArray, accel_mm_s2: IntArray
) -> IntArray:
    """Travel time of a stacker crane from one position to each of many.

    The mast travels (x) and the carriage lifts (y) at once, so a move takes as long as its slower axis. Each axis
    speeds up, runs and brakes (a trapezoid), or brakes before it has reached its speed (a triangle).

    Args:
        origin_mm: shape (2,), where the crane stands.
        sinks_mm: shape (n, 2), where it might go.
        speed_mm_s: shape (2,), > 0.
        accel_mm_s2: shape (2,), acceleration = deceleration, > 0.
    Returns:
        shape (n,), milliseconds, rounded to the nearest (half up), so that two machines agree bit for bit.
    Raises:
        ValueError: a wrong shape or type, or a speed, acceleration or distance that is out of bounds.
    Source:
        Bozer and White (1984), IIE Transactions 16(4); FEM 9.851.
    Example:
        >>> import numpy as np
        >>> travel_times_ms(np.array([0, 0]), np.array([[9000, 0], [0, 1500], [9000, 1500]]),
        ...                 speed_mm_s=np.array([3000, 1500]), accel_mm_s2=np.array([1000, 1000])).tolist()
        [6000, 2449, 6000]
    """
    for name, array in (("origin_mm", origin_mm), ("speed_mm_s", speed_mm_s), ("accel_mm_s2", accel_mm_s2)):
        if array.shape != (2,) or array.dtype != np.int64:
            raise ValueError(f"{name}: wanted int64 of shape (2,), not {array.dtype} of shape {array.shape}")
    if sinks_mm.ndim != 2 or sinks_mm.shape[1] != 2 or sinks_mm.dtype != np.int64:
        raise ValueError(f"sinks_mm: wanted int64 of shape (n, 2), not {sinks_mm.dtype} of shape {sinks_mm.shape}")
    if speed_mm_s.min() < 1 or speed_mm_s.max() > SPEED_MAX_MM_S:
        raise ValueError(f"speed_mm_s: wanted 1 to {SPEED_MAX_MM_S}, not {speed_mm_s.tolist()}")
    if accel_mm_s2.min() < 1 or accel_mm_s2.max() > ACCEL_MAX_MM_S2:
        raise ValueError(f"accel_mm_s2: wanted 1 to {ACCEL_MAX_MM_S2}, not {accel_mm_s2.tolist()}")
    furthest = int(np.abs(sinks_mm - origin_mm).max(initial=0))
    if furthest > DISTANCE_MAX_MM:
        raise ValueError(f"sinks_mm: {furthest} mm away, more than {DISTANCE_MAX_MM}")
    return _travel_times_ms(origin_mm, sinks_mm, speed_mm_s, accel_mm_s2)
