"""Waiting for a condition, with a deadline: the only place of these tests where time is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LOOK_S = 0.02  # between two looks: finer would only take the CPU from what is waited for


def wait_until(condition: Callable[[], T], what: str, timeout_s: float, story: Callable[[], str] = lambda: "") -> T:
    """Look until the condition holds; what it gave."""
    give_up = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}\n{story()}")
        time.sleep(LOOK_S)
    return found
