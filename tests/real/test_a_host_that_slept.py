"""A host that slept through its lease (SIGSTOP) while a standby took over: it commits nothing and sends nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devices.virtual_plc.running import start_plant
from tests.real.bad_line import Address, BadLine, Faults
from tests.real.clock import wait_until
from wcs.ledger.audit import audit
from wcs.ledger.errors import LeaseHeld
from wcs.ledger.writer import LedgerWriter
from wcs.plant.file import load_plant

TAKE_OVER_S = 30.0  # a lease of 5 s, a standby that looks each second, and the start of a process
ASKED = "SLEEPER"


class Host:
    """One host process; what it says is kept in a file."""

    def __init__(self, said: Path, url: str, plc: Address) -> None:
        self._said = said
        arguments = [sys.executable, "-m", "tests.real.sleeping_host", url, "PLC2", plc[0], str(plc[1])]
        with said.open("wb") as output:
            self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=output)

    def says(self, word: str) -> bool:
        return word in self._said.read_text()

    def order(self, number: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{number}\n".encode())
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


@contextmanager
def host(said: Path, url: str, plc: Address) -> Iterator[Host]:
    started = Host(said, url, plc)
    try:
        yield started
    finally:
        started.end()


def test_a_host_that_wakes_after_its_lease_was_taken_commits_nothing_and_sends_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    plant = load_plant("tiny")
    with (
        start_plant(plant, tmp_path / "plant", speed=25, only_plcs=("PLC2",)) as running,
        BadLine(1, Faults()) as line,
    ):
        plc = (running.plcs["PLC2"].host, running.plcs["PLC2"].port)
        overheard = line.to(plc, frames=True)
        with host(tmp_path / "first", postgres_url, overheard) as first:
            wait_until(lambda: first.says("epoch 1"), "the first host drives", TAKE_OVER_S)
            with host(tmp_path / "second", postgres_url, plc) as second:
                first.process.send_signal(signal.SIGSTOP)
                first.order(ASKED)
                wait_until(lambda: second.says("epoch 2"), "the standby has taken over", TAKE_OVER_S)
                assert line.counts["commands"], "it did send something while it drove"
                sent = line.counts["writes"]
                first.process.send_signal(signal.SIGCONT)
                wait_until(lambda: first.says("lost"), "it knows", TAKE_OVER_S)
                wait_until(lambda: first.says(f"told {ASKED}"), "its order came to an answer", TAKE_OVER_S)
                assert line.counts["writes"] == sent, "not a command, not an answer, not even a sign of life"
                second.order("O1")
                wait_until(lambda: second.says("told O1"), "the standby goes on", TAKE_OVER_S)
    assert orders_on_paper(postgres_url) == ["O1"]
    report = audit(postgres_url, plant=plant)
    assert report.ok, report.checks


def orders_on_paper(url: str) -> list[str]:
    """After the last lease has run out: what a third host would find."""

    def opened() -> LedgerWriter | None:
        try:
            return LedgerWriter(url)
        except LeaseHeld:
            return None

    ledger = wait_until(opened, "the lease has run out", TAKE_OVER_S)
    assert ledger is not None
    try:
        return [row.number for row in ledger.load_rows() if row.TABLE == "customer_order"]  # type: ignore[attr-defined]
    finally:
        ledger.close()
