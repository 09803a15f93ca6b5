"""A device that refuses is asked again, soon at first and then ever less often."""

from __future__ import annotations

import itertools

from wcs.core.retries import RETRY_LAST_MS, RETRY_UNTIL_MS, is_due

HOUR_S = 3_600


def asked_at_s(until_s: int, tick_ms: int = 1_000, first_ms: int = 400) -> list[int]:
    """Ages, in whole seconds, at which ticks find that the time has come; the first tick comes after `first_ms`."""
    ticks = range(first_ms, until_s * 1_000, tick_ms)
    return [age_ms // 1_000 for age_ms in ticks if is_due(age_ms - tick_ms, age_ms)]


def test_the_gaps_double_up_to_the_last() -> None:
    assert asked_at_s(130) == [1, 2, 4, 8, 16, 32, 64, 96, 128]


def test_a_device_that_refuses_for_an_hour_is_asked_some_hundred_times() -> None:
    asked = asked_at_s(HOUR_S)
    assert 100 <= len(asked) <= 130
    assert max(b - a for a, b in itertools.pairwise(asked)) * 1_000 <= RETRY_LAST_MS


def test_after_an_hour_the_alarm_holds_the_device_until_a_person_has_answered_it() -> None:
    assert asked_at_s(5 * HOUR_S) == asked_at_s(RETRY_UNTIL_MS // 1_000)


def test_ticks_that_come_seldom_or_often_miss_nothing() -> None:
    assert asked_at_s(40, tick_ms=100) == [1, 2, 4, 8, 16, 32]
    assert asked_at_s(200, tick_ms=5_000, first_ms=5_000) == [5, 10, 20, 35, 65, 100, 130, 160, 195]
