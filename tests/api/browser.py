"""A real browser: Chromium without a window, told what to do over its DevTools protocol."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

DEADLINE_S = 60  # a browser's first start on a busy machine


class Tab:
    """One page of the browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.errors: list[str] = []
        self._call("Runtime.enable")

    def open(self, address: str) -> None:
        self._call("Page.navigate", url=address)

    def ask(self, script: str) -> Any:
        """The value of an expression on the page."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    def until(self, script: str, wanted: object = True) -> None:
        """Wait until an expression has this value."""
        deadline = time.monotonic() + DEADLINE_S
        while (found := self.ask(script)) != wanted:
            assert time.monotonic() < deadline, f"{script} is {found!r}, wanted {wanted!r}; errors: {self.errors}"
            time.sleep(0.05)

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._connection.recv(timeout=DEADLINE_S))
            if told.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(told["params"]["exceptionDetails"]))
            if told.get("id") == number:
                result: dict[str, Any] = told["result"]
                return result


def chromium() -> list[str]:
    """How Chromium is started without a window; only outside CI may it be missing."""
    program = shutil.which("chromium")
    if program is None and "CI" not in os.environ:
        pytest.skip("no chromium here")
    assert program is not None
    return [program, "--headless", "--no-sandbox", "--disable-gpu"]


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Tab]:
    """A browser of our own with one page."""
    process = subprocess.Popen(
        [*chromium(), "--lang=en", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with connect(_page_address(folder / "DevToolsActivePort"), proxy=None) as connection:
            yield Tab(connection)
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def _page_address(port_file: Path) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        assert time.monotonic() < deadline, "the browser did not start"
        with contextlib.suppress(OSError, IndexError, httpx.HTTPError, StopIteration):
            port = int(port_file.read_text().split()[0])
            tabs = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
            return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
        time.sleep(0.05)
