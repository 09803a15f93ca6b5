"""Published plans of the League of Robot Runners: a grid, agents that turn and go forward, errands, and their paths."""

from __future__ import annotations

import json
import os
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from wcs.plant.model import Record

DATA = Path(os.environ.get("WCS_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
TURNS = {"C": -1, "R": 1, "F": 0, "W": 0}
STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # east, south, west, north, as (row, column)
LOCAL_HEADER = struct.Struct("<26xHH")
Cell = tuple[int, int]


class Plan(Record):
    """Where each agent is at each step (from step 0), and the cells of the errands, dealt out like cards."""

    cells: frozenset[Cell]
    paths: tuple[tuple[Cell, ...], ...]
    errands: tuple[Cell, ...]


def load_plan(name: str) -> Plan:
    """One instance with its best known solution; the test is skipped where the data is absent."""
    folder = DATA / "lorr" / name
    if not folder.is_dir():
        pytest.skip(f"the plans of the Robot Runners are not in {DATA.name} (WCS_DATA says where they are)")
    rows = next((folder / "maps").iterdir()).read_text().split("map\n")[1].split()
    cells = frozenset((r, c) for r, row in enumerate(rows) for c, mark in enumerate(row) if mark == ".")
    _, *errands = next((folder / "tasks").iterdir()).read_text().split()
    text = _unzipped((folder / "best_solution.json.zip").read_bytes())
    starts, paths = _member(text, "start"), _member(text, "actualPaths")
    return Plan(
        cells=cells,
        paths=tuple(
            _walk((row, column), "ESWN".index(way), path)
            for (row, column, way), path in zip(starts, paths, strict=True)
        ),
        errands=tuple(divmod(int(place), len(rows[0])) for place in errands),
    )  # fmt: skip


def _unzipped(archive: bytes) -> str:
    """The archive's one file; as much of it as there is, for one of the published archives lacks its end."""
    name, extra = LOCAL_HEADER.unpack_from(archive)
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(archive[LOCAL_HEADER.size + name + extra :]).decode()


def _member(text: str, key: str) -> list[Any]:
    """One member of the JSON object, without need for its end."""
    found = re.search(rf'"{key}"\s*:\s*', text)
    assert found is not None, f"no {key} in the solution"
    value: list[Any] = json.JSONDecoder().raw_decode(text, found.end())[0]
    return value


def _walk(cell: Cell, way: int, path: str) -> tuple[Cell, ...]:
    cells = [cell]
    for act in path.split(","):
        way = (way + TURNS[act]) % 4
        if act == "F":
            cell = (cell[0] + STEPS[way][0], cell[1] + STEPS[way][1])
        cells.append(cell)
    return tuple(cells)
