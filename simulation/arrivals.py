"""When something comes: moments of a day with busy and quiet hours, drawn or evenly spaced.

Rule: arrival n depends on the seed and on n alone. A day's profile changes the clock, not the draws: arrivals of a
flat day are spread so that each hour gets its share (Çinlar's inversion of the cumulative rate).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from simulation.chance import Chance

HOUR_MS = 3_600_000
HOURS_A_DAY = 24


def arrivals_ms(
    chance: Chance, stream: str, per_hour: float, *, even: bool = False, profile: tuple[float, ...] = ()
) -> Iterator[int]:
    """Moments in ms from the start, without end; none at all for a rate of zero.

    Args:
        chance: the seed's draws.
        stream: whose arrivals: two streams know nothing of each other.
        per_hour: mean rate over a whole day.
        even: equal gaps with one drawn phase, instead of Poisson.
        profile: relative weights of the day's hours, 24 of them, or none for a flat day.

    Example:
        >>> from itertools import islice
        >>> gaps = list(islice(arrivals_ms(Chance(1), "orders", 60, even=True), 3))
        >>> gaps[1] - gaps[0], gaps[2] - gaps[1]
        (60000, 60000)
    """
    if per_hour <= 0:
        return
    warp = _Warp(profile)
    flat_h = (chance.unit(stream, "phase") - 1) / per_hour if even else 0.0
    n = 0
    while True:
        n += 1
        share = 1.0 if even else -math.log(1.0 - chance.unit(stream, n))
        flat_h += share / per_hour
        yield round(warp.hours(flat_h) * HOUR_MS)


class _Warp:
    """From the hours of a flat day to those of a day with this profile."""

    def __init__(self, profile: tuple[float, ...]) -> None:
        mean = sum(profile) / len(profile) if profile else 1.0
        self._rates = [weight / mean for weight in profile]

    def hours(self, flat_h: float) -> float:
        """When so many mean hours' worth of arrivals have come."""
        if not self._rates:
            return flat_h
        days, rest = divmod(flat_h, HOURS_A_DAY)
        for hour, rate in enumerate(self._rates):
            if rest < rate:
                return days * HOURS_A_DAY + hour + rest / rate
            rest -= rate
        return (days + 1) * HOURS_A_DAY
