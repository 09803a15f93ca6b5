"""A real site behind a real server, in a thread with an event loop of its own; no PLC is connected to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import uvicorn

from api.app import create_app
from api.host import Host
from api.sessions import Sessions
from api.tokens import Scope, TokenStore
from wcs.ledger.writer import LedgerWriter
from wcs.plant.file import load_plant
from wcs.site import HostState, Site

DEADLINE_S = 30


class Served:
    """Where the site is reached, and by whom."""

    def __init__(self, site: Host, tokens: TokenStore, sessions: Sessions, port: int) -> None:
        self.site = site
        self.tokens = tokens
        self.sessions = sessions
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    def client(self, *scopes: Scope, actor: str = "tester") -> httpx.Client:
        """A caller with a token of these scopes."""
        words = self.tokens.make(actor, scopes or (Scope.ADMIN,))
        return self.stranger(headers={"Authorization": f"Bearer {words}"})

    def stranger(self, headers: dict[str, str] | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.address, headers=headers, timeout=DEADLINE_S, trust_env=False)


@contextlib.contextmanager
def served(url: str, plant_name: str = "tiny", send_buffer: int | None = None) -> Iterator[Served]:
    """Serve a site with an empty book; `send_buffer`: bytes that the system takes for a client that does not read."""
    ledger = LedgerWriter(url)
    tokens = TokenStore(url)
    try:
        site = Site(load_plant(plant_name), ledger, ())
        with serving(site, tokens, send_buffer) as one:
            yield one
    finally:
        tokens.close()
        ledger.close()


@contextlib.contextmanager
def serving(site: Site, tokens: TokenStore, send_buffer: int | None = None) -> Iterator[Served]:
    """Run site and server until the test is over."""
    sessions = Sessions()
    listener = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    config = uvicorn.Config(create_app(site, tokens, sessions=sessions), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(_run(site, server, listener)), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not server.started or site.condition.state is not HostState.READY:
            assert thread.is_alive(), "the server has stopped"
            assert time.monotonic() < deadline, "the site did not become ready"
            thread.join(0.01)
        yield Served(site, tokens, sessions, listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(DEADLINE_S)
        listener.close()


async def _run(site: Site, server: uvicorn.Server, listener: socket.socket) -> None:
    host = asyncio.create_task(site.run())
    await server.serve([listener])
    host.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await host
