"""A Dask cluster makes the rows that this machine makes: a real scheduler and real workers, one of them killed."""

from __future__ import annotations

import datetime
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulation import cluster
from simulation.cluster import Cluster, ClusterLost
from simulation.engine import OtherMakings, Stopped
from simulation.spec import SOURCE_ROOMS
from simulation.store import ResultStore
from simulation.sweep import sweep
from simulation.workers import Workers
from tests.simulation.test_sweep import FILE, count, experiment_of, rows

ROOT = Path(__file__).parent.parent.parent
LIBRARIES = Path(psutil.__file__).parent.parent
pytestmark = pytest.mark.timeout(400)  # several processes each, whose starts take a minute on a busy machine
DEADLINE_S = 150
REFUSED_S = 15  # bounded time, with the start of the program on a busy machine
HERE = "127.0.0.1"
NO_PAGE = ("--dashboard-address", f"{HERE}:0")
LONG = FILE.replace("replications = 2", "replications = 4").replace("0.1", "0.15")


class Servers:
    """A scheduler and its workers, each a process; ended with the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.environment: dict[str, str] = {}

    def scheduler(self, *options: str) -> str:
        """Its address. It has Dask and not our program."""
        file = self._folder / "scheduler.json"
        options = ("--host", HERE, "--port", "0", "--scheduler-file", str(file), *options)
        self._start("dask_scheduler", *options, program=None)
        return str(msgspec.json.decode(self._when_there(file))["address"])

    def worker(self, address: str, *options: str, program: Path | None = ROOT) -> subprocess.Popen[bytes]:
        """One worker process; its program is read from this folder."""
        pid = self._folder / f"{len(self._started)}.pid"
        files = ("--local-directory", str(self._folder), "--pid-file", str(pid))
        process = self._start("dask_worker", address, "--host", HERE, "--no-nanny", *files, *options, program=program)
        self._when_there(pid)
        return process

    def _start(self, what: str, *arguments: str, program: Path | None) -> subprocess.Popen[bytes]:
        # Without a folder of its own it must not find the program that is installed here for development (-S).
        bare, place = (["-S"], LIBRARIES) if program is None else ([], program)
        command = [sys.executable, "-P", *bare, "-m", f"distributed.cli.{what}", *arguments, *NO_PAGE]
        environment = os.environ | self.environment | {"PYTHONPATH": str(place)}
        with (self._folder / f"{len(self._started)}.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log)
        self._started.append(process)
        return process

    def _when_there(self, file: Path) -> bytes:
        deadline = time.monotonic() + DEADLINE_S
        while not (file.exists() and file.stat().st_size):
            assert time.monotonic() < deadline
            assert self._started[-1].poll() is None, (self._folder / f"{len(self._started) - 1}.log").read_text()
            time.sleep(0.02)
        return file.read_bytes()

    def kill(self) -> None:
        """All of them."""
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    folder = tmp_path / "servers"
    folder.mkdir()
    started = Servers(folder)
    try:
        yield started
    finally:
        started.kill()


def test_a_cluster_that_loses_a_worker_makes_the_rows_of_this_machine(servers: Servers, tmp_path: Path) -> None:
    experiment = experiment_of(LONG, tmp_path)
    address = servers.scheduler()
    first = servers.worker(address, "--nthreads", "1")
    servers.worker(address, "--nthreads", "1")
    servers.worker(address, "--nthreads", "2")  # two runs in one process: they must not meet
    listening: list[object] = []

    def kill_one(done: int, of: int) -> None:
        if done == 2:
            assert first.poll() is None
            first.kill()
        listening.extend(c for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN)

    before = len([c for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN])
    with Cluster(address) as engine:
        there = rows(sweep(experiment, ResultStore(tmp_path / "there"), engine, kill_one))
    assert first.poll() is not None
    assert not before
    assert not listening
    for workers in (0, 1, 2):
        with Workers(workers) as local:
            assert there == rows(sweep(experiment, ResultStore(tmp_path / f"{workers}"), local))


def test_runs_that_the_scheduler_gives_up_are_made_alone_and_a_stop_leaves_the_cluster_whole(
    servers: Servers, tmp_path: Path
) -> None:
    servers.environment = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    experiment = experiment_of(LONG, tmp_path)
    address = servers.scheduler()
    first, second = servers.worker(address, "--nthreads", "1"), servers.worker(address, "--nthreads", "1")
    with Cluster(address) as engine, pytest.raises(Stopped):
        sweep(experiment, ResultStore(tmp_path / "runs"), engine, lambda done, of: engine.stop() if done else None)
    assert 0 < count(tmp_path / "runs") < 8

    def kill_one(done: int, of: int) -> None:
        if done == 2:
            first.kill()

    with Cluster(address) as engine:
        there = rows(sweep(experiment, ResultStore(tmp_path / "there"), engine, kill_one))
    assert first.poll() is not None
    assert second.poll() is None
    with Workers(0) as local:
        assert there == rows(sweep(experiment, ResultStore(tmp_path / "here"), local))


def test_a_worker_with_other_sources_or_none_is_refused(servers: Servers, tmp_path: Path) -> None:
    experiment = experiment_of(FILE, tmp_path)
    other = tmp_path / "other"
    for room in SOURCE_ROOMS:
        shutil.copytree(ROOT / room, other / room, ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "simulation" / "staff.py").open("a", encoding="utf-8") as file:
        file.write("\n# people are other people\n")
    address = servers.scheduler()
    for program, reason in ((other, "would give other rows: sources"), (None, "does not have this program")):
        worker = servers.worker(address, program=program)
        with Cluster(address) as engine, pytest.raises(OtherMakings, match=reason):
            sweep(experiment, ResultStore(tmp_path / "runs"), engine)
        assert worker.poll() is None, "a refusal must not end somebody's worker"
        worker.kill()
        worker.wait()


def test_a_scheduler_that_goes_away_is_told_and_the_sweep_goes_on_elsewhere(servers: Servers, tmp_path: Path) -> None:
    experiment = experiment_of(LONG, tmp_path)
    store = ResultStore(tmp_path / "runs")
    address = servers.scheduler()
    servers.worker(address)

    def kill_all(done: int, of: int) -> None:
        if done == 2:
            servers.kill()

    began = time.monotonic()
    with Cluster(address) as engine, pytest.raises(ClusterLost, match=r"127\.0\.0\.1"):
        sweep(experiment, store, engine, kill_all)
    assert time.monotonic() - began < DEADLINE_S
    assert count(tmp_path / "runs") >= 2
    with Workers(0) as local:
        assert [len(runs) for runs in sweep(experiment, store, local)] == [4, 4]


def test_a_cluster_without_a_worker_is_waited_for_only_so_long(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "NO_WORKER_S", 1.0)
    monkeypatch.setattr(cluster, "LOOK_S", 0.1)
    with Cluster(servers.scheduler()) as engine, pytest.raises(ClusterLost, match="has had no worker for 1 s"):
        sweep(experiment_of(FILE, tmp_path), ResultStore(tmp_path / "runs"), engine)


@pytest.mark.parametrize("address", ["", "tcp://", "127.0.0.1", "http://127.0.0.1:80", "127.0.0.1:seven", "nobody"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ClusterLost, match="no Dask scheduler answers at"):
        Cluster(address)


def test_an_address_where_nobody_speaks_dask_is_refused_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "REACH_S", 0.5)
    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    with closing(socket.socket()) as silent:
        silent.bind((HERE, 0))
        began = time.monotonic()
        with pytest.raises(ClusterLost, match="no Dask scheduler answers at"):
            Cluster(f"{HERE}:{silent.getsockname()[1]}")  # nobody listens
        silent.listen()
        with pytest.raises(ClusterLost, match="not within 1 s"):
            Cluster(f"{HERE}:{silent.getsockname()[1]}")  # somebody does, and says nothing
        assert time.monotonic() - began < REFUSED_S


def wcs(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env=os.environ | (environment or {}),
    )


def tls(folder: Path) -> dict[str, str]:
    """Dask's configuration of a cluster whose scheduler, workers and clients have one certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "cluster.pem"
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(*kinds) + certificate.public_bytes(serialization.Encoding.PEM))
    names = ("CA_FILE", *(f"{who}__{what}" for who in ("SCHEDULER", "WORKER", "CLIENT") for what in ("CERT", "KEY")))
    return {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(file) for name in names}


