"""An order's empty that goes once more round: nobody at the pick point waits for it, as it may stand behind them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.core.warehouses import Site, stocked_site
from wcs.core import entities as e
from wcs.core.turn import RequestRefused

ORDERS = 30
LOOK_MS = 1_000
LOOKS_MAX = 3_000  # all is shipped in half of that


def orders_whose_empty_comes_round(site: Site) -> list[str]:
    """Their empties have left the pick point once, and stand in front of it again."""
    state = site.state
    found = []
    for transport in state.transport:
        leg, last = state.leg.get(transport.leg), state.point.get("DST1")
        if leg is None or last is None or transport.purpose is not e.Purpose.EMPTY_SUPPLY:
            continue
        if leg.picked and leg.source == leg.sink == "ST1.PICK" and last.load_unit == transport.load_unit:
            found.append(transport.order_number)
    return found


@pytest.mark.parametrize("seed", [16, 38])
def test_orders_withdrawn_while_their_empties_come_round_keep_no_other_waiting(seed: int) -> None:
    site, work = stocked_site(seed)
    for n in range(1, ORDERS + 1):
        number, lines = work.order(n)
        site.order(number, *((line.sku, line.quantity) for line in lines))
    for _ in range(LOOKS_MAX):
        site.run_for(LOOK_MS)
        for number in orders_whose_empty_comes_round(site):
            with suppress(RequestRefused):
                site.cancel(number)
        if not site.state.orders_open:
            break
    assert not site.state.orders_open, site.report()
