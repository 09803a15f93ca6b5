"""Runs on worker processes. Rule: a spec travels as bytes and gives the same row wherever it is run.

A worker that is killed takes its pool along: the pool is made anew, and what had not come back is submitted again.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType

import msgspec

from simulation.run import run
from simulation.spec import RunResult, RunSpec

# A run whose worker died so often would go on to kill workers: it needs more memory than there is, most likely.
TRIES_MAX = 4
AHEAD = 2  # submitted a worker: one runs, one waits, so that none is idle while a result is stored


class WorkerLost(Exception):
    """A run has ended its worker time and again."""


def run_bytes(spec: bytes) -> bytes:
    """One run, for engines that carry bytes."""
    return msgspec.msgpack.encode(run(msgspec.msgpack.decode(spec, type=RunSpec)))


class Workers:
    """So many processes; 0: none, runs are made here, one after another."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def map(self, specs: Iterable[RunSpec]) -> Iterator[RunResult]:
        """The results, in the order in which they come."""
        if not self._count:
            for spec in specs:
                yield msgspec.msgpack.decode(run_bytes(msgspec.msgpack.encode(spec)), type=RunResult)
            return
        waiting: list[tuple[bytes, int]] = [(msgspec.msgpack.encode(spec), 0) for spec in specs][::-1]
        flying: dict[Future[bytes], tuple[bytes, int]] = {}
        while waiting or flying:
            while waiting and len(flying) < AHEAD * self._count:
                sent = waiting.pop()
                flying[self._submit(sent[0])] = sent
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                mine = flying.pop(future)
                try:
                    yield msgspec.msgpack.decode(future.result(), type=RunResult)
                except BrokenProcessPool:
                    self._end()
                    lost = [mine, *flying.values()]
                    flying.clear()
                    waiting += [(one, n + 1) for one, n in lost]
                    if max(n for _, n in waiting) >= TRIES_MAX:
                        raise WorkerLost(f"workers ended {TRIES_MAX} times while they had the same runs") from None
                    break

    def _submit(self, spec: bytes) -> Future[bytes]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._count, mp_context=multiprocessing.get_context("spawn"))
        try:
            return self._pool.submit(run_bytes, spec)
        except BrokenProcessPool:
            self._end()
            return self._submit(spec)

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
