"""The memory of a mind that will run for long: out of the collector's rounds, and on large pages.

Why: a turn touches rows all over the heap. With 100,000 locations, pages of 2 MB instead of 4 KB take a tenth off it.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from wcs.core.state import State

logger = logging.getLogger(__name__)
UNLIKE_ANY_KEY = frozenset(("no row has this key",))  # a container, which is what the collector asks for
LARGE_PAGE = 2 << 20
MADV_COLLAPSE = 25  # Linux 6.1; older kernels refuse it, and nothing is lost


def freeze(*states: State) -> None:
    """Keep what stands in memory now out of the garbage collector's rounds for good: it would find nothing in it.

    A dictionary of rows that hold no containers is unknown to the collector until its next change; if that came after
    the freezing, rounds to come would walk over all of it (400,000 rows: 20 ms). So each is changed before.
    """
    gc.collect()
    for state in states:
        for table in state.tables.values():
            rows: dict[object, object] = table.rows
            rows[UNLIKE_ANY_KEY] = UNLIKE_ANY_KEY
            del rows[UNLIKE_ANY_KEY]
    gc.freeze()


def on_large_pages() -> int:
    """Have the kernel put what stands in memory now on large pages; how many bytes it did.

    A quarter of a second for 300 MB, in which other threads go on. Only Linux can; where anything is odd nothing is
    moved, for no host may end of that. Names of files may be in any encoding.
    """
    if sys.platform != "linux":
        return 0
    try:
        madvise = ctypes.CDLL(None, use_errno=True).madvise
        areas = list(_private_memory(Path("/proc/self/maps").read_text(errors="replace")))
    except (OSError, AttributeError, ValueError) as error:  # a kernel that has no such call, or tells it another way
        logger.info("no large pages: %s", error)
        return 0
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    moved = [end - begin for begin, end in areas if madvise(begin, end - begin, MADV_COLLAPSE) == 0]
    return sum(moved)


def _private_memory(maps: str) -> Iterator[tuple[int, int]]:
    """The whole large pages within each area of memory that is no file's: first byte, and the one after the last."""
    for line in maps.splitlines():
        place, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights != "rw-p" or inode != "0" or (name and name[0].startswith("[stack")):
            continue
        first, after = (int(word, 16) for word in place.split("-"))
        begin, end = -(-first // LARGE_PAGE) * LARGE_PAGE, after // LARGE_PAGE * LARGE_PAGE
        if begin < end:
            yield begin, end
