"""Ways to break a plant file in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tables = dict[str, Any]
Break = Callable[[Tables], None]


def at(tables: Any, *path: str) -> Any:
    """The table on this path: by key, or by name within an array of tables."""
    for part in path:
        tables = next(t for t in tables if t["name"] == part) if isinstance(tables, list) else tables[part]
    return tables


def change(*path: str, to: object) -> Break:
    """Set the key at the end of the path."""

    def broken(tables: Tables) -> None:
        at(tables, *path[:-1])[path[-1]] = to

    return broken


def drop(*path: str) -> Break:
    """Take the named table, or the value, at the end of the path out of its array."""

    def broken(tables: Tables) -> None:
        array = at(tables, *path[:-1])
        array[:] = [t for t in array if t != path[-1] and (not isinstance(t, dict) or t.get("name") != path[-1])]

    return broken


def add(*path: str, **table: object) -> Break:
    """Append a table to the array at the end of the path."""

    def broken(tables: Tables) -> None:
        at(tables, *path).append(table)

    return broken


def put(*path: str, value: object) -> Break:
    """Append a plain value to the array at the end of the path."""

    def broken(tables: Tables) -> None:
        at(tables, *path).append(value)

    return broken


def both(*breaks: Break) -> Break:
    def broken(tables: Tables) -> None:
        for one in breaks:
            one(tables)

    return broken


def segment(name: str, origin: str, end: str) -> Break:
    return add(
        "conveyors", "CV", "segments", name=name, origin=origin, end=end, length_mm=1000, speed_mm_s=500, capacity=2
    )


def transfer_point(name: str, device: str, index: int) -> Break:
    return add("conveyors", "CV", "transfer_points", name=name, device=device, index=index)


def remove_edge(origin: str, end: str) -> Break:
    def broken(tables: Tables) -> None:
        edges = tables["track"]["edges"]
        edges[:] = [e for e in edges if (e["origin"], e["end"]) != (origin, end)]

    return broken


def many_cranes(tables: Tables) -> None:
    """256 aisles with a crane each on one Modbus PLC."""
    for n in range(3, 257):
        aisle, crane = dict(at(tables, "aisles", "A2")), dict(at(tables, "cranes", "CR2"))
        tables["aisles"].append(aisle | {"name": f"A{n}", "number": n})
        tables["cranes"].append(crane | {"name": f"CR{n}", "aisle": f"A{n}"})
        at(tables, "plcs", "PLC2")["devices"].append(f"CR{n}")


CV = ("conveyors", "CV")
POINTS = (*CV, "points")
NEW_STOP = {"level": 2, "transfer_point": "A1.IN"}
