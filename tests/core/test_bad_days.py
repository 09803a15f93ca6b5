"""Seeded bad days: whatever fails, every order ends, each move is made once, and the paper is what the world shows."""

from __future__ import annotations

import pytest

from tests.core.bad_days import RUSH_MS, run_bad_day
from wcs.core import entities as e

SEEDS = range(1, 11)


@pytest.mark.seeded
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed={seed}")
def test_on_a_bad_day_every_order_ends_and_the_paper_is_the_world(seed: int) -> None:
    day = run_bad_day(seed)
    ended = [order.state for order in day.site.state.order]
    assert all(s in (e.OrderState.SHIPPED, e.OrderState.BACKORDERED, e.OrderState.CANCELLED) for s in ended)
    assert ended.count(e.OrderState.SHIPPED) > len(ended) // 4, "hardly anything was shipped"


@pytest.mark.seeded
@pytest.mark.parametrize("seed", range(500, 503), ids=lambda seed: f"seed={seed}")
def test_one_trouble_on_top_of_another_ends_the_same_way(seed: int) -> None:
    day = run_bad_day(seed, RUSH_MS)
    assert not day.site.state.orders_open
