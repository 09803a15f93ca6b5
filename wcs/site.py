"""The asyncio host: takes what waits, lets the mind decide, commits, and only then lets anything out.

    submitted ─▶ queue ─▶ handle each ─▶ commit the batch (writer thread) ─▶ view, answers, commands
                             ▲                    │
                             └── the next batch gathers meanwhile

Rule: nothing leaves for a machine or a caller before its facts are on paper; everything that is read comes from the
committed view. A commit that fails is tried again, the same batch, until it stands: nothing else is promised meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from wcs import heap
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.facts import Fact
from wcs.core.layout import Layout
from wcs.core.ports import Command, DeliveryNote, DevicePort, DeviceReport, Telemetry
from wcs.core.state import State
from wcs.core.turn import RequestRefused
from wcs.core.warehouse import Warehouse
from wcs.ledger.batch import CommitBatch, JournalEntry
from wcs.ledger.errors import BatchRefused, CommitFailed, CommitUnknown, LeaseLost
from wcs.ledger.writer import LedgerWriter
from wcs.plant.model import Plant, Record
from wcs.plant.policies import DEFAULT_POLICIES, Policies
from wcs.site_metrics import SiteMetrics

logger = logging.getLogger(__name__)
T = TypeVar("T")

BATCH_MAX = 256  # events a commit: about 10 ms of deciding, so that a scan never waits longer for the next one
QUEUE_MAX = 10_000  # some seconds of everything a large plant says; beyond it callers are told to come back
FOLLOWERS_BEHIND_MAX = 1_000  # committed batches a reader may lag before it must take a snapshot again
TICK_S = 1.0
RETRY_FIRST_S, RETRY_LAST_S = 0.2, 5.0
RENEW_S = 1.0  # a lease lasts 5 s: four renewals may fail before a standby takes over
ERROR_LENGTH_MAX = 500  # of the text of a bug in an alarm: the log has all of it
NOTES_MAX = 5_000  # delivery notes waiting for the next commit: only times, the oldest are dropped first


class HostState(enum.StrEnum):
    """How the host is."""

    STARTING = "starting"
    READY = "ready"
    NO_COMMIT = "no_commit"
    STOPPED = "stopped"


class HostCondition(Record):
    """Shown by /readyz, metrics and stream; never in the journal."""

    state: HostState
    reason: str = ""


class HostNotReady(Exception):
    """The host takes nothing in now: it is starting, stopping, or cannot commit and its queue is full."""


class EventQuarantined(Exception):
    """The event hit a bug of ours twice: it is stored aside, and nothing of it was done."""


class Committed(Record):
    """One committed batch, for those who follow. `facts` None: you fell behind, take a snapshot again."""

    sequence: int
    now_ms: int
    facts: tuple[Fact, ...] | None
    changes: tuple[e.Change, ...] = ()


class _Waiting:
    """An event that waits to be taken in."""

    __slots__ = ("answer", "make", "received_ms")

    def __init__(self, make: Callable[[int], v.Event], answer: asyncio.Future[tuple[Fact, ...]] | None) -> None:
        self.make = make
        self.answer = answer
        self.received_ms = _wall_ms()


class _Taken:
    """An event that the mind has decided on, not yet on paper."""

    __slots__ = ("changes", "commands", "entry", "waiting")

    def __init__(
        self, waiting: _Waiting, entry: JournalEntry, commands: tuple[Command, ...], changes: list[e.Change]
    ) -> None:
        self.waiting = waiting
        self.entry = entry
        self.commands = commands
        self.changes = changes


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Site:
    """One running site: mind, ledger and device ports.

    Args:
        plant: the building.
        ledger: an opened writer that holds the lease.
        ports: one for each PLC connection.
        plant_now_ms: the plant's time; must never go back.
        tick_s: wall seconds between ticks (less where plant time runs faster).
        policies: what the mind decides by; they may change from one start to the next.
    """

    def __init__(
        self,
        plant: Plant,
        ledger: LedgerWriter,
        ports: Iterable[DevicePort],
        plant_now_ms: Callable[[], int] = _wall_ms,
        *,
        tick_s: float = TICK_S,
        policies: Policies = DEFAULT_POLICIES,
    ) -> None:
        self.layout = Layout(plant)
        self.view = State(self.layout)
        self.telemetry: dict[str, Telemetry] = {}
        self.condition = HostCondition(state=HostState.STARTING)
        self.metrics = SiteMetrics()
        self._plant = plant
        self._policies = policies
        self._ledger = ledger
        self._ports = tuple(ports)
        self._port_of = {device: port for port in self._ports for device in port.devices}
        self._plant_now_ms = plant_now_ms
        self._tick_s = tick_s
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(QUEUE_MAX)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._followers: list[asyncio.Queue[Committed]] = []
        self._notes: list[DeliveryNote] = []
        self._now_ms = 0
        self._reload()

    def _reload(self) -> None:
        """Take the state from the tables: at the start, and after a bug."""
        with _not_collecting():  # of hundreds of thousands of new rows none is garbage
            rows = list(self._ledger.load_rows())
            self.warehouse = Warehouse(self._plant, rows, policies=self._policies)
            if not len(self.view.site):
                self.view.load(rows)
        site = next(iter(self.warehouse.state.site), None)
        self._now_ms = max(self._now_ms, site.now_ms if site else 0)

    @property
    def now_ms(self) -> int:
        """Plant time, never going back, also over restarts."""
        self._now_ms = max(self._now_ms, self._plant_now_ms())
        return self._now_ms

    async def submit(self, make: Callable[[int], v.Event]) -> tuple[Fact, ...]:
        """Have an event decided on and committed; `make` gets its time.

        Raises:
            RequestRefused: the caller's fault, nothing changed.
            HostNotReady: not now.
            EventQuarantined: our fault; nothing was done.
        """
        if self.condition.state in (HostState.STARTING, HostState.STOPPED):
            raise HostNotReady(f"the host is {self.condition.state.value} {self.condition.reason}".strip())
        answer: asyncio.Future[tuple[Fact, ...]] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(_Waiting(make, answer))
        except asyncio.QueueFull:
            why = self.condition.reason or "too much at once"
            raise HostNotReady(f"{QUEUE_MAX} events wait already: {why}") from None
        return await answer

    async def follow(self) -> AsyncIterator[Committed]:
        """Every committed batch from now on; one with facts None when this reader has fallen behind."""
        queue: asyncio.Queue[Committed] = asyncio.Queue(FOLLOWERS_BEHIND_MAX)
        self._followers.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._followers.remove(queue)

    async def run(self) -> None:
        """Begin a term and drive the plant until cancelled; LeaseLost when another host has taken over."""
        heap.freeze(self.warehouse.state, self.view)
        try:
            await self._begin_term()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._decide_for_ever())
                group.create_task(self._renew())
                group.create_task(self._tick())
                group.create_task(asyncio.to_thread(heap.on_large_pages))
                for port in self._ports:
                    group.create_task(port.run(self._ledger.fence.holds))
                    group.create_task(self._listen(port))
        except* LeaseLost as lost:
            raise lost.exceptions[0] from None
        finally:
            self.condition = HostCondition(state=HostState.STOPPED, reason="the host has stopped")
            self._refuse_all()
            self._thread.shutdown(wait=True)
            gc.unfreeze()

    async def _begin_term(self) -> None:
        started = v.HostStarted(
            at_ms=self.now_ms,
            epoch=self._ledger.epoch,
            plant=self._plant.name,
            plant_digest=self.layout.digest,
        )
        taken = self._take(_Waiting(lambda _: started, None))
        assert taken is not None, "a term begins with an event that nobody can refuse"
        await self._commit([taken])
        self.condition = HostCondition(state=HostState.READY)

    async def _decide_for_ever(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH_MAX and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._decide(batch)
            except BaseException:  # the lease is lost, or we are stopped: those who wait must not wait for ever
                for waiting in batch:
                    _fail(waiting, HostNotReady("the host stopped before it could say whether this was done"))
                raise

    async def _decide(self, batch: list[_Waiting]) -> None:
        """Decide on a batch and commit it; an event that breaks an assertion is tried alone, then set aside."""
        taken: list[_Taken] = []
        for waiting in batch:
            try:
                one = self._take(waiting)
            except RequestRefused as refusal:
                self.metrics.refused += 1
                _fail(waiting, refusal)
                continue
            except Exception as error:  # our bug, whatever it is: never a restart loop
                await self._commit(taken)
                taken = []
                self._reload()
                one = await self._once_more(waiting, error)
            if one is not None:
                taken.append(one)
        await self._commit(taken)

    def _take(self, waiting: _Waiting) -> _Taken | None:
        """Let the mind decide on one event."""
        event = waiting.make(self.now_ms)
        step = self.warehouse.handle(event)
        changes = self.warehouse.state.take_changes()
        self.metrics.events += 1
        entry = JournalEntry(event=event, facts=step.facts, received_at_ms=waiting.received_ms)
        return _Taken(waiting, entry, step.commands, changes)

    async def _once_more(self, waiting: _Waiting, first: Exception) -> _Taken | None:
        """The state is fresh from the tables: if the event fails again, it is quarantined."""
        logger.error("an event broke an assertion; tried once more on a fresh state", exc_info=first)
        try:
            return self._take(waiting)
        except RequestRefused as refusal:
            _fail(waiting, refusal)
            return None
        except Exception as error:
            self._reload()
            return await self._set_aside(waiting, error)

    async def _set_aside(self, waiting: _Waiting, error: Exception) -> _Taken | None:
        """Quarantine an event; what is taken in instead is that this was done."""
        text = f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX]
        _fail(waiting, EventQuarantined(text))
        try:
            event = waiting.make(self.now_ms)
        except Exception:  # not even an event: its caller has been told, and there is nothing to store
            logger.exception("an event could not be made")
            return None
        logger.error("event quarantined: %s", type(event).__name__, exc_info=error)
        self.metrics.quarantined += 1
        await self._until_done(lambda: self._ledger.quarantine(event, text))
        aside = v.EventSetAside(at_ms=self.now_ms, name=type(event).__name__, device=_device_of(event), error=text)
        return self._take(_Waiting(lambda _: aside, None))

    async def _commit_one_by_one(self, taken: list[_Taken], refused: BatchRefused) -> None:
        """The books refused a batch, which is our bug: find the event that it came from, keep the others."""
        self._reload()
        if len(taken) == 1:
            if isinstance(taken[0].entry.event, v.HostStarted | v.EventSetAside):
                raise refused  # without these no host can go on
            aside = await self._set_aside(taken[0].waiting, refused)
            await self._commit([aside] if aside is not None else [])
            return
        for one in taken:
            try:
                again = self._take(one.waiting)
            except RequestRefused as refusal:
                _fail(one.waiting, refusal)
                continue
            except Exception as error:
                self._reload()
                again = await self._once_more(one.waiting, error)
            if again is not None:
                await self._commit([again])

    async def _commit(self, taken: list[_Taken]) -> None:
        """Put a batch on paper, however long that takes; then let everything out."""
        if not taken:
            return
        changes: dict[tuple[type[e.Entity], tuple[object, ...]], e.Change] = {}
        for one in taken:
            for change in one.changes:
                changes[change.entity, change.key] = change
        batch = CommitBatch(
            entries=tuple(one.entry for one in taken), changes=tuple(changes.values()), notes=tuple(self._notes)
        )
        self._notes.clear()
        begun = time.perf_counter()
        try:
            receipt = await self._until_done(lambda: self._ledger.commit(batch))
        except BatchRefused as refused:
            await self._commit_one_by_one(taken, refused)
            return
        self.metrics.committed(len(taken), sum(len(o.entry.facts) for o in taken), time.perf_counter() - begun)
        self._let_out(taken, batch, receipt.last_sequence)

    async def _until_done(self, write: Callable[[], T]) -> T:
        """Write in the ledger's thread, again and again while the database cannot."""
        pause_s = RETRY_FIRST_S
        while True:
            try:
                written = await self._in_thread(write)
            except (CommitFailed, CommitUnknown) as error:
                if self.condition.state is not HostState.NO_COMMIT:
                    logger.error("cannot commit, no new commands until it works: %s", error)
                self.condition = HostCondition(state=HostState.NO_COMMIT, reason=str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(RETRY_LAST_S, pause_s * 2)
                continue
            if self.condition.state is HostState.NO_COMMIT:
                logger.info("commits work again")
                self.condition = HostCondition(state=HostState.READY)
            return written

    def _let_out(self, taken: list[_Taken], batch: CommitBatch, sequence: int) -> None:
        """It is on paper: the view, the answers, the commands, those who follow."""
        self.view.follow(batch.changes)
        for one in taken:
            for command in one.commands:
                self.metrics.commands += 1
                port = self._port_of.get(command.device)
                if port is not None:
                    port.send(command)
            if one.waiting.answer is not None and not one.waiting.answer.done():
                one.waiting.answer.set_result(one.entry.facts)
        facts = tuple(fact for one in taken for fact in one.entry.facts)
        news = Committed(sequence=sequence, now_ms=self.now_ms, facts=facts, changes=batch.changes)
        for queue in self._followers:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(Committed(sequence=sequence, now_ms=self.now_ms, facts=None))
            else:
                queue.put_nowait(news)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _listen(self, port: DevicePort) -> None:
        async for said in port.reports():
            if isinstance(said, Telemetry):
                self.telemetry[said.device] = said
            elif isinstance(said, DeliveryNote):
                if len(self._notes) >= NOTES_MAX:
                    del self._notes[: NOTES_MAX // 2]
                self._notes.append(said)
            else:
                await self._queue.put(_Waiting(_reported(said), None))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._tick_s)
            self.metrics.queue_length = self._queue.qsize()
            with contextlib.suppress(asyncio.QueueFull):  # whatever fills the queue wakes the cycle as well
                self._queue.put_nowait(_Waiting(lambda at_ms: v.Tick(at_ms=at_ms), None))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._in_thread(self._ledger.renew)
            except CommitFailed as error:
                logger.warning("the lease could not be renewed: %s", error)

    def _refuse_all(self) -> None:
        while not self._queue.empty():
            _fail(self._queue.get_nowait(), HostNotReady("the host has stopped"))


@contextlib.contextmanager
def _not_collecting() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _reported(report: DeviceReport) -> Callable[[int], v.Event]:
    return lambda at_ms: v.DeviceReported(at_ms=at_ms, report=report)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if waiting.answer is not None and not waiting.answer.done():
        waiting.answer.set_exception(error)


def _device_of(event: v.Event) -> str:
    if not isinstance(event, v.DeviceReported):
        return ""
    report = event.report
    return str(getattr(report, "device", "") or getattr(getattr(report, "snapshot", None), "device", ""))
