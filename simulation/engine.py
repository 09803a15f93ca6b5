"""Where runs are made: on processes of this machine, or on a cluster.

Rule: a spec travels as bytes and gives the same row on every engine. What would make another row (other sources, other
libraries) is refused before it runs.
"""

from __future__ import annotations

import os
import platform
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from simulation.run import run
from simulation.spec import RunResult, RunSpec, sources_digest
from wcs.plant.model import Record

POLL_S = 0.2  # how long an engine waits before it looks whether it was told to stop
LIBRARIES = ("msgspec", "networkx", "numba", "numpy", "simpy")  # those that a row comes from
TITLES = 3  # of runs that were given up, in a message

Handle = TypeVar("Handle")


class EngineLost(Exception):
    """The engine cannot go on; what it has given is good."""


class WorkerLost(EngineLost):
    """A run ends its worker time and again, even when it runs alone."""


class OtherMakings(EngineLost):
    """A worker has other sources or libraries, so its rows would be other rows."""


class Stopped(Exception):
    """Somebody stopped the engine; so many runs were under way and are dropped."""

    def __init__(self, dropped: int) -> None:
        super().__init__(f"{dropped} run{'' if dropped == 1 else 's'} under way dropped")
        self.dropped = dropped


class Job(Record):
    """A run to be made: its name, its title for people, its spec as it travels."""

    name: str
    title: str
    spec: bytes


def job_of(spec: RunSpec) -> Job:
    name = spec.name()
    title = f"{spec.label or spec.plant.name}, seed {spec.seed} (run {name})"
    return Job(name=name, title=title, spec=msgspec.msgpack.encode(spec))


@cache
def makings() -> dict[str, str]:
    """What rows are made of here, besides their specs."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"sources": sources_digest(), "python": python} | {name: version(name) for name in LIBRARIES}


def run_job(spec: bytes, wanted: Mapping[str, str], progress: Callable[[float], None] = lambda share: None) -> bytes:
    """One run, the same function on every engine.

    Args:
        spec: a `RunSpec`, encoded.
        wanted: the makings of whoever asks.
        progress: hears the share of the run that is done.

    Raises:
        OtherMakings: these here are others.
    """
    ours = makings()
    for what in wanted:
        if ours.get(what) != wanted[what]:
            where = f"{platform.node()}, process {os.getpid()}"
            reason = f"{what} {ours.get(what)} there, {wanted[what]} here"
            raise OtherMakings(
                f"a worker ({where}) would give other rows: {reason}; have the same on both and start it anew"
            )
    return msgspec.msgpack.encode(run(msgspec.msgpack.decode(spec, type=RunSpec), progress))


class Engine(ABC, Generic[Handle]):
    """Makes runs. Who writes one says how a job is started, how many may be, and which have ended.

    tries: how often a run may lose its worker beside others. Then it waits until all others are done, and is run alone;
        only a run that ends its worker alone is given up. So none is for what another did (one that takes all memory).
    """

    tries: int

    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        """Told by a signal: `map` gives what has come by now, then raises `Stopped`."""
        self.stopped = True

    def map(self, specs: Iterable[RunSpec]) -> Iterator[RunResult]:
        """The results, in the order in which they come.

        Raises:
            EngineLost: it cannot go on.
            Stopped: it was told to stop.
        """
        waiting = _Waiting(specs, self.tries)
        flying: dict[Handle, Job] = {}
        came: list[RunResult] = []
        while True:
            while not self.stopped and len(flying) < self._room() and (job := waiting.next(alone=not flying)):
                flying[self._start(job)] = job
            # Given only now: while a result is stored, its worker is busy again.
            yield from came
            came.clear()
            if not flying:
                break
            ended = self._ended(flying)
            for handle, answer in ended:
                job = flying.pop(handle)
                if answer is None:
                    waiting.lost(job)
                else:
                    came.append(_result(job, answer))
            if self.stopped and not ended:
                raise Stopped(len(flying))
        if self.stopped:
            raise Stopped(0)
        waiting.check()

    @abstractmethod
    def _room(self) -> int:
        """How many may be under way."""

    @abstractmethod
    def _start(self, job: Job) -> Handle:
        """Begin a run."""

    @abstractmethod
    def _ended(self, flying: Mapping[Handle, Job]) -> list[tuple[Handle, bytes | None]]:
        """Those that have ended, with what `run_job` gave, or None where the worker is lost; looks for `POLL_S`."""

    @abstractmethod
    def _close(self) -> None:
        """Nothing is left under way."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()


class _Waiting:
    """What is still to be run: new ones, those that lost their worker, and last those that lost it too often."""

    def __init__(self, specs: Iterable[RunSpec], tries: int) -> None:
        self._new = map(job_of, specs)
        self._again: list[Job] = []
        self._suspects: list[Job] = []
        self._given_up: list[Job] = []
        self._losses: Counter[str] = Counter()
        self._tries = tries

    def next(self, *, alone: bool) -> Job | None:
        """The next to start; a suspect only where nothing else is under way."""
        if self._again:
            return self._again.pop()
        job = next(self._new, None)
        return self._suspects.pop() if job is None and alone and self._suspects else job

    def lost(self, job: Job) -> None:
        """Its worker has ended."""
        self._losses[job.name] += 1
        losses = self._losses[job.name]
        room = self._again if losses < self._tries else self._suspects if losses == self._tries else self._given_up
        room.append(job)

    def check(self) -> None:
        """When all others are done: nothing was given up."""
        if self._given_up:
            titles = "; ".join(job.title for job in self._given_up[:TITLES])
            more = len(self._given_up) - TITLES
            raise WorkerLost(
                f"{titles}{f' and {more} more' if more > 0 else ''}: the worker ended each time, at last while nothing "
                "else ran; most likely there is not enough memory"
            )


def _result(job: Job, answer: bytes) -> RunResult:
    result = msgspec.msgpack.decode(answer, type=RunResult)
    if result.row.run != job.name:
        raise OtherMakings(f"{job.title}: the worker made run {result.row.run} instead")
    return result
