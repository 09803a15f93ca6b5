"""Runs on processes of this machine. Rule: each worker has one run, so a worker that is killed takes no other along.

One pool would not do: when one of its processes is killed, it ends them all, and says of none what it was doing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from simulation.engine import POLL_S, Engine, Job, Stopped, makings, run_job

SPAWN = multiprocessing.get_context("spawn")


class Workers(Engine[Future[bytes]]):
    """So many processes; 0: none, runs are made here, one after another."""

    tries = 3

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._free = [_Worker() for _ in range(count)]
        self._busy: dict[Future[bytes], _Worker] = {}

    def _room(self) -> int:
        return max(1, self._count)

    def _start(self, job: Job) -> Future[bytes]:
        if not self._count:
            return Future()  # made when it is waited for: what came before is to be stored first
        worker = self._free.pop()
        future = worker.start(job)
        self._busy[future] = worker
        return future

    def _ended(self, flying: Mapping[Future[bytes], Job]) -> list[tuple[Future[bytes], bytes | None]]:
        if not self._count:
            return [(future, run_job(job.spec, makings(), self._unless_stopped)) for future, job in flying.items()]
        ended: list[tuple[Future[bytes], bytes | None]] = []
        for future in wait(flying, timeout=POLL_S, return_when=FIRST_COMPLETED).done:
            worker = self._busy.pop(future)
            self._free.append(worker)
            try:
                ended.append((future, future.result()))
            except BrokenProcessPool:
                worker.end()
                ended.append((future, None))
        return ended

    def _unless_stopped(self, share: float) -> None:
        if self.stopped:
            raise Stopped(1)

    def _close(self) -> None:
        for worker in (*self._free, *self._busy.values()):
            worker.end()


class _Worker:
    """One process, started when it is first needed, and again after it was killed."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._line: Connection | None = None
        self._process: BaseProcess | None = None

    def start(self, job: Job) -> Future[bytes]:
        """Begin a run; one that cannot even begin has lost its worker."""
        broken = BrokenProcessPool()
        for _ in range(2):  # it may have been killed while it had nothing to do
            try:
                return self._pooled().submit(run_job, job.spec, makings())
            except BrokenProcessPool as error:
                self.end()
                broken = error
        future: Future[bytes] = Future()
        future.set_exception(broken)
        return future

    def _pooled(self) -> ProcessPoolExecutor:
        if self._pool is None:
            theirs, self._line = SPAWN.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(1, mp_context=SPAWN, initializer=_live_while, initargs=(theirs,))
            others = set(multiprocessing.active_children())
            with _uninterrupted():
                self._pool.submit(os.getpid)  # so that the process is there, and has its end of the line
            self._process = next(iter(set(multiprocessing.active_children()) - others), None)
            theirs.close()
        return self._pool

    def end(self) -> None:
        """At once, whatever it is doing."""
        if self._pool is not None and self._line is not None:
            self._line.close()
            if self._process is not None:
                self._process.kill()  # one that still loads its programs would hear of the line in seconds only
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = self._line = self._process = None


def _live_while(line: Connection) -> None:
    """In a worker: it lives while the other end of this line is open, so neither a stop nor the death of the sweep
    leaves one behind.
    """

    def wait_for_end() -> None:
        with suppress(EOFError, OSError):
            line.recv_bytes()
        os._exit(1)

    threading.Thread(target=wait_for_end, daemon=True).start()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """What is started herein is never interrupted by Ctrl-C, which a terminal gives to all processes: it ends when
    the sweep says so.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
