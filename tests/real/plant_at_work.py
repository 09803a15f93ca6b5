"""The tiny plant at work: virtual PLC processes, the real host on SQLite and modelled people, all on this machine.

Rule: the host runs on an event loop in a thread of its own; a test looks at the book only from within that loop, and
waits for conditions, never for time.

    with plant_at_work(folder, speed=25) as works:
        works.order("O1", ("LEFT", 2))
        works.until(lambda book: book.order["O1"].state is OrderState.SHIPPED, "O1 is shipped")
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from devices.drivers.ports import open_port
from devices.machines.machine import Load
from devices.virtual_plc.running import RunningPlant, start_plant
from devices.virtual_plc.testport import TestPort
from tests.real.clock import wait_until
from wcs.core import events as v
from wcs.core.facts import ClockMoved, Fact
from wcs.core.state import State
from wcs.ledger.audit import audit
from wcs.ledger.writer import LedgerWriter
from wcs.plant.file import load_plant
from wcs.plant.model import OUTSIDE, Plant
from wcs.site import HostState, Site

T = TypeVar("T")
F = TypeVar("F", bound=Fact)
Address = tuple[str, int]

DONE_S = 20.0  # one event, on a machine that is busy with other suites
START_S = 30.0  # a term begins when the database answers
CALM_S = 40.0  # of wall time: a whole turn round the loop and a retrieval after it, four times over
FACTS_TOLD = 100  # of the last ones, in the story of a wait that failed
TICK_S = 0.2  # wall seconds: at speed 25 five plant seconds


class PlantAtWork:
    """One running plant with its host; `world` is what really stands where."""

    def __init__(self, plant: Plant, running: RunningPlant, site: Site, loop: asyncio.AbstractEventLoop, url: str):
        self.plant = plant
        self.running = running
        self.site = site
        self.url = url
        self.world: TestPort = running.open_test_port()
        self.facts: list[Fact] = []
        self._loop = loop

    def do(self, make: Callable[[int], v.Event]) -> tuple[Fact, ...]:
        """Have the host decide on an event; RequestRefused if it does not."""
        return self._run(self.site.submit(make)).result(DONE_S)

    def see(self, look: Callable[[State], T]) -> T:
        """What the book says now."""

        async def now() -> T:
            return look(self.site.view)

        return self._run(now()).result(DONE_S)

    def until(self, condition: Callable[[State], T], what: str, timeout_s: float = CALM_S) -> T:
        """Wait for something in the book; returns what the condition gave."""
        return wait_until(lambda: self.see(condition), what, timeout_s, self.story)

    def until_world(self, condition: Callable[[TestPort], T], what: str, timeout_s: float = CALM_S) -> T:
        """Wait for something in the building."""
        return wait_until(lambda: condition(self.world), what, timeout_s, self.story)

    def story(self) -> str:
        """How things stand and what was decided last, for the message of a wait that failed."""
        told = [str(fact) for fact in tuple(self.facts) if not isinstance(fact, ClockMoved)]
        return "\n".join([self.see(_story), *told[-FACTS_TOLD:]])

    def told(self, kind: type[F], since: int = 0) -> list[F]:
        """Every fact of this kind that was committed since."""
        return [fact for fact in tuple(self.facts[since:]) if isinstance(fact, kind)]

    def order(self, number: str, *lines: tuple[str, int]) -> None:
        """A customer's order of (SKU, quantity)."""
        wishes = tuple(v.OrderLineWish(sku=sku, quantity=quantity) for sku, quantity in lines)
        self.do(lambda at_ms: v.OrderRequested(at_ms=at_ms, actor="shop", number=number, lines=wishes))

    def bring_empty(self, number: int, **differs: int) -> None:
        """A dock worker brings an empty carrier; `differs`: what it really is (mass_g, height_mm), if not as told.

        Told before it stands there: else the modelled dock worker may be quicker, and tell what it really is.
        """
        load = empty(number)
        self.do(
            lambda at_ms: v.LoadUnitArrived(
                at_ms=at_ms, actor="dock worker", delivery="", barcode=load.barcode, place="D1.IN1", quantity=0,
                load_type=load.load_type, mass_g=load.mass_g, height_mm=load.height_mm, load_unit=number,
            )
        )  # fmt: skip
        self.world.place(replace(load, **differs), "D1.IN1", by="dock worker")

    def answer(self, alarm: int, answer: str) -> None:
        """The operator answers an alarm."""
        self.do(lambda at_ms: v.AlarmAnswered(at_ms=at_ms, actor="operator", alarm=alarm, answer=answer))

    def placed(self, load_unit: int, place: str, reason: str) -> None:
        """A person says where they put a load unit."""
        self.do(
            lambda at_ms: v.LoadUnitPlaced(
                at_ms=at_ms, actor="operator", load_unit=load_unit, place=place, reason=reason
            )
        )

    def alarm(self, code: str) -> int:
        """Wait for an alarm with this code; its number."""
        return self.until(lambda book: next((a.number for a in book.alarm if a.code == code), 0), f"an alarm {code}")

    def calm(self) -> None:
        """Wait until nothing is under way and no alarm stands."""
        self.until(
            lambda book: not len(book.transport) and not len(book.task) and not len(book.alarm), "the plant is calm"
        )

    def audit(self) -> None:
        """At rest: the books agree with themselves, and with what stands in the building."""
        self.calm()
        report = audit(self.url, plant=self.plant, world=self.world.dump())
        assert report.ok, {name: check.detail for name, check in report.checks.items() if not check.ok}

    async def follow(self) -> None:
        """Keep every committed fact."""
        async for committed in self.site.follow():
            assert committed.facts is not None, "fell behind"
            self.facts.extend(committed.facts)

    def _run(self, work: object) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[arg-type]


