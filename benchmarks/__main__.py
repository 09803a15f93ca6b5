"""`python -m benchmarks [--only NAME]`: run the races, keep their rows, print the table.

Each module `bench_<name>` beside this file has `races()`, which returns its rows. Rows of races that are not run now
are kept, so that one race can be run again by itself.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from benchmarks import results

HERE = Path(__file__).parent


def names() -> list[str]:
    """The races that stand here."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 if every race that was run kept within its budget."""
    known = names()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Race against named peers.")
    parser.add_argument("--only", choices=known, action="append", help="one race (may be repeated); default: all")
    chosen = parser.parse_args(arguments).only or known
    store = HERE / "results.json"
    kept = results.read(store)
    run: list[results.Row] = []
    for name in chosen:
        say(f"{name} ...")
        started = time.perf_counter()
        rows = [results.row(one, bench=name) for one in importlib.import_module(f"benchmarks.bench_{name}").races()]
        kept = [row for row in kept if row.bench != name] + rows
        run += rows
        for row in rows:
            say(f"  {results.in_words(row)}")
        say(f"{name} took {time.perf_counter() - started:.0f} s")
        results.write(store, kept)
        (HERE / "RESULTS.md").write_text(results.table(kept), encoding="utf-8")
    missed = [row.name for row in run if not row.ok]
    if missed:
        say(f"beyond budget: {'; '.join(missed)}")
    return 1 if missed else 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
