"""A host process that ticks and commits until it loses its lease; it is made to be stopped for a while."""

from __future__ import annotations

import asyncio
import sys

from tests.ledger.clerk import TINY
from wcs.ledger.errors import LeaseLost
from wcs.ledger.writer import LedgerWriter
from wcs.site import Site

LOST = 3  # exit code


def main() -> int:
    ledger = LedgerWriter(sys.argv[1])
    sys.stdout.write("open\n")
    sys.stdout.flush()
    try:
        asyncio.run(Site(TINY, ledger, (), tick_s=0.05).run())
    except LeaseLost:
        return LOST
    return 0


if __name__ == "__main__":
    sys.exit(main())
