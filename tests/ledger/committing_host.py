"""A process that commits for ever and says each time what it promised; it is made to be killed."""

from __future__ import annotations

import sys

from tests.ledger.clerk import Clerk, order


def main() -> None:
    with Clerk(sys.argv[1]) as clerk:
        clerk.define("S1")
        first = len(clerk.warehouse.state.order) + 1
        for n in range(first, first + 1_000_000):
            receipt = clerk.do(order(f"O{n}", "S1", 1))
            sys.stdout.write(f"{receipt.last_sequence}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
