"""Put-away among a million locations: our kernel and its peer on the same choices, timed by pytest-benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from slotting.putaway import FreeLocations, choose_location

LOCATIONS = 1_000_000
AISLES = 20
CHOICES = 200
PENALTY_MS = 600_000


class Choices:
    """One side of the race; each location that it chose is taken before the next choice, untimed."""

    def __init__(self) -> None:
        draws = np.random.default_rng(20)
        self.free = FreeLocations(
            aisle=np.sort(draws.integers(0, AISLES, LOCATIONS)),
            travel_ms=draws.integers(2_000, 60_000, LOCATIONS),
            aisle_count=AISLES,
            status=(draws.random(LOCATIONS) < 0.9).astype(np.uint8),
        )
        self.load = np.arange(AISLES, dtype=np.int64) * 500
        self.sku = np.zeros(AISLES, np.int64)
        self.able = np.ones(AISLES, np.bool_)
        self.score = self.free.travel_ms + self.load[self.free.aisle]
        self.chosen: list[int] = []

    def kernel(self) -> None:
        self.chosen.append(choose_location(self.free, self.load, self.sku, self.able, spread_penalty_ms=PENALTY_MS))

    def argmin(self) -> None:
        self.chosen.append(int(np.where(self.free.status == 0, self.score, np.iinfo(np.int64).max).argmin()))

    def take(self) -> None:
        if self.chosen:
            self.free.take(self.chosen[-1])


@pytest.fixture(scope="module")
def sides() -> dict[str, Choices]:
    return {"kernel": Choices(), "argmin": Choices()}


@pytest.mark.parametrize("side", ["kernel", "argmin"])
def test_choice(side: str, sides: dict[str, Choices], benchmark: BenchmarkFixture) -> None:
    choices = sides[side]
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        getattr(choices, side), setup=choices.take, rounds=CHOICES, warmup_rounds=1
    )


def test_both_chose_the_same(sides: dict[str, Choices]) -> None:
    assert len(sides["kernel"].chosen) > CHOICES
    assert sides["kernel"].chosen == sides["argmin"].chosen
