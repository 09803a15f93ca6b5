"""On which line of a TOML file a key stands, for whoever must correct it.

Rule: a help for people, by the shape of lines alone; a key that is not found gets the line of the nearest above it in
the tree, and what is no file gets none.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ENTRY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=\s*(.*)$""")
_SYNTAX = re.compile(r"at line (\d+)")


def where(file: str, key: str, reason: str = "") -> str:
    """`file:line` of this key (dotted, an array's element by its name or number), or just `file`."""
    syntax = _SYNTAX.search(reason)
    if syntax:
        return f"{file}:{syntax[1]}"
    try:
        lines = _lines(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError):
        return file
    parts = key.split(".")
    for count in range(len(parts), 0, -1):
        line = lines.get(".".join(parts[:count]))
        if line is not None:
            return f"{file}:{line}"
    return file


def _lines(text: str) -> dict[str, int]:
    """Dotted key → the line on which it first stands."""
    rows = text.splitlines()
    headers = [(n, match[1], match[2]) for n, row in enumerate(rows) if (match := _HEADER.match(row))]
    headers.append((len(rows), "", ""))
    known: dict[str, int] = {}
    _note(known, [""], rows, 0, headers[0][0])
    element: dict[str, list[str]] = {}  # the array's last element, by the names that it goes by
    counts: dict[str, int] = {}
    for (line, brackets, name), (end, *_) in pairwise(headers):
        table = ".".join(_bare(part) for part in name.split("."))
        parent, dot, last = table.rpartition(".")
        above = element.get(parent, [parent]) if dot else [""]
        prefixes = [f"{a}.{last}" if a else last for a in above]
        if brackets == "[[":
            counts[table] = counts.get(table, 0) + 1
            said = [m[2] for row in rows[line + 1 : end] if (m := _ENTRY.match(row)) and m[1] == "name"]
            names = [f" {counts[table]}", *(f".{_bare(value.split('#')[0])}" for value in said)]
            prefixes = [f"{prefix}{name}" for prefix in prefixes for name in names]
            element[table] = prefixes
            for inner in [other for other in counts if other.startswith(f"{table}.")]:
                counts[inner] = 0
        for prefix in prefixes:
            known.setdefault(prefix, line + 1)
        _note(known, [f"{prefix}." for prefix in prefixes], rows, line + 1, end)
    return known


def _note(known: dict[str, int], prefixes: list[str], rows: list[str], start: int, end: int) -> None:
    for n in range(start, end):
        match = _ENTRY.match(rows[n])
        if match:
            key = ".".join(_bare(part) for part in re.findall(r""""[^"]*"|'[^']*'|[\w-]+""", match[1]))
            for prefix in prefixes:
                known.setdefault(f"{prefix}{key}", n + 1)


def _bare(text: str) -> str:
    return text.strip().strip("\"'")
