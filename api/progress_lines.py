"""Progress where no terminal shows a bar: a line now and then, so that a log says that the program lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

INTERVAL_S = 30.0  # between two lines: often enough to see that it lives, seldom enough for the log of a night


class ProgressLines:
    """Says a line if the last one, or the start, was long enough ago; short work is silent."""

    def __init__(self, stream: TextIO, now_s: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._now_s = stream, now_s
        self._said_s = now_s()

    def tell(self, text: str) -> None:
        if self._now_s() >= self._said_s + INTERVAL_S:
            self._said_s = self._now_s()
            self._stream.write(f"{text}\n")
            self._stream.flush()
