"""Child processes of a running plant: start in parallel, know when they serve, and never outlive their parent.

Rule: a child has its own session (Ctrl-C at the terminal is the parent's to handle) and a pipe to its parent; when the
pipe ends, it stops by itself. Children are ended by their process id only.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import devices
from devices.virtual_plc.process import READY

START_S_MAX = 60.0  # an OPC UA server takes 1.4 s alone and 5 s under load; ten at once on a busy machine, this
STOP_S_MAX = 5.0
FAILURE_MAX = 300  # of a log's last line: a paragraph for people, the log has the rest


class ChildFailed(Exception):
    """A child process ended before it served, or did not serve in time."""


class Child:
    """One process that can be killed and started again."""

    def __init__(self, name: str, module: str, arguments: Sequence[str], log_folder: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", module, *arguments]
        self._log = log_folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 when it is not running."""
        return 0 if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> None:
        """Start it; `wait_ready` says when it serves."""
        root = str(Path(next(iter(devices.__path__))).parent)
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._reap(STOP_S_MAX)

    def stop(self) -> None:
        """Ask it to stop (it may still be stopping afterwards: `wait_stopped`)."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait_stopped(self) -> None:
        """Wait until it is gone; one that does not stop is killed."""
        if self._process is None:
            return
        try:
            self._reap(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()

    def output(self) -> int:
        """The descriptor on which it says that it serves."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def failure(self) -> str:
        """That it does not serve, with the last line of its log."""
        lines = self._log.read_text(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
        return f"{self.name} does not serve: {last[:FAILURE_MAX]} (all of it: {self._log})"

    def _reap(self, within_s: float) -> None:
        assert self._process is not None
        self._process.wait(within_s)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None


def start_all(children: Sequence[Child]) -> None:
    """Start children side by side and wait until all serve; ChildFailed (with all stopped) if one does not."""
    for child in children:
        child.start()
    try:
        _wait_ready(children)
    except ChildFailed:
        for child in children:
            child.kill()
        raise


def _wait_ready(children: Sequence[Child]) -> None:
    deadline = time.monotonic() + START_S_MAX
    with selectors.DefaultSelector() as selector:
        for child in children:
            selector.register(child.output(), selectors.EVENT_READ, child)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                waiting = ", ".join(key.data.name for key in selector.get_map().values())
                raise ChildFailed(f"not serving after {START_S_MAX:.0f} s: {waiting}")
            for key, _ in ready:
                if READY.encode() not in os.read(key.fd, 1024):
                    raise ChildFailed(key.data.failure())
                selector.unregister(key.fd)
