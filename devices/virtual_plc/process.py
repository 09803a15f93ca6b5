"""What a child process of a running plant does at its start and end.

Rule: it says "ready" on standard output once it serves, and it stops on SIGTERM, SIGINT, or when its parent is gone
(standard input ends), so that no plant is left behind by a parent that was killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

READY = "ready"

Serve = Callable[[asyncio.Event, asyncio.Event], Awaitable[None]]


def serve_until_told(serve: Serve) -> None:
    """Run `serve(ready, stop)`; it sets `ready` once, and ends when `stop` is set."""
    asyncio.run(_serve_until_told(serve))


async def _serve_until_told(serve: Serve) -> None:
    ready, stop = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), _watch_parent, stop)
    saying = asyncio.ensure_future(_say_ready(ready))
    try:
        await serve(ready, stop)
    finally:
        saying.cancel()
        loop.remove_reader(sys.stdin.fileno())


async def _say_ready(ready: asyncio.Event) -> None:
    await ready.wait()
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()


def _watch_parent(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()
