"""The gate of `wcs simulate`: a limit that a plant must reach with a given confidence."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from statistics import fmean

from simulation.figures import half_width
from simulation.spec import RunResult
from wcs.plant.model import Record

FORM = re.compile(r"\s*throughput\s*>=\s*(\d+(?:\.\d+)?)\s*@\s*(\d+(?:\.\d+)?)\s*%\s*")


class Gate(Record):
    """Shipped orders an hour that the lower limit of the interval must reach."""

    target_per_hour: float
    confidence: float


class Verdict(Record):
    """How a gate was met or missed; `lower_limit` is of the two-sided Student interval."""

    passed: bool
    target_per_hour: float
    lower_limit: float
    confidence: float


def parse_gate(text: str) -> Gate:
    """The gate of a text such as "throughput>=120@95%".

    Raises:
        ValueError: it is no such text.

    Example:
        >>> parse_gate("throughput>=120@95%")
        Gate(target_per_hour=120.0, confidence=0.95)
    """
    found = FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no gate: wanted is one like throughput>=120@95%")
    target, percent = float(found[1]), float(found[2])
    if not math.isfinite(target):
        raise ValueError(f"{text!r}: no plant ships so many orders")
    if not 0 < percent < 100:
        raise ValueError(f"{text!r}: a confidence of {percent:g} % is not between 0 and 100")
    return Gate(target_per_hour=target, confidence=percent / 100)


def judge(gate: Gate, results: Sequence[RunResult]) -> Verdict:
    """Whether these runs reach it; a run that diverged does not keep up, whatever it shipped until then."""
    rows = [r.row for r in results]
    lower = fmean(row.throughput_per_hour for row in rows) - (half_width(rows, gate.confidence) or 0.0)
    return Verdict(
        passed=lower >= gate.target_per_hour and not any(r.row.diverged for r in results),
        target_per_hour=gate.target_per_hour,
        lower_limit=lower,
        confidence=gate.confidence,
    )
