"""The host's memory on large pages: what is moved, and that nothing in it changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wcs import heap

LARGE = heap.LARGE_PAGE
MAPS = f"""\
{LARGE + 4096:x}-{4 * LARGE + 4096:x} rw-p 00000000 00:00 0
{8 * LARGE:x}-{10 * LARGE:x} r--p 00000000 00:00 0
{12 * LARGE:x}-{14 * LARGE:x} rw-p 00000000 08:01 4711   /usr/lib/some file.so
{16 * LARGE:x}-{17 * LARGE:x} rw-p 00000000 00:00 0      [heap]
{20 * LARGE:x}-{21 * LARGE - 4096:x} rw-p 00000000 00:00 0
{24 * LARGE:x}-{28 * LARGE:x} rw-p 00000000 00:00 0      [stack]
"""

ODD_NAME = """
import mmap, os, sys, tempfile
from wcs import heap
with tempfile.TemporaryDirectory() as folder:
    name = os.path.join(os.fsencode(folder), bytes([0xFF, 0xFE]))
    with open(name, "w+b") as file:
        file.write(bytes(mmap.PAGESIZE))
        file.flush()
        kept = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        print(heap.on_large_pages())
"""

CHILD = """
from pathlib import Path
from wcs import heap
rows = [(n, str(n)) for n in range(600_000)]
moved = heap.on_large_pages()
told = Path("/proc/self/smaps_rollup").read_text().splitlines()
large_kb = next(int(line.split()[1]) for line in told if line.startswith("AnonHugePages"))
assert rows == [(n, str(n)) for n in range(600_000)]
print(moved, large_kb * 1024)
"""


def test_only_whole_large_pages_of_memory_that_is_no_file_s_are_moved() -> None:
    found = list(heap._private_memory(MAPS))
    assert found == [(2 * LARGE, 4 * LARGE), (16 * LARGE, 17 * LARGE)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has them")
def test_rows_are_the_same_on_large_pages() -> None:
    child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True, timeout=60)
    moved, large = map(int, child.stdout.split())
    if not moved:
        pytest.skip("this kernel gives none")
    assert large >= 20 * LARGE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has them")
def test_a_file_in_memory_whose_name_is_no_text_stops_nobody() -> None:
    child = subprocess.run([sys.executable, "-c", ODD_NAME], capture_output=True, text=True, timeout=60)
    assert child.returncode == 0, child.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has them")
def test_where_the_kernel_tells_of_its_memory_another_way_nothing_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "[a line of another kind]")
    assert heap.on_large_pages() == 0
