"""Small files that survive a kill, and locks on the folders where they lie.

Rule: a file is written beside, then renamed, so that a reader finds the old or the new one whole.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

_LOCK_PAUSE_S = 0.05
FULL_PAUSE_S = 0.25
PREDECESSOR_S = 5.0  # how long a process of an earlier run, whose parent was killed, may take to stop


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file by this content in one step."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    os.replace(beside, path)


def write_when_there_is_room(path: Path, content: bytes) -> None:
    """Replace the file in one step, waiting for as long as the disk is full: what must be kept is kept first."""
    while True:
        try:
            write_whole(path, content)
            return
        except OSError as error:
            if not is_disk_full(error):
                raise
            time.sleep(FULL_PAUSE_S)


def is_disk_full(error: OSError) -> bool:
    """Whether it is only for want of room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def read_if_there(path: Path) -> bytes | None:
    """The file's content; None if there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


class FolderBusy(Exception):
    """Another process works on this folder."""


def hold_lock(path: Path, *, within_s: float = 0.0) -> int:
    """Lock the file for as long as this process lives (or the returned descriptor is open); FolderBusy if it is held.

    `within_s`: how long to wait for one who is just dying.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except OSError:
            if time.monotonic() >= deadline:
                os.close(file)
                raise FolderBusy(f"{path.parent} is in use by another process") from None
            time.sleep(_LOCK_PAUSE_S)
