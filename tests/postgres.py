"""A PostgreSQL of the test session's own: made in a temporary folder, reached by a socket in it, gone at the end.

Rule: it is as durable as in production (fsync stays on), for the recovery tests kill it; and it never meets a server
that already runs on this machine, for it listens on no port.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, text

DEBIAN_FOLDERS = Path("/usr/lib/postgresql")
USER = "wcs"
PORT = 5432  # no port: only part of the socket's name
START_S = 60.0  # initdb and the first checkpoint on a busy disk
STOP_S = 30.0  # a fast shutdown rolls back and writes one checkpoint
SOCKET_FOLDER_LENGTH_MAX = 80  # the kernel refuses a socket's path above 107 bytes, its name and margin included
UNPRIVILEGED = ("postgres", "nobody")  # PostgreSQL refuses to run as root


class PostgresAbsent(Exception):
    """This machine has no PostgreSQL server programs."""


class PostgresServer:
    """A running private server; makes and drops databases."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process
        self._numbers = count(1)

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of one database."""
        return _url(self.folder, database)

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """Give the URL of an empty database; drop it afterwards, whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self._say(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self._say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def make_database(self, name: str) -> None:
        """An empty database that stays as long as the server."""
        self._say(f"CREATE DATABASE {name}")

    def _say(self, statement: str) -> None:
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()


def server_programs() -> Path:
    """Folder of initdb and postgres: as found in PATH, else Debian's newest version."""
    initdb = shutil.which("initdb")
    candidates = [Path(initdb).resolve().parent] if initdb else []
    candidates += sorted(DEBIAN_FOLDERS.glob("*/bin"), key=_version, reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresAbsent("no PostgreSQL server programs in PATH or /usr/lib/postgresql (Debian: postgresql)")


@contextmanager
def private_postgres() -> Iterator[PostgresServer]:
    """Start a server in a new temporary folder; stop it by its process and remove the folder at the end."""
    programs = server_programs()
    with _private_folder() as folder:
        run_as = _unprivileged(folder)
        log = folder / "server.log"
        with log.open("wb") as output:
            _initialise(programs, folder, run_as, output)
            process = _start(programs, folder, run_as, output)
        try:
            _wait_until_ready(process, folder, log)
            yield PostgresServer(folder, process)
        finally:
            _stop(process)


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())


@contextmanager
def _private_folder() -> Iterator[Path]:
    roomy = len(tempfile.gettempdir()) <= SOCKET_FOLDER_LENGTH_MAX - len("/wcs-postgres-") - 8
    folder = Path(tempfile.mkdtemp(prefix="wcs-postgres-", dir=None if roomy else "/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Arguments for a subprocess that may run PostgreSQL; as root, the folder is given to another user."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in UNPRIVILEGED if name in known)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _initialise(programs: Path, folder: Path, run_as: dict[str, Any], output: Any) -> None:
    # Whoever can open the socket is trusted: its folder is open to its owner alone (and to root).
    options = ["-U", USER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    command = [str(programs / "initdb"), "-D", str(folder / "data"), *options]
    subprocess.run(command, check=True, cwd=folder, stdout=output, stderr=output, **run_as)


def _start(programs: Path, folder: Path, run_as: dict[str, Any], output: Any) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "fsync": "on",
        "synchronous_commit": "on",
        "max_connections": "50",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # A session of its own: Ctrl-C in the terminal must not stop it before the tests have let go of it.
    return subprocess.Popen(
        [programs / "postgres", "-D", folder / "data", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        **run_as,
    )


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    engine = create_engine(_url(folder, "postgres"))
    give_up = time.monotonic() + START_S
    try:
        while True:
            try:
                engine.connect().close()
            except Exception:
                if process.poll() is not None or time.monotonic() > give_up:
                    told = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise RuntimeError(f"PostgreSQL did not start:\n{told}") from None
                time.sleep(0.05)
            else:
                return
    finally:
        engine.dispose()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _url(folder: Path, database: str) -> str:
    where = {"host": str(folder), "port": str(PORT)}
    return URL.create("postgresql+psycopg", username=USER, database=database, query=where).render_as_string()
