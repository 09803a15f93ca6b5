"""kill -9 in the middle of commits: what was promised is there, and the next host goes on."""

from __future__ import annotations

import subprocess
import sys
import threading

from tests.ledger.clerk import Clerk, order
from wcs.ledger.audit import audit
from wcs.ledger.writer import open_when_free

PROMISES = (3, 100)  # how many commits each host lives; killed wherever it is then
TAKE_OVER_S = 10.0  # a lease of 5 s, looked at each second


def killed_after(url: str, promises: int) -> int:
    """Let a host commit until it has promised so much, kill it, and return the last sequence that it promised."""
    host = subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.committing_host", url], stdout=subprocess.PIPE, text=True
    )
    assert host.stdout is not None
    try:
        said = [int(host.stdout.readline()) for _ in range(promises)]
    finally:
        host.kill()
    said.extend(int(line) for line in host.stdout.read().splitlines())
    host.stdout.close()
    host.wait()
    return said[-1]


def test_nothing_promised_is_lost_when_the_host_is_killed(database_url: str) -> None:
    for promises in PROMISES:
        promised = killed_after(database_url, promises)
        stop = threading.Event()
        late = threading.Timer(TAKE_OVER_S, stop.set)
        late.start()
        ledger = open_when_free(database_url, stop=stop)
        late.cancel()
        assert ledger is not None, "the standby took over in time"
        assert ledger.last_sequence >= promised
        ledger.close()
        assert audit(database_url).ok
    with Clerk(database_url) as clerk:
        clerk.do(order("LAST", "S1", 1))
    assert audit(database_url).ok
