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
from sqlalchemy.exc import DBAPIError

from api.tokens import Scope, TokenStore
from api.wiring import CannotListen, PlcEndpoint, Running, SiteSettings, serve, write_private
from devices.virtual_plc.plant_clock import ClockOrigin, PlantClock
from wcs.ledger.errors import LedgerError
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


class SiteReady(Record, tag="ready"):
    """What the site says once it takes work in."""

    address: str
    link: str


class SiteRefused(Record, tag="refused"):
    """What it says if it cannot start: the reason, for people."""

    reason: str


SiteSaid = SiteReady | SiteRefused


def main() -> None:
    """Read the order, serve until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    said = sys.stdin.buffer.readline()
    if not said.endswith(b"\n"):
        sys.exit(1)  # who started it is gone, in mid-sentence
    order = msgspec.json.decode(said, type=SiteOrder)
    try:
        asyncio.run(_serve(order))
    except (LedgerError, DBAPIError, CannotListen, OSError) as refusal:
        logging.exception("the site does not serve")
        _say(SiteRefused(reason=str(refusal.orig if isinstance(refusal, DBAPIError) else refusal)))
        sys.exit(1)


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
        _say(SiteReady(address=running.address, link=running.sign_in_link("visitor", (Scope.ADMIN,))))

    await serve(settings, plant_now_ms=clock.now_ms, ready=ready, stop=stop)


def _say(said: SiteSaid) -> None:
    sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
    sys.stdout.flush()


def keep_tokens(file: Path, store: TokenStore, actors: dict[str, tuple[Scope, ...]]) -> None:
    """A token for each actor, in a file for its owner alone; those that are good already stay as they are."""
    words = _known_words(file)
    kept = {actor: known for actor, known in words.items() if store.find(known) is not None}
    missing = [actor for actor in actors if actor not in kept]
    for actor in missing:
        store.revoke(actor)
        kept[actor] = store.make(actor, actors[actor])
    if missing:
        write_private(file, msgspec.json.encode(kept))


def _known_words(file: Path) -> dict[str, str]:
    """What the file holds; nothing if it cannot be read: tokens can be made anew."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _watch_parent(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


if __name__ == "__main__":
    main()
