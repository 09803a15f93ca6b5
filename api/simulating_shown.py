"""Progress of a simulation at a terminal: a bar with the estimated end; silent where nobody looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from api.simulating import Show


@contextmanager
def shown(stream: TextIO) -> Iterator[Show]:
    """What shows the progress, on this stream if it is a terminal."""
    console = Console(file=stream)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        known: dict[str, TaskID] = {}

        def show(label: str, n: int, of: int, share: float) -> None:
            if label not in known:
                known[label] = bars.add_task(label, total=of)
            bars.update(known[label], completed=n + share, total=of)

        yield show
