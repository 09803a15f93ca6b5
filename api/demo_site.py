"""The demo's site as a process of its own, so that it can be killed and started again like any other.

Rule: what it needs comes as one line on standard input, what others need of it goes as one line to standard output;
when standard input ends its parent is gone, and it stops.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import msgspec

from api.tokens import Scope, TokenStore
from api.wiring import PlcEndpoint, Running, SiteSettings, serve, write_private
from devices.virtual_plc.plant_clock import ClockOrigin, PlantClock
from wcs.plant.model import Plant, Record


class SiteOrder(Record):
    """What the demo tells its site. `actors`: name → scopes of the tokens that are wanted."""

    plant: Plant
    database_url: str
    endpoints: dict[str, tuple[str, int]]
    origin: ClockOrigin
    port: int
    tick_s: float
    actors: dict[str, tuple[Scope, ...]]
    tokens_file: str


class SiteReady(Record):
    """What the site says once it takes work in."""

    address: str
    link: str


def main() -> None:
    """Read the order, serve until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=SiteOrder)
    asyncio.run(_serve(order))


async def _serve(order: SiteOrder) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), _watch_parent, stop)
    clock = PlantClock(order.origin)
    settings = SiteSettings(
        plant=order.plant,
        database_url=order.database_url,
        endpoints={name: PlcEndpoint(host=host, port=port) for name, (host, port) in order.endpoints.items()},
        port=order.port,
        tick_s=order.tick_s,
    )

    def ready(running: Running) -> None:
        keep_tokens(Path(order.tokens_file), running.tokens, order.actors)
        said = SiteReady(address=running.address, link=running.sign_in_link("visitor", (Scope.ADMIN,)))
        sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
        sys.stdout.flush()

    await serve(settings, plant_now_ms=clock.now_ms, ready=ready, stop=stop)


def keep_tokens(file: Path, store: TokenStore, actors: dict[str, tuple[Scope, ...]]) -> None:
    """A token for each actor, in a file for its owner alone; those that are good already stay as they are."""
    words: dict[str, str] = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    kept = {actor: known for actor, known in words.items() if store.find(known) is not None}
    missing = [actor for actor in actors if actor not in kept]
    for actor in missing:
        store.revoke(actor)
        kept[actor] = store.make(actor, actors[actor])
    if missing:
        write_private(file, msgspec.json.encode(kept))


def _watch_parent(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


if __name__ == "__main__":
    main()
