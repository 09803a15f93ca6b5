"""The audit of a ledger that is being written: it sees one moment, and holds nobody up."""

from __future__ import annotations

import subprocess
import sys

from tests.ledger.clerk import TINY
from wcs.ledger.audit import audit

AUDITS = 2


def test_a_ledger_is_audited_while_a_host_commits(database_url: str) -> None:
    host = subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.committing_host", database_url], stdout=subprocess.PIPE, text=True
    )
    assert host.stdout is not None
    try:
        for _ in range(AUDITS):
            before = int(host.stdout.readline())
            report = audit(database_url, plant=TINY)
            assert {name: check.detail for name, check in report.checks.items() if not check.ok} == {}
            while int(host.stdout.readline()) <= before:
                assert host.poll() is None
    finally:
        host.kill()
        host.wait()
        host.stdout.close()
