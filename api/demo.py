"""The demo: a whole warehouse on this machine, from virtual PLCs to modelled people, on one folder.

    this process ── people, shops and suppliers ──HTTP──▶ site process ──OPC UA, Modbus──▶ PLC processes
         └───────────────── test port ──────────────────────────▶ world process ◀──────────────┘

Rule: everything that must last is in the folder (books, world, PLC memory, ports, tokens), so a run goes on where the
last one stopped, however it stopped; and all processes end with this one.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType

import msgspec

from api.demo_figures import Books, OrderCounts
from api.demo_goods import Goods, Stopped, delivery_bodies, generated
from api.demo_people import People
from api.demo_site import SiteOrder, SiteReady, SiteRefused, SiteSaid
from api.evidence import without_motion
from api.orders_file import Basket, read_baskets
from api.tokens import Scope
from api.wiring import PlcEndpoint, read_snapshots
from devices.virtual_plc.addresses import choose_ports
from devices.virtual_plc.child import ChildFailed
from devices.virtual_plc.files import FolderBusy, hold_lock, write_whole
from devices.virtual_plc.running import RunningPlant, start_plant
from simulation.people import pools
from simulation.shops import REFILL_AT
from simulation.workload import Workload
from wcs.ledger.audit import AuditReport, audit
from wcs.plant.file import load_plant
from wcs.plant.model import Plant, Record

START_S_MAX = 60.0  # a site on a large book and a busy machine
STOP_S_MAX = 10.0
LEAVING_S_MAX = 5.0  # a demo that was told to stop is gone by then
TICK_S_MIN = 0.1  # at high speeds, ticks would only fill the journal
AGAIN_S = 2.0  # between two tries to start what died
AGAIN_S_MAX = 600.0  # a person has made room on a full disk by then
LOOK_S = 0.25  # between two looks at the books
QUIET_S_MAX = 180.0  # after the last order: until everything that is under way has arrived
EXPECTED_MAX = 6  # announced load units that have not arrived: more would only wait at the gate
NAMED_MAX = 10  # new articles named in a line for people
INTERRUPTED = "the demo was stopped while loads were under way: run it on, and ask when nothing moves"
AHEAD = 2  # open orders for each order place: the stations never wait for an order, the site is never flooded


class DemoOptions(Record):
    """What the demo was asked for."""

    plant: str
    data: Path
    speed: float
    port: int = 0
    seed: int | None = None
    orders: int | None = None
    orders_file: Path | None = None
    exit: bool = False


class Kept(Record):
    """What a folder was begun with."""

    plant: str
    seed: int
    opened: bool = False


class CannotStart(Exception):
    """The site's process did not take work in; the text says why."""


class WrongFolder(Exception):
    """The folder belongs to a demo of another plant or seed."""


class SiteProcess:
    """The site as a child process; `kill` is a power failure."""

    def __init__(self, log: Path) -> None:
        self._order: SiteOrder | None = None
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """0: it is not running."""
        return 0 if self._process is None or self._process.poll() is not None else self._process.pid

    def warm_up(self) -> None:
        """Start the process; it loads its programs while its PLCs are being switched on, and waits for its order."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.demo_site"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            )

    def start(self, order: SiteOrder | None = None) -> SiteReady:
        """Give it its order (None: the same as before) and wait until it takes work in."""
        self._order = order or self._order
        if not self.pid:
            self.warm_up()
        assert self._process is not None
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(msgspec.json.encode(self._order) + b"\n")
        stdin.flush()
        too_late = threading.Timer(START_S_MAX, self._process.kill)
        too_late.start()
        try:
            line = stdout.readline()
        finally:
            too_late.cancel()
        said: SiteSaid = SiteRefused(reason="it ended without a word")
        if line:
            said = msgspec.json.decode(line, type=SiteSaid)
        if isinstance(said, SiteRefused):
            self.kill()
            raise CannotStart(f"the site does not start: {said.reason} (more in {self._log})")
        return said

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def stop(self) -> None:
        """Ask it to stop, and wait; one that does not stop is killed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reap()

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait(STOP_S_MAX)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None


