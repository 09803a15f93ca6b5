"""A disk that is full under a running demo: site, world and PLCs stand, and go on by themselves when it has room."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.demo import Demo, DemoOptions
from tests.real.clock import wait_until

pytestmark = pytest.mark.timeout(300)
DISK = "64m"
CHUNKS = (1 << 20, 1 << 12, 1)  # the last bytes too, or small files would still find room
STAND_S = 60.0
ORDERS = 6
RUN_S = 200.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of which nobody else runs out."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(tmp_path)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"needs leave to mount a small disk: {done.stderr.decode().strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(file: Path) -> None:
    """Write until nothing more fits."""
    for size in CHUNKS:
        with file.open("ab", buffering=0) as filler:
            try:
                while filler.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def test_a_full_disk_stops_everything_and_nothing_is_lost_when_it_has_room_again(small_disk: Path) -> None:
    said: list[str] = []
    options = DemoOptions(plant="tiny", data=small_disk / "data", speed=20.0, orders=ORDERS, exit=True)
    with Demo(options, said.append) as demo:
        working = threading.Thread(target=demo.run, args=(lambda _: None,), daemon=True)
        working.start()
        wait_until(lambda: demo.books.under_way() > 0, "something is under way", STAND_S)

        def condition() -> int:
            return httpx.get(f"{demo.ready.address}/readyz", trust_env=False, timeout=STAND_S).status_code

        fill(small_disk / "filler")
        wait_until(
            lambda: condition() == httpx.codes.SERVICE_UNAVAILABLE, "the site says that it cannot commit", STAND_S
        )
        (small_disk / "filler").unlink()
        wait_until(lambda: condition() == httpx.codes.OK, "the site goes on", STAND_S)

        working.join(RUN_S)
        assert not working.is_alive(), said
        assert demo.settle(), said
        report = demo.prove()
        assert report.ok, {name: check.detail for name, check in report.checks.items() if not check.ok}
        counts = demo.books.orders()
        assert counts.placed == counts.ended == ORDERS
    assert not [line for line in said if "died" in line], said
