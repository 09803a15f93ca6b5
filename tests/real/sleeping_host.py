"""A host process that can be put to sleep: drives the PLC it is given, and orders what stands on its standard input.

It says "epoch N" when it drives, "told NAME" for each line that it has tried to order, and "lost" when it has lost its
lease. Arguments: database, PLC's name, host and port.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading

from devices.drivers.ports import open_port
from tests.real.stock import opening_stock
from wcs.core import events as v
from wcs.core.entities import Sku
from wcs.ledger.errors import LeaseLost
from wcs.ledger.writer import open_when_free
from wcs.plant.file import load_plant
from wcs.site import Site

DEVICE = "CR2"


def say(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


async def drive(url: str, plc_name: str, host: str, port: int) -> None:
    plant = load_plant("tiny")
    ledger = open_when_free(url, stop=threading.Event())
    assert ledger is not None
    plc = next(plc for plc in plant.plcs if plc.name == plc_name)
    site = Site(plant, ledger, [open_port(plc, plant, (host, port))])
    running = asyncio.ensure_future(site.run())
    orders = asyncio.ensure_future(take_orders(site, ledger.epoch))
    try:
        await running
    except LeaseLost:
        say("lost")
    await orders


async def take_orders(site: Site, epoch: int) -> None:
    """Open the books if they are empty, then order one piece for each line that comes in."""
    async for _committed in site.follow():
        device = site.view.device.get(DEVICE)
        if device is not None and device.able and not device.command_sequence:
            break
    if not len(site.view.sku):
        sku = Sku(sku="RIGHT", unit_mass_g=100)
        await site.submit(lambda at_ms: v.SkuChanged(at_ms=at_ms, actor="clerk", sku=sku))
        units = tuple(unit for unit in opening_stock() if unit.place.startswith("A2-"))
        await site.submit(lambda at_ms: v.StockOpened(at_ms=at_ms, actor="clerk", load_units=units))
    say(f"epoch {epoch}")
    while line := await asyncio.to_thread(sys.stdin.readline):
        number = line.strip()
        with contextlib.suppress(Exception):  # whatever it was told: it was not to be
            await order_one(site, number)
        say(f"told {number}")


async def order_one(site: Site, number: str) -> None:
    lines = (v.OrderLineWish(sku="RIGHT", quantity=1),)
    await site.submit(lambda at_ms: v.OrderRequested(at_ms=at_ms, actor="shop", number=number, lines=lines))


if __name__ == "__main__":
    asyncio.run(drive(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