@pytest.fixture
def experiment_file(tmp_path: Path) -> str:
    file = tmp_path / "experiment.toml"
    file.write_text(FILE, encoding="utf-8")
    return str(file)


def test_the_command_sweeps_on_a_cluster_that_speaks_tls_as_dask_is_configured(
    servers: Servers, experiment_file: str, tmp_path: Path
) -> None:
    servers.environment = tls(tmp_path)
    address = servers.scheduler("--protocol", "tls")
    assert address.startswith("tls://")
    servers.worker(address)
    without = wcs("sweep", experiment_file, "--dask", address)
    assert without.returncode == 2
    assert "--dask: no Dask scheduler answers" in without.stderr
    swept = wcs("sweep", experiment_file, "--dask", address, environment=servers.environment)
    assert swept.returncode == 0, swept.stderr
    assert not swept.stderr
    theirs = (tmp_path / "experiment" / "rows.csv").read_text(encoding="utf-8")
    assert wcs("sweep", experiment_file, "--workers", "0", "--out", str(tmp_path / "here")).returncode == 0
    assert theirs == (tmp_path / "here" / "rows.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--workers", "2", "--dask", "127.0.0.1:1"), "give --workers or --dask, not both"),
        (("--dask", "127.0.0.1:1"), "--dask: no Dask scheduler answers at '127.0.0.1:1'"),
    ],
)
def test_the_command_refuses_with_one_line(options: tuple[str, ...], reason: str, experiment_file: str) -> None:
    refused = wcs("sweep", experiment_file, *options)
    assert refused.returncode == 2
    assert refused.stderr.startswith(reason)
    assert len(refused.stderr.splitlines()) == 1


def test_without_the_extra_only_dask_is_missing_and_the_refusal_says_what_to_install(experiment_file: str) -> None:
    absent = "import sys; sys.modules['distributed'] = None; from api.cli import app; app()"
    command = [sys.executable, "-c", absent, "sweep", experiment_file]
    refused = subprocess.run([*command, "--dask", "127.0.0.1:1"], capture_output=True, text=True, timeout=DEADLINE_S)
    assert refused.returncode == 2
    assert refused.stderr == "--dask: distributed is not installed: pip install '.[dask]'\n"
    assert subprocess.run([*command, "--workers", "0"], capture_output=True, timeout=DEADLINE_S).returncode == 0
