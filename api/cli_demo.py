"""`wcs demo` at the terminal: the address, a progress line, the closing document, the exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping
from types import FrameType

import msgspec
from rich.console import Console
from rich.status import Status

from api.demo import CannotStart, Demo, DemoOptions, WrongFolder
from api.demo_figures import OrderCounts
from api.demo_goods import GoodsRefused
from api.exit_codes import NOT_WELL, REFUSED, STOPPED
from api.orders_file import OrdersFileError
from devices.virtual_plc.child import ChildFailed
from devices.virtual_plc.files import FolderBusy
from wcs.plant.file import PlantFileError

PROGRESS_INTERVAL_S = 30.0  # where no terminal shows a line that changes: often enough to see that it lives
# What a start or a run can meet that is nobody's bug: said in a line, without a traceback.
REFUSALS = (WrongFolder, CannotStart, OrdersFileError, GoodsRefused, FolderBusy, ChildFailed, PlantFileError, OSError)


def run_demo(options: DemoOptions, say: Callable[[str], None], *, browser: bool, as_json: bool) -> int:
    """Run a demo to its end, and give its exit code.

    With `exit` 0 only if every order ended well and the audit holds, STOPPED if it was interrupted before; without it
    Ctrl-C is how a demo ends, and 0. NOT_WELL if what was audited does not hold.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    began = time.monotonic()
    stops = _Stops()
    try:
        demo = Demo(options, say)
    except REFUSALS as refusal:
        say(f"wcs demo: {refusal}")
        return REFUSED
    with demo:
        stops.tell(demo)
        say(f"ready after {time.monotonic() - began:.1f} s; sign in once with {demo.ready.link}")
        if browser and has_screen(sys.platform, os.environ):
            webbrowser.open(demo.ready.link)
        try:
            with Console(stderr=True).status("filling the racks") as line:
                demo.run(_shown(line, say))
            return _close(demo, say, as_json=as_json)
        except REFUSALS as refusal:
            say(f"wcs demo: {refusal}")
            return REFUSED


def _close(demo: Demo, say: Callable[[str], None], *, as_json: bool) -> int:
    settled = not demo.stopping.is_set() and demo.settle()
    interrupted = demo.stopping.is_set()
    ended = STOPPED if demo.options.exit else 0
    if interrupted:
        say(f"stopping; the next run with --data {demo.options.data} goes on from here")
    elif not settled:
        say("not everything that was under way has arrived: the audit may say so")
    if interrupted and not as_json:
        return ended
    report = demo.prove()
    for name, why in report.skipped.items():
        say(f"audit: {name}: skipped: {why}")
    for name, check in report.checks.items():
        if not check.ok:
            say(f"audit: {name}: {check.detail}")
    counts = demo.books.orders()
    say(f"{counts.placed} orders placed, {counts.shipped} shipped, {counts.backordered} backordered")
    if as_json:
        sys.stdout.write(msgspec.json.encode(demo.document(report)).decode() + "\n")
        sys.stdout.flush()
    if not report.ok:
        return NOT_WELL
    if interrupted:
        return ended
    return 0 if counts.placed == counts.ended else NOT_WELL


def has_screen(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a browser would open in a window: one in the terminal would take the terminal, and use the link up."""
    return platform != "linux" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _shown(line: Status, say: Callable[[str], None]) -> Callable[[OrderCounts], None]:
    """What shows the progress: a line that changes at a terminal, a new line now and then in a log."""
    said_s = time.monotonic()

    def show(counts: OrderCounts) -> None:
        nonlocal said_s
        line.update(_progress(counts))
        if not line.console.is_terminal and time.monotonic() > said_s + PROGRESS_INTERVAL_S:
            said_s = time.monotonic()
            say(_progress(counts))

    return show


def _progress(counts: OrderCounts) -> str:
    under_way = counts.placed - counts.ended
    return f"orders: {counts.placed} placed, {under_way} open, {counts.shipped} shipped, {counts.backordered} short"


class _Stops:
    """Ctrl-C and SIGTERM: the first stops cleanly, and so does every further one."""

    def __init__(self) -> None:
        self._demo: Demo | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def tell(self, demo: Demo) -> None:
        self._demo = demo

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._demo is None:
            raise KeyboardInterrupt
        self._demo.stopping.set()
