"""What a child process of a running plant does at its start and end.

Rule: it says "ready" on standard output once it serves, stops in order on SIGTERM and SIGINT, and ends at once, as if
its power were cut, when its parent is gone (standard input ends), so that a parent that was killed leaves no plant
behind that holds the folder against the next one. Nothing is lost by that: what must be kept is on disk at each step.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

READY = "ready"

Serve = Callable[[asyncio.Event, asyncio.Event], Awaitable[None]]


def serve_until_told(serve: Serve) -> None:
    """Run `serve(ready, stop)`; it sets `ready` once, and ends when `stop` is set."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    asyncio.run(_serve_until_told(serve))


async def _serve_until_told(serve: Serve) -> None:
    ready, stop = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    saying = asyncio.ensure_future(_say_ready(ready))
    try:
        await serve(ready, stop)
    finally:
        saying.cancel()


async def _say_ready(ready: asyncio.Event) -> None:
    await ready.wait()
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """A thread of its own: a loop that waits for a library, or for a world that is ending too, would not notice."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)
