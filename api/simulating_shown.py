"""Progress of a simulation at a terminal: a bar with the estimated end; a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from api.progress_lines import ProgressLines
from api.simulating import Show


@contextmanager
def shown(stream: TextIO) -> Iterator[Show]:
    """What shows the progress on this stream."""
    console = Console(file=stream)
    if not console.is_terminal:
        lines = ProgressLines(stream)
        yield lambda label, n, of, share: lines.tell(f"{label}: run {n + 1} of {of}, {share:.0%} of it")
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        known: dict[str, TaskID] = {}

        def show(label: str, n: int, of: int, share: float) -> None:
            if label not in known:
                known[label] = bars.add_task(label, total=of)
            bars.update(known[label], completed=n + share, total=of)

        yield show
