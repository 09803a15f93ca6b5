"""Delays of telegrams: drawn within their bounds, the same for the same telegram."""

from __future__ import annotations

from statistics import fmean, stdev

import pytest

from simulation.latency import Latency
from simulation.spec import LatencyProfile
from wcs.plant.file import load_plant

TINY = load_plant("tiny")
CRANE = TINY.cranes[0].name
PROTOCOL = {device: plc.protocol.value for plc in TINY.plcs for device in plc.devices}


def delays(profile: LatencyProfile, count: int = 4_000, seed: int = 1) -> list[int]:
    latency = Latency({PROTOCOL[CRANE]: profile}, TINY, seed)
    return [latency.delay_ms(CRANE, "down", n) for n in range(count)]


def test_delays_have_the_mean_and_deviation_of_their_profile_where_nothing_is_cut() -> None:
    drawn = delays(LatencyProfile(mean_ms=100, deviation_ms=10, low_ms=1, high_ms=1_000))
    assert fmean(drawn) == pytest.approx(100, abs=1)
    assert stdev(drawn) == pytest.approx(10, rel=0.05)


def test_delays_stay_within_their_bounds_and_reach_them() -> None:
    drawn = delays(LatencyProfile(mean_ms=40, deviation_ms=30, low_ms=20, high_ms=60))
    assert (min(drawn), max(drawn)) == (20, 60)


def test_bounds_far_from_the_mean_still_give_delays_between_them() -> None:
    assert set(delays(LatencyProfile(mean_ms=10, deviation_ms=1, low_ms=500, high_ms=510), 50)) <= set(range(500, 511))


def test_a_telegram_has_the_same_delay_whoever_asked_before() -> None:
    profile = LatencyProfile(mean_ms=100, deviation_ms=30)
    forwards = delays(profile, 50)
    latency = Latency({PROTOCOL[CRANE]: profile}, TINY, 1)
    assert [latency.delay_ms(CRANE, "down", n) for n in reversed(range(50))] == forwards[::-1]
    assert delays(profile, 50, seed=2) != forwards
    assert [latency.delay_ms(CRANE, "up", n) for n in range(50)] != forwards


def test_without_a_deviation_every_telegram_takes_the_mean() -> None:
    assert set(delays(LatencyProfile(mean_ms=70), 20)) == {70}


def test_planning_time_is_that_of_the_devices_protocol() -> None:
    profiles = {PROTOCOL[CRANE]: LatencyProfile(planning_ms=15)}
    assert Latency(profiles, TINY, 1).planning_ms(CRANE) == 15
