"""A host that was paused and wakes when its lease is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

from tests.ledger.clerk import Clerk
from tests.ledger.test_writer import read
from tests.site.ticking_host import LOST
from wcs.ledger.audit import audit
from wcs.ledger.writer import open_when_free

TAKE_OVER_S = 10.0
STOP_S = 30.0  # a process that wakes up on a busy machine
LINES = "SELECT COUNT(*) FROM journal"


def test_a_paused_host_that_wakes_after_its_lease_was_taken_commits_nothing(postgres_url: str) -> None:
    host = subprocess.Popen(
        [sys.executable, "-m", "tests.site.ticking_host", postgres_url], stdout=subprocess.PIPE, text=True
    )
    assert host.stdout is not None
    try:
        host.stdout.readline()
        host.send_signal(signal.SIGSTOP)
        stop = threading.Event()
        late = threading.Timer(TAKE_OVER_S, stop.set)
        late.start()
        standby = open_when_free(postgres_url, stop=stop)
        late.cancel()
        assert standby is not None, "the standby took over in time"
        before = read(postgres_url, LINES)
        host.send_signal(signal.SIGCONT)
        assert host.wait(STOP_S) == LOST
        assert read(postgres_url, LINES) == before
        standby.close()
    finally:
        host.kill()
        host.wait()
        host.stdout.close()
    with Clerk(postgres_url):
        pass
    assert audit(postgres_url).ok
