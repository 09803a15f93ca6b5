"""The rows of `results.json` and the table that is made of them."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import msgspec

from wcs.plant.model import Record


class Row(Record):
    """One race: what was measured, what is allowed, and what a named peer needed in the same run."""

    name: str
    value: float
    unit: str
    budget: float | None
    better: str
    peer: str
    peer_value: float | None
    ratio: float | None
    ok: bool

    @property
    def bench(self) -> str:
        """The module that ran it: the first word of the name."""
        return self.name.split(":", 1)[0]


def row(race: dict[str, object], *, bench: str) -> Row:
    """A race's own row; its name begins with the module that ran it."""
    return msgspec.convert({**race, "name": f"{bench}: {race['name']}"}, Row)


def read(path: Path) -> list[Row]:
    """Rows of earlier runs; none if there was no run."""
    return msgspec.json.decode(path.read_bytes(), type=list[Row]) if path.exists() else []


def write(path: Path, rows: list[Row]) -> None:
    ordered = sorted(rows, key=lambda r: r.bench)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n")


def in_words(row: Row) -> str:
    """One line for people who watch."""
    peer = f"; {row.peer}: {_number(row.peer_value)} ({_number(row.ratio)}x)" if row.peer else ""
    budget = "" if row.budget is None else f" (budget {_number(row.budget)})"
    return f"{'ok  ' if row.ok else 'MISS'} {row.name}: {_number(row.value)} {row.unit}{budget}{peer}"


def table(rows: list[Row]) -> str:
    """`RESULTS.md`."""
    lines = [
        "# Races against peers",
        "",
        f"Made by `make bench` on {machine()}.",
        "The budget is what the issue allows; the ratio says how many times better than the peer, in the same run.",
        "",
        "| race | value | budget | peer | peer's value | ratio | within budget |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in sorted(rows, key=lambda r: r.bench):
        sign = "≤" if one.better == "lower" else "≥"
        budget = "" if one.budget is None else f"{sign} {_number(one.budget)} {one.unit}"
        lines.append(
            f"| {one.name} | {_number(one.value)} {one.unit} | {budget} | {one.peer} | {_number(one.peer_value)} "
            f"| {_number(one.ratio)} | {'yes' if one.ok else '**no**'} |"
        )
    return "\n".join(lines) + "\n"


def machine() -> str:
    """What the figures were taken on: what matters for them, nothing that says where."""
    return f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), Python {platform.python_version()}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
