"""Student's t for intervals over a few runs, by the finite sums for whole degrees of freedom.

Source:
    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import stdev

BISECTIONS = 200  # halvings of [0, T_MAX]: until two neighbouring floats are left
T_MAX = 1e12


def t_within(t: float, degrees: int) -> float:
    """The probability that |T| is below t."""
    theta = math.atan(t / math.sqrt(degrees))
    cosine, sine = math.cos(theta), math.sin(theta)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(3 if odd else 2, degrees + 1, 2):
        total += term
        term *= cosine * cosine * (k - 1) / k
    if odd:
        return 2 / math.pi * (theta + sine * total)
    return sine * total


@cache
def t_quantile(confidence: float, degrees: int) -> float:
    """The t within which |T| lies with this probability.

    Example:
        >>> round(t_quantile(0.95, 1), 3), round(t_quantile(0.95, 4), 3), round(t_quantile(0.95, 9), 3)
        (12.706, 2.776, 2.262)
    """
    low, high = 0.0, T_MAX
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if t_within(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return high


def half_width_of(values: Sequence[float], confidence: float, deviation_min: float = 0.0) -> float:
    """Of the interval for the mean of at least two independent values, whose standard deviation is at least so much."""
    deviation = max(stdev(values), deviation_min)
    return t_quantile(confidence, len(values) - 1) * deviation / math.sqrt(len(values))
