"""How long a move takes and where a machine is in it, in closed form. Rule: times are rounded once, integers exact.

A move from standstill to standstill accelerates, travels at its speed and brakes as it accelerated (a trapezoid); if
it is too short to reach its speed it brakes half-way (a triangle).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isqrt, sqrt

from wcs.plant.model import Record


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


def braking_distance_mm(speed_mm_s: float, accel_mm_s2: int) -> int:
    """Way that it takes to brake from a speed, rounded up.

    >>> braking_distance_mm(3_000, 500)
    9000
    """
    return ceil(speed_mm_s * speed_mm_s / (2 * accel_mm_s2))


def _total_s_peak_mm_s(distance_mm: int, speed_mm_s: int, accel_mm_s2: int) -> tuple[float, float]:
    if distance_mm * accel_mm_s2 < speed_mm_s * speed_mm_s:
        peak = sqrt(distance_mm * accel_mm_s2)
        return 2 * peak / accel_mm_s2, peak
    return distance_mm / speed_mm_s + speed_mm_s / accel_mm_s2, float(speed_mm_s)


class Piece(Record):
    """A part of a run with one acceleration (negative: braking), from the run's start; floats, for telemetry only."""

    start_s: float
    start_mm: float
    speed_mm_s: float
    accel_mm_s2: float
    end_s: float


class Run(Record):
    """A run over stretches with limits of their own: `passes_ms` is when the end of each stretch is reached."""

    pieces: tuple[Piece, ...]
    passes_ms: tuple[int, ...]


def plan_run(
    lengths_mm: Sequence[int], limits_mm_s: Sequence[int], accel_mm_s2: int, entry_speed_mm_s: float = 0.0
) -> Run:
    """The fastest run over stretches, each within its speed limit, to a standstill at the end of the last.

    A run that enters too fast for its first stretches brakes as hard as it can.

    Args:
        lengths_mm, limits_mm_s: of each stretch, > 0.
        accel_mm_s2: acceleration = deceleration, > 0.
        entry_speed_mm_s: speed at the start of the first stretch, ≥ 0.

    >>> plan_run([30_000], [3_000], 500).passes_ms
    (16000,)
    """
    speeds = _boundary_speeds(lengths_mm, limits_mm_s, accel_mm_s2, entry_speed_mm_s)
    pieces: list[Piece] = []
    passes: list[int] = []
    at_s, at_mm = 0.0, 0.0
    for length, limit, first, last in zip(lengths_mm, limits_mm_s, speeds, speeds[1:], strict=False):
        peak = min(limit, sqrt((first * first + last * last) / 2 + accel_mm_s2 * length))
        peak = max(peak, last)
        ramps_mm = abs(peak * peak - first * first) / (2 * accel_mm_s2) + (peak * peak - last * last) / (
            2 * accel_mm_s2
        )
        if first > peak and ramps_mm > length:
            peak, ramps_mm = last, float(length)
        cruise_s = max(0.0, length - ramps_mm) / peak if peak > 0 else 0.0
        for begin, accel, time_s in (
            (first, accel_mm_s2 if peak >= first else -accel_mm_s2, abs(peak - first) / accel_mm_s2),
            (peak, 0, cruise_s),
            (peak, -accel_mm_s2, (peak - last) / accel_mm_s2),
        ):
            if time_s > 0:
                pieces.append(
                    Piece(start_s=at_s, start_mm=at_mm, speed_mm_s=begin, accel_mm_s2=accel, end_s=at_s + time_s)
                )
                at_s += time_s
                at_mm += begin * time_s + accel * time_s * time_s / 2
        passes.append(int(at_s * 1_000 + 0.5))
    return Run(pieces=tuple(pieces), passes_ms=tuple(passes))


def run_state(run: Run, elapsed_ms: int) -> tuple[int, float]:
    """How far a run has come (mm) and how fast it is (mm/s) after `elapsed_ms`."""
    elapsed_s = max(0.0, elapsed_ms / 1_000)
    for piece in run.pieces:
        if elapsed_s < piece.end_s:
            t = elapsed_s - piece.start_s
            come = piece.start_mm + piece.speed_mm_s * t + piece.accel_mm_s2 * t * t / 2
            return round(come), max(0.0, piece.speed_mm_s + piece.accel_mm_s2 * t)
    if not run.pieces:
        return 0, 0.0
    last = run.pieces[-1]
    t = last.end_s - last.start_s
    return round(last.start_mm + last.speed_mm_s * t + last.accel_mm_s2 * t * t / 2), 0.0


def _boundary_speeds(
    lengths_mm: Sequence[int], limits_mm_s: Sequence[int], accel_mm_s2: int, entry_speed_mm_s: float
) -> list[float]:
    """Speeds at all boundaries of stretches: backward so that it can brake, forward so that it can reach them."""
    count = len(lengths_mm)
    speeds = [0.0] * (count + 1)
    for n in range(count - 1, 0, -1):
        reachable = sqrt(speeds[n + 1] ** 2 + 2 * accel_mm_s2 * lengths_mm[n])
        speeds[n] = min(limits_mm_s[n - 1], limits_mm_s[n], reachable)
    if count:
        speeds[0] = entry_speed_mm_s
    for n in range(count):
        change = 2 * accel_mm_s2 * lengths_mm[n]
        slowest = sqrt(max(0.0, speeds[n] ** 2 - change))
        speeds[n + 1] = max(slowest, min(speeds[n + 1], sqrt(speeds[n] ** 2 + change)))
    return speeds
