"""Puts a site together from its plant and its settings: ledger, ports to the PLCs, host, API; and runs it.

Rule: everything is made here and handed in; no other module reaches for a database, a socket or a secret by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import uvicorn

from api.app import create_app
from api.sessions import Sessions
from api.tokens import TokenStore
from devices.drivers.opcua_security import OpcUaSecurity, security_of
from devices.drivers.port import PlcPort
from devices.drivers.ports import open_port
from wcs.core.ports import Connected, DeviceSnapshot
from wcs.ledger.database import address_of
from wcs.ledger.writer import LedgerWriter
from wcs.plant.model import Plant, Record
from wcs.plant.policies import DEFAULT_POLICIES, Policies, policies_of
from wcs.plant.site_file import SiteFile, read_secret
from wcs.site import TICK_S, HostState, Site

NOISY = ("asyncua", "asyncua.client.ua_session", "asyncua.uaprotocol")  # a page of traceback for each lost connection
LOOK_S = 0.02  # how soon readiness is noticed
STOP_S_MAX = 3  # requests under way when the site stops get this long
KEEP_ALIVE_S = 20  # longer than clients keep an idle connection (httpx: 5 s), so that they close it first
SNAPSHOT_S_MAX = 8.0  # a PLC that has not said what it holds by then counts as unreachable


class CannotListen(Exception):
    """The API's address cannot be had."""


class PlcEndpoint(Record):
    """Where one PLC answers, and how its connection is protected."""

    host: str
    port: int
    security: OpcUaSecurity | None = None


class SiteSettings(Record):
    """How one site runs. `tick_s`: wall seconds between ticks."""

    plant: Plant
    database_url: str
    endpoints: Mapping[str, PlcEndpoint]
    host: str = "127.0.0.1"
    port: int = 0
    tick_s: float = TICK_S
    policies: Policies = DEFAULT_POLICIES


def silence() -> None:
    """Lost connections are alarms of the site; the libraries' own words about them would only bury ours."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def settings_of(plant: Plant, site: SiteFile) -> SiteSettings:
    """What plant and site file say; secrets are read here, from where they are. SecretMissing, WrongDatabase."""
    url = address_of(site.database_url)
    if site.database_password:
        url = url.set(password=read_secret(site.database_password))
    return SiteSettings(
        plant=plant,
        database_url=url.render_as_string(hide_password=False),
        endpoints={
            name: PlcEndpoint(host=access.host, port=access.port, security=security_of(access))
            for name, access in site.plcs.items()
        },
        host=site.api_host,
        port=site.api_port,
        policies=policies_of(site.policies),
    )


def open_ports(plant: Plant, endpoints: Mapping[str, PlcEndpoint]) -> tuple[PlcPort, ...]:
    """A port for each PLC that has an address."""
    return tuple(
        open_port(plc, plant, (endpoints[plc.name].host, endpoints[plc.name].port), endpoints[plc.name].security)
        for plc in plant.plcs
        if plc.name in endpoints
    )


class Running:
    """A site that serves: what whoever started it may want to show or use."""

    def __init__(self, site: Site, tokens: TokenStore, sessions: Sessions, address: str) -> None:
        self.site = site
        self.tokens = tokens
        self.sessions = sessions
        self.address = address

    def sign_in_link(self, actor: str, scopes: tuple[str, ...]) -> str:
        """A link to the page that works once."""
        return f"{self.address}/sign-in?code={self.sessions.make_code(actor, scopes)}"


async def serve(
    settings: SiteSettings,
    *,
    plant_now_ms: Callable[[], int] | None = None,
    ready: Callable[[Running], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Run host and API in this loop until `stop` (None: SIGINT or SIGTERM), then end both cleanly.

    `ready` is called once, when the site takes work in.
    """
    silence()
    stop = stop or _stopped_by_signal()
    ledger = LedgerWriter(settings.database_url)
    tokens = TokenStore(settings.database_url)
    try:
        ports = open_ports(settings.plant, settings.endpoints)
        clock = plant_now_ms or (lambda: time.time_ns() // 1_000_000)
        site = Site(settings.plant, ledger, ports, clock, tick_s=settings.tick_s, policies=settings.policies)
        with listen(settings.host, settings.port) as listener:
            address = f"http://{settings.host}:{listener.getsockname()[1]}"
            running = Running(site, tokens, Sessions(), address)
            await _run_both(running, listener, ready, stop)
    finally:
        tokens.close()
        ledger.close()


def listen(host: str, port: int) -> socket.socket:
    """The API's socket; CannotListen if another process has its port, or it is not ours to have."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise CannotListen(f"the API cannot listen on {host}:{port}: {why}") from error


async def _run_both(
    running: Running, listener: socket.socket, ready: Callable[[Running], None], stop: asyncio.Event
) -> None:
    config = uvicorn.Config(
        create_app(running.site, running.tokens, sessions=running.sessions),
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S_MAX,
    )
    server = _Server(config)
    host = asyncio.create_task(running.site.run())
    web = asyncio.create_task(server.serve([listener]))
    told = asyncio.create_task(stop.wait())
    saying = asyncio.create_task(_say_when_ready(running, server, ready))
    try:
        await asyncio.wait((host, web, told, saying), return_when=asyncio.FIRST_COMPLETED)
        if saying.done():
            saying.result()  # what could not be told is no site
            await asyncio.wait((host, web, told), return_when=asyncio.FIRST_COMPLETED)
    finally:
        saying.cancel()
        told.cancel()
        server.should_exit = True
        await web
        host.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await host


class _Server(uvicorn.Server):
    """uvicorn, but signals are ours: host and server end together."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


async def _say_when_ready(running: Running, server: uvicorn.Server, ready: Callable[[Running], None]) -> None:
    while not server.started or running.site.condition.state is not HostState.READY:  # noqa: ASYNC110 - neither tells
        await asyncio.sleep(LOOK_S)
    ready(running)


def _stopped_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def read_snapshots(plant: Plant, endpoints: Mapping[str, PlcEndpoint]) -> dict[str, DeviceSnapshot]:
    """What each reachable device says now; nothing is commanded. For the audit, beside or after a site."""
    silence()
    found: dict[str, DeviceSnapshot] = {}
    listens = await asyncio.gather(*(_listens(endpoint) for endpoint in endpoints.values()))
    endpoints = {name: endpoint for (name, endpoint), yes in zip(endpoints.items(), listens, strict=True) if yes}

    async def ask(port: PlcPort) -> None:
        running = asyncio.create_task(port.run())
        try:
            async for report in port.reports():
                if isinstance(report, Connected):
                    found[report.snapshot.device] = report.snapshot
                    if all(device in found for device in port.devices):
                        return
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    asking = [asyncio.create_task(ask(port)) for port in open_ports(plant, endpoints)]
    if asking:
        _, late = await asyncio.wait(asking, timeout=SNAPSHOT_S_MAX)
        for task in late:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return found


async def _listens(endpoint: PlcEndpoint) -> bool:
    """Whether somebody takes calls there; a port would go on trying where nobody does."""
    try:
        async with asyncio.timeout(SNAPSHOT_S_MAX):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except (OSError, UnicodeError):  # nobody, too late, or a name that no host can have
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def default_tokens_file(data: Path) -> Path:
    """Where a demo keeps the words of its people's tokens, readable by its owner alone."""
    return data / "tokens.json"


def write_private(path: Path, content: bytes) -> None:
    """A file that only its owner may read, whole or not at all."""
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    os.replace(beside, path)
