"""A running host of the tiny plant without machines, for as long as a test's scene lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tests.ledger.clerk import TINY
from wcs.core import events as v
from wcs.core.entities import Sku
from wcs.ledger.writer import LedgerWriter
from wcs.site import HostState, Site

PATIENCE_S = 20.0  # on a busy machine; what is waited for takes milliseconds
LOOK_S = 0.01
SELDOM_S = 3_600.0  # no tick disturbs a scene


@asynccontextmanager
async def running(url: str, *, tick_s: float = SELDOM_S) -> AsyncIterator[Site]:
    """A host that is ready."""
    ledger = LedgerWriter(url)
    site = Site(TINY, ledger, (), tick_s=tick_s)
    host = asyncio.create_task(site.run())
    try:
        await until(lambda: site.condition.state is HostState.READY or host.done())
        yield site
    finally:
        host.cancel()
        with suppress(asyncio.CancelledError):
            await host
        ledger.close()


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is so; a TimeoutError if it takes too long."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110  # what is looked at has no event to wait for
            await asyncio.sleep(LOOK_S)


def sku(name: str) -> Callable[[int], v.Event]:
    """Make a SKU known."""
    return lambda at_ms: v.SkuChanged(at_ms=at_ms, actor="office", sku=Sku(sku=name))


def order(number: str, name: str = "S1", quantity: int = 1) -> Callable[[int], v.Event]:
    """An order of one line."""
    wish = v.OrderLineWish(sku=name, quantity=quantity)
    return lambda at_ms: v.OrderRequested(at_ms=at_ms, actor="shop", number=number, lines=(wish,))