class Demo:
    """One running demo. `say` gets lines for people."""

    def __init__(self, options: DemoOptions, say: Callable[[str], None]) -> None:
        self.options = options
        self.say = say
        self.stopping = threading.Event()
        self.switches = threading.Lock()  # held by whoever switches processes on or off
        self.began = time.monotonic()
        self._failed_s: dict[str, float] = {}  # since when something that died does not start
        self._tried_s = 0.0
        self._baskets = None if options.orders_file is None else read_baskets(options.orders_file)
        data = options.data.resolve()
        data.mkdir(parents=True, exist_ok=True)
        self._lock = self._locked(data)
        self._data = data
        self._kept = self._begun()
        self.plant: Plant = load_plant(options.plant)
        self.url = f"sqlite:///{data / 'wcs.db'}"
        self.workload = Workload(self.plant, self._kept.seed)
        self.site = SiteProcess(data / "site.log")
        self.site.warm_up()
        try:
            self.plcs: RunningPlant = start_plant(self.plant, data / "plant", options.speed)
        except BaseException:
            self.site.stop()
            raise
        try:
            self.endpoints = {name: PlcEndpoint(host=at.host, port=at.port) for name, at in self.plcs.plcs.items()}
            self.world = self.plcs.open_test_port()
            self.clock = self.world.clock()
            self.ready = self.site.start(self._site_order())
            tokens = msgspec.json.decode((data / "tokens.json").read_bytes(), type=dict[str, str])
            self.books = Books(self.url)
            self.goods = Goods(self.ready.address, tokens, self.stopping, self.watch)
            pool_of = pools(self.plant, *self.books.units_outside())
            self.people = People(self.plant, self.ready.address, tokens, self.plcs.test_port, options.speed, pool_of)
        except BaseException:
            self.site.stop()
            self.plcs.stop()
            raise

    def __enter__(self) -> Demo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Everybody home, everything off."""
        self.stopping.set()
        self.people.stop()
        self.goods.close()
        self.site.stop()
        self.books.close()
        self.world.close()
        self.plcs.stop()
        os.close(self._lock)

    def _locked(self, data: Path) -> int:
        """The folder is ours; one who is just leaving it is waited for."""
        try:
            return hold_lock(data / "demo.lock")
        except FolderBusy as busy:
            self.say(f"{busy}: it has {LEAVING_S_MAX:.0f} s to leave")
            return hold_lock(data / "demo.lock", within_s=LEAVING_S_MAX)

    def _begun(self) -> Kept:
        file = self._data / "demo.json"
        wanted = self.options
        if not file.exists():
            kept = Kept(plant=wanted.plant, seed=wanted.seed if wanted.seed is not None else 1)
            write_whole(file, msgspec.json.encode(kept))
            return kept
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=Kept)
        except msgspec.MsgspecError as error:
            raise WrongFolder(f"{file} cannot be read ({error}): choose another --data") from None
        if kept.plant != wanted.plant:
            raise WrongFolder(f"{self._data} is a demo of the plant {kept.plant}: choose another --data")
        if wanted.seed not in (None, kept.seed):
            raise WrongFolder(f"{self._data} was begun with seed {kept.seed}: choose another --data")
        return kept

    def _site_order(self) -> SiteOrder:
        wanted = {"api": self.options.port} if self.options.port else {}
        port = choose_ports(self._data / "ports.json", ("api",), wanted)["api"]
        people: dict[str, tuple[Scope, ...]] = dict.fromkeys(People.names(self.plant), (Scope.OPERATE,))
        return SiteOrder(
            plant=self.plant,
            database_url=self.url,
            endpoints={name: (at.host, at.port) for name, at in self.endpoints.items()},
            origin=self.clock.origin,
            port=port,
            tick_s=max(TICK_S_MIN, 1 / self.options.speed),
            actors={**people, "shop": (Scope.ORDER,), "supplier": (Scope.ORDER,), "keeper": (Scope.ADMIN,)},
            tokens_file=str(self._data / "tokens.json"),
        )

    def fill(self) -> None:
        """Opening stock, in world and books alike; once a folder, also if it was broken off half-way."""
        if self._kept.opened:
            return
        self.goods.define(self.workload.skus())
        self.goods.open_stock(self.workload.opening(self.clock.now_ms()), self.world)
        self._kept = msgspec.structs.replace(self._kept, opened=True)
        write_whole(self._data / "demo.json", msgspec.json.encode(self._kept))

    def baskets(self) -> Callable[[], Basket | None]:
        """Where the orders come from: the file, or the workload."""
        known = self.books.numbers()
        if self._baskets is None:
            return generated(self.workload, known)
        baskets = [b for b in self._baskets if b.number not in known]
        names = sorted({line.sku for basket in baskets for line in basket.lines})
        new = self.goods.open_new_articles(names, self.plant, self.workload, self.world)
        if new:
            more = f" and {len(new) - NAMED_MAX} more" if len(new) > NAMED_MAX else ""
            self.say(f"not known here, given opening stock: {', '.join(new[:NAMED_MAX])}{more}")
        if not baskets:
            self.say(f"every order of {self.options.orders_file} was placed here before")
        waiting = iter(baskets)
        return lambda: next(waiting, None)

    def run(self, show: Callable[[OrderCounts], None]) -> None:
        """Stream orders and deliveries until all are placed and ended (with `exit`), or until stopped."""
        try:
            self._run(show)
        except Stopped:
            return

    def _run(self, show: Callable[[OrderCounts], None]) -> None:
        self.fill()
        draw = self.baskets()
        self.people.start()
        first_shipped = self.books.orders().shipped > 0
        more = True
        while not self.stopping.is_set():
            self.watch()
            counts = self.books.orders()
            show(counts)
            if counts.shipped and not first_shipped:
                first_shipped = True
                self.say(f"first order shipped {time.monotonic() - self.began:.1f} s after the start")
            room = AHEAD * self._order_places() - (counts.placed - counts.ended)
            placed = counts.placed
            while more and room > 0:
                basket = draw() if self.options.orders is None or placed < self.options.orders else None
                if basket is None:
                    more = False
                    break
                self.goods.order(basket)
                placed, room = placed + 1, room - 1
            self._replace(orders_over=not more)
            if not more and self.options.exit and counts.ended == counts.placed >= placed:
                return
            self.stopping.wait(LOOK_S)

    def _replace(self, *, orders_over: bool) -> None:
        """What orders take is brought again, a load unit at a time; of what ran short the next one at once, and the
        first one of a folder with its first orders, so that every demo shows a delivery. More would fill the racks
        until no empty is left for an order.
        """
        latest = self.books.latest_delivery()
        room = EXPECTED_MAX - self.books.expected()
        if orders_over:
            room = 0 if latest else 1
        for sku, (missing, short) in self.books.missing().items():
            if room > 0 and missing >= (REFILL_AT if latest and not short else 1):
                latest, room = latest + 1, room - 1
                number, lines = self.workload.refill(latest, sku, self.clock.now_ms())
                self.goods.announce(number, delivery_bodies(lines))

    def _order_places(self) -> int:
        return sum(len(station.order_places) for station in self.plant.stations)

    def watch(self) -> None:
        """What died is started again, as a person would switch it on."""
        with self.switches:
            for name in self.plcs.dead():
                self._start_again(name, partial(self.plcs.restart, name))
            if not self.site.pid:
                self._start_again("the site", self._start_site)

    def _start_site(self) -> None:
        self.ready = self.site.start()

    def _start_again(self, name: str, start: Callable[[], None]) -> None:
        """What cannot start now (the disk is full) is said once and tried again, for a while."""
        failed_s = self._failed_s.get(name, time.monotonic())
        if self._failed_s and time.monotonic() < self._tried_s + AGAIN_S:
            return
        try:
            start()
        except (ChildFailed, CannotStart, OSError) as failure:
            self._tried_s = time.monotonic()
            if self._tried_s > failed_s + AGAIN_S_MAX:
                raise
            if self._failed_s.setdefault(name, failed_s) == failed_s:
                self.say(f"{name} had died and cannot start yet: {failure}")
            return
        self._failed_s.pop(name, None)
        self.say(f"{name} had died and is started again")

    def settle(self) -> bool:
        """Let everything that is under way arrive; False if it did not in time."""
        self.people.bring_nothing_more()
        deadline = time.monotonic() + QUIET_S_MAX
        still = 0
        while time.monotonic() < deadline and not self.stopping.is_set():
            self.watch()
            still = 0 if self.books.under_way() else still + 1
            if still >= 4:  # a second of rest: departures and their confirmations are over as well
                return True
            self.stopping.wait(LOOK_S)
        return False

    def prove(self) -> AuditReport:
        """The audit: people at home, site stopped, plant still on. At rest, but for a demo that was interrupted: what
        differs from the building there is skipped, for it may be in motion or in somebody's hands.
        """
        self.people.stop()
        self.site.stop()
        snapshots = asyncio.run(read_snapshots(self.plant, self.endpoints))
        report = audit(self.url, world=self.world.dump(), snapshots=snapshots, plant=self.plant)
        return without_motion(report, INTERRUPTED) if self.stopping.is_set() else report

    def document(self, report: AuditReport) -> dict[str, object]:
        """The figures of the folder and the audit, as item for whoever reads them by machine."""
        figures = self.books.document(self.plant)
        figures["audit"] = {"ok": report.ok, "checks": {name: check.ok for name, check in report.checks.items()}}
        return figures
