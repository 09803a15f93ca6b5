"""How long a move takes and where a machine is in it, in closed form. Rule: times are rounded once, integers exact.

A move from standstill to standstill accelerates, travels at its speed and brakes as it accelerated (a trapezoid); if
it is too short to reach its speed it brakes half-way (a triangle).
"""

from __future__ import annotations

from math import isqrt, sqrt


def _check(distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> None:
    if distance_mm < 0:
        raise ValueError(f"a distance is not negative: {distance_mm} mm")
    if speed_mm_s <= 0 or accel_mm_s2 <= 0:
        raise ValueError(f"speed and acceleration are above 0: {speed_mm_s} mm/s, {accel_mm_s2} mm/s²")


def travel_time_ms(distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> int:
    """Time of a move from standstill to standstill, rounded half up to a millisecond.

    Source:
        Bozer and White (1984), IIE Transactions 16(4); FEM 9.851.

    >>> travel_time_ms(9_000, 3_000, 500)   # triangle: 2·sqrt(9/0.5) s
    8485
    >>> travel_time_ms(30_000, 3_000, 500)  # trapezoid: 30/3 + 3/0.5 s
    16000
    """
    _check(distance_mm, speed_mm_s, accel_mm_s2)
    if distance_mm * accel_mm_s2 < speed_mm_s * speed_mm_s:
        return (isqrt(16_000_000 * distance_mm // accel_mm_s2) + 1) // 2
    numerator = 1_000 * (distance_mm * accel_mm_s2 + speed_mm_s * speed_mm_s)
    denominator = speed_mm_s * accel_mm_s2
    return (2 * numerator + denominator) // (2 * denominator)


def position_mm(elapsed_ms: int, distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> int:
    """How far a move of `distance_mm` has come after `elapsed_ms`: from 0 to the whole distance.

    >>> position_mm(8_000, 30_000, 3_000, 500)
    15000
    """
    _check(distance_mm, speed_mm_s, accel_mm_s2)
    total_s, peak_mm_s = _total_s_peak_mm_s(distance_mm, speed_mm_s, accel_mm_s2)
    elapsed_s = max(0.0, min(elapsed_ms / 1_000, total_s))
    ramp_s = peak_mm_s / accel_mm_s2
    if elapsed_s <= ramp_s:
        come = accel_mm_s2 * elapsed_s * elapsed_s / 2
    elif elapsed_s <= total_s - ramp_s:
        come = peak_mm_s * (elapsed_s - ramp_s / 2)
    else:
        left_s = total_s - elapsed_s
        come = distance_mm - accel_mm_s2 * left_s * left_s / 2
    return max(0, min(distance_mm, round(come)))


def speed_at_mm_s(elapsed_ms: int, distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> int:
    """Speed of a move of `distance_mm` after `elapsed_ms`.

    >>> speed_at_mm_s(3_000, 30_000, 3_000, 500)
    1500
    """
    _check(distance_mm, speed_mm_s, accel_mm_s2)
    total_s, peak_mm_s = _total_s_peak_mm_s(distance_mm, speed_mm_s, accel_mm_s2)
    elapsed_s = max(0.0, min(elapsed_ms / 1_000, total_s))
    return round(min(accel_mm_s2 * elapsed_s, peak_mm_s, accel_mm_s2 * (total_s - elapsed_s)))


def time_at_ms(come_mm: int, distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> int:
    """When a move of `distance_mm` has come `come_mm` far; the inverse of `position_mm`.

    >>> time_at_ms(15_000, 30_000, 3_000, 500)
    8000
    """
    _check(distance_mm, speed_mm_s, accel_mm_s2)
    if come_mm >= distance_mm:
        return travel_time_ms(distance_mm, speed_mm_s, accel_mm_s2)
    total_s, peak_mm_s = _total_s_peak_mm_s(distance_mm, speed_mm_s, accel_mm_s2)
    ramp_mm = peak_mm_s * peak_mm_s / (2 * accel_mm_s2)
    come = max(0, come_mm)
    if come <= ramp_mm:
        at_s = sqrt(2 * come / accel_mm_s2)
    elif come <= distance_mm - ramp_mm:
        at_s = peak_mm_s / accel_mm_s2 + (come - ramp_mm) / peak_mm_s
    else:
        at_s = total_s - sqrt(2 * (distance_mm - come) / accel_mm_s2)
    return round(at_s * 1_000)


def braking_distance_mm(speed_mm_s: int, accel_mm_s2: int) -> int:
    """Way that it takes to reach, or to brake from, a speed.

    >>> braking_distance_mm(3_000, 500)
    9000
    """
    return (speed_mm_s * speed_mm_s + accel_mm_s2) // (2 * accel_mm_s2)


def _total_s_peak_mm_s(distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> tuple[float, float]:
    if distance_mm * accel_mm_s2 < speed_mm_s * speed_mm_s:
        peak = sqrt(distance_mm * accel_mm_s2)
        return 2 * peak / accel_mm_s2, peak
    return distance_mm / speed_mm_s + speed_mm_s / accel_mm_s2, float(speed_mm_s)
