"""What an engine owes: a lost worker costs nobody else anything, a stop loses nothing that is done, nothing is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
import pytest

from simulation.engine import Engine, Job, OtherMakings, Stopped, WorkerLost, makings, run_job
from simulation.spec import RunResult, RunSpec, WorkloadSpec
from simulation.workers import Workers
from tests.simulation.test_sweep import FILE, count
from wcs.plant.file import load_plant

DEADLINE_S = 60
ENDS_S = 10  # at most, from Ctrl-C to the end of everything that the sweep had started


def specs(runs: int, hours: float = 0.02, label: str = "tiny") -> list[RunSpec]:
    plant, workload = load_plant("tiny"), WorkloadSpec(orders_per_hour=40)
    return [RunSpec(plant=plant, workload=workload, seed=n + 1, hours=hours, label=label) for n in range(runs)]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def seeds(results: list[RunResult]) -> list[int]:
    return sorted(result.row.seed for result in results)


class Losing(Engine[str]):
    """Runs three at a time, here; whoever is beside the guilty seed when it runs loses its worker too."""

    tries = 3

    def __init__(self, guilty: int) -> None:
        super().__init__()
        self._guilty = f"seed {guilty} "

    def _room(self) -> int:
        return 3

    def _start(self, job: Job) -> str:
        return job.name

    def _ended(self, flying: Mapping[str, Job]) -> list[tuple[str, bytes | None]]:
        lost = any(self._guilty in job.title for job in flying.values())
        return [(name, None if lost else run_job(job.spec, makings())) for name, job in flying.items()]

    def _close(self) -> None:
        pass


def test_an_innocent_run_is_never_given_up_and_the_guilty_one_is_named() -> None:
    came: list[RunResult] = []
    with Losing(guilty=2) as engine, pytest.raises(WorkerLost, match=r"^tiny, seed 2 \(run [0-9a-f]{16}\): the worker"):
        came.extend(engine.map(specs(5)))
    assert seeds(came) == [1, 3, 4, 5]


def test_a_run_that_ends_every_worker_is_given_up_by_its_name() -> None:
    done = threading.Event()

    def kill_whoever_comes() -> None:
        while not done.wait(0.05):
            for process in multiprocessing.active_children():
                process.kill()

    killer = threading.Thread(target=kill_whoever_comes)
    killer.start()
    try:
        with Workers(1) as engine, pytest.raises(WorkerLost, match="heavy, seed 1 "):
            list(engine.map(specs(1, label="heavy")))
    finally:
        done.set()
        killer.join()


def test_a_killed_worker_takes_no_other_along() -> None:
    killed: list[BaseProcess] = []
    with Workers(2) as engine:
        results = engine.map(specs(6))
        came = [next(results)]
        before = multiprocessing.active_children()
        assert len(before) == 2
        killed.append(before[0])
        before[0].kill()
        came += results
        after = [process.pid for process in multiprocessing.active_children()]
        assert before[1].pid in after
        assert before[0].pid not in after
    assert seeds(came) == [1, 2, 3, 4, 5, 6]
    assert not multiprocessing.active_children()
    with Workers(0) as none:
        assert digests(came) == digests(list(none.map(specs(6))))


def digests(results: list[RunResult]) -> bytes:
    return msgspec.json.encode(sorted((run.row for run in results), key=lambda row: row.seed))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stopped_engine_gives_what_is_done_and_says_how_much_it_drops(workers: int) -> None:
    came: list[RunResult] = []

    def all_of(engine: Workers) -> None:
        for result in engine.map(specs(50, hours=0.5)):
            came.append(result)
            engine.stop()

    with Workers(workers) as engine, pytest.raises(Stopped) as stopped:
        all_of(engine)
    assert len(came) < 10
    assert stopped.value.dropped <= max(1, workers)


def test_a_worker_with_other_sources_refuses() -> None:
    job = msgspec.msgpack.encode(specs(1)[0])
    with pytest.raises(
        OtherMakings, match=r"a worker \(.*, process \d+\) would give other rows: sources .* there, 123"
    ):
        run_job(job, makings() | {"sources": "123"})
    with pytest.raises(OtherMakings, match="numpy"):
        run_job(job, makings() | {"numpy": "1.0"})


@contextmanager
def sweeping(folder: Path, workers: int) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A real sweep in a session of its own, as in a terminal, with a run or more done and more to do."""
    file = folder / "long.toml"
    file.write_text(FILE.replace("replications = 2", "replications = 20").replace("0.1", "0.5"), encoding="utf-8")
    command = [sys.executable, "-m", "api.cli", "sweep", str(file), "--workers", str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        until(lambda: count(folder / "long" / "runs.sqlite") or process.poll() is not None)
        assert process.poll() is None, "it was done before it could be stopped"
        yield process, folder / "long"
        until_nobody_is_left(process)
    finally:
        if process.poll() is None or somebody_is_left(process):
            os.killpg(process.pid, signal.SIGKILL)


def somebody_is_left(process: subprocess.Popen[str]) -> bool:
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def until_nobody_is_left(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + ENDS_S
    process.wait(timeout=ENDS_S)
    while somebody_is_left(process):
        assert time.monotonic() < deadline, "it left workers behind"
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_keeps_what_is_done_drops_the_rest_with_a_word_and_the_same_command_goes_on(
    workers: int, tmp_path: Path
) -> None:
    with sweeping(tmp_path, workers) as (process, out):
        os.killpg(process.pid, signal.SIGINT)  # a terminal tells it to all processes
        said = process.communicate(timeout=ENDS_S)[1]
    assert process.returncode == 130
    assert "under way dropped; what was finished is kept: the same command goes on" in said
    assert len(said.splitlines()) == 1, said
    kept = count(out / "runs.sqlite")
    assert 0 < kept < 40
    short = tmp_path / "long.toml"
    short.write_text(short.read_text(encoding="utf-8").replace("= 20", "= 1"), encoding="utf-8")
    again = [sys.executable, "-m", "api.cli", "sweep", str(short), "--workers", "0"]
    assert subprocess.run(again, capture_output=True, timeout=DEADLINE_S).returncode == 0
    assert count(out / "runs.sqlite") == max(kept, 2)


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    with sweeping(tmp_path, 2) as (process, _):
        began = time.monotonic()
        while process.poll() is None and time.monotonic() < began + ENDS_S:
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        assert process.returncode in (130, -signal.SIGINT)
        assert "Traceback" not in process.communicate(timeout=ENDS_S)[1]


def test_a_sweep_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    with sweeping(tmp_path, 2) as (process, _):
        process.kill()
        process.communicate(timeout=ENDS_S)


def test_a_worker_that_still_loads_its_programs_is_ended_at_once() -> None:
    engine = Workers(1)
    begun: list[BaseProcess] = []

    def has_begun() -> bool:
        begun.extend(multiprocessing.active_children())
        return bool(begun)

    def stop_when_it_has_begun() -> None:
        until(has_begun)
        engine.stop()

    stopper = threading.Thread(target=stop_when_it_has_begun)
    stopper.start()
    with pytest.raises(Stopped), engine:
        list(engine.map(specs(1)))
    stopper.join()
    assert begun[0].exitcode == -signal.SIGKILL
