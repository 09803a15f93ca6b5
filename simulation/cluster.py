"""Runs on the workers of a Dask cluster that somebody else has started.

Rule: this process only connects; it listens nowhere. How the connection is secured (TLS) is said by Dask's own
configuration. Only this module knows Dask: it comes with the extra `dask`.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from uuid import uuid4

from distributed import Client, Future, KilledWorker, wait
from distributed.comm.core import connect
from distributed.security import Security

from simulation.engine import POLL_S, Engine, EngineLost, Job, OtherMakings, makings, run_job

REACH_S = 3.0  # until which somebody must listen at the address
CONNECT_S = 10.0  # and until which he must have answered as a scheduler does
ANSWER_S = 30.0  # a question to a scheduler that we are connected to, and that may be busy
CLOSE_S = 3.0
LOOK_S = 2.0  # between two looks at how many workers there are
# A cluster whose last worker has gone may get a new one: a nanny starts one in seconds, a batch system in minutes.
NO_WORKER_S = 120.0
AHEAD = 2  # runs a thread: one is made, one waits beside it, so that the way over the network costs nothing


class ClusterLost(EngineLost):
    """The cluster does not answer, or has nobody to work."""


class Cluster(Engine[Future[bytes]]):
    """The workers of a scheduler.

    Args:
        address: host:port, or with the protocol in front: tcp://, tls://.

    Raises:
        ClusterLost: nobody answers there.
    """

    # The scheduler itself gives a run to another worker (by default three times) before it says that it is lost.
    tries = 1

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        for talker in ("distributed", "distributed.client"):  # what they would say stands in what is raised
            logging.getLogger(talker).setLevel(logging.CRITICAL)
        try:
            asyncio.run(asyncio.wait_for(_greet(address), CONNECT_S))
            self._client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except Exception as error:  # of many kinds: names, addresses, sockets, certificates, others that listen there
            reason = (str(error) or f"not within {CONNECT_S:g} s").splitlines()[0]
            raise ClusterLost(f"no Dask scheduler answers at {address!r}: {reason}") from None
        self._id = uuid4().hex[:8]
        self._sent = 0
        self._threads = 0
        self._looked_s = 0.0
        self._alive_s = time.monotonic()

    def _room(self) -> int:
        now_s = time.monotonic()
        if now_s - self._looked_s > LOOK_S:
            with self._there():
                self._threads = sum(self._client.nthreads(callback_timeout=ANSWER_S).values())
            self._looked_s = now_s
            if self._threads:
                self._alive_s = now_s
            elif now_s - self._alive_s > NO_WORKER_S:
                raise ClusterLost(f"the cluster at {self._address} has had no worker for {NO_WORKER_S:g} s")
        return max(1, AHEAD * self._threads)

    def _start(self, job: Job) -> Future[bytes]:
        self._sent += 1
        # Opened by the worker inside its task: a worker without this program then says so. Dask would open a function
        # while it reads the message, and end a worker that cannot; and its scheduler would need the program too.
        sealed = pickle.dumps(_Call(run_job, job.spec, makings()))
        with self._there():
            return self._client.submit(pickle.loads, sealed, key=f"wcs-{job.name}-{self._id}-{self._sent}", pure=False)

    def _ended(self, flying: Mapping[Future[bytes], Job]) -> list[tuple[Future[bytes], bytes | None]]:
        done: set[Future[bytes]] = set()
        with self._there(), self._client.as_current(), suppress(TimeoutError):
            done = wait(list(flying), timeout=POLL_S, return_when="FIRST_COMPLETED").done
        ended: list[tuple[Future[bytes], bytes | None]] = []
        for future in done:
            # Whose worker has gone with the answer is made again: it has not ended.
            with self._there(), suppress(TimeoutError):
                ended.append((future, _answer(future)))
        return ended

    @contextmanager
    def _there(self) -> Iterator[None]:
        """What is asked herein is asked of a scheduler that may go away."""
        try:
            yield
        except EngineLost:
            raise
        except TimeoutError:
            raise ClusterLost(f"the scheduler at {self._address} does not answer any more") from None
        except Exception as error:
            if self._client.status != "running":
                raise ClusterLost(f"the connection to the scheduler at {self._address} is lost") from None
            if isinstance(error, CancelledError):
                raise ClusterLost(f"somebody cancelled the runs at {self._address}") from None
            raise

    def _close(self) -> None:
        # Runs under way are nobody's any more: the scheduler drops those that wait, workers end those that they make.
        with suppress(TimeoutError):
            self._client.close(timeout=CLOSE_S)


class _Call:
    """A call that is made where it is unpickled."""

    def __init__(self, function: Callable[..., bytes], *arguments: object) -> None:
        self._what = function, arguments

    def __reduce__(self) -> tuple[Callable[..., bytes], tuple[object, ...]]:
        return self._what


def _answer(future: Future[bytes]) -> bytes | None:
    try:
        answer: bytes = future.result(timeout=ANSWER_S)
    except KilledWorker:
        return None
    except ImportError as error:
        raise _without_program(error) from None
    except AttributeError as error:
        if run_job.__name__ in str(error):
            raise _without_program(error) from None
        raise
    return answer


def _without_program(error: Exception) -> OtherMakings:
    return OtherMakings(f"a worker does not have this program: {error}; install the same there, start it anew")


async def _greet(address: str) -> None:
    """That somebody speaks Dask there: its own client waits for ever for one who listens and says nothing."""
    if not address.rpartition("://")[2]:
        raise ValueError("wanted HOST:PORT")
    comm = await connect(address, timeout=REACH_S, **Security().get_connection_args("client"))
    comm.abort()
