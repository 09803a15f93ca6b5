"""Small rooms: no module and no function grows beyond what a reader holds in the head.

Lines are counted as they stand, comments and docstrings included: a long explanation is a hint too. The median says
whether the rooms are small in general; the limits say which one is not.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from statistics import median

MODULE_LINES_MAX = 500  # beyond it, nobody reads a file from top to bottom
FUNCTION_LINES_MAX = 70  # one screen
MIGRATIONS = "versions"  # a revision is one list of tables from top to bottom, and is never read for its structure
MEDIAN_LINES_WISHED = 150  # printed beside the figure; no gate, for one good split moves it little


def overgrown_functions(source: str) -> list[tuple[str, int, int]]:
    """Name, first line and length of each function that is too long, methods and nested functions included.

    >>> overgrown_functions("def short():\\n    return 1\\n")
    []
    >>> overgrown_functions("def long():\\n" + "    x = 1\\n" * 70)
    [('long', 1, 71)]
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                found.append((node.name, node.lineno, length))
    return sorted(found, key=lambda function: function[1])


def complaints(path: Path, source: str) -> list[str]:
    """What is too large in one module, as lines that an editor can jump to."""
    lines = source.count("\n")
    told = [f"{path}:1: {lines} lines, at most {MODULE_LINES_MAX}"] if lines > MODULE_LINES_MAX else []
    told += [
        f"{path}:{line}: {name} has {length} lines, at most {FUNCTION_LINES_MAX}"
        for name, line, length in overgrown_functions(source)
    ]
    return told


def main(folders: list[str]) -> int:
    """Look through the folders; 1 if anything is too large."""
    sources = {
        path: path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted(Path(folder).rglob("*.py"))
        if path.parent.name != MIGRATIONS
    }
    if not sources:
        print("size: no modules found in", *folders)
        return 1
    told = [line for path, source in sources.items() for line in complaints(path, source)]
    for line in told:
        print(line)
    middle = median(source.count("\n") for source in sources.values() if source.count("\n") > 10)
    print(f"size: {len(sources)} modules, median {middle:.0f} lines (wished: at most {MEDIAN_LINES_WISHED})")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
