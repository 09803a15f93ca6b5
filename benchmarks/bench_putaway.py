"""Put-away among a million locations, raced against looking at every free one with numpy.

Budget: 0.1 ms a choice, so that put-away is a small part of the 0.3 ms that a dispatch cycle may take.
"""

from __future__ import annotations

import time

import numpy as np

from slotting.putaway import FreeLocations, choose_location

LOCATIONS = 1_000_000
AISLES = 20
BUDGET_MS = 0.1


def _race(free: FreeLocations, rounds: int) -> tuple[float, float, bool]:
    """Mean ms of our choice and of the peer's, and whether both always chose the same."""
    load = np.arange(AISLES, dtype=np.int64) * 500
    sku = np.zeros(AISLES, np.int64)
    able = np.ones(AISLES, np.bool_)
    score = free.travel_ms + load[free.aisle]
    ours_s = peer_s = 0.0
    same = True
    for _ in range(rounds):
        started = time.perf_counter()
        chosen = choose_location(free, load, sku, able, spread_penalty_ms=600_000)
        ours_s += time.perf_counter() - started
        started = time.perf_counter()
        peer = int(np.where(free.status == 0, score, np.iinfo(np.int64).max).argmin())
        peer_s += time.perf_counter() - started
        same = same and chosen == peer
        free.take(chosen)
    return ours_s / rounds * 1000, peer_s / rounds * 1000, same


def races() -> list[dict[str, object]]:
    """The race, as one row of `results.json`."""
    draws = np.random.default_rng(20)
    free = FreeLocations(
        aisle=np.sort(draws.integers(0, AISLES, LOCATIONS)),
        travel_ms=draws.integers(2_000, 60_000, LOCATIONS),
        aisle_count=AISLES,
        status=(draws.random(LOCATIONS) < 0.9).astype(np.uint8),
    )
    ours_ms, peer_ms, same = _race(free, 200)
    return [
        {
            "name": "put-away at 1,000,000 locations",
            "value": round(ours_ms, 5),
            "unit": "ms",
            "budget": BUDGET_MS,
            "better": "lower",
            "peer": "numpy argmin over all locations",
            "peer_value": round(peer_ms, 4),
            "ratio": round(peer_ms / ours_ms, 1),
            "ok": same and ours_ms <= BUDGET_MS,
        }
    ]