def empty(number: int) -> Load:
    """An empty tote as its papers say it is."""
    return Load(number=number, barcode=f"T{number:06d}", load_type=1, mass_g=2000, height_mm=320)


def _story(book: State) -> str:
    tables = (book.alarm, book.transport, book.leg, book.task, book.block)
    devices = [(d.name, d.link.value, d.able, d.stopped, d.mode.name, d.command_sequence, d.task) for d in book.device]
    rows = [str(row) for table in tables for row in table]
    orders = [str(order) for order in book.order if order.ended_ms is None]
    return "\n".join([*rows, *orders, *map(str, devices)])


@contextmanager
def plant_at_work(
    folder: Path,
    *,
    plant: Plant | None = None,
    speed: float = 25.0,
    through: Callable[[str, Address], Address] = lambda _plc, address: address,
    begun: Callable[[State], bool] | None = None,
) -> Iterator[PlantAtWork]:
    """Start a plant, its PLCs and its host; end them all.

    Args:
        folder: where everything is kept.
        plant: the building (None: the tiny plant).
        speed: plant seconds in a second.
        through: PLC and address → the address at which the driver is to reach it (a bad line).
        begun: what the book shows when work can begin (None: every device is able).
    """
    with (
        start_plant(plant or load_plant("tiny"), folder / "plant", speed=speed) as running,
        host_at_work(running, folder, through=through, begun=begun) as works,
    ):
        yield works


@contextmanager
def host_at_work(
    running: RunningPlant,
    folder: Path,
    *,
    through: Callable[[str, Address], Address] = lambda _plc, address: address,
    begun: Callable[[State], bool] | None = None,
) -> Iterator[PlantAtWork]:
    """Start a host for a plant that is running already; end the host alone."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # outages are part of these tests
    plant = running.plant
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'wcs.db'}"
        ledger = LedgerWriter(url)
        stack.callback(ledger.close)
        clock_port = running.open_test_port()
        clock = clock_port.clock()
        clock_port.close()
        addresses: Mapping[str, Address] = {
            name: through(name, (plc.host, plc.port)) for name, plc in running.plcs.items()
        }
        loop = stack.enter_context(_loop_in_a_thread())
        ports = [open_port(plc, plant, addresses[plc.name]) for plc in plant.plcs]
        site = Site(plant, ledger, ports, clock.now_ms, tick_s=TICK_S)
        works = PlantAtWork(plant, running, site, loop, url)
        stack.callback(works.world.close)
        stack.enter_context(_at_work(works, loop, begun or _all_able))
        yield works


@contextmanager
def _loop_in_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"host of {os.getpid()}")
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DONE_S)
        loop.close()


@contextmanager
def _at_work(works: PlantAtWork, loop: asyncio.AbstractEventLoop, begun: Callable[[State], bool]) -> Iterator[None]:
    async def both() -> None:
        await asyncio.gather(works.site.run(), works.follow())

    running = asyncio.run_coroutine_threadsafe(_until_cancelled(both), loop)
    try:
        wait_until(
            lambda: running.done() or works.site.condition.state is HostState.READY, "the host is ready", START_S
        )
        wait_until(lambda: works.see(begun), "the devices are as expected", START_S, works.story)
        yield
    finally:
        running.cancel()
        wait_until(lambda: works.site.condition.state is HostState.STOPPED, "the host has stopped", START_S)


async def _until_cancelled(work: Callable[[], object]) -> None:
    task = asyncio.ensure_future(work())  # type: ignore[call-overload]
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise


def _all_able(book: State) -> bool:
    return len(book.device) > 0 and all(device.able for device in book.device)


__all__ = ["OUTSIDE", "PlantAtWork", "empty", "plant_at_work"]
