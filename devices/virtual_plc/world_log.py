"""The world's log on disk: one JSON line a move, appended for ever.

Rule: a line is with the operating system before its move is answered, so killing the process loses nothing that was
answered; a torn last line was never answered and is cut off. Nothing else is ever removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from devices.virtual_plc.world_calls import LoggedLine, as_line, logged_decoder

_READ_BYTES = 1 << 20


class WorldLogDamaged(Exception):
    """A line before the last one cannot be read: the log was changed by something else."""


class WorldLog:
    """The open log of one plant."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._cut_torn_line()

    def close(self) -> None:
        """Close the file; what was appended stays."""
        os.close(self._file)

    def append(self, line: LoggedLine) -> None:
        """Append one line; OSError if it could not be written whole."""
        data = as_line(line)
        end = os.fstat(self._file).st_size
        written = os.write(self._file, data)
        if written != len(data):
            os.ftruncate(self._file, end)
            raise OSError(f"{self._path}: wrote {written} of {len(data)} bytes")

    def lines(self) -> Iterator[LoggedLine]:
        """Every line from the beginning."""
        position = 0
        while True:
            batch, position = self.read(position, 10_000)
            if not batch:
                return
            yield from batch

    def read(self, position: int, lines_max: int) -> tuple[tuple[LoggedLine, ...], int]:
        """Up to so many whole lines from a position on (0 or one given here before), and the position after them."""
        data = os.pread(self._file, _READ_BYTES, position)
        lines: list[LoggedLine] = []
        at = 0
        while len(lines) < lines_max and (end := data.find(b"\n", at)) >= 0:
            try:
                lines.append(logged_decoder.decode(data[at:end]))
            except msgspec.MsgspecError as error:
                raise WorldLogDamaged(f"{self._path}: byte {position + at}: {error}") from None
            at = end + 1
        return tuple(lines), position + at

    def _cut_torn_line(self) -> None:
        size = os.fstat(self._file).st_size
        end = size
        while end:
            start = max(0, end - _READ_BYTES)
            newline = os.pread(self._file, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end != size:
            os.ftruncate(self._file, end)
