"""A host process that starts on a ledger, says that it is ready, and stops."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from wcs.ledger.writer import LedgerWriter
from wcs.plant.model import Plant
from wcs.site import HostState, Site

LOOK_S = 0.002


async def _run(site: Site) -> None:
    host = asyncio.create_task(site.run())
    while site.condition.state is not HostState.READY and not host.done():  # noqa: ASYNC110  # a condition has no event
        await asyncio.sleep(LOOK_S)
    print(f"ready {len(site.view.load_unit)} {len(site.view.orders_open)}", flush=True)
    host.cancel()
    await asyncio.gather(host, return_exceptions=True)


def main() -> None:
    plant = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=Plant)
    ledger = LedgerWriter(sys.argv[1])
    asyncio.run(_run(Site(plant, ledger, ())))
    ledger.close()


if __name__ == "__main__":
    main()
